"""Finds where mlx-schedules became slower between two runs. It compares ratios to a contender, since times of different
runs are not comparable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def by_case(run: dict[str, Any]) -> dict[tuple[str, str, str], list[float]]:
    return {
        (r["case"], r["mode"], name): contender["ratio"]
        for r in run["results"]
        for name, contender in r["contenders"].items()
        if "ratio" in contender
    }


def regressions(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the cases whose ratio fell so far that the two runs' quartiles no longer overlap."""
    before, after = by_case(old), by_case(new)
    lines = []
    for key in before.keys() & after.keys():
        (low, was, _), (_, now, high) = before[key], after[key]
        if high < low:
            lines.append(f"{', '.join(key[:2])}: {now:.2f} times as fast as {key[2]}, was {was:.2f}")
    return sorted(lines)


def caveats(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Say what else changed between the runs."""
    for part in ("machine", "versions"):
        for name in sorted(old[part].keys() | new[part].keys()):
            was, now = old[part].get(name), new[part].get(name)
            if was != now:
                yield f"{name} differs: {was} then, {now} now"
    if not by_case(old).keys() & by_case(new).keys():
        yield "the two runs have no case in common"
