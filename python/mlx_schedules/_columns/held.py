"""Values as the arrays that the compiled module holds: one of all columns, its numbers rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import mlx.core as mx

from .arithmetic import natural, plain_time
from .dtypes import common_dtype
from .numbers import Number, exactly, rounded, to_array
from .values import LAST_STEP, Known, Traced, Values, common_shape


def stacked(values: Sequence[Values]) -> Values:
    """One hyperparameter of several schedules, all of one shape."""
    known = [value for value in values if isinstance(value, Known)]
    dtype, label = common_dtype(values), values[0].label
    if len(known) == len(values):
        numbers = tuple(x for value in known for x in value.numbers)
        return Known(numbers, (len(values), *values[0].shape), dtype, label)
    held = mx.float64 if dtype == mx.float64 else mx.float32  # a half would narrow the others' numbers
    return Traced(mx.stack([value.as_array(held).astype(held) for value in values]), label)


def stacked_times(values: Sequence[Values]) -> Values:
    """The same for numbers of steps."""
    if all(isinstance(value, Known) for value in values):
        return stacked(values)
    arrays = [plain_time(value) for value in values]
    if not any(mx.issubdtype(array.dtype, mx.floating) for array in arrays):
        arrays = [natural(array) for array in arrays]
    return Traced(mx.stack(arrays), values[0].label)


def held(values: Sequence[Values], dtype: mx.Dtype) -> mx.array:
    """One value of all columns, in the dtype of the result."""
    return _in_rows(values, stacked).as_array(dtype)


def held_exactly(values: Sequence[Values], real: mx.Dtype, whole: bool = True) -> tuple[mx.array, mx.array | None]:
    """Numbers of all columns as arrays of what `real` (or, where `whole`, integers) can hold, and of what that lacks.

    Numbers of steps are integers where all are whole, and with fractions beside them where `real` does not hold all the
    whole ones; else they are reals.
    """
    rows = _in_rows(values, stacked_times)
    if isinstance(rows, Traced):
        return rows.array, None
    numbers = [_counted(min(x, LAST_STEP), real) if whole else x for x in rows.numbers]  # no run gets there
    integers = whole and any(rounded(x, real) != x for x in numbers if isinstance(x, int))
    if whole and all(isinstance(x, int) for x in numbers):
        integers = True
    pairs = [_whole_pair(x, real) if integers else _real_pair(x, real) for x in numbers]
    dtype = real if not integers else mx.uint32 if max((a for a, _ in pairs), default=0) < 2**32 else mx.uint64
    high, low = (to_array(part, dtype, rows.shape) for part, dtype in zip(_columns(pairs), (dtype, real), strict=True))
    return high, low if any(b for _, b in pairs) else None


def _columns(pairs: list[tuple[Number, Number]]) -> tuple[list[Number], list[Number]]:
    return [a for a, _ in pairs], [b for _, b in pairs]


def _counted(x: Number, real: mx.Dtype) -> Number:
    """As kernels count: its fraction is one `real`, so that whole and fractional steps see the same number."""
    if x < 1 or x == int(x):
        return x
    return exactly(lambda a, b: a + b, math.floor(x), rounded(exactly(lambda y: y - math.floor(y), x), real))


def _whole_pair(x: Number, real: mx.Dtype) -> tuple[Number, Number]:
    rest = rounded(exactly(lambda y: y - math.floor(y), x), real)
    return math.floor(x) + int(rest == 1), rest % 1


def _real_pair(x: Number, real: mx.Dtype) -> tuple[Number, Number]:
    high = rounded(x, real)
    return high, rounded(exactly(lambda y, z: y - z, x, high), real)


def _in_rows(values: Sequence[Values], stack: Callable[[Sequence[Values]], Values]) -> Values:
    """The columns as the first axis, where there are several."""
    if len(values) == 1:
        return values[0]
    shape = common_shape([value.shape for value in values])
    assert shape is not None
    return stack([value.broadcast_to(shape) for value in values])
