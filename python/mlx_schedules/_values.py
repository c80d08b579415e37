"""Reading what users pass: numbers, lists, NumPy and MLX arrays, checked, as arrays of the dtype they are needed in.

As in MLX, an ``mx.array`` has a dtype that takes part in promotion; everything else is weak, keeps the precision of a
Python number and takes the dtype of the result.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import mlx.core as mx

from . import _ext
from ._numbers import Nested, Number, described, dtype_name, flatten, map_numbers, rounded, to_array

_REAL_FLOATS = (mx.float16, mx.bfloat16, mx.float32, mx.float64)
_LARGEST_TIME = 2**64 - 1  # the kernels count steps in uint64
_LONGEST_AXIS = 2**31 - 1  # MLX's


@dataclass(frozen=True)
class Value:
    """One hyperparameter: its numbers, or the array that holds them where they are not read."""

    name: str
    numbers: Nested
    shape: tuple[int, ...]
    dtype: mx.Dtype | None = None  # None: weak
    unread: mx.array | None = None

    def __getitem__(self, index: int | slice) -> Value:
        if self.unread is not None:
            part = self.unread[index]
            return Value(self.name, (), tuple(part.shape), self.dtype, part)
        assert isinstance(self.numbers, tuple)
        numbers = self.numbers[index]
        rows = (len(numbers),) if isinstance(numbers, tuple) and isinstance(index, slice) else ()
        return Value(self.name, numbers, rows + self.shape[1:], self.dtype)

    def broadcast_to(self, shape: tuple[int, ...]) -> Value:
        if self.shape == shape:
            return self
        if self.unread is not None:
            return Value(self.name, (), shape, self.dtype, mx.broadcast_to(self.unread, shape))
        numbers, own = self.numbers, self.shape
        for _ in range(len(shape) - len(own)):
            numbers, own = (numbers,), (1, *own)
        return Value(self.name, _spread(numbers, own, shape), shape, self.dtype)

    def as_array(self, dtype: mx.Dtype) -> mx.array:
        """The numbers in `dtype`, each rounded once; ValueError where one overflows."""
        if self.unread is not None:
            return self.unread if self.unread.dtype == self.dtype else self.unread.astype(dtype)  # else the op casts it
        return to_array(map_numbers(lambda x: _fitted(self.name, x, dtype), self.numbers), dtype, self.shape)

    def as_time(self, out: mx.Dtype) -> mx.array:
        """The numbers in the dtype that holds them all: uint32 or uint64 where they are whole, else a float."""
        if self.unread is not None:
            return self.unread
        numbers = list(flatten(self.numbers))
        if any(x != int(x) for x in numbers):
            return self.as_array(mx.float64 if out == mx.float64 else mx.float32)
        dtype = mx.uint32 if max(numbers, default=1) < 2**32 else mx.uint64
        return to_array(map_numbers(int, self.numbers), dtype, self.shape)

    def as_given(self) -> Any:
        """What a property shows: numbers, or an array where one was given."""
        if self.unread is not None:
            return self.unread
        dtype = self.shown_dtype()
        return self.numbers if dtype is None else self.as_array(dtype)

    def shown_dtype(self) -> mx.Dtype | None:
        """Its own, or what else holds the numbers of several schedules without wrapping or narrowing any."""
        if self.dtype is None:
            return None
        wider = (self.dtype, *(dtype for dtype in (mx.float32, mx.float64) if dtype.size > self.dtype.size))
        return next((dtype for dtype in wider if all(holds(dtype, x) for x in flatten(self.numbers))), None)


def _fitted(name: str, x: Number, dtype: mx.Dtype) -> Number:
    y = rounded(x, dtype)
    if math.isinf(y):
        raise ValueError(f"[cosine_decay] {name} must be finite in {dtype_name(dtype)}, got {described(x)}.")
    return y


def holds(dtype: mx.Dtype, x: Number) -> bool:
    """Exactly, or, as ever with a Python number's fraction, rounded to float32."""
    if not mx.issubdtype(dtype, mx.integer):
        return rounded(x, dtype) == x or (x != int(x) and dtype.size >= 4)
    least, most = _range(dtype)
    return isinstance(x, int) and least <= x <= most


def read(name: str, value: Any) -> Value:
    """Check `value` as far as it can be read; ValueError or TypeError naming it otherwise."""
    if isinstance(value, mx.array):
        if _ext.is_tracer(value):
            return unread(name, value)
        check_dtype(name, value.dtype)
        result = Value(name, _frozen(name, value.tolist(), value), tuple(value.shape), value.dtype)
    elif isinstance(value, (list, tuple)) and any(map(_has_arrays, value)):
        return _read_rows(name, value)
    elif hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy, and whatever follows it
        numbers = _frozen(name, value.tolist(), value)
        result = Value(name, numbers, tuple(value.shape))
        if 0 not in result.shape and _shape(name, numbers) != result.shape:  # its elements are records
            raise TypeError(f"[cosine_decay] {name} must hold real numbers, got {described(value)}.")
    else:
        numbers = _frozen(name, value, value)
        result = Value(name, numbers, _shape(name, numbers))
    check_axes(name, result.shape)
    for x in flatten(result.numbers):
        _check_number(name, x)
    return result


