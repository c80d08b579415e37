"""What a run consists of: cases that are timed and numbers that are read off, made by functions in suites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .measure import Call


@dataclass(frozen=True)
class Case:
    """Contenders that do the same work. A bar is how many times faster than one of them the schedule is at least."""

    name: str
    mode: str  # of README.md
    elements: int  # in the result
    calls: dict[str, Call]
    bars: dict[str, float] = field(default_factory=dict)
    weight: float = 1.0  # of the usual number of rounds


@dataclass(frozen=True)
class Number:
    name: str
    contender: str
    value: float | Callable[[], float]  # the latter is called where it is wanted
    unit: str
    most: float | None = None  # the bar


Maker = Callable[..., Iterator[Case | Number]]
SUITES: dict[str, dict[str, list[Maker]]] = defaultdict(lambda: {"full": [], "quick": []})
Arguments = Sequence[tuple[Any, ...]]


def benchmark(suite: str, full: Arguments = ((),), quick: Arguments | None = None) -> Callable[[Maker], Maker]:
    """Puts a function into a suite, once for each tuple of its arguments; `quick` has those of a quick run."""

    def register(make: Maker) -> Maker:
        for size, calls in (("full", full), ("quick", full if quick is None else quick)):
            SUITES[suite][size] += [partial(make, *arguments) for arguments in calls]
        return make

    return register
