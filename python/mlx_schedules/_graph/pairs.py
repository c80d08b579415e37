"""Numbers as unevaluated sums of two reals, for values only: nothing here has a derivative.

MLX has no fused multiply-add, but compilers that fuse its ops may turn any product and sum into one. So products use
factors with half of a real's bits. They are exact, and fusing then changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import mlx.core as mx

_LN2 = Fraction("0.693147180559945309417232121458176568")


class Pair(NamedTuple):
    """The number hi + lo."""

    hi: mx.array
    lo: mx.array


def double(x: mx.array) -> bool:
    """Tell whether an array is float64."""
    return x.dtype == mx.float64


def like(x: mx.array, number: float) -> mx.array:
    return mx.array(number, x.dtype)


def select(condition: mx.array, a: mx.array | float, b: mx.array | float) -> mx.array:
    """Select without a derivative of the condition. In shapeless compilation, MLX's keeps the traced shape."""
    return mx.where(mx.stop_gradient(condition), a, b)


def select_pair(condition: mx.array, a: Pair, b: Pair) -> Pair:
    return Pair(select(condition, a.hi, b.hi), select(condition, a.lo, b.lo))


def _upper(x: mx.array) -> mx.array:
    """Return the upper half of a real's bits, by Dekker's splitting with an exact product."""
    c = x + x * (2.0**27 if double(x) else 2.0**12)
    return c - (c - x)


def halved(x: Pair) -> Pair:
    """Return the same number with only half of a real's bits in hi, as `product` needs. |lo| must be far below hi."""
    h = _upper(x.hi + x.lo)
    return Pair(h, (x.hi - h) + x.lo)


def of(x: mx.array) -> Pair:
    return Pair(x, like(x, 0.0))


def two_sum(a: mx.array, b: mx.array) -> Pair:
    """Return a + b exactly."""
    s = a + b
    c = s - a
    return Pair(s, (a - (s - c)) + (b - c))


def _fast_two_sum(a: mx.array, b: mx.array) -> Pair:
    """Return a + b, exactly if |a| >= |b| or a = 0."""
    s = a + b
    return Pair(s, b - (s - a))


def total(a: Pair, b: Pair) -> Pair:
    s = two_sum(a.hi, b.hi)
    return _fast_two_sum(s.hi, s.lo + (a.lo + b.lo))


def negated(x: Pair) -> Pair:
    return Pair(-x.hi, -x.lo)


def product(a: Pair, b: Pair) -> Pair:
    """Return the product of halved pairs, halved, with a relative error of 2^-35 (float64: 2^-78)."""
    return halved(Pair(a.hi * b.hi, a.hi * b.lo + a.lo * (b.hi + b.lo)))


def quotient(a: Pair, b: Pair) -> Pair:
    """Return the quotient of any pairs, halved, with the same error as `product`."""
    q, first = _upper(a.hi / b.hi), _upper(b.hi)
    left = (a.hi - q * first) - q * (b.hi - first)
    return Pair(q, (left + (a.lo - q * b.lo)) / b.hi)


def from_integer(n: mx.array, real: mx.Dtype) -> Pair:
    """Convert a uint64, exactly below 2^48, and always exactly in float64."""
    hi = n.astype(real)
    most = like(hi, 2.0**64 - (2.0**11 if double(hi) else 2.0**40))  # for larger ones the nearest real is 2^64
    hi = select(hi < most, hi, most)
    return Pair(hi, (n - hi.astype(mx.uint64)).astype(mx.int64).astype(real))


def _constant(x: Fraction, near: mx.array) -> Pair:
    """Return a constant as a halved pair, whose hi leaves room for a factor of 11 bits."""
    bits = 26 if double(near) else 12
    m, exponent = math.frexp(x)
    hi = math.ldexp(round(math.ldexp(m, bits)), exponent - bits)
    return Pair(like(near, hi), like(near, float(x - Fraction(hi))))


def series(x: mx.array, first: int, last: int, coefficient: Callable[[int], float]) -> mx.array:
    """Return the sum of coefficient(k) x^(k - first), for k from `first` to `last`."""
    result = like(x, coefficient(last))
    for k in range(last - 1, first - 1, -1):
        result = result * x + like(x, coefficient(k))
    return result


# ---- Powers of two


class Exponent(NamedTuple):
    """A power of two: half^2 rest."""

    half: mx.array
    rest: mx.array


def _small_power(k: mx.array) -> mx.array:
    """Return 2^k for whole k from -32 to 31."""
    shift = (k + 32.0).astype(mx.uint64)
    return mx.power(mx.array(2, mx.uint64), shift).astype(k.dtype) * 2.0**-32  # in vmap, MLX's shift loses an axis


