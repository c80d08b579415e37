from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import mlx.core as mx
from mlx.optimizers.schedulers import join_schedules as _mlx_join  # which in_place_of_mlx can't take away

from .._columns.edits import check_parts, joined_at, listed_of
from .._columns.numbers import Real, described
from .schedule import Schedule

Function: TypeAlias = Callable[[mx.array], Any]


class Joined:
    """What :func:`join_schedules` returns where not all are schedules of this package: MLX's own join of them."""

    def __init__(self, schedules: Sequence[Function], boundaries: Sequence[Real]) -> None:
        self._schedules, self._boundaries = tuple(schedules), tuple(boundaries)
        bounds: list[Any] = list(boundaries)  # MLX's take arrays as well
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


def join_schedules(schedules: Sequence[Function], boundaries: Sequence[Real]) -> Any:
    r"""Make one schedule of several in sequence; a drop-in for ``mlx.optimizers.join_schedules``.

    .. math::
        \text{schedule}_i(s - b_i) \quad\text{for } b_i \le s < b_{i+1}, \qquad b_0 = 0

    From its boundary on the later schedule is in force and sees the steps since then; the earlier one is cut there.
    Schedules of this package make one op, of any number and also where some are joined themselves. Unsigned steps never
    wrap.

    Args:
        schedules: At least one. With any other callable among them the result is MLX's own join, and says so.
        boundaries: The steps at which the next one is in force, one less than there are schedules, at least 0 and not
            falling; whole or fractional. Each may be a list or an array of one for each group.

    Returns:
        Schedule: Its groups have the shape to which those of its parts and the boundaries broadcast. Of other
        callables: a function of the step.

    Raises:
        ValueError: There is no schedule, there are not one boundary less, boundaries fall or are below 0, or the groups
            do not broadcast.
        TypeError: ``schedules`` is no list of callables, or a boundary is no number.

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
