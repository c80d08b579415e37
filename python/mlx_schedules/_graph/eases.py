"""Each ease with the rounding of MLX's own ops, and with derivatives.

As in the kernels, weights count from the nearer endpoint, which keeps the last steps accurate. Cosine doesn't use MLX's
sin or cos, which have float32's accuracy even in float64.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import mlx.core as mx

from .column import Column
from .elapsed import Along
from .pairs import double, like, select, series

# As in kernels/ease/list.h: the name, whether the ease ends at its length, and what its parameter is.
EASES = [
    ("hold", False, "none"),
    ("linear", True, "none"),
    ("cosine", True, "none"),
    ("power", True, "exponent"),
    ("reverse_power", True, "exponent"),
    ("geometric", True, "none"),
    ("exponential", False, "rate"),
    ("stairs", False, "rate"),
    ("inverse_power", False, "exponent"),
]


class Ends(NamedTuple):
    init: mx.array
    end: mx.array


def interpolated(first: mx.array, weight: mx.array, ends: Ends) -> mx.array:
    """Return init + (end - init) w or end + (init - end) w, and never -0, as in the kernels.

    It multiplies half of the range by twice the weight, because the whole range may overflow.
    """
    change = (ends.init * 0.5 - ends.end * 0.5) * (weight + weight)
    return select(first, ends.init - change, ends.end + change) + 0.0


def _sine_squared(x: mx.array) -> mx.array:
    """Return x^2 - x^4/3 + 2 x^6/45 - ..., for x up to pi/4. The last term is 2^-54 of the first (float32: 2^-25)."""
    v = mx.square(x)
    return series(v, 1, 12 if double(x) else 7, lambda k: (-4.0) ** k / -2 / math.factorial(2 * k)) * v


def hold(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    return ends.init + e.nearer * -0.0  # adding -0 changes no number, and NaN stays NaN


def linear(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    return interpolated(e.first, e.nearer / e.length, ends)


def cosine(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    return interpolated(e.first, _sine_squared((e.nearer / e.length) * like(e.nearer, math.pi / 2)), ends)


def power(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    f = e.nearer / e.length
    none = mx.logical_and(e.first, f == 0.0)  # its logarithm has no derivative
    one = like(f, 1.0)
    head = mx.log(select(mx.logical_and(e.first, f != 0.0), f, one))
    tail = mx.log1p(select(e.first, like(f, 0.0), -f))
    exponent = parameter * select(e.first, head, tail)
    first = mx.logical_or(exponent < -math.log(2), none)  # the nearer endpoint by weight
    begun = select(none, f * 0.0, mx.exp(exponent))
    return interpolated(first, select(first, begun, -mx.expm1(exponent)), ends)


def reverse_power(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    return power(replace(e, first=mx.logical_not(e.first)), Ends(ends.end, ends.init), parameter)


def geometric(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    """Use the logarithm of end / init or, if that ratio is out of range, the difference of their logarithms."""
    none = mx.logical_or(ends.init == 0.0, ends.end == 0.0)  # of the values between 0 and a number
    init, end = (select(none, like(x, 1.0), x) for x in (ends.init, ends.end))
    ratio = end / init
    fits = mx.logical_and(ratio > 2.0**-100, ratio < 2.0**100)
    near = mx.log(select(fits, ratio, like(ratio, 1.0)))
    apart = mx.log(mx.abs(end)) - mx.log(mx.abs(init))
    exponent = select(fits, near, apart) * (e.nearer / e.length)
    value = select(e.first, ends.init * mx.exp(exponent), ends.end * mx.exp(-exponent))
    return select(mx.logical_and(none, e.nearer != 0.0), e.nearer * 0.0, value)


def exponential(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    return ends.init * mx.exp(parameter * (e.n / e.length))


def stairs(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    return ends.init * mx.exp(parameter * e.turns)


def inverse_power(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    return ends.init * mx.exp(-(parameter * mx.log1p(e.n / e.length)))


def parameter_of(ease: str, c: Column) -> mx.array:
    """Return the ease's parameter, or the logarithm of a rate.

    A rate r is stored as r - 1 with a rest, or as -2^126 r (-2^1022 r); see kernels/ease/exponential.h.
    """
    high, rest = c.real_of("parameter"), c.rest("parameter")
    if ease not in ("exponential", "stairs"):
        return high + rest
    raised, apart = high <= -2.0, high < -0.5
    small = select(raised, (high + rest) * like(high, -(2.0 ** (-1022 if double(high) else -126))), (1.0 + high) + rest)
    near_one = select(apart, like(high, 0.0), high + rest)
    return select(apart, mx.log(select(apart, small, like(high, 1.0))), mx.log1p(near_one))
