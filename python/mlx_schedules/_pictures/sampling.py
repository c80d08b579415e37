"""The steps at which a picture evaluates schedules: whole steps, or fractions if schedules count in fractions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Any, Protocol

import mlx.core as mx

from .._columns.columns import Columns
from .._columns.eases import EASES
from .._columns.numbers import Number, described, exactly, unboxed
from .._columns.segments import Segment
from .._columns.values import NEVER

POINTS = 512  # more than a picture is wide
_LAST = 2**63 - 1  # whole steps are int64 here
_MOST_BORDERS = 32  # if there are more, evenly spaced steps show as much
_CYCLES = 3  # how many cycles of a repeat are shown
_FEW, _NEVER_SEEN = 5, 2**53  # how many segments are shown if they go on past this step, as endless restarts do
_NEAR = 2.0**-20  # how far before a border a curve is evaluated, as a share of the picture's width


class Schedule(Protocol):
    """What a picture needs from a schedule."""

    _columns: Columns

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __call__(self, step: mx.array) -> mx.array: ...


def borders(schedules: Iterable[Schedule]) -> list[Number]:
    """Return the steps at which segments of any group have ended, rounded up if steps are counted."""
    found = {step for schedule in schedules for step in _ends(schedule)}
    return sorted({math.ceil(step) for step in found} if counted(found) else found)


def counted(ends: Iterable[Number]) -> bool:
    """Tell whether steps are counted 0, 1, 2, ..., and aren't progress from 0 to 1 or a few fractions of a step."""
    last = max(ends, default=0)
    return last == 0 or last > POINTS or (last > 1 and all(step == int(step) for step in ends))


def _ends(schedule: Schedule) -> set[Number]:
    turns = _turns(schedule)
    ends = []
    for i, group in enumerate(schedule._columns.groups):
        turn = turns[i][0] if turns and turns[i] else math.inf
        ends += [step for step in _ends_of(group) if step < turn]
    return {*ends, *(turn for group in turns for turn in group)}


def _ends_of(group: tuple[Segment, ...]) -> list[Number]:
    """Return where segments end and begin. For a last segment that never ends, it is where most of it has been seen."""
    last = group[-1]
    if last.begin > _NEVER_SEEN and len(group) > _FEW:
        return [b.begin for b in group[1 : _FEW + 1]]
    own = [a.last for a, b in pairwise(group) if a.last is not None and a.begin < a.last < b.begin]
    begins = [b.begin for b in group[1:]]
    return [*own, *begins, exactly(lambda a, b: a + b, last.begin, _shown(last)) if last.last is None else last.last]


def _shown(endless: Segment) -> Number:
    """Return how much of an endless segment to show: until values change a hundredfold, or ten timescales."""
    rate = math.log(endless.parameter) if EASES[endless.ease].parameter == "rate" else 0.0
    return endless.length * (math.ceil(abs(math.log(100) / rate)) if rate else 10)


def _turns(schedule: Schedule) -> list[list[Number]]:
    """Return for every group where its first cycles end."""
    return [
        [exactly(lambda b, p, n=turn: b + n * p, begin, period) for turn in range(1, _CYCLES + 1)]
        if begin != NEVER
        else []
        for begin, period in schedule._columns.turns
    ]


def default_steps(ends: list[Number]) -> Number:
    """Return the default length of a picture, a tenth past the last border, so that what follows is visible."""
    last = ends[-1] if ends else 1
    if not counted(ends):
        return 1.1 * float(last)
    return min(max(2, math.ceil(1.1 * last)), _LAST)


def check_steps(steps: Any) -> Number:
    number = unboxed(steps)
    if isinstance(number, bool) or not isinstance(number, (int, float, Fraction)):
        raise TypeError(f"[plot] steps must be a number, got {described(steps)}.")
    if not 0 < number <= _LAST:
        raise ValueError(f"[plot] steps must be above 0 and below 2**63, got {described(number)}.")
    return int(number) if number == int(number) else number


def sampled(ends: list[Number], steps: Number, points: int) -> list[Number]:
    """Return the steps to draw from 0 to `steps`: all, or at most `points` + 1, including both sides of each border."""
    near = [step for step in ends if step <= steps][-_MOST_BORDERS:]
    if not counted(ends) or not isinstance(steps, int):
        return _fractions(near, float(steps), points)
    if steps <= points:
        return list(range(steps + 1))
    at = {int(s) for step in near for s in (step - 1, step)}
    even = max(points - len(at), 2)
    return sorted(at | {i * steps // even for i in range(even + 1)})


def _fractions(near: list[Number], steps: float, points: int) -> list[Number]:
    at = {x for step in near for x in (max(float(step) - _NEAR * steps, 0.0), _not_before(step)) if x <= steps}
    even = max(points - len(at), 2)
    return sorted(at | {i / even * steps for i in range(even + 1)})


def _not_before(step: Number) -> float:
    found = float(step)
    return found if found >= step else math.nextafter(found, math.inf)


def spread(count: int, most: int) -> list[int]:
    """Return at most `most` of `count` groups, evenly spaced, including the first and the last."""
    return list(range(count)) if count <= most else [i * (count - 1) // (most - 1) for i in range(most)]


def written(step: Number) -> str:
    return str(step) if isinstance(step, int) else short(step)


def short(x: Number) -> str:
    """Write a number of steps briefly."""
    return str(int(x)) if x == int(x) and x < _NEVER_SEEN else f"{float(x):g}"
