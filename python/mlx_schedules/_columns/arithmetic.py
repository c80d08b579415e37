"""Values computed from values, group by group: exactly where the numbers are known, else as a graph of arrays."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx

from .dtypes import common_dtype, promoting, result_dtype
from .numbers import Number, exactly
from .values import LAST_STEP, NEVER, Known, Traced, Values, common_shape


def combined(
    exact: Callable[..., Number], arrays: Callable[..., mx.array], *values: Values, times: bool = True
) -> Values:
    """A function of the numbers of each group: an exact one of known numbers, else one of arrays."""
    label = values[0].label
    known = [value for value in values if isinstance(value, Known)]
    if len(known) < len(values):
        return Traced(arrays(*(plain_time(value) if times else value.as_array(mx.float32) for value in values)), label)
    shape = common_shape([value.shape for value in known])
    assert shape is not None
    rows = zip(*(value.broadcast_to(shape).numbers for value in known), strict=True)
    return Known(tuple(exact(*row) for row in rows), shape, common_dtype(known) if not times else None, label)


def plus(a: Values, b: Values) -> Values:
    """Of two numbers of steps."""
    return combined(lambda x, y: exactly(lambda p, q: p + q, x, y), _plus, a, b)


def minus(a: Values, b: Values) -> Values:
    return combined(lambda x, y: exactly(lambda p, q: p - q, x, y), mx.subtract, a, b)


def earlier(a: Values, b: Values) -> Values:
    return combined(min, _earlier, a, b)


def plain_time(value: Values) -> mx.array:
    if isinstance(value, Traced):
        return value.array
    whole = all(isinstance(x, int) or x == NEVER for x in value.numbers)
    return value.map(lambda x: LAST_STEP if x == NEVER else x).as_array(mx.uint64 if whole else mx.float32)


def _alike(a: mx.array, b: mx.array) -> tuple[mx.array, mx.array]:
    """Integers as uint64: MLX would make floats of int64 and uint64."""
    if any(mx.issubdtype(x.dtype, mx.floating) for x in (a, b)):
        return a, b
    return natural(a), natural(b)


def natural(a: mx.array) -> mx.array:
    return (mx.maximum(a, 0) if mx.issubdtype(a.dtype, mx.signedinteger) else a).astype(mx.uint64)


def _plus(a: mx.array, b: mx.array) -> mx.array:
    x, y = _alike(a, b)
    return x + y


def _earlier(a: mx.array, b: mx.array) -> mx.array:
    return mx.minimum(*_alike(a, b))


def scaled(value: Values, factor: Values) -> Values:
    """Nothing is rounded to a half, where small rates would be 0."""
    integers = value.dtype is not None and mx.issubdtype(value.dtype, mx.integer)
    if isinstance(value, Known) and isinstance(factor, Known):
        found = combined(lambda x, y: x * y, mx.multiply, value, factor, times=False)
        assert isinstance(found, Known)
        return Known(found.numbers, found.shape, mx.float32 if integers else found.dtype, value.label)
    wide = result_dtype(mx.float32, frozenset(promoting(value, factor)))
    return Traced(value.as_array(wide).astype(wide) * factor.as_array(wide).astype(wide), value.label)
