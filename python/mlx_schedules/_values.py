"""The hyperparameters of a schedule, one number for each group: known ones, and arrays that are being traced.

As in MLX, an ``mx.array`` has a dtype that takes part in promotion; everything else is weak, keeps the precision of a
Python number and takes the dtype of the result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import mlx.core as mx

from . import _ext
from ._numbers import Nested, Number, described, dtype_name, exactly, nested, rounded, to_array

NEVER = math.inf  # as a step
LAST_STEP = 2**64 - 1  # the kernels count steps in uint64; as a begin it is never
Index: TypeAlias = "int | slice"
Shape: TypeAlias = "tuple[int, ...]"


@dataclass(frozen=True, eq=False)
class Known:
    """Numbers in the order of rows."""

    numbers: tuple[Number, ...]
    shape: Shape = ()
    dtype: mx.Dtype | None = None  # None: weak
    label: str = ""  # in messages: "[cosine_decay] init"

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
        """The numbers in `dtype`, each rounded once; ValueError where one overflows."""
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
        """What a property shows: numbers, or an array where one was given."""
        dtype = self.shown_dtype()
        return self.nested() if dtype is None else self.as_array(dtype)

    def shown_dtype(self) -> mx.Dtype | None:
        """Its own, or what else holds the numbers of several schedules without wrapping or narrowing any."""
        if self.dtype is None:
            return None
        wider = (self.dtype, *(dtype for dtype in (mx.float32, mx.float64) if dtype.size > self.dtype.size))
        return next((dtype for dtype in wider if all(holds(dtype, x) for x in self.numbers)), None)

    def __reduce__(self) -> tuple[object, ...]:
        return _known, (self.numbers, self.shape, self.dtype and dtype_name(self.dtype), self.label)


@dataclass(frozen=True, eq=False)
class Traced:
    """An array whose numbers can't be read."""

    array: mx.array
    label: str = ""

    @property
    def shape(self) -> Shape:
        return tuple(self.array.shape)

    @property
    def dtype(self) -> mx.Dtype:
        return self.array.dtype

    def __getitem__(self, index: Index) -> Traced:
        return Traced(self.array[index], self.label)

    def broadcast_to(self, shape: Shape) -> Traced:
        return self if self.shape == shape else Traced(mx.broadcast_to(self.array, shape), self.label)

    def as_array(self, dtype: mx.Dtype) -> mx.array:
        return self.array  # the op casts it

    def shown(self) -> mx.array:
        return self.array


Values: TypeAlias = "Known | Traced"


def _known(numbers: tuple[Number, ...], shape: Shape, dtype: str | None, label: str) -> Known:
    return Known(numbers, shape, getattr(mx, dtype) if dtype else None, label)


def number(x: Number, label: str = "") -> Known:
    return Known((x,), label=label)


def _spread(numbers: tuple[Number, ...], own: Shape, shape: Shape) -> tuple[Number, ...]:
    """Numbers of shape `own` broadcast to `shape`, of the same rank."""
    if not shape or 0 in shape:
        return numbers if 0 not in shape else ()
    size = math.prod(own[1:])
    rows = [_spread(numbers[i * size : (i + 1) * size], own[1:], shape[1:]) for i in range(own[0])]
    return tuple(chain.from_iterable(rows * shape[0] if own[0] == 1 else rows))


def check_broadcast(function: str, **values: Values) -> Shape:
    """The shape the values broadcast to; ValueError naming each one's shape otherwise."""
    shape = common_shape([value.shape for value in values.values()])
    if shape is None:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in values.items())
        raise ValueError(f"[{function}] Shapes do not broadcast: {shapes}. From the right, sizes must be equal or 1.")
    return shape


def common_shape(shapes: Sequence[Shape]) -> Shape | None:
    """What they broadcast to, if they do."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    sizes = [{n for n in axis if n != 1} for axis in zip(*padded, strict=True)]
    return tuple(size.pop() if size else 1 for size in sizes) if all(len(size) <= 1 for size in sizes) else None


def combined(
    exact: Callable[..., Number], arrays: Callable[..., mx.array], *values: Values, times: bool = True
) -> Values:
    """A function of the numbers of each group: an exact one of known numbers, else one of arrays."""
    label = values[0].label
    known = [value for value in values if isinstance(value, Known)]
    if len(known) < len(values):
        return Traced(arrays(*(_plain_time(value) if times else value.as_array(mx.float32) for value in values)), label)
    shape = common_shape([value.shape for value in known])
    assert shape is not None
    rows = zip(*(value.broadcast_to(shape).numbers for value in known), strict=True)
    return Known(tuple(exact(*row) for row in rows), shape, common_dtype(known) if not times else None, label)


def is_zero(value: Values) -> bool:
    return isinstance(value, Known) and not any(value.numbers)


def plus(a: Values, b: Values) -> Values:
    """Of two numbers of steps."""
    return combined(lambda x, y: exactly(lambda p, q: p + q, x, y), _steps_plus, a, b)


def minus(a: Values, b: Values) -> Values:
    return combined(lambda x, y: exactly(lambda p, q: p - q, x, y), mx.subtract, a, b)


def earlier(a: Values, b: Values) -> Values:
    return combined(min, _earlier, a, b)


def _plain_time(value: Values) -> mx.array:
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


def _steps_plus(a: mx.array, b: mx.array) -> mx.array:
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


# ---- Dtypes


def holds(dtype: mx.Dtype, x: Number) -> bool:
    """Exactly, or, as ever with a Python number's fraction, rounded to float32."""
    if not mx.issubdtype(dtype, mx.integer):
        return rounded(x, dtype) == x or (x != int(x) and dtype.size >= 4)
    least, most = dtype_range(dtype)
    return isinstance(x, int) and least <= x <= most


def dtype_range(dtype: mx.Dtype) -> tuple[int, int]:
    bits = 8 * dtype.size
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if mx.issubdtype(dtype, mx.signedinteger) else (0, 2**bits - 1)


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


# ---- Several schedules' values in one


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
    arrays = [_plain_time(value) for value in values]
    if not any(mx.issubdtype(array.dtype, mx.floating) for array in arrays):
        arrays = [natural(array) for array in arrays]
    return Traced(mx.stack(arrays), values[0].label)


# ---- As arrays of the compiled module


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
    numbers = [min(x, LAST_STEP) for x in rows.numbers]  # no run gets there
    numbers = [_counted(x, real) for x in numbers] if whole else numbers
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
