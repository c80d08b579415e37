"""Python numbers: exact sums, rounded once, put into arrays, described in messages."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, Protocol, TypeAlias, TypeVar

import mlx.core as mx

Number: TypeAlias = int | float | Fraction
Nested: TypeAlias = "Number | tuple[Nested, ...]"


class ArrayLike(Protocol):
    """NumPy's arrays and scalars, and whatever follows them."""

    @property
    def dtype(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def tolist(self) -> Any: ...


# Evaluated, so that typing.get_type_hints works. A Sequence would let text in.
Real: TypeAlias = float | Fraction | list[Any] | tuple[Any, ...] | ArrayLike | mx.array

_FORMS = {mx.float16: "e", mx.bfloat16: "f", mx.float32: "f", mx.float64: "d"}  # of the module struct
_LONGEST = 80  # characters of a value in a message
T = TypeVar("T")


def nested(flat: Sequence[T], shape: tuple[int, ...]) -> Any:
    """Numbers in the order of rows, as tuples in tuples: of shape () the number itself."""
    if not shape:
        return flat[0]
    size = math.prod(shape[1:])
    return tuple(nested(flat[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0]))


def flatten(numbers: Nested) -> Iterator[Number]:
    if isinstance(numbers, tuple):
        for part in numbers:
            yield from flatten(part)
    else:
        yield numbers


def listed(numbers: Any, function: Callable[[Any], T]) -> Any:
    """`function` of each number, in lists in place of tuples."""
    return [listed(part, function) for part in numbers] if isinstance(numbers, tuple) else function(numbers)


def simplest(x: Number) -> Number:
    """The same number: an int where it is whole, else a float where one holds it, else a fraction."""
    if isinstance(x, int) or (isinstance(x, float) and not math.isfinite(x)):
        return x
    if x == int(x):
        return int(x)
    return float(x) if isinstance(x, Fraction) and Fraction(float(x)) == x else x


def exactly(function: Callable[..., Any], *numbers: Number) -> Number:
    """An arithmetic function of numbers, without rounding; infinity passes."""
    if all(isinstance(x, int) for x in numbers) or math.inf in numbers:
        return simplest(function(*numbers))
    return simplest(function(*(Fraction(x) for x in numbers)))


def dtype_name(dtype: mx.Dtype) -> str:
    return str(dtype).removeprefix("mlx.core.")


def described(value: object) -> str:
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


def bracketed(value: object, longest: int = 240) -> str:
    """`repr(value)` in one line for a listing: where it is cut, every bracket that is open is closed."""
    line = re.sub(r"\s*\n\s*", " ", repr(value)[: 10 * longest])
    if len(line) <= longest:
        return line
    kept, closing = line[: longest - 3], {"(": ")", "[": "]", "{": "}"}
    opened: list[str] = []
    for character in kept:
        if character in closing:
            opened.append(closing[character])
        elif opened and character == opened[-1]:
            opened.pop()
    return f"{kept}...{''.join(reversed(opened))}"


def rounded(x: Number, dtype: mx.Dtype) -> Number:
    """`x` rounded once to `dtype`; infinite where it overflows. MLX itself goes by way of float32, and rounds twice."""
    form = _FORMS.get(dtype)
    if form is None:  # integers
        return x
    try:
        if form == "d":
            return float(x)
        y = x if isinstance(x, float) else _odd(x)
        if form == "f" and dtype == mx.bfloat16:
            place = max(math.frexp(y)[1], -125) - 8  # of the last bit; subnormals share theirs
            y = math.ldexp(round(math.ldexp(y, -place)), place)
        return float(struct.unpack(form, struct.pack(form, y))[0])
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def holds(dtype: mx.Dtype, x: Number) -> bool:
    """Exactly, or, as ever with a Python number's fraction, rounded to float32."""
    if not mx.issubdtype(dtype, mx.integer):
        return rounded(x, dtype) == x or (x != int(x) and dtype.size >= 4)
    least, most = dtype_range(dtype)
    return isinstance(x, int) and least <= x <= most


def dtype_range(dtype: mx.Dtype) -> tuple[int, int]:
    bits = 8 * dtype.size
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if mx.issubdtype(dtype, mx.signedinteger) else (0, 2**bits - 1)


def _odd(x: int | Fraction) -> float:
    """`x` in 53 bits, the last of them 1 where any was cut off, so that fewer bits of it are `x` rounded once."""
    over = max(x.denominator.bit_length() - abs(x.numerator).bit_length() + 54, 0)  # bits behind the point
    whole, more = divmod(abs(x.numerator) << over, x.denominator)
    cut = max(whole.bit_length() - 53, 0)
    kept = whole >> cut
    kept |= kept << cut != whole or more > 0
    return math.copysign(math.ldexp(kept, cut - over), x)


def to_array(numbers: Iterable[Number], dtype: mx.Dtype, shape: tuple[int, ...]) -> mx.array:
    """Numbers that `dtype` holds, in the order of rows."""
    flat: list[Any] = list(numbers)
    if 0 in shape:
        return mx.zeros(shape, dtype, stream=mx.cpu)
    if not shape and dtype != mx.uint64:
        return mx.array(flat[0], dtype)
    if dtype != mx.uint64:
        return mx.array(listed(nested(flat, shape), lambda x: x), dtype)
    # mx.array takes Python integers through int64 only; a buffer keeps all 64 bits.
    buffer: Any = memoryview(struct.pack(f"={len(flat)}Q", *flat)).cast("B").cast("Q", shape)
    return mx.array(buffer)
