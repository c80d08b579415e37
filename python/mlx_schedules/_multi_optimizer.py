from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_map_with_path

from ._schedule import CosineDecay
from ._state import read_state
from ._trees import fill, join, split


class MultiOptimizer(optim.MultiOptimizer):
    r"""``mlx.optimizers.MultiOptimizer`` with one batched schedule: every group's rate from one op per update.

    A weight belongs to the first optimizer whose filter accepts it, to the last one if none does. At update s (0 for
    the first) optimizer i uses ``learning_rate(s)[i]``, whatever rate it was made with. Without ``learning_rate`` it
    behaves as MLX's own.

    Args:
        optimizers: n optimizers of MLX, of any kinds. (An ``Adafactor`` uses its rate only if made with
            ``relative_step=False``, as ever.)
        filters: n - 1 functions of a weight's path and the weight, that return whether it belongs to this group.
        learning_rate: A schedule with groups of shape (n,), from :func:`cosine_decay` with lists or from :func:`stack`.

    The state has the layout of MLX's: ``state["states"][i]`` is that of optimizer i and holds its ``step`` and its
    ``learning_rate``, a scalar. All optimizers count every update, also those whose weights get no gradient in it. The
    schedule itself is not part of the state.

    Raises:
        TypeError: ``learning_rate`` is no schedule of this package, or one of ``optimizers`` takes no single rate.
        ValueError: The shape of ``learning_rate`` is not (n,), an optimizer has a schedule of its own or is given
            twice, or there are not n - 1 filters.

    Example:
        >>> import mlx.nn as nn
        >>> import mlx.optimizers as optim
        >>> import mlx_schedules as ms
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> optimizer = ms.MultiOptimizer(
        ...     [optim.AdamW(0.0), optim.SGD(0.0, momentum=0.9)],
        ...     [lambda path, weight: path.startswith("layers.0")],
        ...     learning_rate=ms.cosine_decay([1e-4, 1e-2], [500, 1000]),
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
        filters: Sequence[Callable[[str, mx.array], bool]] = (),
        learning_rate: CosineDecay | None = None,
    ) -> None:
        super().__init__(list(optimizers), list(filters))
        self._schedule = learning_rate
        if learning_rate is not None:
            self._check(learning_rate)
            self._set_rates(learning_rate(self.step))

    def _check(self, learning_rate: Any) -> None:
        if not isinstance(learning_rate, CosineDecay):
            raise TypeError(
                "[MultiOptimizer] learning_rate must be a schedule of ms.cosine_decay or ms.stack, "
                f"got {learning_rate!r}."
            )
        n = len(self.optimizers)
        if learning_rate.shape != (n,):
            raise ValueError(
                f"[MultiOptimizer] learning_rate must have groups of shape ({n},), one for each optimizer, got "
                f"{learning_rate.shape}."
            )
        for i, optimizer in enumerate(self.optimizers):
            if not isinstance(optimizer, optim.Optimizer) or isinstance(optimizer, optim.MultiOptimizer):
                raise TypeError(
                    f"[MultiOptimizer] optimizers[{i}] must be an optimizer of one rate, got {optimizer!r}."
                )
            if any(optimizer is other for other in self.optimizers[:i]):
                raise ValueError(f"[MultiOptimizer] optimizers[{i}] is in the list before: every group needs its own.")
            if getattr(optimizer, "relative_step", False):
                raise ValueError(
                    f"[MultiOptimizer] optimizers[{i}] is an {type(optimizer).__name__} that ignores its rate: make it "
                    "with relative_step=False, or leave learning_rate out."
                )
            if "learning_rate" in optimizer._schedulers:
                raise ValueError(
                    f"[MultiOptimizer] optimizers[{i}] has a schedule of its own, and learning_rate gives it another: "
                    "make the optimizer with a number."
                )

    def _set_rates(self, rates: mx.array) -> None:
        for optimizer, rate in zip(self.optimizers, mx.unstack(rates), strict=True):
            optimizer.state["learning_rate"] = rate

    def apply_gradients(self, gradients: dict[str, Any], parameters: Any) -> Any:
        """The updated parameters, as a tree like ``gradients``; every group's rate is set first, by one op."""
        if self._schedule is not None:
            self._set_rates(self._schedule(self.step))
        owners = self._owners(gradients)
        parts = split(gradients, owners)
        self._fill(parts)
        return join(
            [optimizer.apply_gradients(parts.get(i, {}), parameters) for i, optimizer in enumerate(self.optimizers)],
            owners,
        )

    def init(self, parameters: Any) -> None:
        """Make a state for all of ``parameters`` that have none. An update does so for those with gradients."""
        self._fill(split(parameters, self._owners(parameters)))

    def _owners(self, weights: Any) -> Any:
        """A tree like ``weights`` that holds the index of each one's optimizer."""

        def owner(path: str, weight: mx.array) -> int:
            return next(i for i, accepts in enumerate(self.filters) if accepts(path, weight))

        return tree_map_with_path(owner, weights)

    def _fill(self, parts: dict[int, Any]) -> None:
        for i, optimizer in enumerate(self.optimizers):
            if type(optimizer).init is optim.Optimizer.init:
                # MLX's fails where other weights get gradients than before, and on some trees that were in a file.
                fill(parts.get(i, {}), optimizer.state, optimizer.init_single)
                optimizer._initialized = True
            else:
                optimizer.init(parts.get(i, {}))

    @property
    def step(self) -> mx.array:
        """The number of updates so far, a uint64 scalar."""
        step: mx.array = self.optimizers[0].step
        return step

    @property
    def learning_rate(self) -> mx.array:
        """The first group's rate in the last update, a scalar, as in MLX: trainers call ``.item()`` on it."""
        first: mx.array = self.optimizers[0].learning_rate
        return first

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array) -> None:
        """One rate for all or, with a schedule, an array of shape (n,). The next update sets the schedule's again."""
        rates = mx.array(learning_rate)
        n = len(self.optimizers)
        if self._schedule is None:
            for optimizer in self.optimizers:
                optimizer.learning_rate = rates
        elif rates.shape in ((), (n,)):
            self._set_rates(mx.broadcast_to(rates, (n,)))
        else:
            raise ValueError(f"[MultiOptimizer] learning_rate must have the shape () or ({n},), got {rates.shape}.")

    @property
    def learning_rates(self) -> mx.array:
        """Every group's rate in the last update (before the first: for the first), of shape (n,)."""
        return mx.stack([optimizer.learning_rate for optimizer in self.optimizers])

    @property
    def state(self) -> dict[str, Any]:
        """The states of all optimizers: ``{"states": [...]}``."""
        return {"states": [optimizer.state for optimizer in self.optimizers]}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Replace the states of all optimizers, or raise a ValueError and leave them as they were."""
        new = read_state(state, self.state["states"], one_step=self._schedule is not None)
        for optimizer, its in zip(self.optimizers, new, strict=True):
            if isinstance(optimizer, optim.MultiOptimizer):
                optimizer.state = its
            else:  # in place: a step that is compiled has captured the dict
                optimizer.state.clear()
                optimizer.state.update(its)
