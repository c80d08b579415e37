from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, overload

import mlx.core as mx
from mlx.optimizers.schedulers import join_schedules as _mlx_join  # so that in_place_of_mlx can't replace it

from .._columns.edits import check_parts, joined_at, listed_of
from .._columns.numbers import Real, described
from .schedule import Schedule

Function: TypeAlias = Callable[[mx.array], Any]


class Joined:
    """MLX's own join, which :func:`join_schedules` returns if not all are schedules of this package."""

    def __init__(self, schedules: Sequence[Function], boundaries: Sequence[Real]) -> None:
        self._schedules, self._boundaries = tuple(schedules), tuple(boundaries)
        bounds: list[Any] = list(boundaries)  # MLX's function takes arrays as well
        self._join = _mlx_join(list(schedules), bounds)

    def __call__(self, step: mx.array) -> mx.array:
        value: mx.array = self._join(step)
        return value

    def __repr__(self) -> str:
        foreign = next(schedule for schedule in self._schedules if not isinstance(schedule, Schedule))
        parts = ", ".join(map(described, self._schedules))
        return (
            f"<join_schedules([{parts}], {list(self._boundaries)}), by MLX's operations and not as one op: "
            f"{described(foreign)} is no schedule of mlx_schedules>"
        )


@overload
def join_schedules(schedules: Sequence[Schedule], boundaries: Sequence[Real]) -> Schedule: ...
@overload
def join_schedules(schedules: Sequence[Function], boundaries: Sequence[Real]) -> Callable[[mx.array], mx.array]: ...
def join_schedules(schedules: Sequence[Function], boundaries: Sequence[Real]) -> Schedule | Joined:
    """Make one schedule of several, one after another; a drop-in for ``mlx.optimizers.join_schedules``.

    Formula:
        schedule_i(s - b_i) for b_i ≤ s < b_(i+1)
        b_0 = 0, the others are the boundaries

    At each boundary the next schedule takes over, and counts its own steps from there. However many schedules of this
    package are joined, also joined ones, the result is one op. Unsigned steps before a boundary never wrap round.

    Args:
        schedules: At least one. If any is another callable, the result is MLX's own join, and says so when printed.
        boundaries: The steps at which the next schedule takes over: one fewer than there are schedules, at least 0, in
            ascending order, whole or fractional. Each may be a list or an array with one for each group.

    Returns:
        Schedule: Its groups have the shape that those of its parts and the boundaries broadcast to. If any of
        ``schedules`` is another callable: a function of the step.

    Raises:
        ValueError: There is no schedule, the number of boundaries is wrong, boundaries fall or are below 0, or the
            groups do not broadcast.
        TypeError: ``schedules`` is not a list of callables, or a boundary is not a number.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> linear, cosine = ms.linear_schedule(0, 1e-1, steps=10), ms.cosine_decay(1e-1, 200)
        >>> ms.join_schedules([linear, cosine], [10])(mx.array([0, 5, 10, 11, 110, 210]))
        array([0, 0.05, 0.1, 0.0999938, 0.05, 0], dtype=float32)
    """
    parts, starts = listed_of("schedules", schedules), listed_of("boundaries", boundaries)
    check_parts(parts, starts)
    for i, part in enumerate(parts):
        if not callable(part):
            raise TypeError(
                f"[join_schedules] schedules[{i}] must be a schedule, got {described(part)}: of a number make one with "
                "ms.constant."
            )
    if not all(isinstance(part, Schedule) for part in parts):
        return Joined(parts, starts)
    return Schedule._of(joined_at([part._columns for part in parts], starts))
