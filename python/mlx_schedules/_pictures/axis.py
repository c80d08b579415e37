"""The value axis of a picture: linear or logarithmic, its range, and its numbers."""

from __future__ import annotations

import math
import sys
from itertools import chain
from typing import Any, NamedTuple

from .._columns.numbers import Number, described
from .curves import Curve
from .sampling import written

SCALES = ("linear", "log")
_TICKS = 5
_TINY = 1e-270  # for smaller values, the margin and the divisors of the numbers would leave a float's range
_ABOUT = 1 + 1e-6  # tolerance for a tenth that float32 has rounded
_DECADES = 6  # the most numbers beside a logarithmic axis
_SAME = 0.01  # of the height; the width of a line
_SEEN = 100  # on a logarithmic axis, a curve that reaches 0 is shown down to this fraction of its peak


class Axis(NamedTuple):
    low: float
    high: float
    log: bool

    def height(self, value: float) -> float:
        """Return the height of a value: 0 at the bottom of the axis, 1 at the top."""
        if self.log:
            foot, top = math.log(self.low), math.log(self.high)
            return (math.log(value) - foot) / (top - foot) if value > 0 else -math.inf
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)  # halved: the whole range may overflow

    def heights(self, values: list[float]) -> list[float | None]:
        """Return the heights of a curve: None if not finite or below the axis, but 0 where it crosses the bottom."""
        exact = [self.height(value) for value in values]
        near = zip(exact, [-1.0, *exact], [*exact[1:], -1.0], strict=False)
        pairs = zip(values, near, strict=True)
        return [max(h[0], 0.0) if math.isfinite(value) and max(h) >= 0 else None for value, h in pairs]

    def ticks(self) -> list[float]:
        if not self.log:
            step = _round_number(self.high / _TICKS - self.low / _TICKS)
            return [i * step for i in range(math.ceil(self.low / step), math.floor(self.high / step * _ABOUT) + 1)]
        powers = range(math.floor(math.log10(self.low)), math.floor(math.log10(self.high) + 1e-6) + 1)
        shown = [10.0**k for k in powers if self.low <= 10.0**k <= self.high * _ABOUT]
        if len(shown) < 3:
            shown = [x for k in powers for m in (1, 2, 5) if self.low <= (x := m * 10.0**k) <= self.high * _ABOUT]
        return shown[:: -(-len(shown) // _DECADES)]


def value_axis(lines: list[Curve], scale: Any = None) -> Axis:
    """Return the axis for some curves. `scale` is "linear", "log", or None for the one that shows more."""
    if scale not in (None, *SCALES):
        raise ValueError(f"[plot] scale must be 'linear', 'log' or None, got {described(scale)}.")
    lines = [line._replace(values=[*filter(math.isfinite, line.values)] or [0.0]) for line in lines]
    values = list(chain.from_iterable(curve.values for curve in lines))
    if scale == "log" and not any(value > 0 for value in values):
        raise ValueError("[plot] A logarithmic scale needs values above 0, and there are none.")
    if scale == "log" or (scale is None and _better_logarithmic(lines)):
        high, low = max(values), min(filter(None, map(_lowest, lines)))
        low = max(min(low, high / 10), _TINY)
        margin = math.exp(0.04 * (math.log(high) - math.log(low)))  # keeps a curve at the lowest value off the axis
        return Axis(low / margin, min(high * margin, sys.float_info.max), True)
    low, high = min(0.0, *values), max(0.0, *values)
    return Axis(low, high if high - low > _TINY else low + 1, False)


def _better_logarithmic(lines: list[Curve]) -> bool:
    """Tell whether more than half of a curve would be in the lowest tenth of a linear axis, not counting zeros."""
    if any(value < 0 for curve in lines for value in curve.values):
        return False
    tenth = max(max(curve.values) for curve in lines) * 0.1 * _ABOUT
    above = [[value for value in curve.values if value > 0] for curve in lines]
    return any(2 * sum(value <= tenth for value in values) > len(values) for values in above)


def _lowest(curve: Curve) -> float | None:
    """Return the lowest value to show: that at the curve's start or end. In between it may be nearly 0."""
    first, last, peak = curve.values[0], curve.values[-1], max(curve.values)
    if peak <= 0:
        return None
    return min(first if first > 0 else peak, last if last > 0 else peak / _SEEN)


def _round_number(x: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(x))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= x / _ABOUT)


def covering(heights: list[list[float | None]]) -> list[int]:
    """Return for each curve how many earlier curves it would hide, because it nearly coincides with them."""
    return [sum(_together(earlier, curve) for earlier in heights[:i]) for i, curve in enumerate(heights)]


def _together(a: list[float | None], b: list[float | None]) -> bool:
    seen = [(x, y) for x, y in zip(a, b, strict=True) if y is not None]
    return sum(x is not None and abs(x - y) < _SAME for x, y in seen) >= 0.9 * len(seen)


def marks(steps: Number, at: list[Number], characters: int) -> list[Number]:
    """Return the steps to write below an axis `characters` wide without overlaps: 0, borders, and the last step."""
    wanted: list[Number] = [0, *(border for border in reversed(at) if border <= steps), steps]
    chosen: list[Number] = []
    for step in wanted:
        room = (abs(float(step) - float(other)) / float(steps) * characters for other in chosen)
        needed = ((len(written(step)) + len(written(other))) / 2 + 1 for other in chosen)
        if all(a >= b for a, b in zip(room, needed, strict=True)):
            chosen.append(step)
    return sorted(chosen)
