"""What every ease means: in 200 bits, and for a million points at once in NumPy's longdouble.

A shape is the sum of its pair: the exponent p; or for a rate r - 1, or, from -2 down, -2^126 r (float64: -2^1022 r).
"""

import mpmath
import numpy as np

mp = mpmath.MPContext()
mp.prec = 200
NAMES = ["hold", "linear", "cosine", "power", "reverse_power", "geometric", "exponential", "stairs", "inverse_power"]
ENDLESS = {"exponential", "stairs", "inverse_power"}
MULTIPLY = ENDLESS | {"geometric"}  # an end: it and the values have one sign


DOUBLINGS = {"float32": 126, "float64": 1022}


def value(ease, step, length, start, stop, shape, dtype="float32"):
    n, t, a, b, shape = (mp.mpf(x) for x in (step, length, start, stop, shape))
    n = max(n, mp.zero) if ease in ENDLESS else min(max(n, mp.zero), t)
    f = n / t
    rate = lambda: -shape * mp.mpf(2) ** -DOUBLINGS[dtype] if shape <= -2 else 1 + shape  # noqa: E731
    formula = {
        "hold": lambda: a,
        "linear": lambda: a + (b - a) * f,
        "cosine": lambda: a + (b - a) * mp.sin(mp.pi / 2 * f) ** 2,
        "power": lambda: a + (b - a) * f**shape,
        "reverse_power": lambda: b + (a - b) * (1 - f) ** shape,
        "geometric": lambda: a * (b / a) ** f,
        "exponential": lambda: a * rate() ** f,
        "stairs": lambda: a * rate() ** mp.floor(f),
        "inverse_power": lambda: a * (1 + f) ** -shape,
    }
    return formula[ease]()


def log_of_rate(shape, dtype="float32"):
    doublings = DOUBLINGS[dtype] * np.log(np.longdouble(2))
    return np.where(shape <= -2, np.log(np.maximum(-shape, 2)) - doublings, np.log1p(np.maximum(shape, -1)))


def values(ease, step, length, start, stop, shape):
    """For arrays: to 2^-58 where longdouble has 64 bits, 2^-47 where it is a double."""
    n, t, a, b, shape = (np.asarray(x).astype(np.longdouble) for x in (step, length, start, stop, shape))
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        if ease == "stairs":
            both_whole = np.asarray(step).dtype.kind == np.asarray(length).dtype.kind == "u"
            whole = step // length if both_whole else np.floor(n / t)
            return a * np.exp(whole.astype(np.longdouble) * log_of_rate(shape))
        if ease == "exponential":
            return a * np.exp(n / t * log_of_rate(shape))
        if ease == "inverse_power":
            return a * np.exp(-shape * np.log1p(n / t))
        return _between(ease, n, t - n, a, b, shape)  # t - n is exact: they have fewer bits


def _between(ease, n, left, a, b, shape):
    """From the nearer end, so that little cancels."""
    t = n + left
    if ease == "reverse_power":
        return _between("power", left, n, b, a, shape)
    if ease == "geometric":
        ratio = np.log(b / a)
        return np.where(n <= left, a * np.exp(n / t * ratio), b * np.exp(-left / t * ratio))
    if ease == "power":
        power = shape * np.where(n <= left, np.log(n / t), np.log1p(-left / t))
        first, second = np.exp(power), -np.expm1(power)
    elif ease == "cosine":
        first, second = (np.sin(2 * np.arctan(np.longdouble(1)) * x / t) ** 2 for x in (n, left))
    else:
        first, second = (0 * n, 1 + 0 * n) if ease == "hold" else (n / t, left / t)
    return np.where(first < 0.5, a + (b - a) * first, b - (b - a) * second)
