"""Repeats that are written out as columns, for some steps or because the cycles grow."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import mlx.core as mx

from .arithmetic import combined_known, earlier, minus, plain_time, plus
from .column import UNTRACED, Column, Repeat, Row, cut, later
from .eases import BY_WEIGHT, EASES
from .numbers import Number, described, exactly, natural, real_for
from .segments import segments_of
from .values import LAST_STEP, NEVER, Known, Shape, Traced, Values, number

MOST_COLUMNS = 2**16


def unrolled(row: Row, repeat: Repeat | None, end: Values, function: str) -> Row:
    """Return the columns that are in force before step `end`, with a plain repeat written out."""
    if repeat is None:
        return row
    cycle = row[repeat.first :]
    begin = cycle[0].begin
    known = [value for value in (begin, end, repeat.period) if isinstance(value, Known)]
    if len(known) < 3:
        raise TypeError(UNTRACED)
    count = max((1, *map(int, combined_known(_turns, *known).numbers)))
    if count * len(cycle) > MOST_COLUMNS:
        raise ValueError(
            f"[{function}] There must be at most {MOST_COLUMNS} segments; the repeated part has more by then."
        )
    period, found = repeat.period, row[: repeat.first]
    offset: Values = number(0)
    for _ in range(count):
        following = plus(offset, period)
        found += cut(later(cycle, offset), plus(begin, following))
        offset = following
    return found


def _turns(begin: Number, end: Number, period: Number) -> int:
    return math.ceil(Fraction(end - begin) / Fraction(period)) if math.inf not in (begin, end) else 0


def written_out(row: Row, repeat: Repeat, shape: Shape) -> Row:
    """Write out all cycles of a repeat that isn't plain."""
    begin = row[repeat.first].begin
    cycle = counted_from(row[repeat.first :], begin)
    return row[: repeat.first] + later(cycles(cycle, cycle, repeat, shape)[0], begin)


def counted_from(row: Row, begin: Values) -> Row:
    return tuple(replace(column, begin=minus(column.begin, begin)) for column in row)


def cycles(
    own: Row, final: Row, repeat: Repeat, shape: Shape, inner: Repeat | None = None
) -> tuple[Row, Repeat | None]:
    """Repeat the row `own` from step 0 on. If the number of cycles is known, the last is `final` with its repeat."""
    each, stretch = repeat.period, repeat.period_factor
    assert isinstance(each, Known)
    last = last_values(final, inner, shape) if repeat.value_factor != 1 else None
    found: list[Column] = []
    cycle: Row = ()
    for c in itertools.count() if repeat.times is None else range(repeat.times):
        begin = begin_of(each, stretch, c)
        if c and min(begin.numbers, default=NEVER) == NEVER:
            return (*found, *cycle), None
        found += cut(cycle, begin)  # the cycle before this one ends here
        parts = final if c + 1 == repeat.times else own
        cycle = later(_cycle(parts, number(stretch**c), _power(repeat.value_factor, c), last), begin)
    if inner:
        inner = inner._replace(first=inner.first + len(found), period=_stretched(inner.period, number(stretch**c)))
    return (*found, *cycle), inner


def _power(value_factor: float, cycle: int) -> float:
    try:
        return value_factor**cycle
    except OverflowError:
        raise ValueError(
            f"[repeat] value_factor must keep values finite, got {described(value_factor)} for more than {cycle} "
            "cycles: give a factor nearer to 1, or fewer times."
        ) from None


def begin_of(each: Known, stretch: int, cycle: int) -> Known:
    periods = cycle if stretch == 1 else (stretch**cycle - 1) // (stretch - 1)
    return each.map(lambda p: NEVER if Fraction(p) * periods >= LAST_STEP else exactly(lambda x: x * periods, p))


def _cycle(row: Row, stretch: Known, shrink: float, last: Known | None) -> Row:
    def nearer(value: Values) -> Values:
        if last is None or shrink == 1:
            return value
        assert isinstance(value, Known)  # as all are, if there is a last value
        return combined_known(lambda x, y: y + (x - y) * shrink, value, last, times=False)

    return tuple(
        Column(
            column.ease,
            nearer(column.init),
            nearer(column.end),
            _stretched(column.begin, stretch),
            _stretched(column.lead, stretch),
            _stretched(column.length, stretch),
            column.parameter,
        )
        for column in row
    )


def _stretched(value: Values, factor: Known) -> Values:
    """Multiply a number of steps, up to the last step: late cycles may be longer than any run."""
    if isinstance(value, Known):
        return combined_known(lambda x, f: min(exactly(lambda p, q: p * q, x, f), LAST_STEP), value, factor)
    times = int(factor.numbers[0])
    if times == 1:
        return value
    if mx.issubdtype(value.dtype, mx.floating):
        most = float(min(times, 2**124))  # with this, even the shortest length is longer than any run
        rest = None if value.rest is None else value.rest * most
        return earlier(Traced(value.array.astype(real_for(value.dtype)) * most, value.label, rest), number(LAST_STEP))
    whole = natural(value.array)
    last, longest, by = (plain_time(number(x)) for x in (LAST_STEP, LAST_STEP // times, min(times, LAST_STEP)))
    return Traced(mx.where(whole > longest, last, whole * by), value.label)


def last_values(row: Row, repeat: Repeat | None, shape: Shape) -> Known:
    """Return the last values, from which distances are scaled. ValueError if scaling the endpoints isn't enough."""
    groups = segments_of(row, shape)
    for group in groups:
        last = group[-1]
        if repeat or not (EASES[last.ease].ends or last.ease == "hold"):
            endless = "one that repeats without end" if repeat else last.ease
            raise ValueError(f"[repeat] value_factor must be 1 for a schedule without a last value, such as {endless}.")
        ratios = [segment.ease for segment in group if segment.ease not in BY_WEIGHT]
        if ratios and last.end != 0:
            raise ValueError(f"[repeat] value_factor must be 1 for a schedule with ratios in it, such as {ratios[0]}.")
    return Known(tuple(group[-1].end for group in groups), shape)
