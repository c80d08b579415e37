"""Times contenders in turn, and computes medians, quartiles and the ratios of each round."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping

Call = Callable[[], object]
Clock = Callable[[Call, int], float]
Spread = list[float]  # lower quartile, median, upper quartile


def spread(sample: list[float]) -> Spread:
    return sample * 3 if len(sample) == 1 else statistics.quantiles(sample, n=4, method="inclusive")


def ratios(ours: list[float], other: list[float]) -> Spread:
    """Return how many times faster ours is, comparing each round with the same round of the other."""
    return spread([b / a for a, b in zip(ours, other, strict=True)])


def seconds(call: Call, repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def reported(call: Callable[[], float], repeats: int) -> float:
    """Return the seconds that the call measured itself, for example in a process of its own."""
    return call()


COLD: dict[str, Clock] = {"first call": seconds, "fresh process": reported}  # modes whose calls are never warmed up


def alternate(contenders: Mapping[str, Call], rounds: int, mode: str = "eager") -> dict[str, list[float]]:
    """Return the seconds per call of each contender, one entry per round. Every round begins with another contender.

    Each is first called three times, which compiles, fills caches, and shows how many calls make a sample of two
    milliseconds. It is called once more before each sample. Cold modes leave all that out and time single calls.
    """
    names, clock, warm = list(contenders), COLD.get(mode, seconds), mode not in COLD
    repeats = dict.fromkeys(names, 1)
    if warm:
        for name, call in contenders.items():
            seconds(call, 2)
            repeats[name] = max(1, min(1000, int(2e-3 / seconds(call, 1))))
    times: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    try:
        for i in range(rounds):
            first = i % len(names)
            for name in names[first:] + names[:first]:
                if warm:
                    contenders[name]()
                times[name].append(clock(contenders[name], repeats[name]))
    finally:
        gc.enable()
    return times
