"""The hyperparameters of a schedule, with one number for each group: known numbers, or arrays that are being traced.

As in MLX, the dtype of an ``mx.array`` takes part in promotion. Everything else is weak: it keeps the precision of a
Python number, and takes the dtype of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import mlx.core as mx

from .numbers import Nested, Number, described, dtype_name, holds, nested, rounded, to_array

NEVER = math.inf  # a step that is never reached
LAST_STEP = 2**64 - 1  # the kernels count steps in uint64; as a begin, this means never
Index: TypeAlias = "int | slice"
Shape: TypeAlias = "tuple[int, ...]"


@dataclass(frozen=True, eq=False)
class Known:
    """Known numbers, in row-major order."""

    numbers: tuple[Number, ...]
    shape: Shape = ()
    dtype: mx.Dtype | None = None  # None for weak numbers
    label: str = ""  # for messages, such as "[cosine_decay] init"

    def __getitem__(self, index: Index) -> Known:
        size = math.prod(self.shape[1:])
        rows = range(self.shape[0])[index]
        chosen = [rows] if isinstance(rows, int) else rows
        numbers = tuple(x for i in chosen for x in self.numbers[i * size : (i + 1) * size])
        return Known(numbers, (() if isinstance(rows, int) else (len(rows),)) + self.shape[1:], self.dtype, self.label)

    def broadcast_to(self, shape: Shape) -> Known:
        if self.shape == shape:
            return self
        own = (1,) * (len(shape) - len(self.shape)) + self.shape
        return Known(_spread(self.numbers, own, shape), shape, self.dtype, self.label)

    def map(self, function: Callable[[Number], Number]) -> Known:
        return Known(tuple(map(function, self.numbers)), self.shape, self.dtype, self.label)

    def as_array(self, dtype: mx.Dtype) -> mx.array:
        """Return the numbers in `dtype`, each rounded once. ValueError if one overflows."""
        return to_array((self._fitted(x, dtype) for x in self.numbers), dtype, self.shape)

    def _fitted(self, x: Number, dtype: mx.Dtype) -> Number:
        y = rounded(x, dtype)
        if math.isinf(y):
            raise ValueError(f"{self.label} must be finite in {dtype_name(dtype)}, got {described(x)}.")
        return y

    def nested(self) -> Nested:
        found: Nested = nested(self.numbers, self.shape)
        return found

    def shown(self) -> Nested | mx.array:
        """Return what a property shows: numbers, or an array if one was given."""
        dtype = self.shown_dtype()
        return self.nested() if dtype is None else self.as_array(dtype)

    def shown_dtype(self) -> mx.Dtype | None:
        """Return the value's dtype, or a wider one if it doesn't hold the numbers of several stacked schedules."""
        if self.dtype is None:
            return None
        wider = (self.dtype, *(dtype for dtype in (mx.float32, mx.float64) if dtype.size > self.dtype.size))
        return next((dtype for dtype in wider if all(holds(dtype, x) for x in self.numbers)), None)

    def __repr__(self) -> str:
        return repr(self.nested())  # messages say what was given


@dataclass(frozen=True, eq=False)
class Traced:
    """An array whose numbers can't be read."""

    array: mx.array
    label: str = ""
    rest: mx.array | None = None  # the part of a sum of steps that the array can't hold

    @property
    def shape(self) -> Shape:
        return tuple(self.array.shape)

    @property
    def dtype(self) -> mx.Dtype:
        return self.array.dtype

    def __getitem__(self, index: Index) -> Traced:
        return self._each(lambda array: array[index])

    def broadcast_to(self, shape: Shape) -> Traced:
        return self if self.shape == shape else self._each(lambda array: mx.broadcast_to(array, shape))

    def _each(self, function: Callable[[mx.array], mx.array]) -> Traced:
        return Traced(function(self.array), self.label, None if self.rest is None else function(self.rest))

    def as_array(self, dtype: mx.Dtype) -> mx.array:
        return self.array  # the op casts it

    def shown(self) -> mx.array:
        return self.array


Values: TypeAlias = "Known | Traced"


def number(x: Number) -> Known:
    return Known((x,))


def _spread(numbers: tuple[Number, ...], own: Shape, shape: Shape) -> tuple[Number, ...]:
    """Broadcast numbers from the shape `own` to `shape`, which has the same rank."""
    if not shape or 0 in shape:
        return numbers if 0 not in shape else ()
    size = math.prod(own[1:])
    rows = [_spread(numbers[i * size : (i + 1) * size], own[1:], shape[1:]) for i in range(own[0])]
    return tuple(chain.from_iterable(rows * shape[0] if own[0] == 1 else rows))


def check_broadcast(function: str, **values: Values) -> Shape:
    """Return the shape that the values broadcast to, or raise a ValueError that names their shapes."""
    shape = common_shape([value.shape for value in values.values()])
    if shape is None:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in values.items())
        raise ValueError(f"[{function}] Shapes do not broadcast: {shapes}. From the right, sizes must be equal or 1.")
    return shape


def common_shape(shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape that shapes broadcast to, or None if they don't."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = [{n for n in axis if n != 1} for axis in zip(*padded, strict=True)]
    return tuple(size.pop() if size else 1 for size in sizes) if all(len(size) <= 1 for size in sizes) else None


def is_zero(value: Values) -> bool:
    return isinstance(value, Known) and not any(value.numbers)
