"""One column: the k-th segment of all groups, and what can be done with a row of columns.

The first column begins at step 0. A group that lacks a column has it begin where the next one does, or never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import mlx.core as mx

from .arithmetic import combined, earlier, plus
from .eases import EASES
from .numbers import Number, exactly
from .values import LAST_STEP, NEVER, Index, Known, Shape, Traced, Values, number

ZERO, ONE = number(0), number(1)
UNTRACED = "A schedule whose numbers of steps are arrays that are being traced can't be shifted or repeated."


@dataclass(frozen=True)
class Column:
    """One ease, and for each group: from which step on, how far into it, over how many steps, from what to what."""

    ease: str
    init: Values
    end: Values
    begin: Values = ZERO
    lead: Values = ZERO
    length: Values = ONE
    parameter: Values = ONE  # the ease's exponent or rate

    @property
    def values(self) -> tuple[Values, ...]:
        return self.init, self.end, self.begin, self.lead, self.length, self.parameter

    def map(self, function: Callable[[Values], Values]) -> Column:
        return Column(self.ease, *map(function, self.values))

    def later(self, steps: Values) -> Column:
        begin = plus(self.begin, steps)
        if isinstance(begin, Known):
            begin = begin.map(lambda x: NEVER if x >= LAST_STEP else x)
        return replace(self, begin=begin)


Row: TypeAlias = "tuple[Column, ...]"


class Repeat(NamedTuple):
    """From column `first` on they come again after `period` steps, which grow from cycle to cycle by `period_factor`.

    The distance from the last value becomes `value_factor` times as much. After `times` cycles the last one goes on by
    itself; None is without end.
    """

    first: int
    period: Values
    times: int | None = None
    period_factor: int = 1
    value_factor: float = 1.0

    @property
    def is_plain(self) -> bool:
        """Whether the op repeats it, and not columns that are written out."""
        return self.times is None and self.period_factor == 1


def single(
    ease: str,
    init: Values,
    end: Values | None = None,
    length: Values = ONE,
    parameter: Values = ONE,
    begin: Values = ZERO,
) -> Column:
    return Column(ease, init, init if end is None else end, begin, ZERO, length, parameter)


def all_values(row: Row, repeat: Repeat | None) -> list[Values]:
    return [value for column in row for value in column.values] + ([repeat.period] if repeat else [])


def lacked(column: Column, following: Column | None) -> Known | None:
    """For each group whether it lacks the column, as 0 and 1; None where that can't be read."""
    begins = column.begin, following.begin if following else number(NEVER)
    if not all(isinstance(begin, Known) for begin in begins):
        return None
    found = combined(lambda a, b: int(a >= b), mx.equal, *begins)
    return found if isinstance(found, Known) else None


def tidy(row: Row, repeat: Repeat | None) -> tuple[Row, Repeat | None]:
    """Without the columns that no group has, without lengths that mean nothing; what has no length is a hold."""
    kept: list[Column] = []
    last, first = len(row) - 1, 0
    for k, column in enumerate(row):
        following = row[k + 1] if k < last else None
        absent = lacked(column, following)
        needed = absent is None or 0 in absent.numbers or (k == last and not kept)
        if repeat and k < repeat.first:
            first += needed
        if needed:
            kept.append(single("hold", column.end, begin=column.begin) if _holds(column) else column)
    return tuple(kept), repeat._replace(first=first) if repeat and first < len(kept) else None


def _holds(column: Column) -> bool:
    if column.ease == "hold":
        return True
    length = column.length
    ended = isinstance(length, Known) and length.numbers and not any(length.numbers)
    return bool(ended) and EASES[column.ease].ends


def part_of(value: Values, index: Index, shape: Shape) -> Values:
    """What one group, or a slice of groups, has of a value that broadcasts to the shape of all of them."""
    if len(value.shape) < len(shape):
        return value
    if value.shape[0] == 1 and shape[0] != 1:  # broadcast over the groups
        return value if isinstance(index, slice) else value[0]
    return value[index]


# ---- Steps


def later(row: Row, steps: Values) -> Row:
    return tuple(column.later(steps) for column in row)


def cut(row: Row, end: Values) -> Row:
    """In force before step `end` alone: what would begin later has it for its begin, as where a column is lacked."""
    return tuple(replace(column, begin=earlier(column.begin, end)) for column in row)


def shifted(row: Row, by: Known) -> Row:
    """As if `by` steps were over: what is over begins at 0 with the next, and is entered where it would be by now."""

    def begin(b: Number, d: Number) -> Number:
        return exactly(lambda x, y: max(x - y, 0), b, d)

    def lead(n: Number, b: Number, d: Number) -> Number:
        return n if d <= b else exactly(lambda x, y, z: x + (y - z), n, d, b)

    return tuple(
        replace(
            column,
            begin=combined(begin, _untraced, column.begin, by),
            lead=combined(lead, _untraced, column.lead, column.begin, by),
        )
        for column in row
    )


def _untraced(*arrays: mx.array) -> mx.array:
    raise TypeError(UNTRACED)


def known_number(value: Values) -> Number:
    if isinstance(value, Traced):
        raise TypeError(UNTRACED)
    return value.numbers[0]
