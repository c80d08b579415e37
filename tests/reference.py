"""Every formula in 200-bit arithmetic, and the distance of a result from it.

An ease is a function of the fraction elapsed, x from 0 to 1: how much of the change from init to end has come by then
and how much is left, each to its own last bits, so that values near either end are right too.
"""

import mpmath
import numpy as np

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
