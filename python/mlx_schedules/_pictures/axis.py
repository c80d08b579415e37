"""The value axis of a picture: linear or logarithmic, from where to where, and the numbers beside it."""

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
_TINY = 1e-270  # beneath, a margin and the digits to divide by don't fit into a float
_ABOUT = 1 + 1e-6  # float32 rounds a tenth
_DECADES = 6  # at most as many numbers beside a logarithmic axis
_SAME = 0.01  # of the height: a line's width
_SEEN = 100  # a curve that reaches 0 is followed this far down on a logarithmic axis


class Axis(NamedTuple):
    low: float
    high: float
    log: bool

    def height(self, value: float) -> float:
        """0 at the foot, 1 at the top."""
        if self.log:
            foot, top = math.log(self.low), math.log(self.high)
            return (math.log(value) - foot) / (top - foot) if value > 0 else -math.inf
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)  # in halves: the whole may overflow

    def heights(self, values: list[float]) -> list[float | None]:
        """Of a curve; None beneath the foot, but 0 where it goes beneath and comes back."""
        exact = [self.height(value) for value in values]
        neighbours = zip([-1.0, *exact], [*exact[1:], -1.0], strict=False)
        return [h if h >= 0 else 0.0 if max(pair) >= 0 else None for h, pair in zip(exact, neighbours, strict=False)]

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
    """`scale`: "linear", "log", or None for what shows most."""
    if scale not in (None, *SCALES):
        raise ValueError(f"[plot] scale must be 'linear', 'log' or None, got {described(scale)}.")
    values = list(chain.from_iterable(curve.values for curve in lines))
    if scale == "log" and not any(value > 0 for value in values):
        raise ValueError("[plot] A logarithmic scale needs values above 0, and there are none.")
    if scale == "log" or (scale is None and _better_logarithmic(lines)):
        high, low = max(values), min(filter(None, map(_lowest, lines)))
        low = max(min(low, high / 10), _TINY)
        margin = math.exp(0.04 * (math.log(high) - math.log(low)))  # what stays at the lowest value isn't on the axis
        return Axis(low / margin, min(high * margin, sys.float_info.max), True)
    low, high = min(0.0, *values), max(0.0, *values)
    return Axis(low, high if high - low > _TINY else low + 1, False)


def _better_logarithmic(lines: list[Curve]) -> bool:
    """Whether a linear axis would have more than half of a curve in its lowest tenth; 0 is on both axes' foot."""
    if any(value < 0 for curve in lines for value in curve.values):
        return False
    tenth = max(max(curve.values) for curve in lines) * 0.1 * _ABOUT
    above = [[value for value in curve.values if value > 0] for curve in lines]
    return any(2 * sum(value <= tenth for value in values) > len(values) for values in above)


def _lowest(curve: Curve) -> float | None:
    """Of the values that a curve starts from or keeps to; between them it may be as good as 0."""
    first, last, peak = curve.values[0], curve.values[-1], max(curve.values)
    if peak <= 0:
        return None
    return min(first if first > 0 else peak, last if last > 0 else peak / _SEEN)


def _round_number(x: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(x))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= x / _ABOUT)


def covering(heights: list[list[float | None]]) -> list[int]:
    """How many earlier curves each would hide: nearly all the way it runs where they do."""
    return [sum(_together(earlier, curve) for earlier in heights[:i]) for i, curve in enumerate(heights)]


def _together(a: list[float | None], b: list[float | None]) -> bool:
    seen = [(x, y) for x, y in zip(a, b, strict=True) if y is not None]
    return sum(x is not None and abs(x - y) < _SAME for x, y in seen) >= 0.9 * len(seen)


def marks(steps: Number, at: list[Number], characters: int) -> list[Number]:
    """The steps to be written below an axis `characters` wide, none over another: 0, borders, the last."""
    wanted: list[Number] = [0, *(border for border in reversed(at) if border <= steps), steps]
    chosen: list[Number] = []
    for step in wanted:
        room = (abs(float(step) - float(other)) / float(steps) * characters for other in chosen)
        needed = ((len(written(step)) + len(written(other))) / 2 + 1 for other in chosen)
        if all(a >= b for a, b in zip(room, needed, strict=True)):
            chosen.append(step)
    return sorted(chosen)
