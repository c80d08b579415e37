"""Eases computed with pairs, for values only.

If a logarithm is multiplied by the number of steps, the exponential of that product has an error in ULP as large as the
exponent. Hold, linear and cosine are exact enough without pairs.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import mlx.core as mx

from . import pairs
from .eases import Ends, interpolated
from .elapsed import Along
from .pairs import Pair, halved, like, negated, product, quotient, select, select_pair


def power(e: Along[Pair], ends: Ends, parameter: Pair) -> mx.array:
    """Return f^p, f = n/T, as the weight from the endpoint that is nearer by weight.

    If the endpoint were chosen by the step, a steep power would lose digits.
    """
    f = quotient(e.nearer, e.length)
    none = mx.logical_and(e.first, f.hi + f.lo == 0.0)
    head = mx.logical_and(e.first, mx.logical_not(none))  # log f in the first half, log(1 - f) in the second
    one, zero = like(f.hi, 1.0), like(f.hi, 0.0)
    logarithm = pairs.log_after(select(head, zero, one), select_pair(e.first, f, negated(f)))
    raised = pairs.exp(product(halved(parameter), logarithm))
    size = pairs.scaled(one, raised.power)
    come = select(none, f.hi + f.lo, pairs.times_exp(one, raised))
    left = (1.0 - size) - size * raised.change  # size is 1 or 1/2 where that is nearer
    first = come < 0.5
    return interpolated(first, select(first, come, left), ends)


def reverse_power(e: Along[Pair], ends: Ends, parameter: Pair) -> mx.array:
    return power(replace(e, first=mx.logical_not(e.first)), Ends(ends.end, ends.init), parameter)


class _Reduced(NamedTuple):
    """The number 2^k x, with x in [sqrt(1/2), sqrt(2)]."""

    x: mx.array
    k: mx.array


def _reduced(x: mx.array) -> _Reduced:
    k = pairs.rounded_log2(x)
    return _Reduced(pairs.scaled(x, pairs.power_of_two(-k)), k)


def geometric(e: Along[Pair], ends: Ends, parameter: Pair) -> mx.array:
    """Return init (end/init)^(n/T), from the nearer endpoint. Between 0 and a number it is 0."""
    init, end = _reduced(mx.abs(ends.init)), _reduced(mx.abs(ends.end))
    root = like(end.x, math.sqrt(2))
    zero, one = like(end.x, 0.0), like(end.x, 1.0)
    low, high = end.x * root < init.x, init.x * root < end.x
    up = select(low, one, select(high, -one, zero))
    x = end.x * select(low, one * 2.0, select(high, one * 0.5, one))
    logarithm = pairs.log_of_ratio(pairs.two_sum(x, -init.x), pairs.two_sum(x, init.x), (end.k - init.k) - up)
    exponent = product(logarithm, quotient(e.nearer, e.length))
    raised = pairs.exp(select_pair(e.first, exponent, negated(exponent)))
    signs, base = mx.sign(ends.init) * mx.sign(ends.end), select(e.first, ends.init, ends.end)
    value = pairs.times_exp(select(signs >= 0.0, base, like(one, math.nan)), raised)
    return select(signs == 0.0, select(e.nearer.hi == 0.0, base, e.nearer.hi * 0.0), value)


def _log_of_rate(parameter: Pair) -> Pair:
    """Return the logarithm of a rate, which is stored as kernels/ease/exponential.h says."""
    high = parameter.hi
    small, zero, one = high <= -2.0, like(high, 0.0), like(high, 1.0)
    down = like(high, -1022.0 if pairs.double(high) else -126.0)
    x = select_pair(small, negated(parameter), parameter)
    return pairs.log_after(select(small, zero, one), x, select(small, down, zero))


def exponential(e: Along[Pair], ends: Ends, parameter: Pair) -> mx.array:
    exponent = product(_log_of_rate(parameter), quotient(e.n, e.length))
    return pairs.times_exp(ends.init, pairs.exp(exponent))


def stairs(e: Along[Pair], ends: Ends, parameter: Pair) -> mx.array:
    exponent = product(_log_of_rate(parameter), halved(e.turns))
    return pairs.times_exp(ends.init, pairs.exp(exponent))


def inverse_power(e: Along[Pair], ends: Ends, parameter: Pair) -> mx.array:
    logarithm = pairs.log_after(like(e.n.hi, 1.0), quotient(e.n, e.length))
    return pairs.times_exp(ends.init, pairs.exp(negated(product(halved(parameter), logarithm))))
