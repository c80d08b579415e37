"""What a call returns: dtypes, ends, extreme steps. MLX's closure is the reference where the two should agree."""

import math
from fractions import Fraction

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx_schedules as ms
from mlx_schedules._columns.numbers import rounded
from support import helpers

INTEGERS, FLOATS = ([getattr(mx, name) for name in names] for names in (helpers.INTEGERS, helpers.FLOATS))
# The error of MLX's closure, which computes in the step's dtype, and has pi/T in float32 even for float64.
CLOSURE_ERROR = {mx.float16: 4e-3, mx.bfloat16: 4e-2, mx.float64: 1e-7}


def close(ours: mx.array, theirs: mx.array, step=None) -> None:
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    a, b = (np.array(x.astype(mx.float64, stream=mx.cpu)) for x in (ours, theirs))
    np.testing.assert_allclose(a, b, atol=CLOSURE_ERROR.get(getattr(step, "dtype", None), 2e-6))


@pytest.mark.parametrize("dtype", [mx.bool_, *INTEGERS, *FLOATS])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (0,)])
def test_agrees_with_the_closure_in_dtype_shape_and_value(dtype, shape):
    size = math.prod(shape)
    steps = mx.array(np.arange(size).reshape(shape) * 11 % 120).astype(dtype)
    close(ms.cosine_decay(0.5, 100, 0.1)(steps), optim.cosine_decay(0.5, 100, 0.1)(steps), steps)


@pytest.mark.usefixtures("cpu_only")
def test_agrees_with_the_closure_in_float64():
    steps = mx.arange(120).astype(mx.float64)
    close(ms.cosine_decay(0.5, 100, 0.1)(steps), optim.cosine_decay(0.5, 100, 0.1)(steps), steps)
    init = mx.array(0.5, mx.float64)
    close(ms.cosine_decay(init, 100)(mx.arange(120)), optim.cosine_decay(init, 100)(mx.arange(120)))


HYPERPARAMETERS = [
    1, 0.5, np.float32(0.5), np.float64(0.5), np.array([0.5, 1.5]), np.array([1, 2]), mx.array(1), mx.array([0.5, 1.5]),
    mx.array(0.5, mx.float16), mx.array(0.5, mx.bfloat16), mx.array([1, 2], mx.uint8),
]  # fmt: skip


@pytest.mark.parametrize("init", HYPERPARAMETERS, ids=repr)
@pytest.mark.parametrize("end", [0, 0.25, mx.array(0.25, mx.float16), mx.array(0)], ids=repr)
def test_agrees_with_the_closure_for_every_hyperparameter_dtype(init, end):
    steps = [mx.array(30, t) for t in [mx.uint64, mx.int8, *FLOATS]] + [mx.array(True), 30, 30.5]
    for step in steps:
        ours, theirs = ms.cosine_decay(init, 100, end)(step), optim.cosine_decay(init, 100, end)(step)
        integer_end = isinstance(end, mx.array) and end.dtype == mx.int32
        if integer_end and isinstance(init, (np.ndarray, np.generic)):  # NumPy's subtraction loses MLX's dtype
            theirs = theirs.astype(ours.dtype)
        close(ours, theirs, step)
        fast = ms.fast.cosine_decay(step, init, 100, end)
        assert fast.dtype == ours.dtype
        assert mx.array_equal(fast, ours)


def test_weak_numbers_are_rounded_once_to_the_result_dtype():
    x = 1.0 + 2.0**-11 + 2.0**-40  # rounded to float32 first, this would be a tie and round down
    assert ms.cosine_decay(x, 10, x)(mx.array(5, mx.float16)).item() == 1.0 + 2.0**-10
    x = 1.0 + 2.0**-8 + 2.0**-40
    assert ms.cosine_decay(x, 10, x)(mx.array(5, mx.bfloat16)).item() == 1.0 + 2.0**-7


