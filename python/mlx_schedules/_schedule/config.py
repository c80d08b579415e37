"""Columns as plain data for experiment configs, and back."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mlx.core as mx

from .._columns.column import Column, Repeat, all_values
from .._columns.columns import Columns
from .._columns.cycles import counted_from
from .._columns.eases import EASES
from .._columns.edits import repeated
from .._columns.names import asked
from .._columns.numbers import Number, described, dtype_name, holds, listed
from .._columns.read import (
    Check,
    check_axes,
    check_factor,
    check_finite,
    check_length,
    check_positive,
    check_span,
    check_steps,
    one_number,
    read,
    read_times,
    whole,
)
from .._columns.segments import check_geometric, numbers, segments_of
from .._columns.values import NEVER, Known, Values, common_shape, is_zero, number

VERSION = 1
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))


def to_dict(columns: Columns) -> dict[str, Any]:
    if columns.traced:
        raise TypeError("A schedule made of arrays that are being traced can't be written to a dict.")
    config = {"name": "schedule", "version": VERSION, "segments": [_segment(column) for column in columns.row]}
    return config if columns.repeat is None else {**config, "repeat": _repeat_of(columns.repeat)}


def _segment(column: Column) -> dict[str, Any]:
    """Return the fields of a column that differ from their defaults."""
    ease, usual = EASES[column.ease], {"begin": 0, "lead": 0, "length": 1}
    parts: dict[str, Any] = {"ease": column.ease, "init": _plain(column.init)}
    if ease.ends:
        parts["end"] = _plain(column.end)
    times = {name: _plain(getattr(column, name)) for name in usual}
    parts |= {name: plain for name, plain in times.items() if plain != usual[name]}
    return parts | ({"parameter": _plain(column.parameter)} if ease.has_parameter else {})


def _repeat_of(repeat: Repeat) -> dict[str, Any]:
    usual = {"times": None, "period_factor": 1, "value_factor": 1}
    more = {name: getattr(repeat, name) for name in usual if getattr(repeat, name) != usual[name]}
    return {"segment": repeat.first, "period": _plain(repeat.period), **more}


def _plain(value: Values) -> Any:
    """Return numbers or nested lists, together with dtype and shape if these don't follow from the numbers."""
    assert isinstance(value, Known)
    plain = listed(value.nested(), _plain_number)
    if value.dtype is None and 0 not in value.shape:
        return plain
    dtype = None if value.dtype is None else dtype_name(value.dtype)
    return {"values": plain, "dtype": dtype, "shape": list(value.shape)}


def _plain_number(x: Number) -> int | float | str:
    if x == NEVER:
        return "never"
    return f"{x.numerator}/{x.denominator}" if isinstance(x, Fraction) else x


# ---- Reading


def from_segments(config: Mapping[str, Any]) -> Columns:
    only(config, {"name", "version", "segments", "repeat"})
    parts = needed(config, "segments")
    if not isinstance(parts, list) or not parts:
        raise ValueError(f"[from_dict] segments must be a list of dicts, got {described(parts)}.")
    row = tuple(_column(f"segments[{i}]", part) for i, part in enumerate(parts))
    repeat = _repeat(config["repeat"], len(row)) if "repeat" in config else None
    shape = common_shape([value.shape for value in all_values(row, repeat)])
    if shape is None:
        raise ValueError("[from_dict] segments must have numbers whose shapes broadcast.")
    begins = (numbers(column.begin, shape) for column in row)
    if any(a > b for pair in pairwise(begins) for a, b in zip(*pair, strict=True)):
        raise ValueError("[from_dict] segments must be in the order in which they begin.")
    if not is_zero(row[0].begin):
        raise ValueError("[from_dict] segments[0] must begin at 0.")
    columns = Columns.of(row, repeat)
    if repeat:  # for its checks
        repeated(Columns.of(counted_from(row[repeat.first :], row[repeat.first].begin)), *repeat[1:])
    if endless := [found.ease for group in segments_of(columns.row, shape) for found in group if found.length == 0]:
        raise ValueError(f"[from_dict] segments must have a length above 0 for {endless[0]}, which never ends, got 0.")
    return columns


