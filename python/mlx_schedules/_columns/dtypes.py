"""The dtypes of values, and the dtype of a schedule's results, by MLX's promotion."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import mlx.core as mx

from .. import _ext
from .numbers import dtype_range, holds
from .values import Known, Values


@functools.cache  # otherwise it takes as long as a call of the op
def result_dtype(step: mx.Dtype, values: frozenset[mx.Dtype]) -> mx.Dtype:
    """Return the dtype of a schedule's results, given the dtypes of the step and of its values."""
    return _ext.result_dtype(step, *values)


def promoting(init: Values, end: Values) -> set[mx.Dtype]:
    """Return the dtypes that promote init - end. MLX makes float32 of integers and a Python float."""
    dtypes = {value.dtype for value in (init, end) if value.dtype is not None}
    integers = dtypes and all(mx.issubdtype(dtype, mx.integer) for dtype in dtypes)
    return dtypes | {mx.float32} if integers and float in (kind(init), kind(end)) else dtypes


def kind(value: Values) -> mx.Dtype | type:
    """Return the dtype of a value, or the type of its numbers if they are weak."""
    if value.dtype is not None:
        return value.dtype
    assert isinstance(value, Known)
    return int if all(isinstance(x, int) for x in value.numbers) else float


def common_dtype(values: Sequence[Values]) -> mx.Dtype | None:
    """Return the dtype that MLX promotes values to, or one that holds all integers; None if all are weak."""
    dtypes = {value.dtype for value in values if value.dtype is not None}
    if not dtypes:
        return None
    total = mx.result_type(*dtypes)
    if not all(mx.issubdtype(dtype, mx.integer) for dtype in dtypes):
        return total
    if any(kind(value) is float for value in values if value.dtype is None):
        return mx.float32
    return _integers(total, values)


def _integers(promoted: mx.Dtype, values: Sequence[Values]) -> mx.Dtype:
    """Return the first dtype, from `promoted` on, that holds all integers. The result's dtype is the same with each."""
    numbers = [x for value in values for x in (value.numbers if isinstance(value, Known) else dtype_range(value.dtype))]
    candidates = (dtype for dtype in (promoted, mx.int64, mx.uint64) if mx.issubdtype(dtype, mx.integer))
    return next((dtype for dtype in candidates if all(holds(dtype, x) for x in numbers)), mx.float32)
