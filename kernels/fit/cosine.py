"""Find the coefficients in ease/cosine.h: ``python kernels/fit/cosine.py float`` (or ``double``).

sin^2(sqrt v) = v (1 + v R(v)) on 0 <= v <= (pi/4)^2. 2R is fitted as c2 + (v - c) p(v - c). The search for the center c
goes through floats near the middle and takes one where 2R(c), and for float also 2R'(c) = p(0), is within a tiny part
of an ULP of a float, so that c2 and p's constant need no low part. The other coefficients are weighted least-squares
fits on Chebyshev nodes. They are rounded one after the other, and each fit makes up for the rounding of those before.

Needs mpmath and numpy, and takes a minute.
"""

import sys

import mpmath
import numpy as np

mp = mpmath.MPContext()
mp.prec = 200
TOP = (mp.pi / 4) ** 2
SERIES = [mp.mpf((-1) ** (k + 1)) * mp.mpf(2) ** (2 * k) / mp.factorial(2 * k) for k in range(2, 40)]  # of 2R
TYPES = {"float": (np.float32, 3), "double": (np.float64, 6)}  # dtype and degree of p


def twice_r(v):
    return mp.polyval(SERIES[::-1], v)


def rounded(x, dtype):
    return mp.mpf(float(dtype(mp.nstr(x, 25))))


def center(dtype):
    if dtype is np.float32:
        # Every float from 0.30 to 0.34. Long double is enough: the residuals that matter are above its 2^-64.
        candidates = np.arange(*np.float32([0.30, 0.34]).view(np.uint32), dtype=np.uint32).view(np.float32)
        c = candidates.astype(np.longdouble)
        series = [np.longdouble(mp.nstr(a, 25)) for a in SERIES[:14]]
        value = sum(a * c**k for k, a in enumerate(series))
        slope = sum(k * a * c ** (k - 1) for k, a in enumerate(series) if k)
        residual = [abs(x - x.astype(dtype)) for x in (value, slope)]
        # At the largest v, the value's residual has the weight v = 0.6, the slope's v (v - c) = 0.2.
        return mp.mpf(float(candidates[np.argmin(0.6 * residual[0] + 0.2 * residual[1])]))
    # For double the slope needs no search: its residual is far below the rounding error of p itself.
    candidates = [mp.mpf(0.3125 + k * 2.0**-30) for k in range(2000)]
    return min(candidates, key=lambda c: abs(twice_r(c) - rounded(twice_r(c), dtype)))


def fit(dtype, degree, c):
    nodes = [TOP * (1 - mp.cos(mp.pi * (2 * i + 1) / 800)) / 2 for i in range(400)]
    c2 = rounded(twice_r(c), dtype)
    fixed = []
    while len(fixed) <= degree:
        k, n = len(fixed), degree + 1 - len(fixed)
        rows, right = mp.zeros(len(nodes), n), mp.zeros(len(nodes), 1)
        for i, v in enumerate(nodes):
            x = v - c
            weight = v / (2 + v * twice_r(v))
            rest = twice_r(v) - c2 - x * sum(a * x**j for j, a in enumerate(fixed))
            right[i] = weight * rest
            for j in range(n):
                rows[i, j] = weight * x ** (k + j + 1)
        fixed.append(rounded(mp.lu_solve(rows, right)[0], dtype))
    return c2, fixed


def largest_error(c, c2, p):
    def error(v):
        x = v - c
        approximation = v * (2 + v * (c2 + x * mp.polyval(p[::-1], x)))
        return abs(approximation / (v * (2 + v * twice_r(v))) - 1)

    return max(error(TOP * i / 4000) for i in range(1, 4001))


if __name__ == "__main__":
    dtype, degree = TYPES[sys.argv[1]]
    digits = 9 if dtype is np.float32 else 17
    c = center(dtype)
    c2, p = fit(dtype, degree, c)
    half_pi_squared = (mp.pi / 2) ** 2
    high = rounded(half_pi_squared, dtype)
    print(f"(pi/2)^2  {float(high):.{digits}g}, {float(rounded(half_pi_squared - high, dtype)):.{digits}g}")
    print(f"center    {float(c):.{digits}g}")
    print(f"c2        {float(c2):.{digits}g}")
    print("p         " + ", ".join(f"{float(a):.{digits}g}" for a in p))
    print(f"largest relative error of the weight 2^{float(mp.log(largest_error(c, c2, p), 2)):.1f}")
