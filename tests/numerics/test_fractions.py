"""Lengths, boundaries, shifts and periods that are fractions, for whole and for fractional steps."""

from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from numerics.reference import again, eased, exact, joined, shifted, ulp_errors

STEP_TYPES = [mx.uint32, mx.int64, mx.float32]
every_step_type = pytest.mark.parametrize("dtype", STEP_TYPES, ids=str)
PARTS = [3, 5, 6, 7]
TOTALS = range(100, 1100)


def parts(total_steps: range, count: int) -> list[Fraction]:
    return [Fraction(total, count) for total in total_steps]


@every_step_type
@pytest.mark.parametrize("count", PARTS)
def test_restarts_of_a_fraction_come_in_time(count: int, dtype: mx.Dtype) -> None:
    """Endless restarts, at their first whole step and some cycles later, for fifty groups at a time."""
    for first in range(TOTALS.start, TOTALS.stop, 50):
        totals = range(first, first + 50)
        periods = parts(totals, count)
        falls = ms.cosine_decay([1.0] * len(periods), periods).repeat(periods)
        rises = ms.linear_schedule(0.0, [1.0] * len(periods), periods).repeat(periods)
        for turns in (1, 2, 15):
            steps = mx.array([turns * total for total in totals]).astype(dtype)
            assert (np.diagonal(np.array(falls(steps))) == 1.0).all(), (first, turns)
            assert (np.diagonal(np.array(rises(steps))) == 0.0).all(), (first, turns)


@every_step_type
@pytest.mark.parametrize("count", PARTS)
@pytest.mark.parametrize("kind", [ms.linear_schedule, ms.cosine_decay])
def test_ends_of_fractional_cycles_are_exact(kind, count: int, dtype: mx.Dtype) -> None:
    for period in parts(range(100, 1100, 7), count):
        total = int(period * count)
        made = kind(1.0, 0.25, period) if kind is ms.linear_schedule else kind(1.0, period, 0.25)
        last = mx.array(total, dtype)
        assert made.repeat(period, count)(last).item() == 0.25, period
        joined_up = ms.join_schedules([ms.constant(1.0), made], [total - period])
        assert joined_up(last).item() == 0.25, period
        whole = int(period)
        assert made.shift(period - whole)(mx.array(whole, dtype)).item() == 0.25, period


CASES = [
    (lambda: ms.cosine_decay(1.0, Fraction(1000, 3)).repeat(Fraction(1000, 3)), 1000, 1.0),
    (lambda: ms.linear_schedule(0.0, 1.0, Fraction(10, 3)).repeat(Fraction(10, 3)), 10, 0.0),
    (lambda: ms.linear_schedule(1.0, 0.0, Fraction(4630, 7)).repeat(Fraction(4630, 7), 7), 4630, 0.0),
    (lambda: ms.join_schedules([ms.constant(0.0), ms.linear_schedule(0.0, 1.0, 10)], [10.999999]), 11, 1.0e-7),
    (lambda: ms.join_schedules([ms.constant(0.0), ms.linear_schedule(0.0, 1.0, 10)], [0.999999]), 1, 1.0e-7),
    (lambda: ms.step_decay(1.0, 0.5, Fraction(1000, 3)), 1000, 0.125),
]


@every_step_type
@pytest.mark.parametrize(("make", "step", "value"), CASES)
def test_whole_and_float_steps_agree(make, step: int, value: float, dtype: mx.Dtype) -> None:
    assert make()(mx.array(step, dtype)).item() == pytest.approx(value, rel=3e-8, abs=0)


def test_a_period_does_not_drift() -> None:
    schedule = ms.cosine_decay(1.0, 33.3).repeat(33.3)
    for step in (33_300_010, 2**40 + 7, 2**53 + 42, 2**62 + 12345):
        inside = step - step // Fraction(33.3) * Fraction(33.3)
        wanted = eased("cosine", 1.0, 0.0, 33.3)(inside)
        assert ulp_errors(np.array([schedule(step).item()], np.float32), [wanted])[0] <= 0.51, step