def _column(label: str, part: Any) -> Column:
    if not isinstance(part, Mapping):
        raise TypeError(f"[from_dict] {label} must be a dict, got {described(part)}.")
    only(part, {"ease", "init", "end", "begin", "lead", "length", "parameter"})
    ease = needed(part, "ease", label)
    if not isinstance(ease, str) or ease not in EASES:
        raise ValueError(f"[from_dict] {label} has no known ease: {described(ease)}{asked(ease, EASES)}")
    init = value_of(f"{label} init", needed(part, "init", label))
    end = value_of(f"{label} end", needed(part, "end", label)) if EASES[ease].ends else init
    times = {
        name: value_of(f"{label} {name}", part[name], check, times=True)
        for name, check in (("begin", _check_begin), ("lead", check_steps), ("length", check_span))
        if name in part
    }
    own = value_of(f"{label} parameter", part["parameter"], check_positive) if "parameter" in part else number(1)
    column = Column(ease, init, end, parameter=own, **times)
    if ease == "geometric":
        check_geometric(f"[from_dict] {label}", column)
    return column


def _check_begin(label: str, x: Number) -> None:
    if x != NEVER:
        check_steps(label, x)


def _repeat(part: Any, count: int) -> Repeat:
    if not isinstance(part, Mapping):
        raise TypeError(f"[from_dict] repeat must be a dict, got {described(part)}.")
    only(part, {"segment", "period", "times", "period_factor", "value_factor"})
    first = needed(part, "segment", "repeat")
    if type(first) is not int or not 0 <= first < count:
        raise ValueError(f"[from_dict] repeat must have for its segment one of {count}, got {described(first)}.")
    return Repeat(
        first,
        value_of("repeat period", needed(part, "period", "repeat"), check_length, times=True),
        None if part.get("times") is None else whole("[from_dict] repeat times", part["times"]),
        whole("[from_dict] repeat period_factor", part.get("period_factor", 1)),
        float(one_number("[from_dict] repeat value_factor", part.get("value_factor", 1.0), check_factor)),
    )


def value_of(name: str, plain: Any, check: Check = check_finite, times: bool = False) -> Values:
    label = f"[from_dict] {name}"
    reader = read_times if times else read
    if not isinstance(plain, Mapping):
        return reader(label, _exact(plain), check)
    for key in ("values", "dtype", "shape"):
        needed(plain, key, name)
    only(plain, {"values", "dtype", "shape"})
    dtype, shape = plain["dtype"], plain["shape"]
    if dtype is not None and not (isinstance(dtype, str) and dtype in _FLOATS + _INTEGERS):
        raise ValueError(f"{label} has no known dtype: {described(dtype)}.")
    value = reader(label, _exact(plain["values"]), check)
    assert isinstance(value, Known)
    empty = isinstance(shape, list) and 0 in shape and not value.numbers
    if shape != list(value.shape) and not (empty and all(type(n) is int and n >= 0 for n in shape)):
        raise ValueError(f"{label} has values of shape {list(value.shape)}, but its shape says {described(shape)}.")
    check_axes(label, tuple(shape))
    given: Any = getattr(mx, dtype) if dtype else None
    if dtype in _INTEGERS and (lost := [x for x in value.numbers if not holds(given, x)]):
        raise ValueError(f"{label} has dtype {dtype}, which can't hold {described(lost[0])}.")
    return Known(value.numbers, tuple(shape), given, label)


def _exact(plain: Any) -> Any:
    """Convert plain data to numbers. Fractions are text, and "never" is a step."""
    if isinstance(plain, list):
        return [_exact(part) for part in plain]
    if plain == "never":
        return NEVER
    try:
        return Fraction(plain) if isinstance(plain, str) and "/" in plain else plain
    except (ValueError, ZeroDivisionError):
        return plain


def needed(config: Mapping[str, Any], key: str, where: str = "") -> Any:
    if key not in config:
        raise ValueError(f"[from_dict] {where} has no {key!r}." if where else f"[from_dict] {key} is missing.")
    return config[key]


def only(config: Mapping[str, Any], known: set[str]) -> None:
    if unknown := [key for key in config if key not in known]:
        keys = ", ".join(sorted(known))
        raise ValueError(
            f"[from_dict] {described(unknown[0])} is not a key of a schedule; these are: {keys}"
            f"{asked(unknown[0], known)}"
        )
