"""Pictures of schedules with matplotlib."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from .._columns.numbers import Number
from .axis import covering, value_axis
from .colors import MANY, colors
from .curves import Curve, Named, view
from .sampling import Schedule, spread

_ROWS = 6  # rows of a legend that names only some of many groups


def plot(schedule: Schedule, steps: Any = None, ax: Any = None, scale: Any = None) -> Any:
    return draw({"": schedule}, steps, ax, scale)


def draw(
    schedules: Named, steps: Any = None, ax: Any = None, scale: Any = None, last_updates: Iterable[int] = ()
) -> Any:
    shown = view(schedules, steps, last_updates=last_updates)
    lines, at = shown.curves, [float(step) for step in shown.at]
    axis = value_axis(lines, scale) if lines else None
    if ax is None:
        ax = _new_axes()
    fresh, many, drawn = not ax.lines, len(lines) > MANY, []
    gaps = [0] * len(lines) if many or not axis else covering([axis.heights(curve.values) for curve in lines])
    for color, gap, curve in zip(colors(len(lines)), gaps, lines, strict=True):
        # A few curves have the colours of the user's style, and gaps if they would hide others.
        style = {"color": color} if many else {"linestyle": (0, (4, 2 * gap)) if gap else "-"}
        drawn += ax.plot(at, curve.values, label=curve.label, **style)
    ax.set_xlabel("step")
    ax.set_ylabel("value")
    ax.margins(x=0)
    if axis and axis.log and (fresh or scale):
        ax.set_yscale("log")
        ax.set_ylim(axis.low, axis.high)
    elif scale:
        ax.set_yscale(scale)
    _mark(ax, shown.borders)
    for step in shown.last_updates:
        ax.axvline(step, color="0.4", linewidth=1, linestyle="--", label=f"last update: {step}")
    _legend(ax, lines, drawn)
    return ax


def _legend(ax: Any, lines: list[Curve], curves: list[Any]) -> None:
    if len(lines) > MANY:  # only names, because labels would hide the curves
        some = [(curves[i], lines[i].name) for i in spread(len(lines), _ROWS)]
        ax.legend(*zip(*some, strict=True), title=f"{len(some)} of {len(lines)}", loc="upper right", framealpha=0.8)
    elif lines:
        ax.legend(framealpha=0.8)


def _new_axes() -> Any:
    try:
        return importlib.import_module("matplotlib.pyplot").subplots(layout="constrained")[1]
    except ImportError as error:
        raise ImportError(
            "schedule.plot needs matplotlib, which is not installed. Run: pip install matplotlib"
        ) from error


def _mark(ax: Any, at: list[Number]) -> None:
    """Mark where segments end, if there are few. More lines would hide the curves."""
    if len(at) <= MANY:
        style = {"color": "0.5", "alpha": 0.5, "linewidth": 0.8, "linestyle": ":"}
        ax.vlines([float(step) for step in at], 0, 1, transform=ax.get_xaxis_transform(), **style)
