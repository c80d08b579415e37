from __future__ import annotations

from collections.abc import Iterable

from ._numbers import described, shortened
from ._schedule import CosineDecay
from ._values import stacked


def stack(schedules: Iterable[CosineDecay]) -> CosineDecay:
    r"""Make one batched schedule of several, so that one op evaluates them all.

    .. math::
        \text{stack}([f_0, \dots, f_{n-1}])(s) = [f_0(s), \dots, f_{n-1}(s)]

    Args:
        schedules: At least one schedule of :func:`cosine_decay`, all with groups of one shape P (``()`` for none).

    Returns:
        CosineDecay: A schedule with groups of shape (n,) + P. Its ``init``, ``decay_steps`` and ``end`` hold one value
        for each group. Where some schedules were made with ``mx.array`` values and others with Python numbers, the
        arrays' dtype counts for all, as in MLX's arithmetic; no number is rounded to it, and the properties show them
        in a dtype in which none wraps or narrows. Where whole and fractional ``decay_steps`` meet, all are held in
        float32.

    Raises:
        ValueError: There is no schedule, or their groups differ in shape.
        TypeError: One of them is no schedule of this package.

    Example:
        >>> import mlx_schedules as ms
        >>> backbone, head = ms.cosine_decay(1e-4, 500), ms.cosine_decay(1e-2, 1000, end=1e-3)
        >>> rates = ms.stack([backbone, head])
        >>> rates(500)
        array([0, 0.0055], dtype=float32)
        >>> rates[1] == head
        True
    """
    if not isinstance(schedules, Iterable):
        raise TypeError(f"[stack] schedules must be a list of schedules, got {described(schedules)}.")
    schedules = list(schedules)
    if not schedules:
        raise ValueError("[stack] schedules must hold at least one schedule, got [].")
    for i, schedule in enumerate(schedules):
        if not isinstance(schedule, CosineDecay):
            raise TypeError(f"[stack] schedules[{i}] must be a schedule of ms.cosine_decay, got {described(schedule)}.")
    shape = schedules[0].shape
    if any(schedule.shape != shape for schedule in schedules):
        shapes = shortened(", ".join(dict.fromkeys(str(schedule.shape) for schedule in schedules)))
        raise ValueError(f"[stack] schedules must have groups of one shape, got {shapes}.")
    columns = zip(*(schedule._values() for schedule in schedules), strict=True)
    return CosineDecay._of(*(stacked([value.broadcast_to(shape) for value in column]) for column in columns))
