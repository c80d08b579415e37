"""Draws two pictures of a run: speed by size, and the relative error along the decay."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import matplotlib
import numpy as np

from . import contenders as c
from .cases import exact

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLORS = {
    c.OURS: "#0b6e4f",
    c.CLOSURE: "#e07a5f",
    c.COMPILED: "#b23a48",
    c.HAND: "#b8b8b8",
    c.HAND_COMPILED: "#8d99ae",
    c.POLYNOMIAL: "#3d5a80",
    c.OPTAX: "#e9a820",
}
STYLE = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "savefig.bbox": "tight",
    "savefig.dpi": 160,
}


def speed(run: dict[str, Any], path: pathlib.Path) -> None:
    """Draw how many times faster the schedule is than each contender: ratios, since only those are reliable."""
    lines: dict[str, list[tuple[int, list[float]]]] = {}
    for r in run["results"]:
        if re.fullmatch(r"10\^\d+ uint32 steps", r["case"]) and r["mode"] == "eager":
            for name, contender in r["contenders"].items():
                if name != c.OURS:
                    lines.setdefault(name, []).append((r["elements"], contender["ratio"]))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 4.6))
        for name, points in lines.items():
            if len(points) < 2:
                continue
            n = np.array([size for size, _ in points])
            low, median, high = (np.array([ratio[i] for _, ratio in points]) for i in range(3))
            axes.plot(n, median, "o-", color=COLORS[name], lw=2, ms=4, label=name)
            axes.fill_between(n, low, high, color=COLORS[name], alpha=0.12, lw=0)
        axes.axhline(1, color=COLORS[c.OURS], lw=2.8)
        axes.text(n[-1], 1.04, "mlx-schedules", ha="right", va="bottom", color=COLORS[c.OURS], weight="bold")
        axes.set(xscale="log", yscale="log", xlabel="steps in one call (uint32)", ylabel="time / time of mlx-schedules")
        axes.set_yticks([1, 2, 5, 10, 20], labels=["1", "2", "5", "10", "20"])
        machine = run["machine"]
        axes.set_title(f"Evaluating a whole trajectory, CPU ({machine['instruction set']})", loc="left", weight="bold")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.savefig(path)
        plt.close(figure)


def error(path: pathlib.Path, decay_steps: int = 1_000_000) -> None:
    steps, right = (found[:-1] for found in exact.along(decay_steps, 4000))  # without the end, which is 0
    rates, left = exact.values(steps, decay_steps), decay_steps - steps
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 4.6))
        for name in (c.POLYNOMIAL, c.CLOSURE, c.OURS):
            relative = np.abs(rates[name] - right) / right
            axes.plot(left, np.maximum(relative, 1e-10), ".", ms=2.5, color=COLORS[name], label=name)
        axes.axhline(2**-24, color="#444444", lw=1, ls="--")
        axes.text(0.9, 2**-24 * 1.3, "half a unit in the last place", ha="right", va="bottom", fontsize=10)
        axes.set(xscale="log", yscale="log", ylim=(1e-10, 5), xlim=(1.3 * decay_steps, 0.8))
        axes.set(xlabel="steps left", ylabel="relative error of the rate")
        axes.set_title("From 1 to 0 in 10⁶ steps, float32, against float64", loc="left", weight="bold")
        axes.legend(loc="upper left", markerscale=4)
        figure.savefig(path)
        plt.close(figure)
