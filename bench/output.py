"""What a run prints and writes: tables in Markdown, printed row by row as cases are measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .contenders import OURS

TIMES = """\
| case | mode | contender | median | times faster | quartiles | bar |
|---|---|---|--:|--:|--:|---|"""
NUMBERS = """\
| what | contender | value | bar |
|---|---|--:|---|"""


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 1000 else f"{ratio:.3g}"


def verdict(contender: dict[str, Any]) -> str:
    if "bar" not in contender:
        return ""
    (_, median, high), bar = contender["ratio"], contender["bar"]
    return f"≥ {bar:g} " + ("met" if median >= bar else "within the spread" if high >= bar else "**missed**")


def of_times(result: dict[str, Any]) -> Iterator[str]:
    for name, contender in result["contenders"].items():
        row = f"| {result['case']} | {result['mode']} | {name} | {duration(contender['seconds'][1])} |"
        if name == OURS:
            yield f"{row} | | |"
        else:
            low, median, high = contender["ratio"]
            yield f"{row} {times(median)} | {times(low)} to {times(high)} | {verdict(contender)} |"


def of_number(result: dict[str, Any]) -> Iterator[str]:
    value, most = result["value"], result.get("most")
    bar = "" if most is None else f"≤ {most:g} " + ("met" if value <= most else "**missed**")
    yield f"| {result['number']} | {result['contender']} | {value:.4g}{result['unit']} | {bar} |"


def page(run: dict[str, Any]) -> str:
    """Return the whole run as a Markdown file."""
    what = {**run["machine"], **run["versions"], "commit": run["commit"]}
    lines = [", ".join(f"{name} {value}" for name, value in what.items())]
    if run["results"]:
        lines += ["", TIMES, *(row for result in run["results"] for row in of_times(result))]
    if run["numbers"]:
        lines += ["", NUMBERS, *(row for result in run["numbers"] for row in of_number(result))]
    return "\n".join(lines) + "\n"
