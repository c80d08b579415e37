from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_map

from .arguments import Filter, as_array, check_separate, is_sequence, name_of, rows
from .groups import Groups
from .hyperparameters import Hyperparameters, in_force, rate_of
from .masters import MOVED, all_joined, cast, update
from .report import group_lines
from .state import check_one_step, read_state, read_step, regrouped
from .trees import in_rows, join, split

Scheduled: TypeAlias = Callable[[mx.array], mx.array] | list[Any] | tuple[Any, ...]


class MultiOptimizer(Groups):
    r"""``mlx.optimizers.MultiOptimizer`` whose hyperparameters follow schedules, all of them from one op per update.

    A weight belongs to the first optimizer whose filter accepts it, to the last one if none does. At update s (0 for
    the first) optimizer i uses ``learning_rate(s)[i]``, whatever rate it was made with, and likewise for every other
    keyword. Without any it behaves as MLX's own, but that weights keep their dtypes whatever the gradients' are.

    Args:
        optimizers: n optimizers of MLX, of any kinds; one is enough. (An ``Adafactor`` uses its rate only if made with
            ``relative_step=False``, as ever.)
        filters: n - 1 functions of a weight's path and the weight, that return whether it belongs to this group.
        learning_rate: A schedule with groups of shape (n,), made with lists or by :func:`stack`;
            or a list of n schedules, numbers and ``None``, which leaves an optimizer's own; or any function of the step
            that gives n values. Of a single optimizer also one without groups. What is given here wins over the rate in
            a state that is restored.
        names: n names for the groups, for reports. Default: ``"0"``, ``"1"``, ...
        master_weights: Whether weights in float16 and bfloat16 train as float32 ones do, to the bit: moments and
            arithmetic are float32's, and each weight is its float32 master, rounded to the nearest. The state has an
            entry ``"master"`` for each: for bfloat16 the 16 bits that the weight lacks, for float16 the master.
        track_moved: Whether :attr:`moved` counts the weights that an update changes.
        **hyperparameters: Attributes of the optimizers by name (``weight_decay``, ``momentum``, ...), likewise. In a
            list, a tuple stands for an attribute that is a list: ``betas=[(0.9, schedule), None]``.

    The schedules of this package are evaluated by one op (by one for each dtype of their results). An attribute has its
    value during an update only, inside ``mx.compile`` too, where setting it from outside has no effect; it takes part
    in arithmetic as a Python number does, and weights and moments keep their dtypes. A scheduled beta keeps what it
    lacks to 1: ``1 - beta`` has float32's full precision where its schedule is made of Python numbers and is constant,
    linear, cosine or polynomial; else it is what float32's beta lacks, wrong by 1.7e-4 for 0.9999.

    The state has the layout of MLX's: ``state["states"][i]`` is that of optimizer i and holds its ``step`` and its
    ``learning_rate``, a scalar. All optimizers count every update, also those whose weights get no gradient in it. The
    schedules are not part of the state.

    Raises:
        TypeError: An argument is of another type, or a keyword names no number of an optimizer.
        ValueError: A schedule's shape is not (n,), an optimizer has a schedule of its own, is given twice or ignores
            its rate, or there are not n values, n names or n - 1 filters.

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
        """Let hyperparameters follow other schedules from now on, given as to the class itself; also in mid-run.

        In a list, ``None`` leaves what an optimizer has, its schedule too, and a number ends its schedule.

        Updates that are not compiled do so at once. A step that was compiled keeps the schedules that it was compiled
        with: compile it again (``mx.compile`` of the function, not another call of what it returned).
        """
        check_separate(self.optimizers)
        self._hyperparameters.set(hyperparameters)
        if "learning_rate" in hyperparameters:
            self._hyperparameters.put_rates(self.step)

    def hold(self, *names: str) -> None:
        """End the schedules of hyperparameters: each keeps the value that it had in the last update.

        A number in :meth:`set` ends the schedule of one group, and ``None`` leaves it. As there, a step that was
        compiled goes on as it was.

        Raises:
            ValueError: Nothing of this name follows a schedule.

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
        """The updated parameters, as a tree like ``gradients`` and in their own dtypes; all hyperparameters come from
        one op."""
        if self._hyperparameters.driven:
            check_one_step([optimizer.state for optimizer in self.optimizers])
        values = self._hyperparameters(self.step)
        owners = self._owners(gradients)
        parts = split(in_rows(gradients), owners)
        self._check_filters(parts, parameters)
        updated = self._updated(parts, self._weights(gradients, parameters, owners), parameters, values)
        if self._hyperparameters.driven:
            step = self.step
            for optimizer in self.optimizers:
                optimizer.state["step"] = step
        return tree_map(cast, join(updated, owners), parameters)

    def _weights(self, gradients: Any, parameters: Any, owners: Any) -> dict[int, Any] | None:
        """Each optimizer's weights, in trees like its gradients; None where it takes them from all by itself."""
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
                    options = self.master_weights, self.track_moved
                    updated.append(update(optimizer, part, weights.get(i, {}), *options))
        return updated

    @property
    def step(self) -> mx.array:
        """The number of updates so far, a uint64 scalar."""
        first = self.optimizers[0]
        step: mx.array = first.optimizers[0].step if isinstance(first, optim.MultiOptimizer) else first.step
        return step

    @step.setter
    def step(self, step: int | mx.array) -> None:
        """Count on from here, in all groups."""
        count = read_step(step, "step")
        for optimizer in self.optimizers:
            if isinstance(optimizer, optim.MultiOptimizer):
                for one in optimizer.optimizers:
                    one.state["step"] = count
            else:
                optimizer.state["step"] = count
        self._hyperparameters.put_rates(self._last)

    @property
    def _last(self) -> mx.array:
        """The number of the last update; of the first where there was none."""
        return mx.maximum(self.step, 1) - 1

    @property
    def learning_rate(self) -> mx.array:
        """The first group's rate in the last update, a scalar, as in MLX: trainers call ``.item()`` on it."""
        first: mx.array = self.optimizers[0].learning_rate
        return first

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array | Scheduled) -> None:
        """A schedule, or a list with one or with ``None``: as in :meth:`set`. A number for all, or n numbers: until the
        next update where a schedule is followed, as in MLX."""
        given: Any = learning_rate
        if callable(given) or (is_sequence(given) and any(callable(one) or one is None for one in given)):
            return self.set(learning_rate=given)
        rates, n = as_array(learning_rate, "learning_rate"), len(self.optimizers)
        if rates.shape not in ((), (n,)):
            raise ValueError(f"[MultiOptimizer] learning_rate must have the shape () or ({n},), got {rates.shape}.")
        for i, rate in enumerate(rows(mx.broadcast_to(rates, (n,)))):
            if isinstance(self.optimizers[i], optim.MultiOptimizer):
                self.optimizers[i].learning_rate = rate
            else:
                self._hyperparameters.replace_rate(i, rate)

    @property
    def learning_rates(self) -> mx.array:
        """Every group's rate in the last update (before the first: for the first), of shape (n,). NaN for an optimizer
        that has none."""
        return mx.stack([rate_of(optimizer) for optimizer in self.optimizers])

    @property
    def hyperparameters(self) -> dict[str, dict[str, Any]]:
        """The values in the last update by the groups' names: the rates, and all that was given by a keyword.

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
        """The share of weights that the last update changed, from 0 to 1, by the groups' names: of the masters where
        there are any. It needs ``track_moved=True``, and is part of the state.

        A rate that is too small for the weights' dtype shows here: in bfloat16, where a weight changes only by 2^-8 of
        it or more, the share falls long before the schedule ends.

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
            raise AttributeError("[MultiOptimizer] moved is counted where the optimizer is made with track_moved=True.")
        return {name: one.state[MOVED] for name, one in zip(self.names, self.optimizers, strict=True)}

    def masters(self, parameters: Any) -> Any:
        """The weights in float32, each half-precision one as its master: to save, to evaluate, or to go on in float32.

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
        return all_joined(weights, self.state["states"])

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
        """Replace the states by one that was saved with other groups: those of the same name keep theirs.

        Groups that are not in ``names`` begin anew at the step of the others, and what was saved of groups that are not
        here is dropped. After :meth:`init`, each group takes the entries of its own weights alone.

        Args:
            state: The saved state, with one of ``state["states"]`` for each of ``names``.
            names: The names that the groups had, in their order.

        Raises:
            ValueError: ``state`` has not as many states as there are ``names``, none of them is a name here, or an
                entry has another shape.

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
        own = self.state["states"]
        self._replace(read_state({"states": regrouped(state, names, own, self.names)}, own, True, self.master_weights))

    def _replace(self, states: list[dict[str, Any]]) -> None:
        for optimizer, its in zip(self.optimizers, states, strict=True):
            if isinstance(optimizer, optim.MultiOptimizer):
                optimizer.state = its
            else:  # in place: a step that is compiled has captured the dict
                optimizer.state.clear()
                optimizer.state.update(its)
        self._hyperparameters.put_rates(self._last)
