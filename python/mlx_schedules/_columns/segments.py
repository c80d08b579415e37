"""The segments of each group, as users see them."""

from __future__ import annotations

import math
from typing import NamedTuple

from .column import Column, Row
from .eases import EASES
from .numbers import Number, described, exactly
from .values import NEVER, Known, Shape, Traced, Values, common_shape


class Segment(NamedTuple):
    """One ease from one value to another, in force from step `begin` until the next segment begins.

    At step s it is s - begin + lead steps into its `length`, on the way from `init` to `end`. For eases that never end
    (``exponential``, ``stairs``, ``inverse_power``) and ``hold``, ``end`` is equal to ``init``. ``parameter`` is an
    exponent (``power``, ``reverse_power``, ``inverse_power``), a rate (``exponential``, ``stairs``), or 1.
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
        """The step at which it reaches its last value if no other segment follows; None if it has none."""
        if self.ease == "hold":
            return self.begin
        left = exactly(lambda a, b: max(a - b, 0), self.length, self.lead)
        return exactly(lambda a, b: a + b, self.begin, left) if EASES[self.ease].ends else None


def segments_of(row: Row, shape: Shape) -> list[tuple[Segment, ...]]:
    """Return the segments of every group, in row-major order, without those that a group lacks."""
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


def check_geometric(label: str, column: Column) -> None:
    """Raise ValueError if init and end have no positive ratio, except for groups that are 0 or lack the column."""
    values = column.init, column.end, column.length
    shape = common_shape([value.shape for value in values])
    if shape is None or not all(isinstance(value, Known) for value in values):
        return
    for start, stop, time in zip(*(numbers(value, shape) for value in values), strict=True):
        if time and not (start > 0 < stop or start < 0 > stop or start == stop == 0):
            raise ValueError(
                f"{label} is geometric and must go between numbers of one sign, neither of them 0, "
                f"got from {described(start)} to {described(stop)}: give a hundredth of the larger for 0."
            )


def numbers(value: Values, shape: Shape) -> tuple[Number, ...]:
    if isinstance(value, Traced):
        raise TypeError("A schedule made of arrays that are being traced has no values to show.")
    return value.broadcast_to(shape).numbers
