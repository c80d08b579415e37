"""The accuracy that the kernels state, checked with 200-bit arithmetic.

``python tests/numerics/test_accuracy.py`` prints the figures.
"""

import argparse
import pathlib
import sys

import mlx.core as mx
import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import mlx_schedules as ms
from numerics import reference, search

STATED = search.bounds()["cosine"]
TIMES = [
    1, 2, 3, 5, 7, 10, 100, 1000, 99_991, 999_983, 10**6, 2**24 - 1, 2**24, 2**24 + 1, 2**31 - 1, 2**31, 2**32 - 1,
    2**32, 2**32 + 1, 10**10 + 19, 2**39 + 3, 2**40 - 1, 2**40,
]  # fmt: skip
# Endpoints of the same sign or zero, with tiny, huge and nearly equal ratios. They are float32 numbers, so that the
# reference uses the same ones.
ENDS = [
    tuple(float(np.float32(x)) for x in pair)
    for pair in [
        (1, 0), (0.1, 0), (0, 1), (1e-3, 1e-6), (1e-6, 1e-3), (1, 1 - 2**-20), (1e30, 1e-30), (1e-30, 1),
        (3.4e38, 1e38), (-1, -0.25), (0.3, 0.3), (6e-4, 6e-5),
    ]
]  # fmt: skip
SHORT = {1, 2, 3, 5, 7, 10, 100, 1000, 2**24 - 1, 2**24 + 1, 2**32, 2**40}  # each of the others takes 3 s in 200 bits
POINTS = 7000  # per T and pair of endpoints; at least a million in all


def hurtful_steps(total: int, count: int = POINTS) -> list[int]:
    """Return steps near both ends and the middle, where errors are largest, and random ones, in order."""
    if total < count:
        return list(range(total + 1))
    near = count // 6
    random = np.random.default_rng(total).integers(0, total, 2 * count, dtype=np.uint64)
    steps = {*range(near), *range(total - near, total + 1)}
    steps |= {total // 2 + i for i in range(-near // 2, near // 2)}
    steps |= {total // 4 + i for i in range(20)} | {2**24 + i for i in range(-9, 9) if 0 <= 2**24 + i <= total}
    for step in random.tolist():
        if len(steps) >= count:
            break
        steps.add(step)
    return sorted(steps)


def evaluate(steps: list[int], init: float, total: int, end: float, step_dtype=np.uint64) -> np.ndarray:
    return np.array(ms.cosine_decay(init, total, end)(mx.array(np.array(steps, step_dtype))))


def test_there_are_a_million_points():
    assert sum(len(hurtful_steps(total)) for total in TIMES if total > POINTS) * len(ENDS) >= 1_000_000
    assert len(hurtful_steps(2**40)) == POINTS


@pytest.mark.parametrize(
    "total", [pytest.param(total, marks=() if total in SHORT else pytest.mark.slow) for total in TIMES]
)
def test_float32_is_within_051_ulp_exact_at_the_ends_and_monotone(total):
    steps = hurtful_steps(total)
    shares = [reference.shares("cosine", step, total) for step in steps]
    wrong = count = 0
    for init, end in ENDS:
        y = evaluate(steps, init, total, end)
        errors = reference.ulp_errors(y, [reference.between(init, end, *share) for share in shares])
        assert errors.max() <= STATED.float32, (init, end, steps[errors.argmax()], errors.max())
        assert y[0] == np.float32(init)
        assert y[-1] == np.float32(end)
        change = np.diff(y)
        assert (change >= 0).all() if end > init else (change <= 0).all(), (init, end)
        wrong += int((errors > 0.5).sum())
        count += len(errors)
    # At least 99.9 % are correctly rounded. At T = 100 one hard point counts three times: (1, 0), (0, 1), (1e-30, 1).
    assert wrong <= max(3, count / 1000)


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("total", [1, 3, 999_983, 2**24 + 1, 2**40, 2**53 + 1])
def test_float64_is_within_1_ulp(total):
    steps = [s for s in hurtful_steps(total, 2000) if s <= 2**53]
    shares = [reference.shares("cosine", step, total) for step in steps]
    for init, end in [(1.0, 0.0), (0.1, 1e-7), (1e-7, 0.1), (1e30, 1e-30)]:
        y = np.array(ms.cosine_decay(init, total, end)(mx.array([float(s) for s in steps], mx.float64)))
        errors = reference.ulp_errors(y, [reference.between(init, end, *share) for share in shares])
        assert errors.max() <= STATED.float64, (init, end, steps[errors.argmax()], errors.max())
        assert (np.diff(y) >= 0).all() if end > init else (np.diff(y) <= 0).all()


@pytest.mark.parametrize("total", [1000, 2**24 + 1, 1000.3])
def test_fractional_steps_are_within_051_ulp(total):
    steps = np.sort(np.random.default_rng(1).uniform(0, min(total, 2**20), 20_000)).astype(np.float32)
    steps = np.concatenate([steps, np.float32(total) - steps[:200], [np.float32(total)]])
    y = np.array(ms.cosine_decay(1.0, total, 0.0)(mx.array(steps)))
    errors = reference.ulp_errors(y, reference.cosine_decay(steps.tolist(), 1.0, total, 0.0))
    assert errors.max() <= STATED.float32
    assert (errors > 0.5).mean() <= 0.001


def test_integer_steps_with_fractional_decay_steps_are_within_051_ulp():
    for total in (1.5, 2.9, 1000.3, 99_999.75):
        steps = list(range(int(min(total, 5000)) + 2))
        y = evaluate(steps, 1.0, total, 0.25)
        assert reference.ulp_errors(y, reference.cosine_decay(steps, 1.0, total, 0.25)).max() <= STATED.float32


@pytest.mark.parametrize("total", [10**6, 2**25])
def test_monotone_over_every_step(total):
    """An error in the last place would show between neighbouring steps."""
    y = np.array(ms.cosine_decay(1.0, total, 0.0)(mx.arange(total + 1)))
    assert (np.diff(y) <= 0).all()
    assert (y[:-1] > 0).all()  # MLX's closure is 0 from 77 steps before the end at T = 10**6


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16])
def test_half_types_are_rounded_once_from_float32(dtype):
    steps = mx.arange(0, 2048).astype(dtype)
    in_float32 = ms.cosine_decay(0.5, 1000, 0.125)(steps.astype(mx.float32))
    assert mx.array_equal(ms.cosine_decay(0.5, 1000, 0.125)(steps), in_float32.astype(dtype))


