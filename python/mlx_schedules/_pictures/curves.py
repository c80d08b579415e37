"""What a picture shows: the values of schedules at chosen steps, and a description of each group in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

import mlx.core as mx

from .._columns.eases import EASES
from .._columns.numbers import Number
from .._columns.segments import Segment
from .sampling import POINTS, Schedule, borders, check_steps, default_steps, sampled, short, spread

_MOST_TOLD = 3  # the most segments in one label


class Curve(NamedTuple):
    """The curve of one group: its name (empty if there is only one), its description in words, and its values."""

    name: str
    text: str
    values: list[float]

    @property
    def label(self) -> str:
        return f"{self.name}: {self.text}" if self.name else self.text


class View(NamedTuple):
    """Everything that is drawn: the curves at the steps `at`, and the steps at which segments and runs end."""

    curves: list[Curve]
    at: list[Number]
    borders: list[Number]
    last_updates: list[int]

    @property
    def steps(self) -> Number:
        return self.at[-1]


Named = Mapping[str, Schedule]  # by name; a single schedule has the name ""


def view(
    schedules: Named,
    steps: Any = None,
    points: int = POINTS,
    most: int | None = None,
    last_updates: Iterable[int] = (),
) -> View:
    """Return the view of at most `most` groups, evenly spread. `last_updates` of known runs are marked."""
    found, runs = borders(schedules.values()), sorted(set(last_updates))
    last = max([default_steps(found), *runs]) if steps is None else check_steps(steps)
    at = sampled(found, last, points)
    seen = [step for step in found if step <= last]
    return View(curves(schedules, at, most), at, seen, [step for step in runs if step <= last])


def groups(schedules: Named) -> int:
    return sum(len(schedule._columns.groups) for schedule in schedules.values())


def curves(schedules: Named, at: list[Number], most: int | None = None) -> list[Curve]:
    count = groups(schedules)
    chosen, before = spread(count, count if most is None else most), 0
    found: list[Curve] = []
    for name, schedule in schedules.items():
        here = len(schedule._columns.groups)
        found += _curves(name, schedule, at, [i - before for i in chosen if before <= i < before + here])
        before += here
    return found


def _curves(name: str, schedule: Schedule, at: list[Number], chosen: list[int]) -> list[Curve]:
    """Return the curves of chosen groups of a schedule, which is evaluated on the CPU."""
    made_of, indices = schedule._columns.groups, list(product(*map(range, schedule.shape)))
    dtype = mx.int64 if all(isinstance(step, int) for step in at) else mx.float64
    with mx.stream(mx.cpu):  # only the CPU has float64, and a picture needs no GPU
        values = schedule(mx.array(at, dtype)).astype(mx.float64).reshape(len(at), -1)
        rows: Any = values[:, mx.array(chosen, mx.int32)].T.tolist() if chosen else []
    return [Curve(_name(name, indices[i]), told(made_of[i]), row) for i, row in zip(chosen, rows, strict=True)]


def _name(schedule: str, index: tuple[int, ...]) -> str:
    group = f"group {', '.join(map(str, index))}" if index else ""
    return f"{schedule} {group}".strip()


def told(made_of: tuple[Segment, ...] | list[Segment]) -> str:
    if len(made_of) <= _MOST_TOLD:
        return ", ".join(map(_in_words, made_of))
    first, last = made_of[0], made_of[-1]
    whole = last.last
    span = f" in {short(whole)}" if whole is not None else ""
    return f"{len(made_of)} segments, {_brief(first.init)} to {_brief(last.end)}{span}"


def _in_words(segment: Segment) -> str:
    """Describe a segment in words. The ease is named only if it isn't the usual one of a decay or a rise."""
    ease, length = segment.ease, short(segment.length)
    init, end, parameter = map(_brief, (segment.init, segment.end, segment.parameter))
    if ease == "hold":
        return init
    if EASES[ease].parameter == "rate":
        return f"{init} times {parameter} every {length if segment.length != 1 else 'step'}"
    if ease == "inverse_power":
        return f"{init} falling by the {'root' if parameter == '0.5' else f'power {parameter}'} of steps / {length}"
    return f"{init} to {end} in {length}"


def _brief(x: Number) -> str:
    return f"{float(x):g}"  # a Fraction has no format before Python 3.12
