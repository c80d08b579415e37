"""The dtypes of values and of what a schedule of them gives, as MLX promotes them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import mlx.core as mx

from .. import _ext
from .numbers import dtype_range, holds
from .values import Known, Values


@functools.cache  # the answer takes as long as the op's call
def result_dtype(step: mx.Dtype, values: frozenset[mx.Dtype]) -> mx.Dtype:
    """Of what a schedule gives for such steps, where these are the dtypes of its values."""
    return _ext.result_dtype(step, *values)


def promoting(init: Values, end: Values) -> set[mx.Dtype]:
    """The dtypes of a difference of the two that count: MLX makes float32 of integers and a Python float."""
    dtypes = {value.dtype for value in (init, end) if value.dtype is not None}
    integers = dtypes and all(mx.issubdtype(dtype, mx.integer) for dtype in dtypes)
    return dtypes | {mx.float32} if integers and float in (kind(init), kind(end)) else dtypes


def kind(value: Values) -> mx.Dtype | type:
    """Its dtype, or the type of its weak numbers."""
    if value.dtype is not None:
        return value.dtype
    assert isinstance(value, Known)
    return int if all(isinstance(x, int) for x in value.numbers) else float


def common_dtype(values: Sequence[Values]) -> mx.Dtype | None:
    """What MLX promotes them to, or what holds all integers; None where all are weak."""
    dtypes = {value.dtype for value in values if value.dtype is not None}
    if not dtypes:
        return None
    total = functools.reduce(_promoted, dtypes)
    if not all(mx.issubdtype(dtype, mx.integer) for dtype in dtypes):
        return total
    if any(kind(value) is float for value in values if value.dtype is None):
        return mx.float32
    return _integers(total, values)


def _promoted(a: mx.Dtype, b: mx.Dtype) -> mx.Dtype:
    cpu = mx.cpu  # float64 exists there alone; nothing is evaluated
    return mx.add(mx.zeros((0,), a, stream=cpu), mx.zeros((0,), b, stream=cpu), stream=cpu).dtype


def _integers(promoted: mx.Dtype, values: Sequence[Values]) -> mx.Dtype:
    """The first dtype, from `promoted` on, in which no integer wraps; all give results of the same dtype."""
    numbers = [x for value in values for x in (value.numbers if isinstance(value, Known) else dtype_range(value.dtype))]
    candidates = (dtype for dtype in (promoted, mx.int64, mx.uint64) if mx.issubdtype(dtype, mx.integer))
    return next((dtype for dtype in candidates if all(holds(dtype, x) for x in numbers)), mx.float32)
