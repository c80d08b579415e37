"""Columns as code: the calls that make them or, if there are none, the config that does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import mlx.core as mx

from .._columns.arithmetic import plus
from .._columns.column import ZERO, Column, Repeat, Row, lacked
from .._columns.columns import Columns
from .._columns.cycles import counted_from
from .._columns.numbers import Nested, dtype_name, rounded
from .._columns.values import Known, Traced, Values, is_zero
from .config import to_dict
from .constructor import CONSTRUCTORS
from .runs import RUNS, TAILS

Code: TypeAlias = "str | None"  # None if no call makes it


def code(columns: Columns) -> str:
    if columns.traced:
        return _sequence(columns) or f"<schedule of traced arrays, {len(columns.row)} segments>"
    if columns.shape and not _alike(columns.row):
        return f"stack([{', '.join(map(code, columns))}])"
    written = _sequence(columns) if all(map(_is_shown, columns.row)) else None
    return written or f"Schedule.from_dict({to_dict(columns)!r})"


def _alike(row: Row) -> bool:
    """Tell whether all groups have all columns."""
    following = (*row[1:], None)
    return not any(any(absent.numbers) for pair in zip(row, following, strict=True) if (absent := lacked(*pair)))


def _is_shown(column: Column) -> bool:
    """Tell whether arrays hold the exact numbers. A product with an array isn't rounded to the array's dtype."""
    known = [value for value in (column.init, column.end, column.parameter) if isinstance(value, Known)]
    arrays = [(value, value.shown_dtype()) for value in known if value.dtype is not None]
    return all(dtype is not None and all(rounded(x, dtype) == x for x in value.numbers) for value, dtype in arrays)


# ---- Several segments


def _sequence(columns: Columns) -> Code:
    row, repeat = columns.row, columns.repeat
    if repeat is None:
        run = _called(columns) if 1 < len(row) <= 3 else None  # a warmup, a hold and a tail, or two of these
        return run or _joined(map(_segment, row), [_code(column.begin) for column in row])
    k, first = repeat.first, row[repeat.first].begin
    cycle = _sequence(Columns.of(counted_from(row[k:], first)))
    calls = [*map(_segment, row[:k]), cycle and f"{cycle}.repeat({_turns(repeat)})"]
    return _joined(calls, [_code(column.begin) for column in row[: k + 1]])


def _turns(repeat: Repeat) -> str:
    named = {"period_factor": repeat.period_factor, "value_factor": repeat.value_factor}
    listed = [_code(repeat.period), *([] if repeat.times is None else [str(repeat.times)])]
    return ", ".join([*listed, *(f"{name}={x!r}" for name, x in named.items() if x != 1)])


def _joined(calls: Any, begins: list[str]) -> Code:
    written = [call for call in calls if call is not None]
    if len(written) < len(begins):
        return None
    return written[0] if len(begins) == 1 else f"join_schedules([{', '.join(written)}], [{', '.join(begins[1:])}])"


def _called(columns: Columns) -> Code:
    """Return the first call for a run that makes exactly these columns."""
    for name, arguments in () if columns.traced else _runs(columns.row):
        counted = [arguments[key] for key in ("warmup", "decay") if key in arguments]
        if any(map(_as_fractions, counted)):
            continue
        try:
            if RUNS[name](**arguments) == columns:
                return _call(name, arguments)
        except ValueError:  # such as an exponential tail to 0
            continue
    return None


def _as_fractions(value: Known) -> bool:
    """Tell whether numbers of steps, as written, would mean fractions of the run or, as an array's 1.0, may."""
    real = mx.issubdtype(value.shown_dtype() or mx.int32, mx.floating)
    return any(0 < x < 1 or (x == 1 and real) for x in value.numbers)


def _runs(row: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield calls that could have made a row."""
    tail, rises = row[-1], row[0].ease == "linear"
    values = {"peak": tail.init, "total_steps": plus(tail.begin, tail.length)}
    if rises:
        values |= {"warmup": row[0].length}
    ends = {"init": row[0].init, "end": tail.end} if rises else {"end": tail.end}
    if len(row) == 2 and rises and tail.ease in ("cosine", "linear"):
        yield f"warmup_{tail.ease}", values | ends
    for kind, ease in TAILS.items():
        if tail.ease == ease:
            yield "warmup_stable_decay", values | {"decay": tail.length} | ends | {"tail": kind}


# ---- One segment


def _segment(column: Column) -> Code:
    call = _constructed(column) or _called(Columns.of((replace(column, begin=ZERO, lead=ZERO),)))
    return call if call is None or is_zero(column.lead) else f"{call}.shift({_code(column.lead)})"


def _constructed(column: Column) -> Code:
    for name, constructor in CONSTRUCTORS.items():
        arguments = constructor.arguments(column)
        if arguments is not None:
            return _call(name, arguments)
    return None


def _call(name: str, arguments: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={_code(value)}' for key, value in arguments.items())})"


def _code(value: Values | str) -> str:
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, Traced):
        return f"<traced array of shape {value.shape}>"
    numbers, dtype = _listed(value.nested()), value.shown_dtype()
    return numbers if dtype is None else f"mx.array({numbers}, dtype=mx.{dtype_name(dtype)})"


def _listed(numbers: Nested) -> str:
    return f"[{', '.join(map(_listed, numbers))}]" if isinstance(numbers, tuple) else repr(numbers)
