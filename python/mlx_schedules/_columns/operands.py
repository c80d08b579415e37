"""A row of columns as arrays for the op."""

from __future__ import annotations

import mlx.core as mx

from .. import _ext
from .column import Repeat, Row
from .dtypes import promoting, result_dtype
from .eases import EASES
from .held import held, held_times
from .numbers import real_for
from .parameters import held_parameters
from .values import Values, is_zero


def value_dtypes(row: Row) -> frozenset[mx.Dtype]:
    """Return the dtypes that take part in promotion, as in MLX's arithmetic with the two values of each column."""
    return frozenset(dtype for column in row for dtype in promoting(column.init, column.end))


def handed_over(row: Row, repeat: Repeat | None) -> dict[str, list[Values]]:
    """Return the values that the op gets, by the names of its operands. Begins and leads are left out if all are 0."""
    found = {name: [getattr(column, name) for column in row] for name in ("init", "end", "begin", "lead", "length")}
    for name in ("begin", "lead"):
        if all(map(is_zero, found[name])):
            del found[name]
    if any(EASES[column.ease].has_parameter for column in row):
        found["parameter"] = [column.parameter for column in row]
    if repeat:
        found["period"] = [repeat.period]
    return found


def segments(row: Row, repeat: Repeat | None, step: mx.Dtype) -> _ext.Segments:
    """Return a schedule's numbers in the form that the op takes for steps of one dtype."""
    dtype = result_dtype(step, value_dtypes(row))
    real = real_for(dtype)
    rates = [EASES[column.ease].parameter == "rate" for column in row]
    operands: dict[str, mx.array] = {}
    for name, values in handed_over(row, repeat).items():
        if name in ("init", "end"):
            operands[name] = held(values, dtype)
            continue
        high, rest = held_parameters(values, rates, real) if name == "parameter" else held_times(values, real)
        operands |= {name: high} if rest is None else {name: high, f"{name}_rest": rest}
    return _ext.Segments([column.ease for column in row], operands, repeat.first if repeat else None)
