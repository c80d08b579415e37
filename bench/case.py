"""What a run consists of: cases, which are timed, and numbers, which are not. Functions in suites make them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .measure import Call


@dataclass(frozen=True)
class Case:
    """Contenders that do the same work. A bar is how many times faster than a contender the schedule must be."""

    name: str
    mode: str  # as README.md lists them
    elements: int  # in the result
    calls: dict[str, Call]
    bars: dict[str, float] = field(default_factory=dict)
    weight: float = 1.0  # as a share of the usual number of rounds


@dataclass(frozen=True)
class Number:
    name: str
    contender: str
    value: float | Callable[[], float]  # a function is called only if the number is part of the run
    unit: str
    most: float | None = None  # the bar: the largest value that meets it


Maker = Callable[..., Iterator[Case | Number]]
SUITES: dict[str, dict[str, list[Maker]]] = defaultdict(lambda: {"full": [], "quick": []})
Arguments = Sequence[tuple[Any, ...]]


def benchmark(suite: str, full: Arguments = ((),), quick: Arguments | None = None) -> Callable[[Maker], Maker]:
    """Put a function into a suite, once for each tuple of arguments. `quick` has the tuples for a quick run."""

    def register(make: Maker) -> Maker:
        for size, calls in (("full", full), ("quick", full if quick is None else quick)):
            SUITES[suite][size] += [partial(make, *arguments) for arguments in calls]
        return make

    return register
