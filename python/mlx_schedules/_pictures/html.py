"""What a notebook shows: the curves as an inline SVG, which needs no library, and a description of each group."""

from __future__ import annotations

import math
from html import escape
from itertools import groupby
from typing import NamedTuple

from .._columns.numbers import Number
from .axis import Axis, covering, marks, value_axis
from .colors import MANY, colors
from .curves import Curve, View, view
from .sampling import POINTS, Schedule, spread, written

_DRAWN = 64  # if there are more groups, only some are drawn
_ALL_POINTS = 8192  # the most points of all curves, which take 100 KB
_WIDTH, _HEIGHT, _TOP, _RIGHT = 340, 160, 8, 24  # px; shrunk to 320, numbers are still 9 px high
_CHARACTER = 6.8  # the greatest width of a character in px
_MOST_TEXT = 500  # characters


class _Line(NamedTuple):
    label: str
    heights: list[float | None]
    stroke: str  # attributes of the SVG path


def html(schedule: Schedule) -> str:
    groups = math.prod(schedule.shape)
    drawn = min(groups, _DRAWN)
    try:
        shown = view({"": schedule}, points=min(POINTS, _ALL_POINTS // max(drawn, 1)), most=drawn)
    except TypeError:  # being traced
        groups = 0
    if not groups:
        text = repr(schedule)
        return f"<code>{escape(text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + '…')}</code>"
    axis = value_axis(shown.curves)
    lines = _lines(shown.curves, axis)
    return f"<div>{_svg(lines, shown, axis)}{_table(lines, groups)}</div>"


def _lines(shown: list[Curve], axis: Axis) -> list[_Line]:
    """Return the lines. A few curves that would hide others have gaps, which are wider if they hide more."""
    heights = [axis.heights(curve.values) for curve in shown]
    gaps = covering(heights) if len(shown) <= MANY else [0] * len(shown)
    dashes = [f' stroke-dasharray="6 {3 * gap}"' if gap else "" for gap in gaps]
    strokes = [f'stroke="{color}"{dashed}' for color, dashed in zip(colors(len(shown)), dashes, strict=True)]
    return [_Line(c.label, h, stroke) for c, h, stroke in zip(shown, heights, strokes, strict=True)]


def _svg(lines: list[_Line], shown: View, axis: Axis) -> str:
    at, ends = shown.at, shown.borders
    below = marks(shown.steps, ends, round(_WIDTH / _CHARACTER))
    ruled = sorted({*below, *ends} if len(ends) <= MANY else below)  # more lines would hide the curves
    beside = [(_y(axis.height(tick)), f"{tick:g}") for tick in axis.ticks()]
    left = 10 + _CHARACTER * max((len(number) for _, number in beside), default=0)
    right, foot = left + _WIDTH, _TOP + _HEIGHT
    x: dict[Number, float] = {step: left + _WIDTH * float(step / at[-1]) for step in (*at, *ruled)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + _RIGHT:.0f} {foot + 24}" font-size="12" '
        f'font-family="sans-serif" role="img" style="width:{right + _RIGHT:.0f}px;max-width:100%;height:auto">',
        f"<title>{escape('; '.join(line.label for line in lines[:MANY]))}</title>",
        *(_rule(f"M{left:.1f} {y:.1f}H{right:.1f}", 0.15) for y, _ in beside),
        *(_rule(f"M{x[step]:.1f} {_TOP}V{foot + 4}", 0.25) for step in ruled),
        _rule(f"M{left:.1f} {_TOP}V{foot}H{right:.1f}", 0.5),
        *(_text(left - 6, y + 4, "end", number) for y, number in beside),
        *(_text(x[step], foot + 18, "middle", written(step)) for step in below),
        *(_stroke(_path([x[step] for step in at], line.heights), line) for line in lines),
    ]
    return "".join([*parts, "</svg>"])


def _y(height: float) -> float:
    return _TOP + _HEIGHT * (1 - height)


def _rule(path: str, opacity: float) -> str:
    return f'<path d="{path}" fill="none" stroke="currentColor" opacity="{opacity}"/>'


def _text(x: float, y: float, anchor: str, what: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{what}</text>'


def _path(x: list[float], heights: list[float | None]) -> str:
    points = groupby(zip(x, heights, strict=True), lambda point: point[1] is not None)
    runs = ([f"{px:.1f} {_y(height or 0.0):.1f}" for px, height in run] for seen, run in points if seen)
    return "".join("M" + "L".join(run) for run in runs)


def _stroke(path: str, line: _Line) -> str:
    return f'<path d="{path}" fill="none" {line.stroke} stroke-width="1.8"/>'


def _table(lines: list[_Line], groups: int) -> str:
    named = [lines[i] for i in spread(len(lines), MANY)]
    rows = [(f'<svg width="30" height="8">{_stroke("M0 4H30", line)}</svg>', line.label) for line in named]
    if len(named) < groups:
        drawn = f", {len(lines)} are drawn" if len(lines) < groups else ""
        rows.append(("", f"{len(named)} of {groups} groups are named{drawn}"))
    cells = (f'<td>{sample}</td><td style="text-align:left">{escape(text)}</td>' for sample, text in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
