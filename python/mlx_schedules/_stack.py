from __future__ import annotations

from collections.abc import Iterable

import mlx.core as mx

from ._schedule import CosineDecay
from ._values import Value, flatten


def stack(schedules: Iterable[CosineDecay]) -> CosineDecay:
    r"""Make one batched schedule of several, so that one op evaluates them all.

    .. math::
        \text{stack}([f_0, \dots, f_{n-1}])(s) = [f_0(s), \dots, f_{n-1}(s)]

    Args:
        schedules: At least one schedule of :func:`cosine_decay`, all with groups of one shape P (``()`` for none).

    Returns:
        CosineDecay: A schedule with groups of shape (n,) + P. Its ``init``, ``decay_steps`` and ``end`` hold one value
        for each group. Where some schedules were made with ``mx.array`` values and others with Python numbers, the
        arrays' dtype counts for all, as in MLX's arithmetic; no number is rounded to it. Where whole and fractional
        ``decay_steps`` meet, all are held in float32.

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
        raise TypeError(f"[stack] schedules must be a list of schedules, got {schedules!r}.")
    schedules = list(schedules)
    if not schedules:
        raise ValueError("[stack] schedules must hold at least one schedule, got [].")
    for i, schedule in enumerate(schedules):
        if not isinstance(schedule, CosineDecay):
            raise TypeError(f"[stack] schedules[{i}] must be a schedule of ms.cosine_decay, got {schedule!r}.")
    shape = schedules[0].shape
    if any(schedule.shape != shape for schedule in schedules):
        shapes = ", ".join(str(schedule.shape) for schedule in schedules)
        raise ValueError(f"[stack] schedules must have groups of one shape, got {shapes}.")
    columns = zip(*(schedule._values() for schedule in schedules), strict=True)
    return CosineDecay._of(*(_stacked([value.broadcast_to(shape) for value in column]) for column in columns))


def _stacked(values: list[Value]) -> Value:
    """One hyperparameter of all schedules."""
    name, shape = values[0].name, (len(values), *values[0].shape)
    dtype = _common_dtype(values)
    if all(value.unread is None for value in values):
        return Value(name, tuple(value.numbers for value in values), shape, dtype)
    assert dtype is not None
    if name == "decay_steps":
        arrays = [value.as_time(dtype) for value in values]
        if all(mx.issubdtype(array.dtype, mx.integer) for array in arrays):
            # Not as MLX promotes, int64 with uint64 to float32. What is below 1 has ended, and 0 has as well.
            arrays = [mx.maximum(array, 0).astype(mx.uint64) for array in arrays]
    else:
        arrays = [value.as_array(dtype) for value in values]
    traced = mx.stack(arrays)
    return Value(name, (), shape, traced.dtype, traced)


def _common_dtype(values: list[Value]) -> mx.Dtype | None:
    """What MLX promotes them to; None where all are weak."""
    dtypes = {value.dtype for value in values if value.dtype is not None}
    if not dtypes:
        return None
    total = mx.zeros((0,), mx.bool_, stream=mx.cpu)
    for dtype in dtypes:
        # float64 exists on the CPU alone; nothing is evaluated.
        total = mx.add(total, mx.zeros((0,), dtype, stream=mx.cpu), stream=mx.cpu)
    weak = [x for value in values if value.dtype is None for x in flatten(value.numbers)]
    return mx.add(total, 0.0, stream=mx.cpu).dtype if any(isinstance(x, float) for x in weak) else total.dtype
