from __future__ import annotations

from collections.abc import Iterable

from .._columns.numbers import described
from .._columns.read import is_listed
from .._columns.stack import stacked_alike
from .schedule import Schedule


def stack(schedules: Iterable[Schedule]) -> Schedule:
    """Make one schedule with groups of several schedules, so that one op evaluates them all.

    Formula:
        [schedule_0(s), ..., schedule_(n-1)(s)]

    Args:
        schedules: At least one schedule of this package, of any kind. Their groups must have the same shape P.

    Returns:
        Schedule: One with groups of shape (n,) + P. If some schedules were made with ``mx.array`` values and others
        with Python numbers, results have the arrays' dtype, as in MLX's arithmetic. The numbers themselves are not
        rounded to it.

    Raises:
        ValueError: There is no schedule, or their groups differ in shape.
        TypeError: One of them is not a schedule of this package.

    Example:
        >>> import mlx_schedules as ms
        >>> backbone, head = ms.cosine_decay(1e-4, 500).warmup(100), ms.cosine_decay(1e-2, 1000, end=1e-3)
        >>> rates = ms.stack([backbone, head])
        >>> rates(600)
        array([0, 0.00410942], dtype=float32)
        >>> rates[1] == head
        True
    """
    if not (is_listed(schedules) or (isinstance(schedules, Schedule) and schedules.shape)):
        raise TypeError(
            f"[stack] schedules must be a list of schedules, got {described(schedules)}: write [schedule, schedule]."
        )
    schedules = list(schedules)
    for i, schedule in enumerate(schedules):
        if not isinstance(schedule, Schedule):
            raise TypeError(
                f"[stack] schedules[{i}] must be a schedule of mlx_schedules, got {described(schedule)}: make it with "
                "ms.cosine_decay, ms.constant or another of its functions."
            )
    return Schedule._of(stacked_alike([schedule._columns for schedule in schedules]))
