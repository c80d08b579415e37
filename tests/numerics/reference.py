"""Every formula in 200-bit arithmetic, and the distance of a result from it.

An ease is a function of the fraction elapsed, x from 0 to 1: how much of the change from init to end has come by then
and how much is left, each to its own last bits, so that values near either end are right too.
"""

from fractions import Fraction

import mpmath
import numpy as np

from numerics.ease_reference import value as ease_value

mp = mpmath.MPContext()
mp.prec = 200
BITS = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}


def cosine(x):
    return mp.sinpi(x / 2) ** 2, mp.cospi(x / 2) ** 2


def weights(steps, length, ease=cosine):
    """For each step: whether it is nearer to init, by weight, and how much of the change lies between the two."""
    total = mp.mpf(length)
    shares = (ease(min(max(mp.mpf(step), mp.zero), total) / total) for step in steps)
    return [(come <= left, min(come, left)) for come, left in shares]


def values(weights, init, end):
    a, b = mp.mpf(init), mp.mpf(end)
    change = a - b
    return [a - change * w if first else b + change * w for first, w in weights]


def decay(steps, init, decay_steps, end):
    return values(weights(steps, decay_steps), init, end)


def ulp_errors(results, references):
    """|result - reference| in units in the last place of the reference, in the results' precision."""
    bits = BITS[results.dtype]
    errors = np.empty(len(references))
    for i, (y, r) in enumerate(zip(results.tolist(), references, strict=True)):
        if r == 0:
            errors[i] = 0.0 if y == 0 else np.inf
            continue
        _, _, exponent, count = r._mpf_
        errors[i] = abs(float(mp.ldexp(mp.mpf(y) - r, bits - exponent - count)))
    return errors


# ---- Schedules by their definitions: functions of an exact step, to a value in 200 bits


def exact(x):
    x = Fraction(x)
    return mp.mpf(x.numerator) / x.denominator


def eased(ease, init, end, length, shape=1):
    return lambda step: ease_value(ease, exact(max(step, 0)), exact(length), exact(init), exact(end), exact(shape))


def joined(parts, boundaries):
    def value(step):
        step = max(step, 0)
        i = sum(step >= boundary for boundary in boundaries)
        return parts[i](step - ([0, *boundaries])[i])

    return value


def warmed(part, steps, init):
    first, init = part(Fraction(0)), exact(init)
    return lambda step: (
        init + (first - init) * exact(max(step, 0)) / exact(steps) if step < steps else part(step - steps)
    )


def shifted(part, by):
    return lambda step: part(max(step, 0) + by)


def again(part, period, times, stretch, shrink, last):
    """Cycle by cycle: where a step is, and how far the cycle's values are from the last one by then."""

    def value(step):
        begin, cycle, length = Fraction(0), 0, Fraction(period)
        while step >= begin + length and cycle + 1 != times:
            begin, cycle, length = begin + length, cycle + 1, length * stretch
        inner = part((max(step, 0) - begin) / stretch**cycle)
        return inner if shrink == 1 else last + (inner - last) * exact(shrink) ** cycle

    return value
