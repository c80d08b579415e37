"""Lengths that no single dtype holds: whole ones above 2^24 beside fractions, and odd ones from 2^63 on."""

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from numerics.reference import cosine_decay
from support.helpers import evaluated

# If there are fractions, MLX's own ops hold only 48 bits of a number of steps.
MOST = pytest.param(2**64 - 1, marks=pytest.mark.extension)
CALLS = {
    "list": lambda lengths: ms.cosine_decay([1.0] * len(lengths), lengths),
    "stack": lambda lengths: ms.stack([ms.cosine_decay(1.0, length) for length in lengths]),
    "op": lambda lengths: lambda step: ms.fast.cosine_decay(step, [1.0] * len(lengths), lengths),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("whole", [2**24 + 1, 33554435, 2**32 + 1, 2**53 + 1, 2**63 + 1, MOST])
def test_a_whole_length_beside_a_fractional_one_stays_exact(call, whole):
    schedule, alone = call([whole, 10.5]), ms.cosine_decay(1.0, whole)
    last = mx.array(np.uint64(whole))
    assert schedule(last).tolist() == [0.0, 0.0]
    before = mx.array(np.uint64(whole - 1))
    assert schedule(before)[0].item() == alone(before).item() > 0
    for step in (whole // 3, whole // 2, whole - 2):
        at = mx.array(np.uint64(step))
        assert schedule(at)[0].item() == alone(at).item()
    fractional = ms.cosine_decay(1.0, 10.5)
    assert [schedule(step)[1].item() for step in range(12)] == [fractional(step).item() for step in range(12)]


def test_a_whole_length_beside_a_fractional_one_for_fractional_steps():
    schedule, alone = ms.cosine_decay([1.0, 1.0], [33554435, 10.5]), ms.cosine_decay(1.0, 33554435)
    for step in (33554432.0, 33554436.0, 16777218.0):
        assert schedule(mx.array(step))[0].item() == alone(mx.array(step)).item()
    assert schedule(mx.array(33554432.0))[0].item() > 0


@pytest.mark.usefixtures("cpu_only")
def test_a_whole_length_beside_a_fractional_one_in_float64():
    whole = 2**53 + 1
    init = mx.array(1.0, mx.float64)
    schedule, alone = ms.cosine_decay(init, [whole, 10.5]), ms.cosine_decay(init, whole)
    assert schedule(whole).tolist() == [0.0, 0.0]
    assert schedule(whole - 1)[0].item() == alone(whole - 1).item() > 0


@pytest.mark.parametrize("step", [33554435, 33554434])
def test_a_whole_length_beside_a_fractional_one_compiled(step):
    rates = mx.compile(lambda step: ms.cosine_decay([1.0, 1.0], [33554435, 10.5])(step))
    assert rates(mx.array(step))[0].item() == evaluated(ms.cosine_decay(1.0, 33554435)(step).item())


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("length", [2**63 + 1, 2**63 + 2**52 + 1, 2**64 - 1])
def test_odd_lengths_from_2_to_63_on_are_exact_for_float64_steps(length):
    """If a length lost its last bit, it would end one step early, at one of these even steps."""
    near = [length // 4096 * 4096 - 4096 * k for k in (0, 1, 5)]
    steps = [2.0**62, *map(float, near)]
    values = ms.cosine_decay(1.0, length)(mx.array(steps, mx.float64)).tolist()
    expected = [float(y) for y in cosine_decay(steps, 1.0, length, 0.0)]
    assert min(expected) > 0
    assert values == pytest.approx(expected, rel=4e-16, abs=0)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint32", "uint64", "float32"])
@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("begin", [0.25, 2.5, 2.75])
@pytest.mark.parametrize("length", [0.5, 0.75, 1.25, 3.5])
def test_fractional_begins_and_lengths_meet_whole_steps(dtype, power, begin, length):
    """Includes the step that is past the length's whole part, but not over because of the begin's fraction."""
    schedule = ms.polynomial_decay(1.0, length, 0.5, power).shift(-begin)
    steps = range(8)
    left = [1 - min(max(step - begin, 0) / length, 1) for step in steps]
    values = schedule(mx.array(list(steps)).astype(getattr(mx, dtype))).tolist()
    assert values == pytest.approx([0.5 + 0.5 * x**power for x in left], rel=1e-6)


@pytest.mark.parametrize("length", [0.5, 0.25, 2.0**-10])
@pytest.mark.parametrize("dtype", [mx.uint8, mx.uint32, mx.int64, mx.float32])
def test_a_length_below_1_is_over_by_the_first_step(length, dtype):
    steps = mx.arange(4).astype(dtype)
    for schedule in (ms.cosine_decay(1.0, length, 0.5), ms.linear_schedule(1.0, 0.5, length)):
        assert schedule(steps).tolist() == [1.0, 0.5, 0.5, 0.5]


def test_a_fractional_boundary_beside_one_that_int64_cannot_hold():
    parts = [ms.linear_schedule(0.1, 0.2, 10), ms.constant(0.5), ms.cosine_decay(1.0, 10)]
    schedule = ms.join_schedules(parts, [0.5, 2**63])
    assert schedule(mx.array([0, 3], mx.uint32)).tolist() == mx.array([0.1, 0.5]).tolist()
