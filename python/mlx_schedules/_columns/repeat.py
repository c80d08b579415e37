"""Schedules entered later or earlier, and again and again."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mlx.core as mx

from .. import _ext
from .._schedule.schedule import Schedule
from .arithmetic import combined, plus
from .columns import UNTRACED, Column, Columns, Repeat, cut, segments_of, shifted, single, traced
from .eases import EASES
from .numbers import Number, Real, described, exactly
from .read import finite, length, one_number, read, read_known, whole
from .stack import stacked_groups
from .values import LAST_STEP, NEVER, Known, Traced, Values, common_shape, is_zero, number

_MOST_COLUMNS = 2**16
_RATIOS = ("geometric", "exponential", "stairs", "inverse_power")


# ---- Steps to come, steps that are over


def moved(schedule: Schedule, steps: Real) -> Schedule:
    by = read_known("[shift] steps", steps, _within)
    shape = common_shape([by.shape, schedule.shape])
    if shape is None:
        raise ValueError(f"[shift] Shapes do not broadcast: schedule {schedule.shape}, steps {by.shape}.")
    if shape and schedule._repeat:
        parts = [moved(part, n) for part, n in zip(_each(schedule, shape), by.broadcast_to(shape).numbers, strict=True)]
        return stacked_groups(parts, shape)
    ahead, over = by.map(lambda x: max(-x, 0)), by.map(lambda x: max(x, 0))
    found = _over(schedule, over) if any(over.numbers) else schedule
    return _ahead(found, ahead) if any(ahead.numbers) else found


def _within(label: str, x: Number) -> None:
    finite(label, x)
    if not -LAST_STEP <= x <= LAST_STEP:
        raise ValueError(f"{label} must be below 2**64, got {described(x)}.")


def _each(schedule: Schedule, shape: tuple[int, ...]) -> list[Schedule]:
    """The groups of a schedule that is broadcast, in the order of rows."""
    if not shape:
        return [schedule]
    rows = [schedule] * shape[0]
    if len(schedule.shape) == len(shape):
        rows = list(schedule) * (shape[0] if len(schedule) == 1 else 1)
    return [group for row in rows for group in _each(row, shape[1:])]


def _ahead(schedule: Schedule, steps: Known) -> Schedule:
    wait = single("hold", first_value(schedule))
    later = tuple(column.later(steps) for column in schedule._columns)
    repeat = schedule._repeat
    return Schedule._of((wait, *later), repeat and Repeat(repeat.first + 1, repeat.period))


def _over(schedule: Schedule, steps: Known) -> Schedule:
    repeat = schedule._repeat
    if repeat is None:
        return Schedule._of(shifted(schedule._columns, steps))
    by, begin, period = (_one(value) for value in (steps, schedule._columns[repeat.first].begin, repeat.period))
    if by <= begin:
        return Schedule._of(shifted(schedule._columns, steps), repeat)
    phase = exactly(lambda x, y, z: (x - y) % z, by, begin, period)
    cycle = tuple(_from_zero(column, begin) for column in schedule._columns[repeat.first :])
    rest = cut(shifted(cycle, number(phase)), number(exactly(lambda p, q: p - q, period, phase)))
    again = tuple(column.later(number(exactly(lambda p, q: p - q, period, phase))) for column in cycle)
    return (
        Schedule._of(rest + again, Repeat(len(rest), repeat.period))
        if phase
        else Schedule._of(cycle, Repeat(0, repeat.period))
    )


def _from_zero(column: Column, begin: Number) -> Column:
    return replace(column, begin=shifted((column,), number(begin))[0].begin)


def _one(value: Values) -> Number:
    if isinstance(value, Traced):
        raise TypeError(UNTRACED)
    return value.numbers[0]


# ---- The first value


def first_value(schedule: Schedule) -> Values:
    """At step 0: a number that it was made with, unless it is entered part of the way."""
    column = schedule._columns[0]
    if is_zero(column.lead) or column.ease == "hold":
        return column.init
    value = schedule(mx.array(0, mx.uint64))
    if traced(schedule._columns, schedule._repeat) or _ext.is_tracer(value):
        return Traced(value)
    found = read("[schedule] first value", value)
    assert isinstance(found, Known)
    return Known(found.numbers, found.shape, column.init.dtype)


# ---- Cycles


def repeated(schedule: Schedule, period: Any, times: Any, period_factor: Any, value_factor: Any) -> Schedule:
    each = read_known("[repeat] period", period, length)
    if common_shape([each.shape, schedule.shape]) is None:
        raise ValueError(f"[repeat] Shapes do not broadcast: schedule {schedule.shape}, period {each.shape}.")
    stretch = whole("[repeat] period_factor", period_factor)
    count = None if times is None else whole("[repeat] times", times)
    shrink = one_number("[repeat] value_factor", value_factor)
    own = unrolled(schedule, each, "repeat")
    if count is None and stretch == 1:
        if shrink != 1:
            raise ValueError(
                "[repeat] value_factor must be 1 where cycles of one length repeat without end, got "
                f"{described(shrink)}: give times, or a period_factor of 2 or more."
            )
        return Schedule._of(cut(own, each), Repeat(0, each))
    most = -(-_MOST_COLUMNS // len(cut(own, each)))
    beyond = min(_begin(each, _offset(stretch, most)).numbers, default=NEVER)
    if (count is None or count > most) and beyond != NEVER:
        raise ValueError(
            f"[repeat] There must be at most {_MOST_COLUMNS} segments; these cycles are more: give times=None, which "
            "is without end, or fewer."
        )
    last = _last_values(schedule) if shrink != 1 else None
    found: list[Column] = []
    cycle: Columns = ()
    repeat: Repeat | None = None
    for c in itertools.count() if count is None else range(count):
        begin = _begin(each, _offset(stretch, c))
        if min(begin.numbers, default=NEVER) == NEVER:
            break
        found += cut(cycle, begin)  # those before it are cut
        final = c + 1 == count  # which goes on by itself
        if final and schedule._repeat:
            period = _stretched(schedule._repeat.period, number(stretch**c))
            repeat = Repeat(schedule._repeat.first + len(found), period)
        parts = schedule._columns if final else own
        cycle = tuple(_cycle(column, number(stretch**c), shrink**c, last).later(begin) for column in parts)
    return Schedule._of((*found, *cycle), repeat)


def _begin(each: Known, periods: int) -> Known:
    return each.map(lambda p: NEVER if Fraction(p) * periods >= LAST_STEP else exactly(lambda x: x * periods, p))


def _offset(stretch: int, cycle: int) -> int:
    """Of a cycle's begin, in periods."""
    return cycle if stretch == 1 else (stretch**cycle - 1) // (stretch - 1)


