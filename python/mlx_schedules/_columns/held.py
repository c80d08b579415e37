"""Values as arrays for the compiled module: one array for all columns, whose numbers are rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeAlias

import mlx.core as mx

from .arithmetic import in_pairs, is_single, pair_of, plain_time
from .dtypes import common_dtype
from .numbers import Number, exactly, natural, real_for, rounded, to_array
from .values import LAST_STEP, Known, Shape, Traced, Values, common_shape

Parts: TypeAlias = "tuple[mx.array, mx.array | None]"  # numbers, and what these can't hold, if anything
_FEW = 32


def stack_rows(arrays: Sequence[mx.array]) -> mx.array:
    """Stack arrays like ``mx.stack``.

    The derivative of ``mx.stack`` is a Slice, which can't infer its shape in shapeless compilation. So a few rows are
    selected instead.
    """
    if len(arrays) > _FEW:
        return mx.stack(list(arrays))
    index = mx.arange(len(arrays)).reshape(-1, *(1 for _ in arrays[0].shape))
    rows = arrays[0][None]
    for k, array in enumerate(arrays[1:], 1):
        rows = mx.where(index < k, rows, array[None])
    return rows


def stacked(values: Sequence[Values]) -> Values:
    """Stack one hyperparameter of several schedules, which have the same shape."""
    known = [value for value in values if isinstance(value, Known)]
    dtype, label = common_dtype(values), values[0].label
    if len(known) == len(values):
        numbers = tuple(x for value in known for x in value.numbers)
        return Known(numbers, (len(values), *values[0].shape), dtype, label)
    held = real_for(dtype)  # half precision would round the other numbers
    return Traced(stack_rows([value.as_array(held).astype(held) for value in values]), label)


def stacked_times(values: Sequence[Values]) -> Values:
    """Stack numbers of steps."""
    if all(isinstance(value, Known) for value in values):
        return stacked(values)
    arrays, label = [plain_time(value) for value in values], values[0].label
    if not any(mx.issubdtype(array.dtype, mx.floating) for array in arrays):
        return Traced(stack_rows([natural(array) for array in arrays]), label)
    real = real_for(*(array.dtype for array in arrays))
    high, rest = (stack_rows(parts) for parts in zip(*(pair_of(value, real) for value in values), strict=True))
    return Traced(high, label, None if all(is_single(value, real) for value in values) else rest)


def held(values: Sequence[Values], dtype: mx.Dtype) -> mx.array:
    """Return one value of all columns as an array of the result's dtype."""
    return _in_rows(values, stacked).as_array(dtype).astype(dtype)


def held_times(values: Sequence[Values], real: mx.Dtype) -> Parts:
    """Return numbers of steps of all columns as an array, and another array for their rests, or None.

    They are reals if these hold all numbers exactly. Otherwise they are integers, and the rests are fractions in units
    of 2**-64, rounded down so that whatever begins or ends at a step has done so when it is reached, however the number
    was computed. If a number is below 2**-16, that unit would leave too few digits, so both are reals.
    """
    rows = _in_rows(values, stacked_times)
    if isinstance(rows, Traced):
        return rows.array, rows.rest
    numbers = [_counted(min(x, LAST_STEP)) for x in rows.numbers]  # no run gets further
    if all(isinstance(x, int) for x in numbers):
        return _array_of_integers(numbers, rows.shape), None
    if all(rounded(x, real) == x for x in numbers):
        return to_array(map(float, numbers), real, rows.shape), None  # mx.array takes no integers from 2**63 on
    if any(0 < x < _TINY for x in numbers):
        return _pair_of_reals(numbers, real, rows.shape)
    fractions = [int(exactly(lambda x: (x - math.floor(x)) * _UNIT, x)) for x in numbers]
    whole = _array_of_integers([math.floor(x) for x in numbers], rows.shape)
    return whole, to_array(fractions, mx.uint64, rows.shape) if any(fractions) else None


def held_exactly(values: Sequence[Values], real: mx.Dtype) -> Parts:
    """Return other numbers of all columns as reals, and their rests."""
    rows = _in_rows(values, stacked)
    if isinstance(rows, Traced):
        return rows.array, None
    return _pair_of_reals(rows.numbers, real, rows.shape)


_UNIT = 2**64  # a fraction of a step is counted in units of 1 / _UNIT
_TINY = 2.0**-16


def _counted(x: Number) -> Number:
    """Round a number of steps down as the kernels do."""
    return x if isinstance(x, int) or x < _TINY else exactly(lambda y: Fraction(math.floor(y * _UNIT), _UNIT), x)


def _array_of_integers(numbers: Sequence[Number], shape: Shape) -> mx.array:
    return to_array(numbers, mx.uint32 if max(numbers, default=0) < 2**32 else mx.uint64, shape)


def _pair_of_reals(numbers: Sequence[Number], real: mx.Dtype, shape: Shape) -> Parts:
    high, rest = in_pairs(numbers, real)
    return to_array(high, real, shape), to_array(rest, real, shape) if any(rest) else None


def _in_rows(values: Sequence[Values], stack: Callable[[Sequence[Values]], Values]) -> Values:
    """Stack the columns along a first axis if there are several."""
    if len(values) == 1:
        return values[0]
    shape = common_shape([value.shape for value in values])
    assert shape is not None
    return stack([value.broadcast_to(shape) for value in values])