def _has_arrays(value: Any) -> bool:
    return any(map(_has_arrays, value)) if isinstance(value, (list, tuple)) else hasattr(value, "dtype")


def _read_rows(name: str, rows: Any) -> Value:
    """A list with arrays in it: as if they were stacked."""
    values = [read(name, row) for row in rows]
    if len({value.shape for value in values}) > 1:
        raise ValueError(f"[cosine_decay] {name} must have rows of one length, got {described(rows)}.")
    return stacked(values)


def unread(name: str, array: mx.array) -> Value:
    check_dtype(name, array.dtype)
    return Value(name, (), tuple(array.shape), array.dtype, array)


def check_axes(name: str, shape: tuple[int, ...]) -> None:
    for n in shape:
        if n > _LONGEST_AXIS:
            raise ValueError(
                f"[cosine_decay] {name} must have axes that MLX can hold, below 2**31; got one of {described(n)}."
            )


def check_dtype(name: str, dtype: mx.Dtype) -> None:
    """TypeError for arrays that hold no real numbers; steps may be bool, and count as 0 and 1."""
    if dtype == mx.complex64 or (dtype == mx.bool_ and name != "step"):
        raise TypeError(f"[cosine_decay] {name} must be real, got an array of {dtype_name(dtype)}.")


def check_broadcast(*values: Value) -> tuple[int, ...]:
    """The shape the values broadcast to; ValueError naming each one's shape otherwise."""
    rank = max(len(v.shape) for v in values)
    shape = [1] * rank
    for value in values:
        for i, n in enumerate(value.shape, rank - len(value.shape)):
            if shape[i] == 1:
                shape[i] = n
            elif n not in (1, shape[i]):
                shapes = ", ".join(f"{v.name} {v.shape}" for v in values)
                raise ValueError(f"[cosine_decay] Shapes do not broadcast: {shapes}.")
    return tuple(shape)


def result_dtype(step: mx.Dtype, init: Value, end: Value) -> mx.Dtype:
    """What ``end + weight * (init - end)`` has in MLX, the weight having the step's float type."""
    return _promoted(step, _kind(init), _kind(end))


def _kind(value: Value) -> mx.Dtype | type:
    """The dtype, or the type of the weak numbers."""
    if value.dtype is not None:
        return value.dtype
    return float if any(isinstance(x, float) for x in flatten(value.numbers)) else int


@functools.cache  # MLX is asked once: its answer took 4 of the 10 us of a call of the op
def _promoted(step: mx.Dtype, init: mx.Dtype | type, end: mx.Dtype | type) -> mx.Dtype:
    cpu = mx.cpu  # float64 exists there alone; nothing is evaluated
    weight = mx.zeros((0,), step if step in _REAL_FLOATS else mx.float32, stream=cpu)
    a, b = (kind(0) if isinstance(kind, type) else mx.zeros((0,), kind, stream=cpu) for kind in (init, end))
    weak = not isinstance(a, mx.array) and not isinstance(b, mx.array)
    change = mx.multiply(weight, a - b if weak else mx.subtract(a, b, stream=cpu), stream=cpu)
    return mx.add(b, change, stream=cpu).dtype


def read_step(step: Any, real: mx.Dtype) -> mx.array:
    """A step that is no ``mx.array`` yet; fractions are held in `real`."""
    if isinstance(step, float):
        return mx.array(step, real)
    if isinstance(step, int):
        if -(2**31) <= step < 2**31:
            return mx.array(step)  # at once, since it is what a loop of steps calls
        return _whole_steps(step, ())
    if step is None or isinstance(step, (complex, str, bytes)):
        raise TypeError(_no_step(step))
    if isinstance(step, (list, tuple)) and not any(map(_has_arrays, step)):
        return _listed_steps(step, real)
    try:
        array = _array_of_steps(step, real)
    except Exception as error:
        raise TypeError(_no_step(step)) from error
    check_dtype("step", array.dtype)
    return array


def _no_step(step: Any) -> str:
    return f"[cosine_decay] step must be a real number or an array, got {described(step)}."


def _listed_steps(step: Any, real: mx.Dtype) -> mx.array:
    numbers = _frozen("step", step, step)
    shape = _shape("step", numbers)
    if not any(isinstance(x, float) for x in flatten(numbers)):
        return _whole_steps(numbers, shape)
    return to_array(map_numbers(lambda x: rounded(x, mx.float64), numbers), real, shape)


