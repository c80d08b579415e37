"""A column, which is the k-th segment of all groups, and functions of a row of columns.

The first column begins at step 0. If a group lacks a column, the column begins where the next one does, or never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import mlx.core as mx

from .arithmetic import combined, combined_known, earlier, plus
from .eases import EASES
from .numbers import Number, exactly
from .values import LAST_STEP, NEVER, Index, Known, Shape, Traced, Values, is_zero, number

ZERO, ONE = number(0), number(1)
UNTRACED = "A schedule whose numbers of steps are arrays that are being traced can't be shifted or repeated."


@dataclass(frozen=True)
class Column:
    """One ease, with the values of all groups.

    `begin` is the step at which the column starts, `lead` how many of its steps are already over then, and `length` how
    many steps it takes from `init` to `end`.
    """

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


Row: TypeAlias = "tuple[Column, ...]"


class Repeat(NamedTuple):
    """How a row of columns repeats: from column `first` on, after `period` steps.

    From cycle to cycle, the period is multiplied by `period_factor`, and the distance from the last value by
    `value_factor`. The last of `times` cycles isn't cut off. None means that the cycles never end.
    """

    first: int
    period: Values
    times: int | None = None
    period_factor: int = 1
    value_factor: float = 1.0

    @property
    def is_plain(self) -> bool:
        """Whether the op itself can do the repeat, so that cycles needn't be written out as columns."""
        return self.times is None and self.period_factor == 1


def all_values(row: Row, repeat: Repeat | None = None) -> list[Values]:
    return [value for column in row for value in column.values] + ([repeat.period] if repeat else [])


def lacked(column: Column, following: Column | None) -> Known | None:
    """Return for each group whether it lacks the column, or None if that can't be read."""
    begin, end = column.begin, following.begin if following else number(NEVER)
    if isinstance(begin, Traced) or isinstance(end, Traced):
        return None
    return combined_known(lambda a, b: a >= b, begin, end)


def tidy(row: Row, repeat: Repeat | None) -> tuple[Row, Repeat | None]:
    """Remove columns that no group has and lengths without meaning, and turn columns of length 0 into holds."""
    kept: list[Column] = []
    last, first = len(row) - 1, 0
    for k, column in enumerate(row):
        following = row[k + 1] if k < last else None
        absent = lacked(column, following)
        needed = absent is None or 0 in absent.numbers or (k == last and not kept)
        if repeat and k < repeat.first:
            first += needed
        if needed:
            kept.append(Column("hold", column.end, column.end, column.begin) if _holds(column) else column)
    return tuple(kept), repeat._replace(first=first) if repeat and first < len(kept) else None


def _holds(column: Column) -> bool:
    ended = is_zero(column.length) and 0 not in column.length.shape
    return column.ease == "hold" or (ended and EASES[column.ease].ends)


def part_of(value: Values, index: Index, shape: Shape) -> Values:
    """Return the part of a value, which broadcasts to `shape`, that belongs to one group or a slice of groups."""
    if len(value.shape) < len(shape):
        return value
    if value.shape[0] == 1 and shape[0] != 1:  # broadcast over the groups
        return value if isinstance(index, slice) else value[0]
    return value[index]


# ---- Steps


def later(row: Row, steps: Values) -> Row:
    def begin(column: Column) -> Values:
        found = plus(column.begin, steps)
        return found.map(lambda x: NEVER if x >= LAST_STEP else x) if isinstance(found, Known) else found

    return tuple(replace(column, begin=begin(column)) for column in row)


def cut(row: Row, end: Values) -> Row:
    """End a row at step `end`. Columns that would begin later begin there instead, and so are lacking."""
    return tuple(replace(column, begin=earlier(column.begin, end)) for column in row)


def shifted(row: Row, by: Known) -> Row:
    """Shift a row by steps that are already over. Columns that have begun then begin at 0, with a longer lead."""

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
