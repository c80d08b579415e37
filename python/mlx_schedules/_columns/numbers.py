"""Python numbers: exact arithmetic, rounding, conversion to arrays, and descriptions for messages."""

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
    """NumPy's arrays and scalars, and objects that behave like them."""

    @property
    def dtype(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def tolist(self) -> Any: ...


# Not a string, so that typing.get_type_hints works. Sequence would allow text.
Real: TypeAlias = float | Fraction | list[Any] | tuple[Any, ...] | ArrayLike | mx.array

_FORMS = {mx.float16: "e", mx.bfloat16: "f", mx.float32: "f", mx.float64: "d"}  # of the module struct
_LONGEST, _LONGEST_LISTED = 80, 240  # characters of a value in a message, in a listing
T = TypeVar("T")


def nested(flat: Sequence[T], shape: tuple[int, ...]) -> Any:
    """Return numbers in row-major order as nested tuples of a shape, or as a single number for the shape ()."""
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
    """Apply `function` to each number, and turn tuples into lists."""
    return [listed(part, function) for part in numbers] if isinstance(numbers, tuple) else function(numbers)


def simplest(x: Number) -> Number:
    """Return the same number as an int if it is whole, otherwise as a float if that is exact, otherwise a Fraction."""
    if isinstance(x, int) or (isinstance(x, float) and not math.isfinite(x)):
        return x
    if x == int(x):
        return int(x)
    return float(x) if isinstance(x, Fraction) and Fraction(float(x)) == x else x


def exactly(function: Callable[..., Any], *numbers: Number) -> Number:
    """Apply an arithmetic function to numbers without rounding. Infinity passes through."""
    if all(isinstance(x, int) for x in numbers) or math.inf in numbers:
        return simplest(function(*numbers))
    return simplest(function(*(Fraction(x) for x in numbers)))


def dtype_name(dtype: mx.Dtype) -> str:
    return str(dtype).removeprefix("mlx.core.")


def described(value: object) -> str:
    """Return `repr(value)` as one short line for a message, whatever the value is."""
    try:
        return shortened(repr(value))
    except Exception:  # its own repr fails; or it is or contains an integer with more digits than Python prints
        if isinstance(value, int):
            return f"an int of {value.bit_length()} bits"
        return f"an object of type {shortened(type(value).__name__)}"


def shortened(text: str) -> str:
    line = re.sub(r"\s*\n\s*", " ", text[: 10 * _LONGEST])
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def amount(n: int, noun: str) -> str:
    """Return a number with its noun, such as "1 update" or "3 updates"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def bracketed(value: object) -> str:
    """Return `repr(value)` in one line for a listing. If it is cut, open brackets are closed."""
    line = re.sub(r"\s*\n\s*", " ", repr(value)[: 10 * _LONGEST_LISTED])
    if len(line) <= _LONGEST_LISTED:
        return line
    kept, closing = line[: _LONGEST_LISTED - 3], {"(": ")", "[": "]", "{": "}"}
    opened: list[str] = []
    for character in kept:
        if character in closing:
            opened.append(closing[character])
        elif opened and character == opened[-1]:
            opened.pop()
    return f"{kept}...{''.join(reversed(opened))}"


def rounded(x: Number, dtype: mx.Dtype) -> Number:
    """Round x once to `dtype`, or to infinity if it overflows. MLX itself rounds twice, to float32 first."""
    form = _FORMS.get(dtype)
    if form is None:  # integers
        return x
    try:
        if form == "d":
            return float(x)
        y = x if isinstance(x, float) else _odd(x)
        if form == "f" and dtype == mx.bfloat16:
            place = max(math.frexp(y)[1], -125) - 8  # the place of the last bit, which is the same for all subnormals
            y = math.ldexp(round(math.ldexp(y, -place)), place)
        return float(struct.unpack(form, struct.pack(form, y))[0])
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def holds(dtype: mx.Dtype, x: Number) -> bool:
    """Tell whether a dtype holds x: exactly, or rounded to float32 if x has a fraction, as MLX's Python numbers."""
    if not mx.issubdtype(dtype, mx.integer):
        return rounded(x, dtype) == x or (x != int(x) and dtype.size >= 4)
    least, most = dtype_range(dtype)
    return isinstance(x, int) and least <= x <= most


def dtype_range(dtype: mx.Dtype) -> tuple[int, int]:
    bits = 8 * dtype.size
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if mx.issubdtype(dtype, mx.signedinteger) else (0, 2**bits - 1)


def unboxed(value: Any) -> Any:
    """Return the number in a NumPy scalar or an array without axes, and anything else as it is."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def real_for(*dtypes: mx.Dtype | None) -> mx.Dtype:
    """Return float64 if one of the dtypes is, otherwise float32, in which half-precision numbers are computed too."""
    return mx.float64 if mx.float64 in dtypes else mx.float32


def _odd(x: int | Fraction) -> float:
    """Return x in 53 bits, rounded to odd, so that rounding it to fewer bits again gives x rounded once."""
    over = max(x.denominator.bit_length() - abs(x.numerator).bit_length() + 54, 0)  # bits after the binary point
    whole, more = divmod(abs(x.numerator) << over, x.denominator)
    cut = max(whole.bit_length() - 53, 0)
    kept = whole >> cut
    kept |= kept << cut != whole or more > 0
    return math.copysign(math.ldexp(kept, cut - over), x)


def natural(a: mx.array) -> mx.array:
    """Convert integers to uint64, because MLX promotes int64 and uint64 to a float. Negative ones count as 0."""
    return (mx.maximum(a, 0) if mx.issubdtype(a.dtype, mx.signedinteger) else a).astype(mx.uint64)


def to_array(numbers: Iterable[Number], dtype: mx.Dtype, shape: tuple[int, ...]) -> mx.array:
    """Return an array of numbers, which `dtype` holds, in row-major order."""
    flat: list[Any] = list(numbers)
    if 0 in shape:
        return mx.zeros(shape, dtype, stream=mx.cpu)
    if dtype != mx.uint64:
        return mx.array(nested(flat, shape), dtype)
    # mx.array takes Python integers through int64 only; a buffer keeps all 64 bits.
    buffer: Any = memoryview(struct.pack(f"={len(flat)}Q", *flat)).cast("B").cast("Q", shape)
    return mx.array(buffer)
