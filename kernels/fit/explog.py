"""Find the coefficients in explog.h: ``python kernels/fit/explog.py float`` (or ``double``).

    expm1(r) = r (1 + r (1/2 + r (1/6 + r p(r))))              |r| <= ln(2)/2, and a little more for rounding
    log(1+a) = z (2 + v (2/3 + v (2/5 + v p(v))))              z = a/(2+a), v = z^2 <= (sqrt(2)-1)^4

The terms in front are exact or pairs; only p has single coefficients. These are least-squares fits on Chebyshev nodes,
weighted by p's effect on the result. They are rounded one after the other, and each fit makes up for the rounding of
those before. The coefficients of the first guess of 1/d, with d = 2+a, are found in the same way.

Needs mpmath and numpy, and takes seconds.
"""

import sys

import mpmath
import numpy as np

mp = mpmath.MPContext()
mp.prec = 200
TYPES = {"float": (np.float32, 9, 4, 2), "double": (np.float64, 17, 9, 6)}  # digits, degrees of both p


def rounded(x, dtype):
    return mp.mpf(float(dtype(mp.nstr(x, 25))))


def nodes(low, high, count=200):
    return [low + (high - low) * (1 - mp.cos(mp.pi * (2 * i + 1) / (2 * count))) / 2 for i in range(count)]


def fit(function, weight, low, high, degree, dtype):
    """Return the coefficients of the polynomial, and log2 of its largest weighted error."""
    points, fixed = nodes(low, high), []
    while len(fixed) <= degree:
        k, n = len(fixed), degree + 1 - len(fixed)
        rows, right = mp.zeros(len(points), n), mp.zeros(len(points), 1)
        for i, x in enumerate(points):
            right[i] = weight(x) * (function(x) - sum(a * x**j for j, a in enumerate(fixed)))
            for j in range(n):
                rows[i, j] = weight(x) * x ** (k + j)
        fixed.append(rounded(mp.lu_solve(rows, right)[0], dtype))
    error = max(abs(weight(x) * (function(x) - mp.polyval(fixed[::-1], x))) for x in nodes(low, high, 999))
    return fixed, float(mp.log(error, 2))


def series(terms):
    return lambda x: mp.polyval(terms[::-1], x)


def main(dtype, digits, exp_degree, log_degree):
    def show(name, *values):
        print(f"{name:12}" + ", ".join(f"{float(x):.{digits}g}" for x in values))

    def pair(name, x):
        high = rounded(x, dtype)
        show(name, high, rounded(x - high, dtype))

    pair("ln 2", mp.ln2)
    show("1 / ln 2", rounded(1 / mp.ln2, dtype))
    show("sqrt 2", rounded(mp.sqrt(2), dtype))
    for name, x in (("1/6", mp.mpf(1) / 6), ("2/3", mp.mpf(2) / 3), ("2/5", mp.mpf(2) / 5)):
        pair(name, x)
    top = mp.ln2 / 2 + mp.mpf(2) ** -12
    exp, error = fit(series([1 / mp.factorial(k) for k in range(4, 40)]), lambda r: r**3, -top, top, exp_degree, dtype)
    show("exp p", *exp)
    print(f"            to 2^{error:.1f} of expm1(r)")
    top = (mp.sqrt(2) - 1) ** 4 * (1 + mp.mpf(2) ** -12)
    log, error = fit(
        series([mp.mpf(2) / k for k in range(7, 99, 2)]), lambda v: v**3 / 2, mp.zero, top, log_degree, dtype
    )
    show("log p", *log)
    print(f"            to 2^{error:.1f} of log(1+a)")
    low, high = 1 + mp.sqrt(0.5) - mp.mpf(2) ** -12, 1 + mp.sqrt(2) + mp.mpf(2) ** -12
    guess, error = fit(lambda d: 1 / d, lambda d: d, low, high, 2, np.float32)
    print("1/d         " + ", ".join(f"{float(x):.9g}" for x in guess))
    print(f"            to 2^{error:.1f} of 1/d")


if __name__ == "__main__":
    main(*TYPES[sys.argv[1]])
