"""Functions that make Columns of others: joined, with a warmup, shifted, repeated, or multiplied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mlx.core as mx

from .. import _ext
from .arithmetic import combined_known, earlier, minus, scaled
from .column import Column, Repeat, Row, cut, known_number, lacked, later, shifted
from .columns import Columns
from .cycles import MOST_COLUMNS, begin_of, cycles, last_values, unrolled
from .numbers import Number, Real, described, exactly, rounded
from .read import (
    check_factor,
    check_finite,
    check_length,
    check_span,
    check_steps,
    is_listed,
    one_number,
    read,
    read_known,
    read_times,
    whole,
)
from .segments import Segment
from .stack import stacked
from .values import LAST_STEP, NEVER, Known, Shape, Traced, Values, check_broadcast, is_zero, number

# ---- In sequence


def joined_at(schedules: Sequence[Columns], boundaries: Sequence[Any]) -> Columns:
    parts, starts = listed_of("schedules", schedules), listed_of("boundaries", boundaries)
    check_parts(parts, starts)
    begins = [read_times(f"[join_schedules] boundaries[{i}]", start, check_steps) for i, start in enumerate(starts)]
    _check_rising(begins)
    return joined(parts, begins)


def listed_of(name: str, value: Any) -> list[Any]:
    if not is_listed(value):
        raise TypeError(f"[join_schedules] {name} must be a list, got {described(value)}: write [...].")
    return list(value)


def check_parts(parts: list[Any], starts: list[Any]) -> None:
    if not parts:
        raise ValueError("[join_schedules] schedules must hold at least one schedule, got [].")
    if len(starts) != len(parts) - 1:
        raise ValueError(
            f"[join_schedules] boundaries must be one less than the schedules: {len(parts) - 1}, got {len(starts)}."
        )


def _check_rising(begins: list[Values]) -> None:
    for i, (a, b) in enumerate(pairwise(begins)):
        if not (isinstance(a, Known) and isinstance(b, Known)):
            continue
        check_broadcast("join_schedules", **{f"boundaries[{i}]": a, f"boundaries[{i + 1}]": b})
        if any(combined_known(lambda x, y: x > y, a, b).numbers):
            raise ValueError(
                f"[join_schedules] boundaries must not fall, got {described(b.nested())} after {described(a.nested())}."
            )


def joined(parts: Sequence[Columns], begins: Sequence[Values]) -> Columns:
    """Join parts. From each begin on the next part is in force, and counts its own steps from there."""
    shapes: dict[str, Values] = {f"schedules[{i}]": Known((), part.shape) for i, part in enumerate(parts)}
    shape = check_broadcast("join_schedules", **shapes, **{f"boundaries[{i}]": x for i, x in enumerate(begins)})
    row: Row = ()
    for i, part in enumerate(parts[:-1]):
        own = unrolled(part.plain.row, part.plain.repeat, minus(begins[i], begins[i - 1]) if i else begins[i],
                       "join_schedules")  # fmt: skip
        row += cut(later(own, begins[i - 1]) if i else own, begins[i])
    return _behind(row, parts[-1], begins[-1] if begins else number(0), shape)


def _behind(row: Row, part: Columns, steps: Values, shape: Shape) -> Columns:
    """Put `part` after a row that takes `steps` steps."""
    part = part.plain if isinstance(steps, Traced) else part
    repeat = part.repeat and part.repeat._replace(first=part.repeat.first + len(row))
    return Columns.of(row + later(part.row, steps), repeat, shape)


def warmed(columns: Columns, given: Real, init: Real) -> Columns:
    time, low = read_times("[warmup] steps", given, check_span), read("[warmup] init", init)
    shape = check_broadcast("warmup", schedule=Known((), columns.shape), steps=time, init=low)
    if is_zero(time):
        return columns.of_shape(shape)
    return _behind((Column("linear", low, first_value(columns), length=time),), columns, time, shape)


def first_value(columns: Columns) -> Values:
    """Return the value at step 0. It is evaluated only if some group lacks the first column or enters it partway."""
    column, *others = columns.row
    absent = lacked(column, others[0] if others else None)
    if absent and is_zero(absent) and (is_zero(column.lead) or column.ease == "hold"):
        return column.init
    value = columns.at(mx.array(0, mx.uint64))
    if columns.traced or _ext.is_tracer(value):
        return Traced(value)
    found = read("[schedule] first value", value)
    with mx.stream(mx.cpu):  # only the CPU has float64
        precise = read("[schedule] first value", columns.at(mx.array(0, mx.float64)))
    assert isinstance(found, Known)
    assert isinstance(precise, Known)

    def first(group: tuple[Segment, ...], x: Number, y: Number) -> Number:
        if not group[0].lead or group[0].ease == "hold":
            return group[0].init
        return y if rounded(y, value.dtype) == x else x  # all digits, but the bits that step 0 has in float32

    numbers = map(first, columns.groups, found.numbers, precise.numbers)
    return Known(tuple(numbers), found.shape, column.init.dtype)


# ---- Multiplied


def multiplied(columns: Columns, factor: Real) -> Columns:
    return _times(columns, read("[schedule] the factor", factor, check_factor), "factor")


def divided(columns: Columns, divisor: Real) -> Columns:
    """Multiply by 1 / divisor, a number that is exact if the divisor is an integer or a fraction."""
    by = read("[schedule] the divisor", divisor, _check_divisor)
    inverse: Values = Traced(1 / by.array, by.label) if isinstance(by, Traced) else by.map(_inverse)
    return _times(columns, inverse, "divisor")


def _inverse(x: Number) -> Number:
    return 1 / x if isinstance(x, float) else Fraction(1) / x


def _check_divisor(label: str, x: Number) -> None:
    check_factor(label, x)
    if x == 0 or abs(1 / Fraction(x)) >= 2**1024:
        raise ValueError(f"{label} must be so far from 0 that 1 / divisor is finite, got {described(x)}.")


def _times(columns: Columns, by: Values, name: str) -> Columns:
    check_broadcast("schedule", schedule=Known((), columns.shape), **{name: by})
    if columns.repeat and columns.repeat.value_factor != 1:
        columns = columns.plain
    row = tuple(replace(c, init=scaled(c.init, by), end=scaled(c.end, by)) for c in columns.row)
    return Columns.of(row, columns.repeat, columns.shape)


# ---- Shifted


def moved(columns: Columns, given: Real) -> Columns:
    by = read_known("[shift] steps", given, _check_shift)
    shape = check_broadcast("shift", schedule=Known((), columns.shape), steps=by)
    ahead, over = by.map(lambda x: max(-x, 0)), by.map(lambda x: max(x, 0))
    if any(over.numbers):
        columns = _over(columns.plain, over, shape)
    if any(ahead.numbers):
        first = first_value(columns)
        return _behind((Column("hold", first, first),), columns, ahead, shape)
    return columns.of_shape(shape)


def _check_shift(label: str, x: Number) -> None:
    check_finite(label, x)
    if not -LAST_STEP <= x <= LAST_STEP:
        raise ValueError(f"{label} must be below 2**64, got {described(x)}.")


def _over(columns: Columns, steps: Known, shape: Shape) -> Columns:
    if columns.repeat is None or 0 in shape:
        return Columns.of(shifted(columns.row, steps), None, shape)
    return _over_each(columns.of_shape(shape), steps.broadcast_to(shape))


def _over_each(columns: Columns, steps: Known) -> Columns:
    if columns.shape:
        return stacked([_over_each(group, steps[i]) for i, group in enumerate(columns)])
    return _over_cycles(columns, columns.repeat, steps) if columns.repeat else Columns.of(shifted(columns.row, steps))


def _over_cycles(columns: Columns, repeat: Repeat, steps: Known) -> Columns:
    by, begin, period = map(known_number, (steps, columns.row[repeat.first].begin, repeat.period))
    if by <= begin:
        return Columns.of(shifted(columns.row, steps), repeat)
    phase = exactly(lambda x, y, z: (x - y) % z, by, begin, period)
    cycle = tuple(_from_zero(column, begin) for column in columns.row[repeat.first :])
    if not phase:
        return Columns.of(cycle, Repeat(0, repeat.period))
    left = number(exactly(lambda p, q: p - q, period, phase))
    rest = cut(shifted(cycle, number(phase)), left)
    return Columns.of(rest + later(cycle, left), Repeat(len(rest), repeat.period))


def _from_zero(column: Column, begin: Number) -> Column:
    return replace(column, begin=shifted((column,), number(begin))[0].begin)


# ---- Repeated


def repeated(columns: Columns, period: Any, times: Any, period_factor: Any, value_factor: Any) -> Columns:
    each = read_known("[repeat] period", period, check_length)
    shape = check_broadcast("repeat", schedule=Known((), columns.shape), period=each)
    stretch = whole("[repeat] period_factor", period_factor)
    count = None if times is None else whole("[repeat] times", times)
    shrink = float(one_number("[repeat] value_factor", value_factor, check_factor))
    plain = columns.plain
    own = unrolled(plain.row, plain.repeat, each, "repeat")
    if count is None and stretch == 1:
        if shrink != 1:
            raise ValueError(
                "[repeat] value_factor must be 1 where cycles of one length repeat without end, got "
                f"{described(shrink)}: give times, or a period_factor of 2 or more."
            )
        return Columns.of(_within(own, each), Repeat(0, each), shape)
    if count == 1:
        return columns.of_shape(shape)
    most = -(-MOST_COLUMNS // len(own))
    beyond = min(begin_of(each, stretch, most).numbers, default=NEVER)
    if (count is None or count > most) and beyond != NEVER:
        raise ValueError(
            f"[repeat] There must be at most {MOST_COLUMNS} segments; these cycles have more: give times=None, which "
            "repeats for ever, or fewer."
        )
    if shrink != 1:
        if columns.traced:
            raise TypeError(
                "[repeat] value_factor must be 1 for a schedule made of arrays that are being traced, got "
                f"{described(shrink)}: make the schedule outside of the traced function."
            )
        endless = columns.repeat and columns.repeat.times is None
        last_values(plain.row, columns.repeat if endless else None, shape)  # an error if values can't be scaled
    repeat = Repeat(0, each, count, stretch, shrink)
    if count is None or plain.repeat is None:
        return Columns.of(own, repeat, shape)
    return Columns.of(*cycles(own, plain.row, repeat, shape, plain.repeat), shape)


def _within(row: Row, period: Known) -> Row:
    """Return the columns of an endless cycle. Those that would begin after it never begin."""
    return tuple(replace(column, begin=_begin_within(column.begin, period)) for column in row)


def _begin_within(begin: Values, period: Known) -> Values:
    if isinstance(begin, Traced):
        return earlier(begin, period)
    return combined_known(lambda b, p: b if b < p else NEVER, begin, period)