FORMATS = {mx.float16: (11, -14), mx.bfloat16: (8, -126), mx.float32: (24, -126), mx.float64: (53, -1022)}
TIES = [  # rounded to float32 or float64 first, each would become a tie and then round the other way
    (mx.bfloat16, 2.0**-133 * (1.5 - 2.0**-20)),
    (mx.bfloat16, 2.0**-127 + 2.0**-134 + 2.0**-160),
    (mx.float32, 2**60 + 2**36 + 1),
    (mx.float32, -(2**100) - 2**76 - 1),
    (mx.bfloat16, 2**60 + 2**52 + 1),
]
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def by_definition(x, dtype):
    bits, least = FORMATS[dtype]
    exact = abs(Fraction(x))
    exponent = least
    while Fraction(2) ** (exponent + 1) <= exact:
        exponent += 1
    place = Fraction(2) ** (exponent - bits + 1)
    return math.copysign(1, x) * round(exact / place) * place


@given(
    FINITE | st.floats(-1e-37, 1e-37) | st.floats(-7e-5, 7e-5) | st.integers(-(2**1000), 2**1000),
    st.sampled_from(list(FORMATS)),
)
def test_numbers_are_rounded_once_by_definition(x, dtype):
    largest = float(mx.finfo(dtype).max)
    expected = by_definition(x, dtype)
    if abs(expected) > Fraction(largest):
        assert rounded(x, dtype) == math.copysign(math.inf, x)
    else:
        assert Fraction(rounded(x, dtype)) == expected


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize(("dtype", "x"), TIES)
def test_no_number_is_rounded_twice(dtype, x):
    step = mx.array(0.0, dtype)
    value = ms.cosine_decay(x, 10)(step).astype(mx.float64).item()
    assert value == by_definition(x, dtype)
    assert ms.fast.cosine_decay(step, x, 10).astype(mx.float64).item() == value


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize(
    "step",
    [0.1, np.float64(0.1), np.array(0.1), np.array([0.1]), [0.1], [[0.1, 3]], (np.float64(0.1),), [np.array(0.1)]],
    ids=repr,
)
def test_fractional_steps_keep_their_precision_in_float64(step):
    schedule = ms.cosine_decay(mx.array(1.0, mx.float64), 1000)
    expected = schedule(mx.array(0.1, mx.float64)).item()
    assert expected == pytest.approx(1 - 2.4674010798e-8, abs=1e-15)
    op = ms.fast.cosine_decay(step, mx.array(1.0, mx.float64), 1000)
    for value in (schedule(step), op):
        assert value.dtype == mx.float64
        assert value.reshape(-1)[0].item() == expected
    assert ms.cosine_decay(1.0, 1000)(step).dtype == mx.float32


@pytest.mark.parametrize("step", [Fraction(2**24 + 1), [Fraction(2**24 + 1)]], ids=str)
def test_a_fraction_that_is_whole_is_exact(step):
    assert ms.step_decay(1.0, 0.5, 2**24 + 1)(step).item() == 0.5


def test_integers_in_lists_of_steps_never_wrap():
    schedule = ms.cosine_decay(1.0, 2**64 - 1, 0.25)
    assert schedule([2**63, 2**64 - 1, 2**70, -1, -(10**400)]).tolist() == helpers.evaluated(
        [0.625, 0.25, 0.25, 1.0, 1.0]
    )
    assert schedule([-(2**70), 5]).tolist() == [1.0, 1.0]
    assert schedule([[], []]).shape == (2, 0)
    assert ms.cosine_decay(1.0, 2)([1.0, 10**400, -(10**400)]).tolist() == helpers.evaluated([0.5, 0.0, 1.0])
    assert ms.cosine_decay(1.0, 2)([True, False]).tolist() == helpers.evaluated([0.5, 1.0])


@pytest.mark.usefixtures("cpu_only")
def test_weak_numbers_keep_their_precision_in_float64():
    assert ms.cosine_decay(0.1, 10)(mx.array(0, mx.float64)).item() == 0.1
    assert ms.cosine_decay([0.1, 0.2], 10)(mx.array(0, mx.float64)).tolist() == [0.1, 0.2]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_steps_are_exact_over_their_whole_range(dtype):
    info = np.iinfo(np.dtype(str(dtype).removeprefix("mlx.core.")))
    edges = mx.array(np.array([info.min, 0, 1, info.max - 1, info.max], info.dtype))
    for total in (1, 100, 2**32, 2**64 - 1):
        fast = np.array(ms.cosine_decay(1.0, total, 0.25)(edges))
        assert fast[0] == 1.0
        assert fast[1] == 1.0
        exact = [1.0 - 0.75 * math.sin(math.pi / 2 * min(max(int(s), 0), total) / total) ** 2 for s in np.array(edges)]
        np.testing.assert_allclose(fast, exact, rtol=1e-6)
        assert fast[-1] == 0.25 or info.max < total


