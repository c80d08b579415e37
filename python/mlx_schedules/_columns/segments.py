"""The segments of each group, as users see them."""

from __future__ import annotations

import math
from typing import NamedTuple

from .column import Row
from .eases import EASES
from .numbers import Number, exactly
from .values import NEVER, Shape, Traced, Values


class Segment(NamedTuple):
    """One ease from one value to another, in force from step `begin` until the next segment begins.

    At step s it has the ease's value at s - begin + lead of its `length` steps, from `init` to `end`. Eases without end
    (``exponential``, ``stairs``, ``inverse_power``, and ``hold``) have ``init`` for ``end``. ``parameter`` is an
    exponent (``power``, ``reverse_power``, ``inverse_power``) or a rate (``exponential``, ``stairs``), else 1.
    """

    ease: str
    begin: Number
    length: Number
    init: Number
    end: Number
    lead: Number = 0
    parameter: Number = 1

    @property
    def last(self) -> Number | None:
        """The step at which it has its last value, were there no other; None where it has none."""
        if self.ease == "hold":
            return self.begin
        left = exactly(lambda a, b: max(a - b, 0), self.length, self.lead)
        return exactly(lambda a, b: a + b, self.begin, left) if EASES[self.ease].ends else None


def segments_of(row: Row, shape: Shape) -> list[tuple[Segment, ...]]:
    """Of every group, in the order of rows; those that it lacks are left out."""
    groups: list[list[Segment]] = [[] for _ in range(math.prod(shape))]
    for column in row:
        parts = [numbers(value, shape) for value in column.values]
        for group, (init, end, begin, lead, length, own) in zip(groups, zip(*parts, strict=True), strict=True):
            if group and group[-1].begin == begin:
                group.pop()
            if begin == NEVER:
                continue
            over = length == 0 and EASES[column.ease].ends
            group.append(
                Segment("hold", begin, 1, end, end)
                if over
                else Segment(column.ease, begin, length, init, end, lead, own)
            )
    return [tuple(group) for group in groups]


def numbers(value: Values, shape: Shape) -> tuple[Number, ...]:
    if isinstance(value, Traced):
        raise TypeError("A schedule made of arrays that are being traced has no values to show.")
    return value.broadcast_to(shape).numbers
