"""Curves in a terminal, drawn by plotext in colours, or with a character for each group."""

from __future__ import annotations

import importlib
from itertools import groupby
from typing import Any

from .axis import Axis, marks
from .colors import MANY, colors, rgb
from .curves import View
from .sampling import written

_HEIGHT = 18
_SAME = 0.5 / (_HEIGHT - 3)  # half a row; curves that are closer than this take turns
_TURN = 8  # points of a turn; a column of the terminal has two
_ASCII = str.maketrans("│─┤├┬┴┼┌┐└┘", "|-+++++++++")


def chart(shown: View, axis: Axis, width: int, look: str) -> list[str]:
    """Return the lines of a chart. `look` is "color", "plain", or "ascii" for output that can't show more."""
    plotext = _plotext()
    if plotext is None:
        return ["The curve needs plotext 5: pip install 'plotext>=5.3,<6'"]
    lines, at = shown.curves, [float(step) for step in shown.at]
    heights = [axis.heights(curve.values) for curve in lines]
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plotsize(width, _HEIGHT)
    plotext.theme("clear")
    for i, mine in enumerate(turns(heights)):
        for run in mine:
            plotext.plot([at[k] for k in run], [heights[i][k] for k in run], marker=_marker(i, len(lines), look),
                         color=_code(i))  # fmt: skip
    for step in shown.last_updates:
        plotext.vline(float(step), "gray")
    plotext.xlim(0, at[-1])
    plotext.ylim(0, 1)
    below = marks(shown.steps, [*shown.borders, *shown.last_updates], width - 14)
    plotext.xticks(list(map(float, below)), list(map(written, below)))
    ticks = axis.ticks()
    plotext.yticks([axis.height(tick) for tick in ticks], [f"{tick:g}" for tick in ticks])
    text = plotext.build() if look == "color" else plotext.uncolorize(plotext.build())
    text = text.translate(_ASCII) if look == "ascii" else text
    return [line.rstrip() for line in text.rstrip().splitlines()] + _legend(shown, width, look)


def _plotext() -> Any:
    try:
        found = importlib.import_module("plotext")
    except ImportError:
        return None
    return found if hasattr(found, "plotsize") else None  # plotext 6 has another interface


def turns(heights: list[list[float | None]]) -> list[list[list[int]]]:
    """Return for each curve the runs of points at which it is drawn. Curves that coincide are drawn in turn."""
    taken = [[_takes(heights, i, k) for k in range(len(curve))] for i, curve in enumerate(heights)]
    return [[list(run) for takes, run in groupby(range(len(row)), row.__getitem__) if takes] for row in taken]


def _takes(heights: list[list[float | None]], i: int, k: int) -> bool:
    here = heights[i][k]
    if here is None:
        return False
    sharing = [j for j, other in enumerate(heights) if (h := other[k]) is not None and abs(h - here) < _SAME]
    return sharing[k // _TURN % len(sharing)] == i


def _marker(i: int, count: int, look: str) -> str:
    if count > 1 and look != "color":
        return str(i)
    return "*" if look == "ascii" else "braille"


def _legend(shown: View, width: int, look: str) -> list[str]:
    lines = shown.curves
    signs = [f"\x1b[38;5;{_code(i)}m■\x1b[0m" if look == "color" else str(i) for i in range(len(lines))]
    named = [f"{sign} {line.label[: width - 2]}" for sign, line in zip(signs, lines, strict=True) if line.name]
    line = "|" if look == "ascii" else "│"
    runs = [f"{line} last update: {step}" for step in shown.last_updates]
    return ["", *named, *runs] if named or runs else []


def _code(i: int) -> int:
    """Return the nearest of the 216 colours that all terminals have."""
    red, green, blue = (max(0, (part - 35) // 40) for part in rgb(colors(MANY)[i]))
    return 16 + 36 * red + 6 * green + blue
