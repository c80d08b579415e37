"""Pictures of a schedule: with matplotlib, and as an inline SVG that needs nothing."""

from __future__ import annotations

import importlib
from html import escape
from typing import TYPE_CHECKING, Any

from ._curves import check_steps, curves, default_steps, sampled

if TYPE_CHECKING:
    from ._schedule import CosineDecay

_ROWS = 10  # a legend longer than this hides what it explains
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F")


def plot(schedule: CosineDecay, steps: Any = None, ax: Any = None) -> Any:
    count = default_steps(schedule) if steps is None else check_steps(steps)
    at = sampled(count)
    lines = curves(schedule, at)
    if ax is None:
        try:
            ax = importlib.import_module("matplotlib.pyplot").subplots()[1]
        except ImportError as error:
            raise ImportError(
                "schedule.plot needs matplotlib, which is not installed. Run: pip install 'mlx-schedules[plot]'"
            ) from error
    for curve in lines:
        ax.plot(at, curve.values, label=curve.label)
    ax.set_xlabel("step")
    ax.set_ylabel("value")
    ax.margins(x=0)
    if 0 < len(lines) <= _ROWS:
        ax.legend(frameon=False)
    return ax


def html(schedule: CosineDecay) -> str:
    try:
        at = sampled(default_steps(schedule))
        lines = curves(schedule, at)
    except TypeError:  # being traced
        lines = []
    if not lines:
        return f"<code>{escape(repr(schedule))}</code>"
    low = min(0.0, *(y for curve in lines for y in curve.values))
    high = max(0.0, *(y for curve in lines for y in curve.values))
    width, height, left, top = 440, 160, 64, 8
    span = high - low or 1.0

    def x(step: float) -> float:
        return left + width * step / at[-1]

    def y(value: float) -> float:
        return top + height * (high - value) / span

    def text(px: float, py: float, anchor: str, what: str) -> str:
        return f'<text x="{px:.1f}" y="{py:.1f}" text-anchor="{anchor}" fill="currentColor">{what}</text>'

    ends = sorted({curve.decay_steps for curve in lines})
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 24}" height="{top + height + 24}" '
        'font-family="sans-serif" font-size="11" role="img">',
        f"<title>{escape(repr(schedule))}</title>",
        f'<path d="M{left} {top}V{top + height}H{left + width}" fill="none" stroke="currentColor" opacity="0.4"/>',
        text(left - 6, y(high) + 4, "end", f"{high:.4g}"),
        text(left - 6, y(low) + 4, "end", f"{low:.4g}"),
        text(left, top + height + 16, "middle", "0"),
    ]
    marks = [end for end in (ends if len(ends) <= 3 else ends[-1:]) if end <= at[-1]]
    right = float(left)
    for end in marks:
        if x(end) - right > 40:  # no label over another
            parts.append(text(x(end), top + height + 16, "middle", f"{end:.12g}"))
            right = x(end)
    for i, curve in enumerate(lines):
        points = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in zip(at, curve.values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_color(i)}" stroke-width="1.8"/>')
    parts.append("</svg>")
    return f"<div>{''.join(parts)}{_table(lines)}</div>"


def _color(i: int) -> str:
    return _COLORS[i % len(_COLORS)]


def _table(lines: list[Any]) -> str:
    rows = []
    for i, curve in enumerate(lines[:_ROWS]):
        group = ", ".join(map(str, curve.group))
        cells = (group, repr(curve.init), repr(curve.decay_steps), repr(curve.end))
        swatch = f'<td style="color:{_color(i)}">&#9632;</td>'
        rows.append(f"<tr>{swatch}{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    if len(lines) > _ROWS:
        rows.append(f'<tr><td></td><td colspan="4">and {len(lines) - _ROWS} more groups</td></tr>')
    group = "group" if lines[0].group else ""
    head = "".join(f"<th>{name}</th>" for name in ("", group, "init", "decay_steps", "end"))
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
