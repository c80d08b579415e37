"""Reading what users pass: numbers, lists, NumPy and MLX arrays, checked, as arrays of the dtype they are needed in.

As in MLX, an ``mx.array`` has a dtype that takes part in promotion; everything else is weak, keeps the precision of a
Python number and takes the dtype of the result.
"""

from __future__ import annotations

import functools
import math
import struct
from dataclasses import dataclass
from typing import Any, TypeAlias

import mlx.core as mx

from . import _ext

Number: TypeAlias = "int | float"
Nested: TypeAlias = "int | float | tuple[Nested, ...]"

_REAL_FLOATS = (mx.float16, mx.bfloat16, mx.float32, mx.float64)
_LARGEST_TIME = 2**64 - 1  # the kernels count steps in uint64


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
            return Value(self.name, (), tuple(part.shape), part.dtype, part)
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
        """The numbers in `dtype`, each rounded once."""
        if self.unread is not None:
            return self.unread  # the op casts it
        return _to_array(_map(lambda x: _rounded(self.name, x, dtype), self.numbers), dtype, self.shape)

    def as_time(self, out: mx.Dtype) -> mx.array:
        """The numbers in the dtype that holds them all: uint32 or uint64 where they are whole, else a float."""
        if self.unread is not None:
            return self.unread
        numbers = list(flatten(self.numbers))
        if any(x != int(x) for x in numbers):
            return self.as_array(mx.float64 if out == mx.float64 else mx.float32)
        dtype = mx.uint32 if max(numbers, default=1) < 2**32 else mx.uint64
        return _to_array(_map(int, self.numbers), dtype, self.shape)


def read(name: str, value: Any) -> Value:
    """Check `value` as far as it can be read; ValueError or TypeError naming it otherwise."""
    if isinstance(value, mx.array):
        if _ext.is_tracer(value):
            return unread(name, value)
        check_dtype(name, value.dtype)
        result = Value(name, _frozen(name, value.tolist(), value), tuple(value.shape), value.dtype)
    else:
        if hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy, and whatever follows it
            shape = tuple(value.shape)
            numbers = _frozen(name, value.tolist(), value)
            if 0 not in shape and _shape(name, numbers) != shape:  # its elements are records
                raise TypeError(f"[cosine_decay] {name} must hold real numbers, got {_described(value)}.")
        else:
            numbers = _frozen(name, value, value)
            shape = _shape(name, numbers)
        result = Value(name, numbers, shape)
    for x in flatten(result.numbers):
        _check_number(name, x)
    return result


def unread(name: str, array: mx.array) -> Value:
    check_dtype(name, array.dtype)
    return Value(name, (), tuple(array.shape), array.dtype, array)


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


def read_step(step: Any) -> mx.array:
    """A step that is no ``mx.array`` yet."""
    if isinstance(step, bool):
        return mx.array(step)
    if isinstance(step, int):
        if -(2**31) <= step < 2**31:
            return mx.array(step)
        if step < 2**63:
            return mx.array(max(step, -(2**63)), mx.int64)
        if step < 2**64:
            return _uint64(step)
        return mx.array(math.inf)  # beyond every decay_steps
    if isinstance(step, float):
        return mx.array(step)
    if step is None or isinstance(step, (complex, str, bytes)):
        raise TypeError(f"[cosine_decay] step must be a real number or an array, got {step!r}.")
    try:
        array = step if isinstance(step, mx.array) else mx.array(step)
    except Exception as error:
        raise TypeError(f"[cosine_decay] step must be a real number or an array, got {_described(step)}.") from error
    check_dtype("step", array.dtype)
    return array


def flatten(numbers: Nested) -> Any:
    if isinstance(numbers, tuple):
        for part in numbers:
            yield from flatten(part)
    else:
        yield numbers


def _check_number(name: str, x: Any) -> None:
    if isinstance(x, float) and not math.isfinite(x):
        raise ValueError(f"[cosine_decay] {name} must be finite, got {x!r}.")
    if name == "decay_steps":
        if x < 1:
            raise ValueError(f"[cosine_decay] {name} must be at least 1, got {x!r}.")
        if x > _LARGEST_TIME:
            raise ValueError(f"[cosine_decay] {name} must be below 2**64, got {_described(x)}.")


def _frozen(name: str, numbers: Any, given: Any) -> Nested:
    if isinstance(numbers, (list, tuple)):
        return tuple(_frozen(name, part, given) for part in numbers)
    if hasattr(numbers, "item") and not isinstance(numbers, mx.array):  # a NumPy scalar in a list
        numbers = numbers.item()
    if isinstance(numbers, bool) or not isinstance(numbers, (int, float)):
        raise TypeError(f"[cosine_decay] {name} must be a real number, a list or an array, got {_described(given)}.")
    whole = name == "decay_steps" and isinstance(numbers, float) and numbers.is_integer()
    return int(numbers) if whole else numbers


def _shape(name: str, numbers: Nested) -> tuple[int, ...]:
    if not isinstance(numbers, tuple):
        return ()
    shapes = {_shape(name, part) for part in numbers}
    if len(shapes) > 1:
        raise ValueError(f"[cosine_decay] {name} must have rows of one length, got {_described(numbers)}.")
    return (len(numbers), *(shapes.pop() if shapes else ()))


def _spread(numbers: Nested, own: tuple[int, ...], shape: tuple[int, ...]) -> Nested:
    """`numbers` of shape `own` broadcast to `shape`, of the same rank."""
    if not shape:
        return numbers
    assert isinstance(numbers, tuple)
    rows = tuple(_spread(part, own[1:], shape[1:]) for part in numbers)
    return rows * shape[0] if own[0] == 1 else rows


def _map(function: Any, numbers: Any) -> Any:
    return [_map(function, part) for part in numbers] if isinstance(numbers, tuple) else function(numbers)


def _rounded(name: str, x: Number, dtype: mx.Dtype) -> Number:
    """`x` rounded once to `dtype`. MLX itself goes by way of float32, which can round twice."""
    try:
        if dtype == mx.float16:
            y = struct.unpack("e", struct.pack("e", float(x)))[0]
        elif dtype == mx.bfloat16:
            fraction, exponent = math.frexp(x)
            y = math.ldexp(round(fraction * 256), exponent - 8) if exponent >= -125 else float(x)
            struct.pack("f", y)
        elif dtype == mx.float32:
            y = struct.unpack("f", struct.pack("f", float(x)))[0]
        elif dtype == mx.float64:
            y = float(x)
        else:
            return x
    except OverflowError:
        y = math.inf
    if math.isinf(y):
        raise ValueError(f"[cosine_decay] {name} must be finite in {dtype_name(dtype)}, got {_described(x)}.")
    return float(y)


def _to_array(numbers: Any, dtype: mx.Dtype, shape: tuple[int, ...]) -> mx.array:
    if 0 in shape:
        return mx.zeros(shape, dtype, stream=mx.cpu)
    return _uint64(numbers, shape) if dtype == mx.uint64 else mx.array(numbers, dtype)


def _uint64(numbers: Any, shape: tuple[int, ...] = ()) -> mx.array:
    """``mx.array`` takes Python integers through int64 only; a buffer keeps all 64 bits."""
    flat = list(flatten(_frozen("decay_steps", numbers, numbers)))
    buffer: Any = memoryview(struct.pack(f"={len(flat)}Q", *flat)).cast("Q", shape)
    return mx.array(buffer)


def dtype_name(dtype: mx.Dtype) -> str:
    return str(dtype).removeprefix("mlx.core.")


def _described(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
