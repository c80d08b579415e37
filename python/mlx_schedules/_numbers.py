"""Python numbers, nested in tuples as they were in lists: rounded once, put into arrays, described in messages."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import mlx.core as mx

Number: TypeAlias = "int | float"
Nested: TypeAlias = "int | float | tuple[Nested, ...]"


class ArrayLike(Protocol):
    """NumPy's arrays and scalars, and whatever follows them."""

    @property
    def dtype(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def tolist(self) -> Any: ...


Real: TypeAlias = float | Sequence[Any] | ArrayLike | mx.array  # evaluated, so that typing.get_type_hints works

_FORMS = {mx.float16: "e", mx.bfloat16: "f", mx.float32: "f", mx.float64: "d"}  # of the module struct
_LONGEST = 80  # characters of a value in a message


def flatten(numbers: Nested) -> Iterator[Any]:
    if isinstance(numbers, tuple):
        for part in numbers:
            yield from flatten(part)
    else:
        yield numbers


def map_numbers(function: Any, numbers: Nested) -> Any:
    """`function` of each number, in nested lists."""
    return [map_numbers(function, part) for part in numbers] if isinstance(numbers, tuple) else function(numbers)


def dtype_name(dtype: mx.Dtype) -> str:
    return str(dtype).removeprefix("mlx.core.")


def described(value: Any) -> str:
    """`repr(value)` for a message: one short line, whatever the value."""
    try:
        return shortened(repr(value))
    except (
        Exception
    ):  # a repr of its own that fails; or an integer, perhaps in a list, of more digits than Python writes
        if isinstance(value, int):
            return f"an int of {value.bit_length()} bits"
        return f"an object of type {shortened(type(value).__name__)}"


def shortened(text: str) -> str:
    line = re.sub(r"\s*\n\s*", " ", text[: 10 * _LONGEST])
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def rounded(x: Number, dtype: mx.Dtype) -> Number:
    """`x` rounded once to `dtype`; infinite where it overflows. MLX itself goes by way of float32, and rounds twice."""
    form = _FORMS.get(dtype)
    if form is None:  # integers
        return x
    try:
        if form == "d":
            return float(x)
        x = _odd(x) if isinstance(x, int) else x
        if form == "f" and dtype == mx.bfloat16:
            place = max(math.frexp(x)[1], -125) - 8  # of the last bit; subnormals share theirs
            x = math.ldexp(round(math.ldexp(x, -place)), place)
        return float(struct.unpack(form, struct.pack(form, x))[0])
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def _odd(x: int) -> float:
    """`x` in 53 bits, the last of them 1 where any was cut off, so that fewer bits of it are `x` rounded once."""
    cut = max(abs(x).bit_length() - 53, 0)
    kept = abs(x) >> cut
    kept |= kept << cut != abs(x)
    return math.copysign(math.ldexp(kept, cut), x)


def to_array(numbers: Any, dtype: mx.Dtype, shape: tuple[int, ...]) -> mx.array:
    """Nested lists of numbers that `dtype` holds."""
    if 0 in shape:
        return mx.zeros(shape, dtype, stream=mx.cpu)
    if dtype != mx.uint64:
        return mx.array(numbers, dtype)
    # mx.array takes Python integers through int64 only; a buffer keeps all 64 bits.
    flat = list(flatten(_tuples(numbers)))
    buffer: Any = memoryview(struct.pack(f"={len(flat)}Q", *flat)).cast("Q", shape)
    return mx.array(buffer)


def _tuples(numbers: Any) -> Nested:
    return tuple(map(_tuples, numbers)) if isinstance(numbers, list) else numbers