def _cycle(column: Column, stretch: Known, shrink: float, last: Known | None) -> Column:
    def nearer(value: Values) -> Values:
        if last is None or shrink == 1:
            return value
        return combined(lambda x, y: y + (x - y) * shrink, lambda x, y: y + (x - y) * shrink, value, last, times=False)

    return Column(
        column.ease,
        nearer(column.init),
        nearer(column.end),
        _stretched(column.begin, stretch),
        _stretched(column.lead, stretch),
        _stretched(column.length, stretch),
        column.shape,
    )


def _stretched(value: Values, factor: Known) -> Values:
    """Up to what can be counted: the last cycles are longer than any run."""
    return combined(lambda x, f: min(exactly(lambda p, q: p * q, x, f), LAST_STEP), mx.multiply, value, factor)


def _last_values(schedule: Schedule) -> Known:
    """What the distance from is scaled; ValueError where the ends' distance does not scale all between them."""
    groups = segments_of(schedule._columns, schedule.shape)
    for group in groups:
        last = group[-1]
        if schedule._repeat or not (EASES[last.ease].ends or last.ease == "hold"):
            raise ValueError(f"[repeat] value_factor must be 1 for a schedule without a last value, as {last.ease}.")
        ratios = [segment.ease for segment in group if segment.ease in _RATIOS]
        if ratios and last.end != 0:
            raise ValueError(f"[repeat] value_factor must be 1 for a schedule with ratios in it, as {ratios[0]}.")
    return Known(tuple(group[-1].end for group in groups), schedule.shape)


def _turns(begin: Number, end: Number, period: Number) -> int:
    return math.ceil(Fraction(end - begin) / Fraction(period)) if math.inf not in (begin, end) else 0


def unrolled(schedule: Schedule, end: Values, function: str) -> Columns:
    """The columns that are in force before step `end`, without a repeat."""
    repeat, columns = schedule._repeat, schedule._columns
    if repeat is None:
        return columns
    cycle = columns[repeat.first :]
    begin = cycle[0].begin
    if not all(isinstance(value, Known) for value in (begin, end, repeat.period)):
        raise TypeError(UNTRACED)
    turns = combined(_turns, mx.add, begin, end, repeat.period)
    count = max(1, *map(int, turns.numbers)) if isinstance(turns, Known) else 1
    if count * len(cycle) > _MOST_COLUMNS:
        raise ValueError(f"[{function}] There must be at most {_MOST_COLUMNS} segments; what repeats is more by then.")
    period, found = repeat.period, columns[: repeat.first]
    offset: Values = number(0)
    for _ in range(count):
        following = plus(offset, period)
        found += cut(tuple(column.later(offset) for column in cycle), plus(begin, following))
        offset = following
    return found