def test_same_bits_for_every_step_dtype_and_every_width_of_decay_steps():
    steps = np.arange(0, 128)
    expected = np.array(ms.cosine_decay(0.1, 100, 0.01)(mx.array(steps.astype(np.uint32))))
    for dtype in (np.uint8, np.uint16, np.uint64, np.int8, np.int16, np.int32, np.int64, np.float32):
        for time in (np.int32, np.uint32, np.int64, np.uint64, np.float32):
            y = ms.fast.cosine_decay(
                mx.array(steps.astype(dtype)), mx.array(0.1), mx.array(np.array(100, time)), mx.array(0.01)
            )
            assert (np.array(y) == expected).all(), (dtype, time)


def test_same_bits_one_by_one_as_all_at_once():
    """Vector loops, their remainders, prepared tiles and single values give the same bits."""
    for total in (1000, 2**24 + 1, 2**33):
        steps = np.random.default_rng(0).integers(0, total, 300, dtype=np.uint64)
        schedule = ms.cosine_decay(0.1, total, 0.001)
        together = np.array(schedule(mx.array(steps)))
        assert [schedule(mx.array(s)).item() for s in steps] == together.tolist()


SEARCHES = [(ease, False) for ease in search.PACKAGE]
SEARCHES += [(ease, True) for ease in search.PACKAGE if ease not in reference.MULTIPLY]  # MULTIPLY: values of one sign


@pytest.mark.parametrize(("ease", "opposite"), SEARCHES)
def test_searches_for_the_largest_error_stay_within_what_is_stated(ease, opposite):
    points = search.in_float32(search.points(ease, 1_000_000 if ease == "cosine" else 250_000, 10, opposite=opposite))
    found = search.errors(ease, points, opposite, search.package)  # in ULP of the larger endpoint if signs differ
    stated = search.bounds()[ease]
    assert found.largest <= (stated.opposite_signs if opposite else stated.float32), found.where


@pytest.mark.parametrize(("ease", "opposite"), SEARCHES)
def test_searches_find_no_step_back(ease, opposite):
    points = search.in_float32(search.points(ease, 4000 if ease == "cosine" else 1000, 11, opposite=opposite))
    assert search.turning(ease, points, 2000, search.package_run) == []


@pytest.mark.parametrize(
    ("init", "total", "end", "step", "right"),
    [(1 - 2**-24, 22, 0.0, 11, 0.5 - 2**-25), (1.0, 22, 8e-8, 11, 0.5 + 2**-24)],
)
def test_half_of_an_end_beside_a_power_of_two_is_rounded_right(init, total, end, step, right):
    assert ms.cosine_decay(init, total, end)(step).item() == right


@pytest.mark.parametrize(
    ("init", "total", "end", "step"),
    [(1 - 2**-24, 57209360, 6.8482259862889805e-09, 28604678), (1.0, 32309005, -0.1, 16004505)],
)
def test_falling_schedules_never_rise(init, total, end, step):
    before, after = ms.cosine_decay(init, total, end)(mx.array([step, step + 1])).tolist()
    assert before >= after


def statement() -> None:
    """Print the figures that the kernels' headers state, for the points of the first tests here. Takes 20 seconds."""
    worst, wrong, count = (0.0, 0, 0.0, 0, 0.0), 0, 0
    for total in TIMES:
        steps = hurtful_steps(total)
        shares = [reference.shares("cosine", step, total) for step in steps]
        for init, end in ENDS:
            right = [reference.between(init, end, *share) for share in shares]
            errors = reference.ulp_errors(evaluate(steps, init, total, end), right)
            worst = max(worst, (float(errors.max()), steps[int(errors.argmax())], init, total, end))
            wrong += int((errors > 0.5).sum())
            count += len(errors)
    print(f"largest error {worst[0]:.4f} ULP, at (step, init, decay_steps, end) = {worst[1:]}")
    print(f"not correctly rounded: {wrong} of {count} results, {wrong / count:.3%}")


if __name__ == "__main__":
    argparse.ArgumentParser(description=statement.__doc__).parse_args()
    statement()
