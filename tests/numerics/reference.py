"""The definitions of all eases and schedules, in 200 bits, and for a million points at once in NumPy's longdouble.

A parameter is the sum of its pair: an exponent p, or for a rate r, r - 1. A parameter of -2 or less means -2^126 r
(float64: -2^1022 r).
"""

import pathlib
import re
from fractions import Fraction

import mpmath
import numpy as np

mp = mpmath.MPContext()
mp.prec = 200
LIST = pathlib.Path(__file__).parents[2] / "kernels" / "ease" / "list.h"
EASES = {  # by name: the struct, whether the ease ends, and what its parameter is
    name: (struct, ends == "true", parameter)
    for struct, name, ends, parameter in re.findall(r"X\((\w+), (\w+), (\w+), (\w+)\)", LIST.read_text())
}
NAMES = list(EASES)
ENDLESS = {name for name, (_, ends, _) in EASES.items() if not ends} - {"hold"}
RATES = {name for name, (_, _, parameter) in EASES.items() if parameter == "rate"}
MULTIPLY = ENDLESS | {"geometric"}  # eases that multiply an endpoint, so that values have its sign
DOUBLINGS = {"float32": 126, "float64": 1022}
BITS = {np.dtype(np.float32): 24, np.dtype(np.float64): 53}


# ---- One ease, in 200 bits


def exact(x):
    x = Fraction(x)
    return mp.mpf(x.numerator) / x.denominator


def rate(parameter, dtype="float32"):
    return -parameter * mp.mpf(2) ** -DOUBLINGS[dtype] if parameter <= -2 else 1 + parameter


def shares(ease, step, length, parameter=1):
    """Return how much of the change from init to end is done at a step and how much is left, both in full precision."""
    f = min(max(mp.mpf(step), mp.zero) / mp.mpf(length), mp.one)
    formula = {
        "hold": lambda: (mp.zero, mp.one),
        "linear": lambda: (f, 1 - f),
        "cosine": lambda: (mp.sinpi(f / 2) ** 2, mp.cospi(f / 2) ** 2),
        "power": lambda: (f**parameter, 1 - f**parameter),
        "reverse_power": lambda: (1 - (1 - f) ** parameter, (1 - f) ** parameter),
    }
    return formula[ease]()


def between(init, end, come, left):
    """Interpolate from the nearer endpoint, so that no bits are lost if the other one is larger."""
    init, end = mp.mpf(init), mp.mpf(end)
    return init + (end - init) * come if come <= left else end + (init - end) * left


def value(ease, step, length, init, end, parameter=1, dtype="float32"):
    n, t, a, b, parameter = (mp.mpf(x) for x in (step, length, init, end, parameter))
    f = max(n, mp.zero) / t
    formula = {
        "geometric": lambda: a * (b / a) ** min(f, mp.one),
        "exponential": lambda: a * rate(parameter, dtype) ** f,
        "stairs": lambda: a * rate(parameter, dtype) ** mp.floor(f),
        "inverse_power": lambda: a * (1 + f) ** -parameter,
    }
    return formula[ease]() if ease in formula else between(a, b, *shares(ease, n, t, parameter))


def cosine_decay(steps, init, decay_steps, end):
    return [value("cosine", step, decay_steps, init, end) for step in steps]


def ulp_errors(results, references):
    """Return |result - reference| in ULP of the reference, in the results' precision."""
    bits = BITS[results.dtype]
    errors = np.empty(len(references))
    for i, (y, r) in enumerate(zip(results.tolist(), references, strict=True)):
        if r == 0:
            errors[i] = 0.0 if y == 0 else np.inf
            continue
        _, _, exponent, count = r._mpf_
        errors[i] = abs(float(mp.ldexp(mp.mpf(y) - r, bits - exponent - count)))
    return errors


# ---- The same for arrays, to within 2^-58 if longdouble has 64 bits, or 2^-47 if it is a double


def log_of_rate(parameter, dtype="float32"):
    doublings = DOUBLINGS[dtype] * np.log(np.longdouble(2))
    return np.where(parameter <= -2, np.log(np.maximum(-parameter, 2)) - doublings, np.log1p(np.maximum(parameter, -1)))


def values(ease, step, length, init, end, parameter=1):
    n, t, a, b, parameter = (np.asarray(x).astype(np.longdouble) for x in (step, length, init, end, parameter))
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        if ease == "stairs":
            both_whole = np.asarray(step).dtype.kind == np.asarray(length).dtype.kind == "u"
            whole = step // length if both_whole else np.floor(n / t)
            return a * np.exp(whole.astype(np.longdouble) * log_of_rate(parameter))
        if ease == "exponential":
            return a * np.exp(n / t * log_of_rate(parameter))
        if ease == "inverse_power":
            return a * np.exp(-parameter * np.log1p(n / t))
        return _between(ease, n, t - n, a, b, parameter)  # t - n is exact: they have fewer bits


def _between(ease, n, left, a, b, parameter):
    """Interpolate from the nearer endpoint, so that little cancels."""
    t = n + left
    if ease == "reverse_power":
        return _between("power", left, n, b, a, parameter)
    if ease == "geometric":
        ratio = np.log(b / a)
        return np.where(n <= left, a * np.exp(n / t * ratio), b * np.exp(-left / t * ratio))
    if ease == "power":
        power = parameter * np.where(n <= left, np.log(n / t), np.log1p(-left / t))
        first, second = np.exp(power), -np.expm1(power)
    elif ease == "cosine":
        first, second = (np.sin(2 * np.arctan(np.longdouble(1)) * x / t) ** 2 for x in (n, left))
    else:
        first, second = (0 * n, 1 + 0 * n) if ease == "hold" else (n / t, left / t)
    return np.where(first < 0.5, a + (b - a) * first, b - (b - a) * second)


# ---- Definitions of schedules: functions from an exact step to a value in 200 bits


def eased(ease, init, end, length, parameter=1):
    return lambda step: value(ease, exact(max(step, 0)), exact(length), exact(init), exact(end), exact(parameter))


def joined(parts, boundaries):
    def at(step):
        step = max(step, 0)
        i = sum(step >= boundary for boundary in boundaries)
        return parts[i](step - ([0, *boundaries])[i])

    return at


def warmed(part, steps, init):
    first, init = part(Fraction(0)), exact(init)
    return lambda step: (
        init + (first - init) * exact(max(step, 0)) / exact(steps) if step < steps else part(step - steps)
    )


def shifted(part, by):
    return lambda step: part(max(step, 0) + by)


def again(part, period, times, stretch, shrink, last):
    """Return a schedule that repeats `part`, with periods that stretch and values that shrink towards `last`."""

    def at(step):
        begin, cycle, length = Fraction(0), 0, Fraction(period)
        while step >= begin + length and cycle + 1 != times:
            begin, cycle, length = begin + length, cycle + 1, length * stretch
        inner = part((max(step, 0) - begin) / stretch**cycle)
        return inner if shrink == 1 else last + (inner - last) * exact(shrink) ** cycle

    return at
