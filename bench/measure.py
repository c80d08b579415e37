"""Timing contenders in turns, and what is read from it: medians, quartiles, ratios round by round."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Call = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """The median of a sample and its quartiles, which are the spread."""

    median: float
    low: float
    high: float


def figure(sample: list[float]) -> Figure:
    if len(sample) == 1:
        return Figure(*sample * 3)
    low, median, high = statistics.quantiles(sample, n=4, method="inclusive")
    return Figure(median, low, high)


def ratios(ours: list[float], other: list[float]) -> Figure:
    """How many times faster ours is, each round against the same round of the other."""
    return figure([b / a for a, b in zip(ours, other, strict=True)])


def seconds(call: Call, repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def alternate(contenders: Mapping[str, Call], rounds: int, *, sample: float = 2e-3, cold: bool = False) -> dict:
    """Seconds per call of each contender, one entry a round; every round begins with another contender.

    Each is called three times first, unmeasured: compiling, filling caches, and telling how many calls make a `sample`
    of so many seconds; and once more before each sample. `cold` leaves all that out and times single calls.
    """
    names = list(contenders)
    repeats = dict.fromkeys(names, 1)
    if not cold:
        for name, call in contenders.items():
            seconds(call, 2)
            repeats[name] = max(1, min(1000, int(sample / seconds(call, 1))))
    times: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    try:
        for i in range(rounds):
            first = i % len(names)
            for name in names[first:] + names[:first]:
                if not cold:
                    contenders[name]()
                times[name].append(seconds(contenders[name], repeats[name]))
    finally:
        gc.enable()
    return times
