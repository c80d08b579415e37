"""The formula in 200-bit arithmetic, and the distance of a result from it."""

import mpmath
import numpy as np

mp = mpmath.MPContext()
mp.prec = 200
BITS = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}


def weights(steps, decay_steps):
    """For each step: whether it lies in the first half, and sin^2 of the angle to the nearer end."""
    total = mp.mpf(decay_steps)
    half_pi = mp.pi / 2
    result = []
    for step in steps:
        s = min(max(mp.mpf(step), mp.zero), total)
        first = s <= total - s
        n = s if first else total - s
        result.append((first, mp.sin(half_pi * n / total) ** 2))
    return result


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