def power_of_two(k: mx.array) -> Exponent:
    """Return 2^k for whole k of at most 251 in size (float64: 2015)."""
    squares = 5 if double(k) else 2
    parts = 2.0 * 2**squares
    part = mx.floor(k * (1 / parts) + 0.5)
    half = _small_power(part)
    for _ in range(squares):
        half = mx.square(half)
    return Exponent(half, _small_power(k - part * parts))


def scaled(x: mx.array, e: Exponent) -> mx.array:
    return x * e.half * e.rest * e.half


def rounded_log2(x: mx.array) -> mx.array:
    """Return log2(x), rounded. MLX's log2 may have few digits, so near a half the result may be either number."""
    return mx.floor(mx.log2(x) + 0.5)


# ---- log: 2 z (1 + z^2/3 + z^4/5 + ...) with z = a/b


def log_of_ratio(a: Pair, b: Pair, k: mx.array) -> Pair:
    """Return log(2^k (b + a) / (b - a)), halved, for a/b up to 0.1716 = tan^2(pi/8)."""
    z = quotient(a, b)
    v = product(z, z)
    third = _constant(Fraction(2, 3), z.hi)
    # The rest is at most 2^-7.9 of the result, and is computed to 2^-34 (float64: 2^-65).
    square = v.hi + v.lo
    tail = series(square, 2, 12 if double(square) else 6, lambda n: 2.0 / (2 * n + 1))
    u = product(v, Pair(third.hi, third.lo + tail * square))
    # 2 z + z u + k ln 2; z.hi u.hi and k times ln 2's upper part are exact.
    ln2 = _constant(_LN2, z.hi)
    s = _fast_two_sum(z.hi * 2.0, z.hi * u.hi)
    turns = _fast_two_sum(k * ln2.hi, s.hi)
    small = z.hi * u.lo + z.lo * (u.hi + u.lo + 2.0)
    return halved(Pair(turns.hi, (turns.lo + s.lo) + (small + k * ln2.lo)))


def log_after(one: mx.array, x: Pair, more: mx.array | float = 0.0) -> Pair:
    """Return log(2^more (one + x)), halved, where `one` is 1 or 0. A small x keeps all its digits beside 1."""
    k = rounded_log2((one + x.hi) + x.lo)
    down = power_of_two(-k)
    above = two_sum(scaled(one, down), like(one, -1.0))
    a = two_sum(above.hi, scaled(x.hi, down))  # 2^-k (one + x) - 1
    a = _fast_two_sum(a.hi, a.lo + (above.lo + scaled(x.lo, down)))
    b = _fast_two_sum(like(a.hi, 2.0), a.hi)
    return log_of_ratio(a, Pair(b.hi, b.lo + a.lo), k + more)


# ---- exp: x = k ln 2 + r, and r + r^2/2 + ... for |r| up to ln(2)/2


class Exp(NamedTuple):
    """The number half^2 rest (1 + change), of which half^2 rest is `power`."""

    change: mx.array
    power: Exponent
    limit: mx.array  # 1; if the exponent is out of range, 0 or the largest real


def exp(x: Pair) -> Exp:
    """Return exp of a halved pair."""
    most = 1397.0 if double(x.hi) else 174.0  # the range of half^2 rest
    low, high = x.hi < -most, x.hi > most
    hi = select(low, like(x.hi, -most), select(high, like(x.hi, most), x.hi))
    lo = select(mx.logical_or(low, high), like(x.hi, 0.0), x.lo)
    k = mx.floor(hi * (1 / math.log(2)) + 0.5)
    ln2 = _constant(_LN2, hi)
    r = _fast_two_sum(hi - k * ln2.hi, lo - k * ln2.lo)  # the first is exact
    tail = series(r.hi, 2, 14 if double(hi) else 8, lambda n: 1 / math.factorial(n))
    change = r.hi + (r.lo + mx.square(r.hi) * tail)
    largest = mx.finfo(hi.dtype).max if not double(hi) else 1.7976931348623157e308
    limit = select(low, like(hi, 0.0), select(high, like(hi, largest), like(hi, 1.0)))
    return Exp(change, power_of_two(k), limit)


def times_exp(base: mx.array, e: Exp) -> mx.array:
    """Return base times an Exp."""
    part = base * e.power.half * e.power.rest  # between base and the result in size, so in range
    finite = part - part == 0.0  # infinity stays infinite, even if the change is 0 or negative
    part = part + select(finite, part * e.change, like(part, 0.0))
    return part * e.power.half * e.limit