def test_uint64_steps_beyond_2_to_63_count_down_to_the_last():
    total = 2**64 - 1
    steps = mx.array(np.array([total - 3, total - 2, total - 1, total], np.uint64))
    y = np.array(ms.cosine_decay(1e30, total, 0.0)(steps))
    n = np.array([3, 2, 1, 0])
    np.testing.assert_allclose(y, 1e30 * (math.pi / 2 * n / 2.0**64) ** 2, rtol=1e-6)


def test_a_step_dtype_too_small_for_decay_steps_is_fine():
    assert ms.cosine_decay(1.0, 1000)(mx.array(255, mx.uint8)).item() == pytest.approx(0.8479564, rel=1e-6)
    assert ms.cosine_decay(1.0, 3_000_000_000)(mx.array(7, mx.int32)).item() == 1.0


def test_negative_steps_hold_init_where_the_closure_mirrors():
    schedule = ms.cosine_decay(0.5, 100, 0.1)
    for step in (-1, -100, -(2**40), -(2**70), -0.5, -math.inf, mx.array(-128, mx.int8), mx.array(-7, mx.int64)):
        assert schedule(step).item() == 0.5
    assert optim.cosine_decay(0.5, 100, 0.1)(-50).item() < 0.4


def test_far_steps_hold_end():
    schedule = ms.cosine_decay(0.5, 100, 0.1)
    for step in (100, 101, 2**31, 2**40, 2**63, 2**64 - 1, 2**70, 10**400, 100.0, 1e30, math.inf):
        assert schedule(step).item() == np.float32(0.1)


def test_nan_steps_give_nan():
    for dtype in FLOATS:
        for total in (100, 1000.5, 2**24 + 1):
            y = ms.cosine_decay(0.5, total, 0.1)(mx.array([math.nan, 0.0], dtype))
            assert mx.isnan(y).tolist() == [True, False]


@pytest.mark.parametrize("time", [0, -1, -(2**40), 0.0, -2.5, -math.inf])
def test_decay_steps_of_at_most_zero_that_cannot_be_read_give_end(time):
    time = mx.array(time)
    for dtype in [*INTEGERS, *FLOATS]:
        steps = mx.array([0, 1, 100]).astype(dtype)
        for end in (0.25, 0.0):
            y = ms.fast.cosine_decay(steps, 1.0, time, end)
            assert y.tolist() == [end] * 3
            compiled = mx.compile(lambda s, t, end=end: ms.cosine_decay(1.0, t, end)(s))
            assert compiled(steps, time).tolist() == [end] * 3
    assert ms.fast.cosine_decay(mx.array(-5.0), 1.0, time, 0.25).item() == 0.25


def test_opposite_signs_and_the_largest_floats_stay_between_the_ends():
    largest = float(np.float32(3.4e38))
    y = np.array(ms.cosine_decay(largest, 1000, -largest)(mx.arange(1001)))
    assert np.isfinite(y).all()
    assert (np.diff(y) <= 0).all()
    assert y[0] == largest
    assert y[-1] == -largest


def test_the_last_steps_are_right_where_the_closure_is_zero():
    for total, zeros in ((10**5, 7), (10**6, 77), (10**7, 776)):
        last = mx.arange(total - zeros, total)
        assert mx.all(optim.cosine_decay(1.0, total)(last) == 0)
        n = np.arange(zeros, 0, -1)
        np.testing.assert_allclose(np.array(ms.cosine_decay(1.0, total)(last)), (np.pi / 2 * n / total) ** 2, rtol=1e-6)


def test_python_bools_and_lists_are_steps_too():
    schedule = ms.cosine_decay(1.0, 2)
    assert schedule(True).item() == schedule(1).item()
    assert schedule([0, 2]).tolist() == [1.0, 0.0]
    assert schedule(np.array([[0], [2]])).shape == (2, 1)
