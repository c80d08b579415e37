"""A schedule's values at the steps worth looking at, for every picture of it."""

from __future__ import annotations

import math
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx

from .._columns.columns import Segment, segments_of
from .._columns.numbers import Number, described
from .._columns.values import NEVER, Known

if TYPE_CHECKING:
    from .._schedule.schedule import Schedule

POINTS = 512  # more than a picture is wide
_LAST = 2**63 - 1  # steps are counted in int64 here
_MOST_BORDERS = 32  # beyond, evenly spaced steps tell as much
_MOST_TOLD = 3  # segments in one label
_CYCLES = 3  # that are shown of one that repeats
_FEW, _NEVER_SEEN = 5, 2**53  # segments that are shown of many that go on to where no run gets: restarts without end


class Curve(NamedTuple):
    """One group: its name (empty where there are no groups), what it does in words, and its values."""

    name: str
    text: str
    values: list[float]

    @property
    def label(self) -> str:
        return f"{self.name}: {self.text}" if self.name else self.text


def segments(schedule: Schedule) -> list[tuple[Segment, ...]]:
    """Every group's segments."""
    return segments_of(schedule._columns, schedule.shape)


def borders(schedule: Schedule) -> list[int]:
    """The whole steps by which segments have ended, of all groups."""
    groups = segments(schedule)
    found = {math.ceil(step) for group in groups for step in _ends(group)}
    if schedule._repeat:
        found |= {math.ceil(step) for step in _turns(schedule)}
    return sorted(found)


def _ends(group: tuple[Segment, ...]) -> list[Number]:
    """Where each has ended and the next begun; of the last, if it goes on for ever, where most of it is seen."""
    last = group[-1]
    if last.begin > _NEVER_SEEN and len(group) > _FEW:
        return [b.begin for b in group[1 : _FEW + 1]]
    own = [a.last for a, b in pairwise(group) if a.last is not None and a.begin < a.last < b.begin]
    begins = [b.begin for b in group[1:]]
    return [*own, *begins, last.begin + _shown(last) if last.last is None else last.last]


def _shown(endless: Segment) -> Number:
    """Down to a hundredth, or up to a hundredfold; ten timescales."""
    if endless.shape == 1 or endless.ease not in ("exponential", "stairs"):
        return 10 * endless.length
    return abs(math.log(100) / math.log(endless.shape)) * endless.length


def _turns(schedule: Schedule) -> list[Number]:
    assert schedule._repeat
    begins, periods = (
        value.broadcast_to(schedule.shape)
        for value in (schedule._columns[schedule._repeat.first].begin, schedule._repeat.period)
    )
    if not (isinstance(begins, Known) and isinstance(periods, Known)):
        return []
    pairs = zip(begins.numbers, periods.numbers, strict=True)
    return [begin + turn * period for begin, period in pairs if begin != NEVER for turn in range(1, _CYCLES + 1)]


def default_steps(schedule: Schedule) -> int:
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


def sampled(schedule: Schedule, steps: int, points: int = POINTS) -> list[int]:
    """Whole steps from 0 to `steps`: all of them, or `points` + 1 at most, both sides of each border among them."""
    at = {s for border in borders(schedule)[-_MOST_BORDERS:] for s in (border - 1, border) if s <= steps}
    even = max(points - len(at), 2)
    if steps <= points:
        return list(range(steps + 1))
    return sorted(at | {i * steps // even for i in range(even + 1)})


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` groups, evenly spaced, the first and the last among them."""
    return list(range(count)) if count <= most else [i * (count - 1) // (most - 1) for i in range(most)]


def curves(schedule: Schedule, at: list[int], groups: list[int] | None = None) -> list[Curve]:
    """The groups' values at the steps `at` (of all, or of those counted so), from the schedule itself, on the CPU."""
    made_of, indices = segments(schedule), list(product(*map(range, schedule.shape)))
    groups = list(range(len(indices))) if groups is None else groups
    with mx.stream(mx.cpu):  # float64 is there alone, and a picture needs no GPU
        values = schedule(mx.array(at, mx.int64)).astype(mx.float64).reshape(len(at), -1)
        rows: Any = values[:, mx.array(groups, mx.int32)].T.tolist() if groups else []
    return [Curve(_name(indices[i]), _told(made_of[i]), row) for i, row in zip(groups, rows, strict=True)]


def _name(index: tuple[int, ...]) -> str:
    return f"group {', '.join(map(str, index))}" if index else ""


def _told(made_of: tuple[Segment, ...] | list[Segment]) -> str:
    if len(made_of) <= _MOST_TOLD:
        return ", ".join(map(_in_words, made_of))
    first, last = made_of[0], made_of[-1]
    whole = last.last
    span = f" in {_short(whole)}" if whole is not None else ""
    return f"{len(made_of)} segments, {first.init:g} to {last.end:g}{span}"


def _in_words(segment: Segment) -> str:
    """The ease is named where it isn't the one of a decay or a rise."""
    ease, length = segment.ease, _short(segment.length)
    if ease == "hold":
        return f"{segment.init:g}"
    if ease in ("exponential", "stairs"):
        return f"{segment.init:g} times {segment.shape:g} every {length if segment.length != 1 else 'step'}"
    if ease == "inverse_power":
        return f"{segment.init:g} falling by the root of steps / {length}"
    return f"{segment.init:g} to {segment.end:g} in {length}"


def _short(x: Number) -> str:
    return str(int(x)) if x == int(x) and x < _NEVER_SEEN else f"{float(x):g}"
