"""A schedule as columns: the k-th segment of all groups, and what can be done with a row of them.

The first column begins at step 0. A group that lacks a column has it begin where the next one does, or never.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import mlx.core as mx

from .. import _ext
from .arithmetic import combined, earlier, plus
from .dtypes import promoting, result_dtype
from .eases import EASES
from .held import held, held_exactly
from .numbers import Number, exactly
from .parameters import held_parameters
from .values import LAST_STEP, NEVER, Index, Known, Shape, Traced, Values, common_shape, is_zero, number

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
    shape: Values = ONE  # the ease's exponent or rate

    @property
    def values(self) -> tuple[Values, ...]:
        return self.init, self.end, self.begin, self.lead, self.length, self.shape

    def map(self, function: Callable[[Values], Values]) -> Column:
        return Column(self.ease, *map(function, self.values))

    def later(self, steps: Values) -> Column:
        begin = plus(self.begin, steps)
        if isinstance(begin, Known):
            begin = begin.map(lambda x: NEVER if x >= LAST_STEP else x)
        return replace(self, begin=begin)


class Repeat(NamedTuple):
    """From column `first` on they come again after `period` steps."""

    first: int
    period: Values


Columns: TypeAlias = "tuple[Column, ...]"


def single(
    ease: str,
    init: Values,
    end: Values | None = None,
    length: Values = ONE,
    shape: Values = ONE,
    begin: Values = ZERO,
) -> Column:
    return Column(ease, init, init if end is None else end, begin, ZERO, length, shape)


def groups_of(columns: Columns, repeat: Repeat | None) -> Shape | None:
    shapes = [value.shape for column in columns for value in column.values]
    return common_shape(shapes + ([repeat.period.shape] if repeat else []))


def traced(columns: Columns, repeat: Repeat | None) -> bool:
    values = [value for column in columns for value in column.values] + ([repeat.period] if repeat else [])
    return any(isinstance(value, Traced) for value in values)


def lacked(column: Column, following: Column | None) -> Known | None:
    """For each group whether it lacks the column, as 0 and 1; None where that can't be read."""
    begins = column.begin, following.begin if following else number(NEVER)
    if not all(isinstance(begin, Known) for begin in begins):
        return None
    found = combined(lambda a, b: int(a >= b), mx.equal, *begins)
    return found if isinstance(found, Known) else None


def tidy(columns: Columns, repeat: Repeat | None) -> tuple[Columns, Repeat | None]:
    """Without the columns that no group has, without lengths that mean nothing; what has no length is a hold."""
    kept: list[Column] = []
    last, first = len(columns) - 1, 0
    for k, column in enumerate(columns):
        following = columns[k + 1] if k < last else None
        absent = lacked(column, following)
        needed = absent is None or 0 in absent.numbers or (k == last and not kept)
        if repeat and k < repeat.first:
            first += needed
        if needed:
            kept.append(single("hold", column.end, begin=column.begin) if _holds(column) else column)
    return tuple(kept), Repeat(first, repeat.period) if repeat and first < len(kept) else None


def _holds(column: Column) -> bool:
    if column.ease == "hold":
        return True
    length = column.length
    ended = isinstance(length, Known) and length.numbers and not any(length.numbers)
    return bool(ended) and EASES[column.ease].ends


def chosen(columns: Columns, repeat: Repeat | None, index: Index, shape: Shape) -> tuple[Columns, Repeat | None]:
    """The columns of one group, or of a slice of groups."""
    n, rank = shape[0], len(shape)

    def part(value: Values) -> Values:
        if len(value.shape) < rank:
            return value
        if value.shape[0] == 1 and n != 1:  # broadcast over the groups
            return value if isinstance(index, slice) else value[0]
        return value[index]

    found = tuple(column.map(part) for column in columns)
    return tidy(found, repeat and Repeat(repeat.first, part(repeat.period)))


# ---- For the compiled module


