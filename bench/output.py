"""The tables a run prints."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from .contenders import OURS


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def verdict(contender: dict[str, Any]) -> str:
    if "bar" not in contender:
        return ""
    _, median, high = contender["ratio"]
    bar = contender["bar"]
    sign = "[green]met" if median >= bar else "[yellow]within the spread" if high >= bar else "[red]missed"
    return f"≥ {bar:g} {sign}"


def speed(console: Console, results: list[dict[str, Any]]) -> None:
    table = Table(title="Time per call, and how many times faster mlx-schedules is (quartiles of the rounds)")
    for name in ("case", "mode", "contender"):
        table.add_column(name, no_wrap=True)
    for name in ("median", "ratio", "spread"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("bar")
    before = None
    for r in results:
        where = (r["case"], r["mode"])
        for name, contender in r["contenders"].items():
            first = where != before
            if first and before is not None:
                table.add_section()
            before = where
            row = [*(where if first else ("", "")), name, duration(contender["seconds"][1])]
            if name == OURS:
                table.add_row(*row, style="bold")
            else:
                low, median, high = contender["ratio"]
                table.add_row(*row, f"{median:.2f}", f"{low:.2f} to {high:.2f}", verdict(contender))
    console.print(table)


def accuracy(console: Console, results: list[dict[str, Any]]) -> None:
    table = Table(title="Float32 along the whole decay, from 1 to 0, against 200-bit arithmetic")
    for name in ("T", "contender"):
        table.add_column(name)
    for name in ("largest error, ULP", "first wrongly 0 at step", "steps too early"):
        table.add_column(name, justify="right")
    for r in results:
        zero = r["first zero"]
        early = ("never", "") if zero is None else (str(zero), str(r["decay_steps"] - zero))
        table.add_row(str(r["decay_steps"]), r["contender"], f"{r['ulp']:.4g}", *early)
    console.print(table)


def memory(console: Console, results: dict[str, int]) -> None:
    for name, count in results.items():
        console.print(f"Peak memory, 10^7 uint32 steps (40 MB), {name}: {count / 1e6:.2f} MB beyond what was there")
