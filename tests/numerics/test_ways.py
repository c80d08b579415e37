"""The CPU counts steps in several ways, depending on what a tile of them needs. All give the same bits."""

from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms

TILE = 256  # csrc/cpu/kernels.h
THIRD = Fraction(1, 3)

SCHEDULES = {
    "cosine": lambda: ms.cosine_decay(0.1, 4000 + THIRD, 1e-3),
    "dyadic": lambda: ms.cosine_decay(0.1, 4000.25, 1e-3),
    "length below 1": lambda: ms.linear_schedule(0.1, 1e-3, 0.75),
    "length near 2^-43": lambda: ms.linear_schedule(0.1, 0.0, 1e-13),
    "length beyond a float": lambda: ms.linear_schedule(0.1, 1e-3, 2**26 + THIRD),
    "power": lambda: ms.polynomial_decay(0.1, 4000 + THIRD, 1e-3, 2.5),
    "exponential": lambda: ms.exponential_decay(0.1, 0.999).shift(THIRD),
    "stairs": lambda: ms.step_decay(0.1, 0.9, 100 + THIRD),
    "boundaries": lambda: ms.join_schedules(
        [ms.linear_schedule(0.0, 0.1, 77.7), ms.exponential_decay(0.1, 0.999), ms.cosine_decay(0.1, 4000.5)],
        [77.7, 500 + THIRD],
    ),
    "groups": lambda: ms.cosine_decay([0.1, 0.2], [4000 + THIRD, 3000.25], 1e-3).warmup([100.7, 20.5]),
    # Half of these lengths lies between two steps of one whole part, at 2000.
    "from a dyadic fraction to a whole end": lambda: ms.join_schedules(
        [ms.constant(0.2), ms.cosine_decay(0.1, 4000.75, 1e-3)], [0.25]
    ),
    "from a third on": lambda: ms.join_schedules([ms.constant(0.2), ms.cosine_decay(0.1, 4001, 1e-3)], [THIRD]),
    "a fraction in one of two groups": lambda: ms.linear_schedule([0.1, 0.2], 1e-3, [4000, 3000.25]),
    "whole": lambda: ms.cosine_decay(0.1, 4000, 1e-3).warmup(100),
    "whole, beyond a float": lambda: ms.linear_schedule(0.1, 1e-3, 2**26 + 1),
}


def beside(steps: np.ndarray, other: float) -> mx.array:
    """Return a tile of steps together with one that needs a wider way."""
    return mx.array(np.concatenate([steps, np.array([other], steps.dtype)]))


def values(schedule: ms.Schedule, steps: mx.array) -> np.ndarray:
    return np.array(schedule(steps))


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("first", [0, 200, 1900, 3900])
def test_whole_steps_have_the_same_bits_in_every_way(name: str, first: int) -> None:
    schedule, steps = SCHEDULES[name](), np.arange(first, first + TILE - 1)
    narrow = values(schedule, mx.array(steps.astype(np.uint32)))
    np.testing.assert_array_equal(narrow, values(schedule, mx.array(steps.astype(np.int32))))
    np.testing.assert_array_equal(narrow, values(schedule, beside(steps.astype(np.int64), 2**40))[:-1])
    negative = values(schedule, beside(steps.astype(np.int32), -5))
    np.testing.assert_array_equal(narrow, negative[:-1])
    np.testing.assert_array_equal(negative[-1], values(schedule, mx.array([0]))[0])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("first", [0, 0.999, 1e-30, 7e-14, 1e-10, 200.375, 3900.1])
def test_fractional_steps_have_the_same_bits_in_every_way(name: str, first: float) -> None:
    schedule, steps = SCHEDULES[name](), (first + np.arange(TILE - 1) * 0.625).astype(np.float32)
    narrow = values(schedule, mx.array(steps))
    np.testing.assert_array_equal(narrow, values(schedule, beside(steps, 2.0**40))[:-1])
    strange = values(schedule, beside(steps, float("nan")))
    np.testing.assert_array_equal(narrow, strange[:-1])
    assert np.isnan(strange[-1]).all()


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16, mx.float32, mx.float64])
@pytest.mark.parametrize("count", [1, TILE])
def test_a_step_of_minus_zero_is_the_first(name: str, dtype: mx.Dtype, count: int) -> None:
    with mx.stream(mx.cpu if dtype == mx.float64 else mx.default_device()):
        schedule, zeros = SCHEDULES[name](), mx.zeros((count,), mx.float32)
        first, minus = schedule(zeros.astype(dtype)), schedule((-zeros).astype(dtype))
        assert np.signbit(np.array((-zeros).astype(mx.float32))).all()
        assert mx.array_equal(first, minus).item()


@pytest.mark.parametrize("count", [1, 15, 16, 17, 255, 1000, 1031, 70_001])
@pytest.mark.parametrize("dtype", [mx.uint32, mx.int32, mx.int64, mx.float32, mx.bfloat16])
def test_any_number_of_steps_has_the_same_bits(count: int, dtype: mx.Dtype) -> None:
    """Steps left over after whole vectors and tiles are evaluated in another way."""
    steps = mx.arange(70_001).astype(dtype)
    for schedule in (ms.cosine_decay(0.1, 60_000, 1e-3), ms.cosine_decay(0.1, 60_000, 1e-3).warmup(300)):
        assert mx.array_equal(schedule(steps[:count] + 0), schedule(steps)[:count]).item()


@pytest.mark.parametrize("groups", [3, 8, 64])
@pytest.mark.parametrize("rows", [1, 4, 7, 100])
def test_a_grid_has_the_bits_of_its_groups(groups: int, rows: int) -> None:
    """The hyperparameters of a grid are prepared for one row and repeated for the other rows of a tile."""
    totals = [1000 + 10 * i for i in range(groups)]
    for warmup in (0, 20, 20.3):
        steps = mx.arange(0, 9 * rows, 9).astype(mx.uint32)
        grid = np.array(ms.cosine_decay([0.1] * groups, totals).warmup(warmup)(steps))
        for i, total in enumerate(totals):
            alone = np.array(ms.cosine_decay(0.1, total).warmup(warmup)(steps))
            np.testing.assert_array_equal(grid[:, i], alone)