@every_step_type
def test_a_group_has_the_same_bits_alone_and_stacked(dtype: mx.Dtype) -> None:
    def boundary() -> ms.Schedule:
        return ms.join_schedules([ms.linear_schedule(0.0, 1.0, 77.7), ms.cosine_decay(1.0, 333.3)], [77.7])

    others = [
        ms.cosine_decay(1.0, 100.5).repeat(100.5),
        ms.cosine_decay(1.0, 1000).repeat(1000),
        ms.linear_schedule(1.0, 0.0, 2**40 + 1),
        ms.linear_schedule(1.0, 0.0, 0.1),
        ms.exponential_decay(1.0, 0.99),
    ]
    steps = mx.arange(0, 450, 1, mx.int32).astype(dtype)
    steps = steps + 0.37 if dtype == mx.float32 else steps
    alone = np.array(boundary()(steps))
    for other in others:
        both = np.array(ms.stack([boundary(), other])(steps))
        np.testing.assert_array_equal(both[:, 0], alone)
        np.testing.assert_array_equal(both[:, 1], np.array(other(steps)))


def numbers(random: np.random.Generator, low: float, high: float) -> Fraction:
    """Return a Python float or a Fraction, as users write them."""
    x = float(np.exp2(random.uniform(np.log2(low), np.log2(high))))
    kind = random.integers(0, 4)
    if kind == 0:
        return Fraction(x)
    if kind == 1:
        return Fraction(round(x, int(random.integers(1, 7))) or 0.1)
    if kind == 2:
        return Fraction(max(round(x * 7), 1), int(random.choice([3, 6, 7, 9, 11])))
    return Fraction(max(round(x), 1))


def schedules(kind: str, random: np.random.Generator):
    """Return a schedule with fractional numbers, its definition, and a step after which it no longer changes."""
    length, more = numbers(random, 0.5, 3000), numbers(random, 0.01, 3000)
    ease, made = {
        0: ("linear", ms.linear_schedule(0.0, 1.0, length)),
        1: ("linear", ms.linear_schedule(0.0, 1.0, length)),
        2: ("cosine", ms.cosine_decay(0.0, length, 1.0)),
    }[int(random.integers(0, 3))]
    defined = eased(ease, 0.0, 1.0, length)
    if kind == "length":
        return made, defined, length
    if kind == "boundary":
        whole = ms.join_schedules([ms.constant(0.5), made], [more])
        return whole, joined([lambda step: exact(0.5), defined], [more]), more + length
    if kind == "shift":
        return made.shift(more), shifted(defined, more), max(length - more, 1)
    return made.repeat(length), again(defined, length, None, 1, 1, None), 40 * length


def errors(kind: str, count: int, seed: int) -> list[tuple[float, Fraction]]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        schedule, defined, last = schedules(kind, random)
        whole = np.unique(np.clip(random.integers(0, int(last) + 2, 12), 0, None))
        near = [int(last), int(last) + 1, max(int(last) - 1, 0)]
        real = np.float32(random.uniform(0, float(last), 12))
        for steps in (np.append(whole, near).astype(np.uint32), real):
            values = np.array(schedule(mx.array(steps)))
            references = [defined(Fraction(step)) for step in steps.tolist()]
            worst = ulp_errors(values, references).max()
            found.append((float(worst), last))
    return found


@pytest.mark.parametrize("kind", ["length", "boundary", "shift", "period"])
def test_errors_of_fractional_numbers(kind: str) -> None:
    assert max(errors(kind, 120, 1)) <= (0.51,)


if __name__ == "__main__":
    for name in ("length", "boundary", "shift", "period"):
        all_errors = errors(name, 600, 2)
        worst, where = max(all_errors)
        print(f"{name:10} {worst:.4f} ULP, {sum(e > 0.51 for e, _ in all_errors)} of {len(all_errors)} runs above 0.51")