def value_dtypes(columns: Columns) -> frozenset[mx.Dtype]:
    """Those that take part in promotion, as in MLX's arithmetic of the two ends of each column."""
    return frozenset(dtype for column in columns for dtype in promoting(column.init, column.end))


def segments(columns: Columns, repeat: Repeat | None, step: mx.Dtype) -> _ext.Segments:
    """A schedule's numbers as the op takes them for steps of one dtype."""
    dtype = result_dtype(step, value_dtypes(columns))
    real = mx.float64 if dtype == mx.float64 else mx.float32
    operands = {
        "from": held([column.init for column in columns], dtype),
        "to": held([column.end for column in columns], dtype),
    }
    times = {name: [getattr(column, name) for column in columns] for name in ("begin", "lead", "length")}
    for name, values in times.items():
        if name == "length" or not all(map(is_zero, values)):
            _add(operands, name, held_exactly(values, real))
    if any(EASES[column.ease].shape for column in columns):
        rates = [EASES[column.ease].shape == "rate" for column in columns]
        _add(operands, "shape", held_parameters([column.shape for column in columns], rates, real))
    if repeat:
        _add(operands, "period", held_exactly([repeat.period], real))
    return _ext.Segments([column.ease for column in columns], operands, repeat.first if repeat else None)


def _add(operands: dict[str, mx.array], name: str, pair: tuple[mx.array, mx.array | None]) -> None:
    operands[name] = pair[0]
    if pair[1] is not None:
        operands[f"{name}_rest"] = pair[1]


# ---- Segments of one group


class Segment(NamedTuple):
    """One ease from one value to another, in force from step `begin` until the next segment begins.

    At step s it has the ease's value at s - begin + lead of its `length` steps, from `init` to `end`. Eases without end
    (``exponential``, ``stairs``, ``inverse_power``, and ``hold``) have ``init`` for ``end``. ``shape`` is an exponent
    (``power``, ``reverse_power``, ``inverse_power``) or a rate (``exponential``, ``stairs``), else 1.
    """

    ease: str
    begin: Number
    length: Number
    init: Number
    end: Number
    lead: Number = 0
    shape: Number = 1

    @property
    def last(self) -> Number | None:
        """The step at which it has its last value, were there no other; None where it has none."""
        if self.ease == "hold":
            return self.begin
        left = exactly(lambda a, b: max(a - b, 0), self.length, self.lead)
        return exactly(lambda a, b: a + b, self.begin, left) if EASES[self.ease].ends else None


def segments_of(columns: Columns, shape: Shape) -> list[tuple[Segment, ...]]:
    """Of every group, in the order of rows; those that it lacks are left out."""
    count = math.prod(shape)
    rows: list[list[Segment]] = [[] for _ in range(count)]
    for column in columns:
        parts = [numbers(value, shape) for value in column.values]
        for row, (init, end, begin, lead, length, own) in zip(rows, zip(*parts, strict=True), strict=True):
            if row and row[-1].begin == begin:
                row.pop()
            if begin == NEVER:
                continue
            over = length == 0 and EASES[column.ease].ends
            row.append(
                Segment("hold", begin, 1, end, end)
                if over
                else Segment(column.ease, begin, length, init, end, lead, own)
            )
    return [tuple(row) for row in rows]


def numbers(value: Values, shape: Shape) -> tuple[Number, ...]:
    if isinstance(value, Traced):
        raise TypeError("A schedule made of arrays that are being traced has no values to show.")
    return value.broadcast_to(shape).numbers


# ---- Steps


def cut(columns: Columns, end: Values) -> Columns:
    """In force before step `end` alone: what would begin later has it for its begin, as where a column is lacked."""
    return tuple(replace(column, begin=earlier(column.begin, end)) for column in columns)


def shifted(columns: Columns, by: Known) -> Columns:
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
        for column in columns
    )


def _untraced(*arrays: mx.array) -> mx.array:
    raise TypeError(UNTRACED)
