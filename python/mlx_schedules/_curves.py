"""A schedule's values at the steps worth looking at, for every picture of it."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx

from ._numbers import described, flatten

if TYPE_CHECKING:
    from ._schedule import CosineDecay

POINTS = 512  # more than a picture is wide
_LAST = 2**63 - 1  # steps are counted in int64 here
_MOST_BORDERS = 32  # beyond, evenly spaced steps tell as much
_MOST_TOLD = 3  # segments in one label


class Segment(NamedTuple):
    """From one value to another in `length` steps from step `begin` on."""

    begin: float
    length: float
    start: float
    stop: float

    def __str__(self) -> str:
        length = str(int(self.length)) if self.length == int(self.length) else f"{self.length:g}"
        return f"{self.start:g} to {self.stop:g} in {length}"


class Curve(NamedTuple):
    """One group: its name (empty where there are no groups), what it does in words, and its values."""

    name: str
    text: str
    values: list[float]

    @property
    def label(self) -> str:
        return f"{self.name}: {self.text}" if self.name else self.text


def segments(schedule: CosineDecay) -> list[list[Segment]]:
    """Every group's segments. Only here do pictures look at what a schedule is made of."""
    values = schedule._values()
    if any(value.unread is not None for value in values):
        raise TypeError("A schedule made of arrays that are being traced has no values to show.")
    init, decay_steps, end = (flatten(value.broadcast_to(schedule.shape).numbers) for value in values)
    return [[Segment(0, t, a, b)] for a, t, b in zip(init, decay_steps, end, strict=True)]


def borders(schedule: CosineDecay) -> list[int]:
    """The whole steps by which segments have ended, of all groups."""
    return sorted({math.ceil(s.begin + s.length) for group in segments(schedule) for s in group})


def default_steps(schedule: CosineDecay) -> int:
    """A tenth past the end of the longest group, so that what follows can be seen."""
    last = max(borders(schedule), default=1)
    return min(max(2, math.ceil(1.1 * last)), _LAST)


def check_steps(steps: Any) -> int:
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"[plot] steps must be an integer, got {described(steps)}.")
    count = int(steps.__index__())
    if not 1 <= count <= _LAST:
        raise ValueError(f"[plot] steps must be at least 1 and below 2**63, got {described(count)}.")
    return count


def sampled(schedule: CosineDecay, steps: int, points: int = POINTS) -> list[int]:
    """Whole steps from 0 to `steps`: all of them, or `points` + 1 at most, both sides of each border among them."""
    at = {s for border in borders(schedule)[-_MOST_BORDERS:] for s in (border - 1, border) if s <= steps}
    even = max(points - len(at), 2)
    if steps <= points:
        return list(range(steps + 1))
    return sorted(at | {i * steps // even for i in range(even + 1)})


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` groups, evenly spaced, the first and the last among them."""
    return list(range(count)) if count <= most else [i * (count - 1) // (most - 1) for i in range(most)]


def curves(schedule: CosineDecay, at: list[int], groups: list[int] | None = None) -> list[Curve]:
    """The groups' values at the steps `at` (of all, or of those counted so), from the schedule itself, on the CPU."""
    made_of, indices = segments(schedule), list(product(*map(range, schedule.shape)))
    groups = list(range(len(indices))) if groups is None else groups
    with mx.stream(mx.cpu):  # float64 is there alone, and a picture needs no GPU
        values = schedule(mx.array(at, mx.int64)).astype(mx.float64).reshape(len(at), -1)
        rows: Any = values[:, mx.array(groups, mx.int32)].T.tolist() if groups else []
    return [Curve(_name(indices[i]), _told(made_of[i]), row) for i, row in zip(groups, rows, strict=True)]


def _name(index: tuple[int, ...]) -> str:
    return f"group {', '.join(map(str, index))}" if index else ""


def _told(made_of: list[Segment]) -> str:
    if len(made_of) <= _MOST_TOLD:
        return ", ".join(map(str, made_of))
    first, last = made_of[0], made_of[-1]
    return f"{len(made_of)} segments, {Segment(0, last.begin + last.length, first.start, last.stop)}"
