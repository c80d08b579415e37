"""Arithmetic of values, group by group: exact if all numbers are known, otherwise a graph of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import add, sub
from typing import TypeAlias

import mlx.core as mx

from .dtypes import common_dtype, promoting, result_dtype
from .numbers import Number, exactly, natural, real_for, rounded, to_array
from .values import LAST_STEP, NEVER, Known, Traced, Values, common_shape

Pair: TypeAlias = "tuple[mx.array, mx.array]"  # reals and their rests


def combined(
    exact: Callable[..., Number], arrays: Callable[..., mx.array], *values: Values, times: bool = True
) -> Values:
    """Apply `exact` to the numbers of each group if all are known, otherwise `arrays` to arrays."""
    known = [value for value in values if isinstance(value, Known)]
    if len(known) == len(values):
        return combined_known(exact, *known, times=times)
    parts = (plain_time(value) if times else value.as_array(mx.float32) for value in values)
    return Traced(arrays(*parts), values[0].label)


def combined_known(exact: Callable[..., Number], *values: Known, times: bool = True) -> Known:
    shape = common_shape([value.shape for value in values])
    assert shape is not None
    rows = zip(*(value.broadcast_to(shape).numbers for value in values), strict=True)
    dtype = None if times else common_dtype(values)
    return Known(tuple(exact(*row) for row in rows), shape, dtype, values[0].label)


def plus(a: Values, b: Values) -> Values:
    """Add two numbers of steps."""
    if pairs := _pairs_of(a, b):
        return _total(*pairs, a.label)
    return combined(partial(exactly, add), lambda x, y: _sum(natural(x), natural(y)), a, b)


def minus(a: Values, b: Values) -> Values:
    if pairs := _pairs_of(a, b):
        first, (other, rest) = pairs
        return _total(first, (-other, -rest), a.label)
    return combined(partial(exactly, sub), lambda x, y: natural(x) - natural(y), a, b)


def earlier(a: Values, b: Values) -> Values:
    if pairs := _pairs_of(a, b):
        (high, low), (other, rest) = pairs
        first = mx.stop_gradient((high - other) + (low - rest) < 0)
        lacked = None if is_single(a, high.dtype) and is_single(b, high.dtype) else mx.where(first, low, rest)
        return Traced(mx.where(first, high, other), a.label, lacked)
    return combined(min, lambda x, y: mx.minimum(natural(x), natural(y)), a, b)


def _pairs_of(a: Values, b: Values) -> tuple[Pair, Pair] | None:
    """Return two numbers of steps as reals and their rests, or None if both are known, or integers."""
    arrays = [value.array for value in (a, b) if isinstance(value, Traced)]
    if not any(mx.issubdtype(array.dtype, mx.floating) for array in arrays) and not (arrays and _fractional(a, b)):
        return None
    real = real_for(*(array.dtype for array in arrays))
    return pair_of(a, real), pair_of(b, real)


def _total(a: Pair, b: Pair, label: str) -> Traced:
    (high, low), (other, rest) = a, b
    total = high + other
    part = total - high
    lacked = (high - (total - part)) + (other - part) + (low + rest)
    lacked = mx.where(total < 2.0**64, lacked, 0)  # from there on, every sum means never
    array = total + mx.stop_gradient(lacked)
    return Traced(array, label, mx.stop_gradient(lacked - (array - total)))


def _sum(a: mx.array, b: mx.array) -> mx.array:
    total = a + b
    return mx.where(total < a, to_array([LAST_STEP], mx.uint64, ()), total)


def _fractional(*values: Values) -> bool:
    return any(isinstance(v, Known) and any(x != NEVER and not isinstance(x, int) for x in v.numbers) for v in values)


def in_pairs(numbers: Sequence[Number], real: mx.Dtype) -> tuple[list[Number], list[Number]]:
    """Return the rounded numbers and their rests. The last step, which means never, has no rest."""
    high = [rounded(x, real) for x in numbers]
    low = [exactly(sub, x, h) if x != LAST_STEP else 0.0 for x, h in zip(numbers, high, strict=True)]
    return high, [rounded(x, real) for x in low]


def pair_of(value: Values, real: mx.Dtype) -> Pair:
    """Return numbers of steps as reals and their rests. Whole numbers are exact up to 2**48."""
    if isinstance(value, Known):
        high, low = in_pairs([min(x, LAST_STEP) for x in value.numbers], real)
        return to_array(high, real, value.shape), to_array(low, real, value.shape)
    if mx.issubdtype(value.dtype, mx.floating):
        array = value.array.astype(real)
        array = mx.where(mx.stop_gradient(array < 0), 0, array)  # as in `natural`
        return array, mx.zeros_like(array) if value.rest is None else value.rest
    whole = natural(value.array)
    upper, lower = (whole >> 24).astype(real) * 2.0**24, (whole & 0xFFFFFF).astype(real)
    array = upper + lower
    return array, lower - (array - upper)


def is_single(value: Values, real: mx.Dtype) -> bool:
    """Tell whether `real` holds a number of steps, so that it has no rest."""
    if isinstance(value, Known):
        return not any(in_pairs([min(x, LAST_STEP) for x in value.numbers], real)[1])
    return value.rest is None and mx.issubdtype(value.dtype, mx.floating)


def plain_time(value: Values) -> mx.array:
    if isinstance(value, Traced):
        return value.array
    dtype = mx.float32 if _fractional(value) else mx.uint64
    return value.map(lambda x: LAST_STEP if x == NEVER else x).as_array(dtype)


def scaled(value: Values, factor: Values) -> Values:
    """Multiply values. Nothing is rounded to half precision, in which small rates would become 0."""
    integers = value.dtype is not None and mx.issubdtype(value.dtype, mx.integer)
    if isinstance(value, Known) and isinstance(factor, Known):
        found = combined_known(lambda x, y: x * y, value, factor, times=False)
        return Known(found.numbers, found.shape, mx.float32 if integers else found.dtype, value.label)
    wide = result_dtype(mx.float32, frozenset(promoting(value, factor)))
    return Traced(value.as_array(wide).astype(wide) * factor.as_array(wide).astype(wide), value.label)
