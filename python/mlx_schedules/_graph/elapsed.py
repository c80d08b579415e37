"""How far along a column steps are, as single numbers, which derivatives need, and as pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import mlx.core as mx

from .._columns.numbers import natural
from .column import MOST, Column, at_most, difference, is_integer, positive
from .pairs import Pair, double, from_integer, halved, like, negated, of, select, select_pair, total

N = TypeVar("N", mx.array, Pair)


@dataclass(frozen=True)  # Python 3.10 has no generic named tuples
class Along(Generic[N]):
    n: N  # the steps since the begin, plus the lead
    nearer: N  # the distance to the nearer endpoint
    first: mx.array  # whether that is the first endpoint
    length: N  # 1 if it is 0 or less
    ended: mx.array  # whether the length is 0 or less
    turns: N  # whole lengths since the begin


def _at_least_one(n: mx.array) -> mx.array:
    return mx.maximum(n, mx.array(1, mx.uint64))


def _last() -> mx.array:
    """Return the last step, 2^64 - 1, which means never."""
    return mx.array(0, mx.uint64) - mx.array(1, mx.uint64)


def _whole_elapsed(c: Column) -> Along[mx.array]:
    """Count in integers, without any wrapping around."""
    step, begin, length = c.whole("step"), c.whole("begin"), c.whole("length")
    since = mx.maximum(step, begin) - begin
    n = since + c.whole("lead")
    n = mx.where(n < since, _last(), n)
    gone = mx.minimum(n, length)
    left = length - gone
    first, ended = gone <= left, length == mx.array(0, mx.uint64)
    divisor = _at_least_one(length)
    return Along(n, mx.where(first, gone, left), first, divisor, ended, mx.floor_divide(n, divisor))


def elapsed(c: Column) -> Along[mx.array]:
    real = c.real
    length = c.real_of("length") + c.rest("length")
    ended = length <= 0.0
    length = select(ended, like(length, 1.0), length)
    if c.all_whole:  # then length - n is exact near the end
        w = _whole_elapsed(c)
        return Along(w.n.astype(real), w.nearer.astype(real), w.first, length, ended, w.turns.astype(real))
    n = positive(_since_begin(c)) + c.real_of("lead") + c.rest("lead")
    high, low = c.real_of("length"), c.rest("length")
    if is_integer(c.of("length")):  # adds the part that the nearest real can't hold
        whole = from_integer(c.whole("length"), real)
        high, low = whole.hi, low + whole.lo
    left = positive((high - n) + low)
    first = n <= left
    return Along(n, select(first, n, left), first, length, ended, mx.stop_gradient(mx.floor(n / length)))


def _since_begin(c: Column) -> mx.array:
    since = difference(c.of("step"), c.of("begin"), c.real) - c.rest("begin")
    return since + c.step_rest if c.folded else since


def begun(c: Column) -> mx.array:
    step, begin = c.of("step"), c.of("begin")
    if is_integer(step) and is_integer(begin) and not c.folded and "begin_rest" not in c.operands:
        in_force = natural(step) >= natural(begin)
    else:
        in_force = total(_step(c), negated(_number(begin, c.rest("begin"), c.real))).hi >= 0.0
    if not is_integer(begin):
        return mx.logical_and(in_force, begin.astype(c.real) < 2.0**64)
    if begin.dtype.size < 8:
        return in_force
    return mx.logical_and(in_force, natural(begin) != _last())


# ---- As pairs


def _number(a: mx.array, rest: mx.array, real: mx.Dtype) -> Pair:
    """Return the sum of a number and its rest as a pair, which keeps the digits of integers."""
    return total(from_integer(natural(a), real) if is_integer(a) else of(a.astype(real)), of(rest))


def _operand(c: Column, name: str) -> Pair:
    if not c.is_fraction(f"{name}_rest"):
        return _number(c.of(name), c.rest(name), c.real)
    fraction = c.of(f"{name}_rest")
    part = from_integer(fraction, c.real)
    n = total(from_integer(c.whole(name), c.real), Pair(part.hi * 2.0**-64, part.lo * 2.0**-64))
    if double(n.hi):
        return n
    # Rounded down, as in the kernels, unless 24 bits hold the fraction: three lengths of 10/3 must be over at step 10.
    exact = mx.remainder(fraction, mx.array(2**40, mx.uint64)) == 0
    return Pair(n.hi, n.lo - select(exact, like(n.hi, 0.0), n.hi * 2.0**-47))


def _step(c: Column) -> Pair:
    step = c.of("step")
    return _number(step if is_integer(step) else at_most(c.real_of("step"), MOST), c.step_rest.astype(c.real), c.real)


def _not_positive(x: Pair) -> mx.array:
    return x.hi + x.lo <= 0.0


def _from_zero(x: Pair) -> Pair:
    return select_pair(x.hi < 0.0, of(like(x.hi, 0.0)), x)


def _division(n: Pair, length: Pair) -> tuple[Pair, Pair]:
    """Return the number of whole lengths in n, and the remainder.

    Each round gives half of a real's bits of the quotient, exactly. It works for quotients up to 2^48, in float64 2^64.
    """
    first = halved(of(length.hi))
    second = halved(of(length.lo))
    turns = of(like(n.hi, 0.0))
    for _ in range(3 if double(n.hi) else 4):
        q = halved(of(mx.floor(n.hi / length.hi + 0.5))).hi
        n = total(n, Pair(-q * first.hi, -q * first.lo))
        n = total(n, Pair(-q * second.hi, -q * second.lo))
        turns = total(turns, of(q))
    under = n.hi + n.lo < 0.0
    fewer = total(turns, of(like(n.hi, -1.0)))
    return select_pair(under, fewer, turns), select_pair(under, total(n, length), n)


def exactly_elapsed(c: Column) -> Along[Pair]:
    """Count in pairs, without derivatives."""
    if c.all_whole:
        w = _whole_elapsed(c)
        n, nearer, length, turns = (from_integer(x, c.real) for x in (w.n, w.nearer, w.length, w.turns))
        return Along(n, nearer, w.first, length, w.ended, turns)
    length = _operand(c, "length")
    ended = _not_positive(length)
    length = select_pair(ended, of(like(length.hi, 1.0)), length)
    n = total(_from_zero(total(_step(c), negated(_operand(c, "begin")))), _operand(c, "lead"))
    left = _from_zero(total(length, negated(n)))
    first = _not_positive(total(n, negated(left)))
    return Along(n, select_pair(first, n, left), first, length, ended, _division(n, length)[0])


# ---- Repeats


def fold(c: Column) -> None:
    """Replace steps in a later cycle by the corresponding steps of the first cycle."""
    step, begin, period = c.of("step"), c.of("begin"), c.of("period")
    in_force = begun(c)
    rests = "begin_rest" in c.operands or "period_rest" in c.operands
    if rests or not (is_integer(begin) and is_integer(period)):
        _fold_reals(c, in_force)
        return
    if not is_integer(step):  # the whole part is folded, and the fraction keeps its derivative
        step = at_most(positive(step), 2.0**63)  # keeps infinity within the range of integers
        whole = mx.stop_gradient(mx.floor(step))
        c.step_rest, c.folded = step - whole, True
        step = whole.astype(mx.uint64)
    start = natural(begin)
    n = mx.maximum(natural(step), start) - start
    again = start + mx.remainder(n, _at_least_one(natural(period)))
    c.operands["step"] = mx.where(in_force, again, natural(step))


def _fold_reals(c: Column, in_force: mx.array) -> None:
    period, begin, step = _operand(c, "period"), _operand(c, "begin"), _step(c)
    period = select_pair(_not_positive(period), of(like(period.hi, 1.0)), period)
    remainder = _division(total(step, negated(begin)), period)[1]
    folded = select_pair(in_force, total(remainder, begin), step)
    each, real = c.real_of("period") + c.rest("period"), c.real_of("step")
    turns = mx.stop_gradient(mx.floor((real - (begin.hi + begin.lo)) / each))
    slope = select(in_force, real - turns * each, real)  # has the derivatives
    c.operands["step"] = mx.stop_gradient(folded.hi) + (slope - mx.stop_gradient(slope))
    c.step_rest = mx.stop_gradient(folded.lo)
    c.folded = True