def _whole_steps(numbers: Nested, shape: tuple[int, ...]) -> mx.array:
    """Clipped to what integers hold: negative steps are as 0, and 2**64 - 1 is as any above."""
    low, high = min(flatten(numbers), default=0), max(flatten(numbers), default=0)
    if low >= -(2**31) and high < 2**31:
        return to_array(map_numbers(int, numbers), mx.int32, shape)
    least, most, dtype = (-(2**63), 2**63 - 1, mx.int64) if high < 2**63 else (0, 2**64 - 1, mx.uint64)
    return to_array(map_numbers(lambda x: min(max(x, least), most), numbers), dtype, shape)


def _array_of_steps(step: Any, real: mx.Dtype) -> mx.array:
    if isinstance(step, (list, tuple)):
        return mx.stack([part if isinstance(part, mx.array) else read_step(part, real) for part in step])
    array = mx.array(step)
    return mx.array(step, real) if array.dtype == mx.float32 else array  # of float64 arrays MLX makes float32


def _check_number(name: str, x: Any) -> None:
    if isinstance(x, float) and not math.isfinite(x):
        raise ValueError(f"[cosine_decay] {name} must be finite, got {described(x)}.")
    if name == "decay_steps":
        if x < 1:
            raise ValueError(f"[cosine_decay] {name} must be at least 1, got {described(x)}.")
        if x > _LARGEST_TIME:
            raise ValueError(f"[cosine_decay] {name} must be below 2**64, got {described(x)}.")


def _frozen(name: str, numbers: Any, given: Any) -> Nested:
    if isinstance(numbers, (list, tuple)):
        return tuple(_frozen(name, part, given) for part in numbers)
    if hasattr(numbers, "item") and not isinstance(numbers, mx.array):  # a NumPy scalar in a list
        numbers = numbers.item()
    if (isinstance(numbers, bool) and name != "step") or not isinstance(numbers, (int, float)):
        raise TypeError(f"[cosine_decay] {name} must be a real number, a list or an array, got {described(given)}.")
    whole = name == "decay_steps" and isinstance(numbers, float) and numbers.is_integer()
    return int(numbers) if whole else numbers


def _shape(name: str, numbers: Nested) -> tuple[int, ...]:
    if not isinstance(numbers, tuple):
        return ()
    shapes = {_shape(name, part) for part in numbers}
    if len(shapes) > 1:
        raise ValueError(f"[cosine_decay] {name} must have rows of one length, got {described(numbers)}.")
    return (len(numbers), *(shapes.pop() if shapes else ()))


def _spread(numbers: Nested, own: tuple[int, ...], shape: tuple[int, ...]) -> Nested:
    """`numbers` of shape `own` broadcast to `shape`, of the same rank."""
    if not shape:
        return numbers
    assert isinstance(numbers, tuple)
    rows = tuple(_spread(part, own[1:], shape[1:]) for part in numbers)
    return rows * shape[0] if own[0] == 1 else rows


def stacked(values: list[Value]) -> Value:
    """One hyperparameter of several schedules, all of one shape."""
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
        held = mx.float32 if dtype in (mx.float16, mx.bfloat16) else dtype  # a half would narrow the others' numbers
        arrays = [value.as_array(held) for value in values]
    return Value(name, (), shape, dtype, mx.stack(arrays))


def _common_dtype(values: list[Value]) -> mx.Dtype | None:
    """What MLX promotes them to, or what holds all integers; None where all are weak."""
    dtypes = {value.dtype for value in values if value.dtype is not None}
    if not dtypes:
        return None
    total = mx.zeros((0,), mx.bool_, stream=mx.cpu)
    for dtype in dtypes:
        # float64 exists on the CPU alone; nothing is evaluated.
        total = mx.add(total, mx.zeros((0,), dtype, stream=mx.cpu), stream=mx.cpu)
    weak = [x for value in values if value.dtype is None for x in flatten(value.numbers)]
    if any(isinstance(x, float) for x in weak):
        return mx.add(total, 0.0, stream=mx.cpu).dtype
    return _integers(total.dtype, dtypes, values) if all(mx.issubdtype(t, mx.integer) for t in dtypes) else total.dtype


def _integers(promoted: mx.Dtype, dtypes: set[mx.Dtype], values: list[Value]) -> mx.Dtype:
    """The first dtype, from `promoted` on, in which no integer wraps; all give results of the same dtype."""
    numbers = [x for value in values for x in flatten(value.numbers)]
    for value in values:
        if value.unread is not None:
            assert value.dtype is not None
            numbers.extend(_range(value.dtype))
    candidates = (dtype for dtype in (promoted, mx.int64, mx.uint64) if mx.issubdtype(dtype, mx.integer))
    return next((dtype for dtype in candidates if all(holds(dtype, x) for x in numbers)), mx.float32)


def _range(dtype: mx.Dtype) -> tuple[int, int]:
    bits = 8 * dtype.size
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if mx.issubdtype(dtype, mx.signedinteger) else (0, 2**bits - 1)
