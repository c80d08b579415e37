"""Decay rates of every size, given as numbers or traced, against exact arithmetic."""

from collections.abc import Callable
from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from numerics.reference import exact, mp, ulp_errors

RATES = [1e-36, 1e-20, 1e-10, 1e-8, 2.0**-25, 1e-7, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.4999999, 0.5, 0.51, 0.9, 0.9999]
STEPS = [0, 1, 2, 3, 4, 7, 20, 100]


def error(results: mx.array, rate: float, turns: list[float], least: float) -> float:
    values = [exact(Fraction(rate)) ** turn for turn in turns]
    in_range = [i for i, value in enumerate(values) if value > least]
    found = np.array(results, np.float64 if results.dtype == mx.float64 else np.float32)
    return ulp_errors(found[in_range], [values[i] for i in in_range]).max()


@pytest.mark.parametrize("rate", RATES)
def test_known_rates_are_exact(rate: float) -> None:
    steps = mx.array(STEPS)
    assert error(ms.exponential_decay(1.0, rate)(steps), rate, STEPS, 2.0**-94) <= 0.51
    stairs = [step // 10 for step in STEPS]
    assert error(ms.step_decay(1.0, rate, 10)(steps), rate, stairs, 2.0**-94) <= 0.51
    parts = [0.0, 0.25, 0.5, 1.5]
    assert error(ms.exponential_decay(1.0, rate)(mx.array(parts)), rate, parts, 2.0**-94) <= 0.51


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("rate", [*RATES, 1e-300])
def test_known_rates_in_float64(rate: float) -> None:
    schedule = ms.exponential_decay(mx.array(1.0, mx.float64), rate)
    found = schedule(mx.array(STEPS))
    assert found.dtype == mx.float64
    assert error(found, rate, STEPS, 2.0**-900) <= 1


def compiled(function: Callable[[mx.array], mx.array]) -> Callable[[mx.array], mx.array]:
    return mx.compile(function)


def mapped(function: Callable[[mx.array], mx.array]) -> Callable[[mx.array], mx.array]:
    return lambda rate: mx.vmap(function)(rate[None])[0]


@pytest.mark.parametrize("transform", [compiled, mapped, lambda function: function])
@pytest.mark.parametrize("rate", RATES)
def test_traced_rates_have_their_float32_value(rate: float, transform: Callable) -> None:
    rate = float(np.float32(rate))

    def function(r: mx.array) -> mx.array:
        if transform is compiled or transform is mapped:
            return ms.step_decay(1.0, r, 10)(10 * mx.array(STEPS))
        return ms.fast.evaluate(10 * mx.array(STEPS), ["stairs"], [1.0], [1.0], [10], parameter=[r])

    assert error(transform(function)(mx.array(rate)), rate, STEPS, 2.0**-94) <= 0.51


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16])
def test_traced_halves(dtype: mx.Dtype) -> None:
    rate = mx.array(0.1, dtype)
    found = mx.compile(lambda r: ms.exponential_decay(mx.array(1.0), r)(mx.array(STEPS)))(rate)
    assert error(found, rate.item(), STEPS, 2.0**-94) <= 0.51


@pytest.mark.parametrize("rate", [1e-8, 1e-4, 0.1, 0.4, 0.7])
@pytest.mark.parametrize("init", [1.0, 1e-30])
def test_derivatives_by_the_rate(rate: float, init: float) -> None:
    """The derivatives would underflow if small rates were stored with a large factor here, too."""
    slope = mx.grad(lambda r: ms.exponential_decay(init, r)(2))(mx.array(rate))
    assert slope.item() == pytest.approx(2 * rate * init, rel=1e-5)


def test_groups_of_known_and_traced_rates() -> None:
    def function(rate: mx.array) -> mx.array:
        parts = [ms.exponential_decay(1.0, 0.9999), ms.exponential_decay(1.0, 1e-8), ms.exponential_decay(1.0, rate)]
        return ms.join_schedules(parts, [500_000, 500_010])(mx.array([499_999, 500_001, 500_012]))

    rate = float(np.float32(0.1))
    found = np.array(mx.compile(function)(mx.array(rate)))
    wanted = [mp.mpf("0.9999") ** 499_999, mp.mpf(1e-8), mp.mpf(rate) ** 2]
    np.testing.assert_allclose(found, [float(x) for x in wanted], rtol=1e-7)


def test_rates_that_grow() -> None:
    assert ms.exponential_decay(1e-10, 1e30)(0.5).item() == pytest.approx(1e5, rel=1e-6)
    assert ms.exponential_decay(1.0, 2.0**70)(1).item() == 2.0**70


def test_the_largest_exponents_and_rates_have_values() -> None:
    steps = mx.array([0, 1, 9, 10, 11])
    assert ms.polynomial_decay(1.0, 10, power=2**24)(steps).tolist() == [1, 0, 0, 0, 0]
    assert ms.fast.evaluate(steps, ["power"], [1.0], [0.0], [10], parameter=[2**24]).tolist() == [1, 1, 1, 0, 0]
    for schedule in (ms.exponential_decay(2.0**-126, 2**126), ms.step_decay(2.0**-126, 2**126, 1)):
        assert schedule(steps[:2]).tolist() == [2.0**-126, 1]


@pytest.mark.parametrize("rate", [1e-40, 2.0**-126, 1.7e38, 1e39, 10**400, Fraction(1, 10**50)])
def test_rates_out_of_range_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"\[exponential_decay\] decay_rate must be between 2\*\*-125 and 2\*\*126 in"):
        ms.exponential_decay(1.0, rate)(1)
    with pytest.raises(ValueError, match=r"\[step_decay\] decay_rate must be"):
        ms.step_decay(1.0, rate, 10)(1)
