"""Reads what users pass: numbers, lists, NumPy and MLX arrays. Errors name the function and the argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias

import mlx.core as mx

from .. import _ext
from .held import stacked
from .numbers import Nested, Number, described, dtype_name, flatten, rounded, simplest, to_array, unboxed
from .values import LAST_STEP, Known, Shape, Traced, Values

_LONGEST_AXIS = 2**31 - 1  # MLX's limit
_SHORTEST = 2.0**-60  # the shortest length: for a shorter one, (1 / length)^2 overflows float32
Check: TypeAlias = Callable[[str, Number], None]


# ---- Checks of numbers


def check_finite(label: str, x: Number) -> None:
    if isinstance(x, float) and not math.isfinite(x):
        raise ValueError(f"{label} must be finite, got {described(x)}.")


def check_factor(label: str, x: Number) -> None:
    if not math.isfinite(rounded(x, mx.float64)):
        raise ValueError(f"{label} must be finite, got {described(x)}.")


def check_positive(label: str, x: Number) -> None:
    check_finite(label, x)
    if x <= 0:
        raise ValueError(f"{label} must be above 0, got {described(x)}.")


def check_length(label: str, x: Number) -> None:
    check_positive(label, x)
    if x < _SHORTEST:
        raise ValueError(f"{label} must be at least 2**-60, got {described(x)}: count in smaller units.")
    _check_countable(label, x)


def check_steps(label: str, x: Number) -> None:
    check_finite(label, x)
    if x < 0:
        raise ValueError(f"{label} must be at least 0, got {described(x)}.")
    _check_countable(label, x)


def check_span(label: str, x: Number) -> None:
    """Check a length that may be 0."""
    check_steps(label, x)
    if x:
        check_length(label, x)


def _check_countable(label: str, x: Number) -> None:
    if x > LAST_STEP:
        raise ValueError(f"{label} must be below 2**64, got {described(x)}.")


# ---- Hyperparameters


def read(label: str, value: Any, check: Check = check_finite) -> Values:
    """Read a value, and check it as far as its numbers are known. `label`, "[function] name", begins error messages."""
    if isinstance(value, mx.array) and _ext.is_tracer(value):
        return unread(label, value)
    value = in_lists(value)
    if isinstance(value, list) and any(map(_has_arrays, value)):
        return _read_rows(label, value, check)
    result = _numbers_of(label, value)
    check_axes(label, result.shape)
    for x in result.numbers:
        check(label, x)
    return result


def read_times(label: str, value: Any, check: Check) -> Values:
    """Read numbers of steps. Whole numbers become integers, whatever type they were given as."""
    found = read(label, value, check)
    return found.map(simplest) if isinstance(found, Known) else found


def read_known(label: str, value: Any, check: Check) -> Known:
    """Read numbers of steps that must be known, because they decide which columns a schedule has."""
    found = read_times(label, value, check)
    if isinstance(found, Traced):
        raise TypeError(f"{label} must be known when the schedule is made, got an array that is being traced.")
    return found


def unread(label: str, array: mx.array) -> Traced:
    check_dtype(label, array.dtype)
    return Traced(array, label)


def _numbers_of(label: str, value: Any) -> Known:
    if isinstance(value, Known):  # it has been read before
        return replace(value, label=label)
    if isinstance(value, mx.array):
        check_dtype(label, value.dtype)
        numbers = frozen(label, value.tolist(), value)
        return Known(tuple(flatten(numbers)), tuple(value.shape), value.dtype, label)
    check_no_dates(label, value)
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy, and types that behave like it
        numbers = frozen(label, value.tolist(), value)
        shape = tuple(value.shape)
        if 0 not in shape and shape_of(label, numbers) != shape:  # its elements are records
            raise TypeError(f"{label} must hold real numbers, got {described(value)}.")
        return Known(tuple(flatten(numbers)), shape, label=label)
    numbers = frozen(label, value, value)
    return Known(tuple(flatten(numbers)), shape_of(label, numbers), label=label)


def _has_arrays(value: object) -> bool:
    return any(map(_has_arrays, value)) if isinstance(value, list) else hasattr(value, "dtype")


def in_lists(value: Any) -> Any:
    """Convert sequences of every type to lists, such as those that a config reader makes."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return list(map(in_lists, value))
    return value


def is_listed(value: object) -> bool:
    """Tell whether a value can be read as a list: not text, a dict, a function, a schedule or an array without axes."""
    unlike = isinstance(value, (str, bytes, Mapping)) or callable(value) or getattr(value, "shape", None) == ()
    return isinstance(value, Iterable) and not unlike


def check_no_dates(label: str, value: Any) -> None:
    """Refuse NumPy's dates and time spans, on which MLX would end the process."""
    if getattr(getattr(value, "dtype", None), "kind", "") in ("m", "M"):
        raise TypeError(f"{label} must be a real number, got {described(value)}: give a number of steps.")


def _read_rows(label: str, rows: Any, check: Check) -> Values:
    """Read a list that contains arrays, as if they were stacked."""
    values = [read(label, row, check) for row in rows]
    if len({value.shape for value in values}) > 1:
        raise ValueError(f"{label} must have rows of one length, got {described(rows)}.")
    return stacked(values)


