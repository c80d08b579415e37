"""Every transformation of schedules with one to three segments, groups and repeats, against definitions in 200 bits.

Each is plain, compiled or exported, and all of these also shapeless.
"""

from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from numerics.reference import again, eased, joined, warmed

EXPONENTIAL = eased("exponential", 0.5, 0.5, 1, Fraction(-1, 10))


def warm_cosine(init, length, steps):
    return warmed(eased("cosine", init, 0.25, length), steps, 0)


THREE = [
    eased("linear", 0, 1, 4),
    eased("stairs", 1, 1, 2, Fraction(-1, 2)),
    eased("reverse_power", 0.5, 0, 10, 3),
]
SCHEDULES = {  # with the definition of each group
    "one segment": (ms.exponential_decay(0.5, 0.9), EXPONENTIAL),
    "two segments": (ms.cosine_decay(1.0, 10, 0.25).warmup(3), warm_cosine(1, 10, 3)),
    "three segments": (
        ms.join_schedules(
            [
                ms.linear_schedule(0.0, 1.0, 4),
                ms.step_decay(1.0, 0.5, 2),
                ms.polynomial_decay(0.5, 10, power=3.0),
            ],
            [4, 9],
        ),
        joined(THREE, [4, 9]),
    ),
    "groups": (
        ms.cosine_decay([1.0, 2.0], [10, 8], 0.25).warmup([3, 2]),
        warm_cosine(1, 10, 3),
        warm_cosine(2, 8, 2),
    ),
    "repeat": (ms.cosine_decay(1.0, 5, 0.25).repeat(5), again(eased("cosine", 1, 0.25, 5), 5, None, 1, 1, 0)),
    "fractional repeat": (
        ms.linear_schedule(1.0, 0.25, 5).repeat(5.5),
        again(eased("linear", 1, 0.25, 5), 5.5, None, 1, 1, 0),
    ),
    "groups that repeat": (
        ms.linear_schedule([1.0, 2.0], 0.5, [5, 6]).repeat([7, 8]),
        again(eased("linear", 1, 0.5, 5), 7, None, 1, 1, 0),
        again(eased("linear", 2, 0.5, 6), 8, None, 1, 1, 0),
    ),
}
STEPS = [0.75, 2.25, 5.75, 8.5, 11.25, 13.25, 18.75]  # none is near a boundary
H = Fraction(1, 10**12)


def value(f, x):
    return f(x)


def slope(f, x):
    return (f(x + H) - f(x - H)) / (2 * H.numerator) * H.denominator


def bend(f, x):
    return slope(lambda y: slope(f, y), x)


def ones(a):
    return a * 0 + 1  # mx.ones_like keeps the traced shape


def total(s):
    return lambda x: s(x).sum()


# The function to transform, and the expected results: for each group, or summed over the groups.
TRANSFORMATIONS = {
    "call": (lambda s: s, [(value, False)]),
    "grad": (lambda s: mx.grad(total(s)), [(slope, True)]),
    "value_and_grad": (lambda s: lambda x: (s(x), mx.value_and_grad(total(s))(x)[1]), [(value, False), (slope, True)]),
    "jvp": (lambda s: lambda x: mx.jvp(s, [x], [ones(x)])[1], [(slope, False)]),
    "vjp": (lambda s: lambda x: mx.vjp(s, [x], [ones(s(x))])[1], [(slope, True)]),
    "vmap": (mx.vmap, [(value, False)]),
    "second derivative": (lambda s: mx.grad(lambda x: mx.grad(total(s))(x).sum()), [(bend, True)]),
}


def expected(definitions, outcomes, steps):
    for outcome, summed in outcomes:
        rows = np.array([[float(outcome(f, Fraction(x))) for f in definitions] for x in steps])
        yield rows.sum(axis=1) if summed or len(definitions) == 1 else rows


def check(function, name, transformation, *runs):
    definitions = SCHEDULES[name][1:]
    outcomes = TRANSFORMATIONS[transformation][1]
    for steps in runs:
        got = function(mx.array(steps))
        got = [got] if isinstance(got, mx.array) else list(got)
        for a, b in zip(got, expected(definitions, outcomes, steps), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(np.array(a), b, rtol=1e-5, atol=1e-6)


def transformed(name, transformation):
    return TRANSFORMATIONS[transformation][0](SCHEDULES[name][0])


pytestmark = [
    pytest.mark.parametrize("transformation", TRANSFORMATIONS),
    pytest.mark.parametrize("name", SCHEDULES),
]


def test_plain(name, transformation):
    check(transformed(name, transformation), name, transformation, STEPS, STEPS[:2])


def test_within_exporting(name, transformation):
    with ms.exporting():
        check(transformed(name, transformation), name, transformation, STEPS, STEPS[:2])


@pytest.mark.slow
@pytest.mark.parametrize("shapeless", [False, True], ids=["compiled", "shapeless"])
def test_compiled(name, transformation, shapeless):
    compiled = mx.compile(transformed(name, transformation), shapeless=shapeless)
    check(compiled, name, transformation, STEPS, STEPS[:2])


@pytest.mark.parametrize("shapeless", [False, True], ids=["exported", "shapeless"])
def test_exported(name, transformation, shapeless, tmp_path):
    function, path = transformed(name, transformation), str(tmp_path / "f.mlxfn")
    if shapeless and (transformation == "jvp" or (transformation == "vmap" and "groups" in name)):
        pytest.skip("MLX keeps traced shapes there: of jvp of x * 2, and of vmap of x * mx.array([1, 2])")
    with ms.exporting():
        mx.export_function(path, function, mx.array(STEPS), shapeless=shapeless)
    check(mx.import_function(path), name, transformation, *([STEPS[:2]] if shapeless else []), STEPS)
