from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_map

from .. import _ext
from .arguments import Filter, as_array, check_separate, is_sequence, name_of
from .given import Slot, check, ignores_its_rate
from .groups import Groups
from .hyperparameters import Hyperparameters, in_force, rate_of
from .masters import MOVED, all_joined, cast, update
from .report import group_lines
from .state import check_one_step, every_single, last_update, read_state, read_step, regrouped, replace, set_step
from .trees import in_rows, join, split

Scheduled: TypeAlias = Callable[[mx.array], mx.array] | list[Any] | tuple[Any, ...]


class MultiOptimizer(Groups):
    """``mlx.optimizers.MultiOptimizer`` whose hyperparameters follow schedules, all of them from one op per update.

    A weight belongs to the first optimizer whose filter accepts it, or to the last one if none does. In update s (0 is
    the first) optimizer i uses the rate ``learning_rate(s)[i]`` instead of the one it was made with, and every other
    keyword works likewise. Without any it behaves like MLX's own, except that weights always keep their dtypes.

    Args:
        optimizers: n optimizers of MLX, of any kind; one is enough. (An ``Adafactor`` uses its rate only if it was made
            with ``relative_step=False``.)
        filters: n - 1 functions of a weight's path and the weight that return whether it belongs to their group.
        learning_rate: A schedule with groups of shape (n,), made with lists or by :func:`stack`; or a list of n
            schedules, numbers and ``None``, which leaves an optimizer's own; or any function of the step that gives n
            values. For a single optimizer, also a schedule without groups. It takes precedence over the rate in a state
            that is restored.
        names: n names for the groups, for reports. Default: ``"0"``, ``"1"``, ...
        master_weights: Whether float16 and bfloat16 weights train with the bits of float32 training: moments and
            arithmetic are in float32, and each weight is its float32 master, rounded to the nearest. The state has an
            entry ``"master"`` for each, which holds the 16 bits that a bfloat16 weight lacks, or a float16 weight's
            master.
        track_moved: Whether :attr:`moved` counts the weights that an update changes.
        **hyperparameters: Attributes of the optimizers by name (``weight_decay``, ``momentum``, ...), given in the same
            ways. In a list, a tuple stands for an attribute that is a list: ``betas=[(0.9, schedule), None]``.

    One op evaluates the schedules of this package (one for each dtype of their results). Attributes have their values
    during an update only, also inside ``mx.compile``, where setting them has no effect. They behave like Python numbers
    in arithmetic, so weights and moments keep their dtypes. ``1 - beta`` of a scheduled beta has float32's full
    precision if the schedule is made of Python numbers and is constant, linear, cosine or polynomial. Otherwise it is
    computed from beta in float32, which loses digits as beta nears 1.

    The state has MLX's layout: ``state["states"][i]`` belongs to optimizer i and holds its ``step`` and its
    ``learning_rate``, a scalar. All optimizers count every update, even if their weights get no gradient in it. The
    schedules are not part of the state.

    Raises:
        TypeError: An argument has the wrong type, or a keyword is not the name of a number that an optimizer has.
        ValueError: A schedule's shape is not (n,), an optimizer has its own schedule, is given twice or ignores its
            rate, or there are not n values, n names or n - 1 filters.

    Example:
        >>> import mlx.nn as nn
        >>> import mlx.optimizers as optim
        >>> import mlx_schedules as ms
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> optimizer = ms.MultiOptimizer(
        ...     [optim.AdamW(0.0), optim.SGD(0.0, momentum=0.9)],
        ...     [lambda path, weight: path.startswith("layers.0")],
        ...     learning_rate=ms.cosine_decay([1e-4, 1e-2], [500, 1000]),
        ...     weight_decay=[ms.cosine_decay(0.1, 500), None],
        ... )
        >>> optimizer.update(model, model.trainable_parameters())
        >>> optimizer.learning_rates
        array([0.0001, 0.01], dtype=float32)
        >>> optimizer.learning_rate  # the first group's, as in MLX
        array(0.0001, dtype=float32)
    """

    def __init__(
        self,
        optimizers: Sequence[optim.Optimizer],
        filters: Sequence[Filter] = (),
        learning_rate: Scheduled | None = None,
        *,
        names: Sequence[str] | None = None,
        master_weights: bool = False,
        track_moved: bool = False,
        **hyperparameters: Scheduled,
    ) -> None:
        super().__init__(optimizers, filters, names, master_weights, track_moved)
        self._hyperparameters = Hyperparameters(self.optimizers)
        if learning_rate is not None:
            hyperparameters = {"learning_rate": learning_rate, **hyperparameters}
        if hyperparameters:
            self.set(**hyperparameters)

    def __setattr__(self, name: str, value: Any) -> None:
        made = "_hyperparameters" in vars(self)
        if made and name not in vars(self) and any(name in vars(one) for one in self.optimizers):
            raise AttributeError(
                f"[MultiOptimizer] {name} is each optimizer's own: write optimizer.set({name}=[...]), with an entry "
                "for each of them."
            )
        super().__setattr__(name, value)

    def set(self, **hyperparameters: Scheduled) -> None:
        """Change the schedules of hyperparameters, also during a run. They are given as to the class itself.

        In a list, ``None`` leaves an optimizer's own value or schedule, and a number ends its schedule.

        Updates that are not compiled use the new schedules at once. A compiled step keeps the schedules that it was
        compiled with: call ``mx.compile`` on its function again.
        """
        check_separate(self.optimizers)
        changed = self._hyperparameters.set(hyperparameters)
        self._hyperparameters.put_rates(self.step, changed)

    def hold(self, *names: str) -> None:
        """End the schedules of hyperparameters. Each keeps its value in the last update.

        To end the schedule of one group only, pass a number for it to :meth:`set`. As there, a compiled step keeps its
        schedules.

        Raises:
            ValueError: No hyperparameter of this name follows a schedule.

        Example:
            >>> import mlx.optimizers as optim
            >>> import mlx_schedules as ms
            >>> optimizer = ms.MultiOptimizer([optim.AdamW(0.0)], learning_rate=ms.linear_schedule(1.0, 0.0, 4))
            >>> optimizer.update({}, {})
            >>> optimizer.update({}, {})
            >>> optimizer.hold("learning_rate")
            >>> optimizer.update({}, {})
            >>> optimizer.learning_rate
            array(0.75, dtype=float32)
        """
        self._hyperparameters.hold(names, self._last)

    def apply_gradients(self, gradients: dict[str, Any], parameters: Any) -> Any:
        """Return the updated parameters, in their own dtypes and in a tree like ``gradients``."""
        if self._hyperparameters.driven:
            check_one_step([optimizer.state for optimizer in self.optimizers])
        values = self._hyperparameters(self.step)
        owners = self._owners(gradients, parameters)
        parts = split(in_rows(gradients), owners)
        self._check_filters(parts, parameters)
        updated = self._updated(parts, self._weights(gradients, parameters, owners), parameters, values)
        if self._hyperparameters.driven:
            step = self.step
            for optimizer in self.optimizers:
                optimizer.state["step"] = step
        return tree_map(cast, join(updated, owners), parameters)

    def _weights(self, gradients: Any, parameters: Any, owners: Any) -> dict[int, Any] | None:
        """Return each optimizer's weights in trees like its gradients, or None if they aren't needed separately."""
        if not (self.master_weights or self.track_moved):
            return None
        return split(tree_map(lambda _, weight: weight, gradients, parameters), owners)

    def _updated(
        self, parts: dict[int, Any], weights: dict[int, Any] | None, parameters: Any, values: list[dict[Any, mx.array]]
    ) -> list[Any]:
        self._fill(weights if weights and self.master_weights else parts)
        updated = []
        for i, optimizer in enumerate(self.optimizers):
            part = parts.get(i, {})
            with in_force(optimizer, values[i]):
                if weights is None:
                    updated.append(optimizer.apply_gradients(part, parameters))
                else:
                    updated.append(update(optimizer, part, weights.get(i, {}), self.master_weights, self.track_moved))
        return updated

    @property
    def step(self) -> mx.array:
        """The number of updates so far, a uint64 scalar."""
        step: mx.array = next(every_single(self.optimizers)).step
        return step

    @step.setter
    def step(self, step: int | mx.array) -> None:
        """Set the count of all groups."""
        count = read_step(step, "step")
        for optimizer in self.optimizers:
            set_step(optimizer, count)
        self._hyperparameters.put_rates(self._last)

    @property
    def _last(self) -> mx.array:
        """The number of the last update, or of the first if there was none."""
        return last_update(self.step)

    @property
    def learning_rate(self) -> mx.array:
        """The first group's rate in the last update, a scalar, as in MLX: trainers call ``.item()`` on it."""
        first: mx.array = self.optimizers[0].learning_rate
        return first

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array | Scheduled) -> None:
        """Set a schedule, or a list with schedules or ``None``, as :meth:`set` does; or a number for all groups, or one
        for each. As in MLX, a number lasts until the next update if there is a schedule. An ``Adafactor`` that computes
        its own rate keeps it, and is an error in a list."""
        given: Any = learning_rate
        if callable(given) or (is_sequence(given) and any(callable(one) or one is None for one in given)):
            return self.set(learning_rate=given)
        rates, n = as_array(learning_rate, "learning_rate"), len(self.optimizers)
        if rates.shape not in ((), (n,)):
            raise ValueError(f"[MultiOptimizer] learning_rate must have the shape () or ({n},), got {rates.shape}.")
        for i, optimizer in enumerate(self.optimizers if rates.ndim else []):
            check(Slot(i, "learning_rate"), optimizer, driven=False)
        for i, rate in enumerate(_ext.unstack(mx.broadcast_to(rates, (n,)))):
            if isinstance(self.optimizers[i], optim.MultiOptimizer):
                self.optimizers[i].learning_rate = rate
            elif not ignores_its_rate(self.optimizers[i]):
                self._hyperparameters.replace_rate(i, rate)

    @property
    def learning_rates(self) -> mx.array:
        """Every group's rate in the last update, or for the first one if there was none, of shape (n,). NaN for an
        optimizer that has no rate. A group that has been given another schedule since shows the rate of its next
        update."""
        return mx.stack([rate_of(optimizer) for optimizer in self.optimizers])

    @property
    def hyperparameters(self) -> dict[str, dict[str, Any]]:
        """The values in the last update by the groups' names: the rates, and all that were given by keywords.

        If schedules have been changed since, the new ones are shown: a rate at the next update, any other number at
        the last one.

        Example:
            >>> import mlx.optimizers as optim
            >>> import mlx_schedules as ms
            >>> from mlx.utils import tree_flatten
            >>> optimizer = ms.MultiOptimizer(
            ...     [optim.AdamW(1e-3), optim.AdamW(3e-4)],
            ...     [lambda path, weight: weight.ndim == 2],
            ...     weight_decay=ms.cosine_decay([0.1, 0.01], 1000),
            ...     names=["matrices", "rest"],
            ... )
            >>> {name: value.item() for name, value in tree_flatten(optimizer.hyperparameters["rest"])}
            {'learning_rate': 0.0003000000142492354, 'weight_decay': 0.009999999776482582}
        """
        return dict(zip(self.names, self._hyperparameters.reported(self._last), strict=True))

    @property
    def moved(self) -> dict[str, mx.array]:
        """The share of weights that the last update changed, from 0 to 1, by the groups' names. With masters it is the
        share of masters. It needs ``track_moved=True``, and is part of the state.

        A low share means that the rate is too small for the weights' dtype. A bfloat16 weight changes by 2^-8 of itself
        or not at all, so the share falls long before the schedule ends.

        Example:
            >>> import mlx.core as mx
            >>> import mlx.optimizers as optim
            >>> import mlx_schedules as ms
            >>> weights = {"w": mx.array([1.0, 0.01], mx.bfloat16)}
            >>> for master_weights in (False, True):
            ...     optimizer = ms.MultiOptimizer([optim.SGD(1e-3)], track_moved=True, master_weights=master_weights)
            ...     _ = optimizer.apply_gradients({"w": mx.ones(2)}, weights)
            ...     print(optimizer.moved)
            {'0': array(0.5, dtype=float32)}
            {'0': array(1, dtype=float32)}
        """
        if not self.track_moved:
            raise AttributeError("[MultiOptimizer] moved is counted if the optimizer is made with track_moved=True.")
        return {name: one.state[MOVED] for name, one in zip(self.names, self.optimizers, strict=True)}

    def masters(self, parameters: Any) -> Any:
        """Return the weights in float32, with the masters of half-precision weights, to save, evaluate or train on.

        Args:
            parameters: An ``mlx.nn.Module`` or a tree of weights.

        Example:
            >>> import mlx.core as mx
            >>> import mlx.optimizers as optim
            >>> import mlx_schedules as ms
            >>> optimizer = ms.MultiOptimizer([optim.SGD(1e-3)], master_weights=True)
            >>> weights = {"w": mx.array([1.0], mx.bfloat16)}
            >>> weights = optimizer.apply_gradients({"w": mx.ones(1)}, weights)
            >>> weights["w"], optimizer.masters(weights)["w"]
            (array([1], dtype=bfloat16), array([0.999], dtype=float32))
        """
        weights = parameters.parameters() if hasattr(parameters, "parameters") else parameters
        owners = self._owners(weights)
        parts = split(weights, owners)

        def masters_of(optimizer: optim.Optimizer, part: Any) -> Any:
            if isinstance(optimizer, MultiOptimizer):
                return optimizer.masters(part)
            return all_joined(part, [one.state for one in every_single([optimizer])])

        return join([masters_of(one, parts.get(i, {})) for i, one in enumerate(self.optimizers)], owners)

    def __repr__(self) -> str:
        filters = [f"where {name_of(one)}" for one in self.filters[:-1]] + ["all others"]
        groups = enumerate(zip(self.optimizers, self.names, filters, strict=True))
        lines = [line for i, group in groups for line in group_lines(i, *group, self._hyperparameters.given)]
        return "\n".join(["MultiOptimizer(", *lines, ")"])

    @property
    def state(self) -> dict[str, Any]:
        """The states of all optimizers: ``{"states": [...]}``."""
        return {"states": [optimizer.state for optimizer in self.optimizers]}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Replace the states of all optimizers, or raise an error and leave them as they were."""
        own = self.state["states"]
        self._replace(read_state(state, own, self._hyperparameters.driven, self.master_weights))

    def restore(self, state: dict[str, Any], names: Sequence[str]) -> None:
        """Restore a state that was saved with other groups. Groups are matched by name.

        Groups that are not in ``names`` start anew, at the step of the others. Saved states of groups that don't exist
        any more are dropped. After :meth:`init`, each group takes only the entries of its own weights.

        Args:
            state: The saved state, in which ``state["states"]`` has one entry for each of ``names``.
            names: The names of the groups when the state was saved, in their order.

        Raises:
            ValueError: ``state`` doesn't have as many states as there are ``names``, none of the names exists here, or
                an entry has another shape.
            TypeError: An optimizer is itself a MultiOptimizer.

        Example:
            >>> import mlx.core as mx
            >>> import mlx.optimizers as optim
            >>> import mlx_schedules as ms
            >>> old = ms.MultiOptimizer([optim.AdamW(1e-3)], names=["rest"])
            >>> weights = {"a": mx.ones(2), "b": mx.ones(2)}
            >>> weights = old.apply_gradients(weights, weights)
            >>> new = ms.MultiOptimizer(
            ...     [optim.SGD(1e-3), optim.AdamW(1e-3)], [lambda path, weight: path == "a"], names=["first", "rest"]
            ... )
            >>> new.init(weights)
            >>> new.restore(old.state, names=old.names)
            >>> new.optimizers[1].state["b"]["m"], new.step
            (array([0.1, 0.1], dtype=float32), array(1, dtype=uint64))
        """
        check_separate(self.optimizers)
        own = self.state["states"]
        self._replace(read_state({"states": regrouped(state, names, own, self.names)}, own, True, self.master_weights))
        for name, optimizer in zip(self.names, self.optimizers, strict=True):
            if name not in names:
                set_step(optimizer, self.step)

    def _replace(self, states: list[dict[str, Any]]) -> None:
        for optimizer, its in zip(self.optimizers, states, strict=True):
            replace(optimizer, its)
        self._hyperparameters.put_rates(self._last)