def check_axes(label: str, shape: Shape) -> None:
    for n in shape:
        if n > _LONGEST_AXIS:
            raise ValueError(f"{label} must have axes that MLX can hold, below 2**31; got one of {described(n)}.")


def check_dtype(label: str, dtype: mx.Dtype, booleans: bool = False) -> None:
    """Raise TypeError for arrays that don't hold real numbers. Steps may be bool, which counts as 0 and 1."""
    if dtype == mx.complex64 or (dtype == mx.bool_ and not booleans):
        raise TypeError(f"{label} must be real, got an array of {dtype_name(dtype)}.")


def frozen(label: str, numbers: Any, given: object, booleans: bool = False) -> Nested:
    """Convert lists to tuples, and check that they contain real numbers."""
    if isinstance(numbers, (list, tuple)):
        return tuple(frozen(label, part, given, booleans) for part in numbers)
    check_no_dates(label, numbers)
    if hasattr(numbers, "item") and not isinstance(numbers, mx.array):  # a NumPy scalar in a list
        numbers = numbers.item()
    if (isinstance(numbers, bool) and not booleans) or not isinstance(numbers, (int, float, Fraction)):
        raise TypeError(f"{label} must be a real number, a list or an array, got {described(given)}{_advice(numbers)}.")
    return numbers


def _advice(value: object) -> str:
    """Return advice for numbers that are text. Most YAML readers follow YAML 1.1, which takes 1e-5 for text."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return ""
    return ", which is text: in YAML a number with an exponent needs a point and a sign, 1.0e-5"


def shape_of(label: str, numbers: Nested) -> Shape:
    if not isinstance(numbers, tuple):
        return ()
    shapes = {shape_of(label, part) for part in numbers}
    if len(shapes) > 1:
        raise ValueError(f"{label} must have rows of one length, got {described(numbers)}.")
    return (len(numbers), *(shapes.pop() if shapes else ()))


# ---- One number


def whole(label: str, value: Any) -> int:
    """Return an integer above 0."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{label} must be a whole number, got {described(value)}.")
    try:
        count = int(value.__index__())
    except TypeError:  # an array of floats, or of several numbers
        raise TypeError(f"{label} must be a whole number, got {described(value)}.") from None
    if count < 1:
        raise ValueError(f"{label} must be at least 1, got {described(count)}.")
    return count


def one_number(label: str, value: Any, check: Check = check_finite) -> Number:
    if getattr(value, "shape", ()) == () and not (isinstance(value, mx.array) and _ext.is_tracer(value)):
        number = unboxed(value)
        if isinstance(number, (int, float, Fraction)) and not isinstance(number, bool):
            check(label, number)
            return number
    raise TypeError(f"{label} must be a number, got {described(value)}{_advice(value)}.")


# ---- Steps


def read_step(function: str, step: Any, real: mx.Dtype) -> mx.array:
    """Convert a step that isn't an ``mx.array``. Fractions get the dtype `real`."""
    label = f"[{function}] step"
    if isinstance(step, Fraction):
        step = int(step) if step.denominator == 1 else float(rounded(step, mx.float64))
    if isinstance(step, float):
        return mx.array(step, real)
    if isinstance(step, int):
        if -(2**31) <= step < 2**31:
            return mx.array(step)  # a short cut, because loops over steps call this
        return _whole_steps([step], ())
    if step is None or isinstance(step, (complex, str, bytes)):
        raise TypeError(_no_step(label, step))
    check_no_dates(label, step)
    step = in_lists(step)
    if isinstance(step, list) and not any(map(_has_arrays, step)):
        return _listed_steps(label, step, real)
    try:
        array = _array_of_steps(function, step, real)
    except Exception as error:
        raise TypeError(_no_step(label, step)) from error
    check_dtype(label, array.dtype, booleans=True)
    return array


def _no_step(label: str, step: object) -> str:
    return (
        f"{label} must be a real number or an array, got {described(step)}: pass the count of updates, optimizer.step."
    )


def _listed_steps(label: str, step: Any, real: mx.Dtype) -> mx.array:
    numbers = frozen(label, step, step, booleans=True)
    shape, flat = shape_of(label, numbers), list(flatten(numbers))
    if all(isinstance(x, (int, Fraction)) and x == int(x) for x in flat):
        return _whole_steps(list(map(int, flat)), shape)
    return to_array((rounded(x, mx.float64) for x in flat), real, shape)


def _whole_steps(numbers: list[int], shape: Shape) -> mx.array:
    """Make an array of integers, clipped to their range. Negative steps count as 0, larger ones as 2**64 - 1."""
    low, high = min(numbers, default=0), max(numbers, default=0)
    if low >= -(2**31) and high < 2**31:
        return to_array(numbers, mx.int32, shape)
    least, most, dtype = (-(2**63), 2**63 - 1, mx.int64) if high < 2**63 else (0, 2**64 - 1, mx.uint64)
    return to_array((min(max(x, least), most) for x in numbers), dtype, shape)


def _array_of_steps(function: str, step: Any, real: mx.Dtype) -> mx.array:
    if isinstance(step, list):
        return mx.stack([part if isinstance(part, mx.array) else read_step(function, part, real) for part in step])
    array = mx.array(step)
    return mx.array(step, real) if array.dtype == mx.float32 else array  # MLX converts float64 arrays to float32
