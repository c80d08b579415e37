"""Schedules of several groups: shapes, indexing, stacking, and what ordinary optimizers do with them."""

import copy
import pickle

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx_schedules as ms
from support.helpers import evaluated, has_ops, primitives, same_bits, same_values

STEPS = [0, 1, 7, 50, 99, 100, 1000]


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 1, 3), (0,), (2, 0)])
@pytest.mark.parametrize("step_shape", [(), (4,), (2, 5), (0,)])
def test_every_group_is_its_own_schedule(shape, step_shape):
    rng = np.random.default_rng(0)
    init, steps, end = rng.uniform(0.1, 1, shape), rng.integers(1, 200, shape), rng.uniform(0, 0.1, shape)
    schedule = ms.cosine_decay(init, steps, end)
    assert schedule.shape == shape
    assert len(schedule) == shape[0]
    step = mx.array(rng.integers(0, 250, step_shape))
    value = schedule(step)
    assert value.shape == step_shape + shape
    for index in np.ndindex(shape):
        alone = ms.cosine_decay(float(init[index]), int(steps[index]), float(end[index]))
        assert same_bits(value[(..., *index)], alone(step))
        part = schedule
        for i in index:
            part = part[i]
        assert part == alone


def test_hyperparameters_of_different_rank_broadcast():
    schedule = ms.cosine_decay([[1.0], [2.0]], [10, 20, 30], end=0.5)
    assert schedule.shape == (2, 3)
    assert schedule[1].shape == (3,)
    assert schedule[1] == ms.cosine_decay(2.0, [10, 20, 30], end=0.5)
    assert schedule[1][2] == ms.cosine_decay(2.0, 30, end=0.5)
    for step in STEPS:
        assert same_bits(schedule(step)[1, 2], ms.cosine_decay(2.0, 30, end=0.5)(step))


def test_equality_is_of_the_values_whatever_was_broadcast():
    a = ms.cosine_decay([1.0, 2.0], 100)
    b = ms.cosine_decay([1.0, 2.0], [100, 100], end=[0.0, 0.0])
    repeated = ms.stack([a[0].repeat(20), ms.linear_schedule(1.0, 0.0, 30)]).repeat(20, 3, period_factor=2)
    for one, other in ((a, b), (repeated, ms.stack(list(repeated)))):
        assert one == other
        assert hash(one) == hash(other)
    assert ms.stack([a[0].repeat(20), a[1]]).last_step == (None, 100)
    assert a != ms.cosine_decay([1.0, 2.0], [100, 101])
    assert ms.cosine_decay(1.0, 100) != ms.cosine_decay([1.0], 100)
    assert ms.cosine_decay(np.zeros((0, 2)), 100) != ms.cosine_decay(np.zeros((0, 3)), 100)


@pytest.mark.parametrize("index", [slice(None), slice(1, None), slice(None, None, -1), slice(0, 4, 2), slice(2, 2)])
def test_slices(index):
    schedule = ms.cosine_decay([[1.0], [2.0], [3.0], [4.0]], [10, 20], end=mx.zeros((1, 2)))
    part = schedule[index]
    rows = len(range(4)[index])
    assert part.shape == (rows, 2)
    for step in STEPS:
        assert same_bits(part(step), schedule(step)[index])


def test_iteration_and_negative_indices():
    schedule = ms.cosine_decay([3.0, 2.0, 1.0], 10)
    assert list(schedule) == [schedule[0], schedule[1], schedule[2]]
    assert [group.init for group in schedule] == [3.0, 2.0, 1.0]
    assert schedule[-1] == schedule[2] == schedule[np.int64(2)]
    a, b, c = schedule
    assert (a.shape, b.init, c.decay_steps) == ((), 2.0, 10)


def test_bad_indices():
    schedule = ms.cosine_decay([3.0, 2.0, 1.0], 10)
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"Group {index} of a schedule of 3 groups"):
            schedule[index]
    with pytest.raises(TypeError, match="integer or a slice, got 'head'"):
        schedule["head"]
    with pytest.raises(TypeError, match=r"integer or a slice, got array\(\[0, 1\]\)"):
        schedule[np.array([0, 1])]
    single = ms.cosine_decay(1.0, 10)
    for use in (len, lambda s: s[0], list):
        with pytest.raises(TypeError, match="no groups"):
            use(single)


@pytest.mark.parametrize(
    "schedule",
    [
        ms.cosine_decay(1e-3, 100),
        ms.cosine_decay([1e-3, 1e-4], [100, 2.5], end=[0.0, 1e-6]),
        ms.cosine_decay(mx.array([1e-3, 1e-4], mx.bfloat16), 2**63 + 1),
        ms.cosine_decay(np.ones((2, 0, 3)), 7),
    ],
    ids=repr,
)
def test_pickle_and_copy(schedule):
    for twin in (pickle.loads(pickle.dumps(schedule)), copy.copy(schedule), copy.deepcopy(schedule)):
        assert twin == schedule
        assert twin.shape == schedule.shape
        assert same_bits(twin(3).astype(mx.float32), schedule(3).astype(mx.float32))


numbers = st.floats(1e-6, 1.0)
schedules = st.builds(ms.cosine_decay, numbers, st.integers(1, 2**50) | st.floats(1, 1e6), numbers)


@given(st.lists(schedules, min_size=1, max_size=5), st.integers(0, 2**51))
def test_stack_gives_the_bits_of_its_parts(parts, step):
    whole = ms.stack(parts)
    assert whole.shape == (len(parts),)
    assert list(whole) == parts
    if len({isinstance(part.decay_steps, float) for part in parts}) == 1:  # otherwise whole steps become floats
        assert same_bits(whole(step), mx.stack([part(step) for part in parts]))


def test_stack_of_batched_schedules():
    a = ms.cosine_decay([1.0, 2.0], 100)
    b = ms.cosine_decay(3.0, [10, 20], end=[[0.5, 0.25]])[0]
    whole = ms.stack(schedule for schedule in (a, b))
    assert whole.shape == (2, 2)
    assert (whole[0], whole[1]) == (a, b)
    assert whole.init == ((1.0, 2.0), (3.0, 3.0))
    assert ms.stack(whole) == whole
    assert ms.stack([whole, whole, whole]).shape == (3, 2, 2)


def test_stack_keeps_weak_values_weak():
    weak = ms.stack([ms.cosine_decay(1e-3, 10), ms.cosine_decay(1, 10)])
    assert weak.init == (1e-3, 1)
    assert weak(mx.array(0.0, mx.float16)).dtype == mx.float16
    assert weak(mx.array(0.0, mx.bfloat16)).dtype == mx.bfloat16


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ((mx.array(1.0, mx.float32), 0.5), mx.float32),
        ((mx.array(1.0, mx.float16), 0.5), mx.float16),
        ((mx.array(1.0, mx.float16), mx.array(1.0, mx.bfloat16)), mx.float32),
        ((mx.array(1, mx.int32), 0.5), mx.float32),  # not truncated
        ((mx.array(1, mx.int32), 2), mx.int32),
        ((mx.array(1.0, mx.float64), 0.5), mx.float64),
    ],
)
def test_stack_promotes_array_values(init, expected):
    parts = [ms.cosine_decay(x, 100) for x in init]
    whole = ms.stack(parts)
    assert whole.init.dtype == expected
    with mx.stream(mx.cpu):
        assert whole(25).tolist() == pytest.approx([part(25).item() for part in parts], rel=1e-6)


def test_stack_rounds_no_number_to_another_schedules_dtype():
    whole = ms.stack([ms.cosine_decay(1e-3, 100), ms.cosine_decay(mx.array(1.0, mx.float16), 100)])
    assert whole(0)[0].item() == np.float32(1e-3)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((mx.array(100, mx.uint16), 70000), mx.int64),
        ((mx.array(100, mx.uint8), mx.array(70000, mx.int32)), mx.int32),
        ((mx.array(7, mx.uint64), mx.array(2**40 + 1, mx.int64)), mx.int64),
        ((mx.array(np.uint64(2**63 + 1)), mx.array(7, mx.int64)), mx.uint64),
        ((mx.array(10, mx.float16), 70000), mx.float32),
        ((mx.array(10.5), 33554435), mx.float64),
    ],
)
def test_stacked_decay_steps_are_shown_as_they_are(given, shown):
    numbers = [part.item() if isinstance(part, mx.array) else part for part in given]
    whole = ms.stack([ms.cosine_decay(1.0, part) for part in given])
    assert whole.decay_steps.tolist() == numbers
    assert whole.decay_steps.dtype == shown
    if max(numbers) < 2**63:  # mx.array takes no larger integers
        assert eval(repr(whole), {"mx": mx, "cosine_decay": ms.cosine_decay}).decay_steps.tolist() == numbers
    assert ms.Schedule.from_dict(whole.to_dict()) == whole


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((mx.array(1, mx.uint8), -5), [1, -5]),
        ((mx.array(-1, mx.int8), 300), [-1, 300]),
        ((mx.array(np.uint64(2**64 - 1)), 1), [2**64 - 1, 1]),
        ((mx.array(np.uint64(2**64 - 1)), -5), (2**64 - 1, -5)),  # no dtype holds both
        ((mx.array(1.0, mx.float16), 1e-3), [1.0, np.float32(1e-3)]),
        ((mx.array(1.0, mx.bfloat16), 257), [1.0, 257.0]),
        ((mx.array(1.0, mx.float16), 1e5), [1.0, 1e5]),
        ((mx.array(0.5), 0.1), [0.5, np.float32(0.1)]),
    ],
)
def test_stacked_values_neither_wrap_nor_narrow(given, shown):
    whole = ms.stack([ms.cosine_decay(x, 100) for x in given])
    assert (whole.init.tolist() if isinstance(shown, list) else whole.init) == shown
    for step in (mx.array(30), mx.array(30.0)):
        assert same_bits(whole(step), mx.stack([ms.cosine_decay(x, 100)(step) for x in given]))


def test_traced_values_are_stacked_as_they_are():
    def rates(x, other):
        return ms.stack([ms.cosine_decay(x, 100), ms.cosine_decay(other, 100)])(0)

    for x, other in [
        (mx.array(1, mx.uint8), -5),
        (mx.array(1, mx.int32), 2**40),
        (mx.array(1, mx.uint64), -5),
        (mx.array(1.0, mx.float16), 1e-3),
        (mx.array(1.0, mx.float16), 1e5),
    ]:
        assert same_bits(mx.compile(lambda x, other=other: rates(x, other))(x), rates(x, other))


def test_stack_of_traced_schedules():
    def rates(x, steps):
        traced = ms.cosine_decay(x, steps, end=mx.array(0.25))
        return ms.stack([traced, ms.cosine_decay(2.0, 10)])(5)

    x, steps = mx.array(1.0), mx.array(20)
    expected = mx.stack([ms.cosine_decay(1.0, 20, end=0.25)(5), ms.cosine_decay(2.0, 10)(5)])
    assert same_values(mx.compile(rates)(x, steps), expected)
    assert same_bits(mx.vmap(rates, in_axes=(0, None))(mx.array([1.0, 1.0]), steps), mx.stack([expected, expected]))
    gradient = mx.grad(lambda x: rates(x, steps).sum())(x)
    assert gradient.item() == pytest.approx(np.cos(np.pi / 8) ** 2, rel=1e-6)


def test_stack_of_traced_batched_schedules():
    def rates(x):
        return ms.stack([ms.cosine_decay(x, [10, 20]), ms.cosine_decay([1.0, 2.0], 10)])(5)

    expected = ms.cosine_decay([[3.0, 3.0], [1.0, 2.0]], [[10, 20], [10, 10]])(5)
    assert same_values(mx.compile(rates)(mx.array(3.0)), expected)


def test_stack_holds_traced_decay_steps_exactly():
    def rates(time):
        return ms.stack([ms.cosine_decay(1.0, time), ms.cosine_decay(1.0, 2**40 + 1)])(mx.array(2**40, mx.int64))

    last = ms.cosine_decay(1.0, 2**40 + 1)(2**40).item()
    assert last > 0
    assert mx.compile(rates)(mx.array(2**40 + 1, mx.int64)).tolist() == evaluated([last, last])
    assert mx.compile(rates)(mx.array(-1, mx.int64)).tolist() == evaluated([0, last])


def test_stack_of_traced_fractional_decay_steps():
    def rates(time):
        return ms.stack([ms.cosine_decay(1.0, time), ms.cosine_decay(1.0, 100)])(5)

    assert same_values(mx.compile(rates)(mx.array(12.5)), ms.cosine_decay(1.0, [12.5, 100])(5))


def test_stack_refuses():
    with pytest.raises(ValueError, match=r"schedules must hold at least one schedule, got \[\]"):
        ms.stack([])
    with pytest.raises(ValueError, match=r"groups of one shape, got \(2,\), \(\)"):
        ms.stack([ms.cosine_decay([1.0, 2.0], 10), ms.cosine_decay(1.0, 10)])
    with pytest.raises(TypeError, match=r"schedules\[1\] must be a schedule"):
        ms.stack([ms.cosine_decay(1.0, 10), optim.cosine_decay(1.0, 10)])
    with pytest.raises(TypeError, match="schedules must be a list of schedules, got 3"):
        ms.stack(3)


@pytest.mark.extension
def test_rates_are_one_primitive():
    for n in (1, 64):
        rates = ms.cosine_decay([1e-3] * n, [100] * n, end=[0.0] * n)(mx.array(3))
        assert primitives(rates) == ["Schedule"]


def test_a_sweep_is_one_primitive():
    def rate(init, steps, end):
        return ms.cosine_decay(init, steps, end)(mx.array(5))

    members = mx.arange(1, 33)
    rates = mx.vmap(rate)(members / 10, members * 10, members / 100)
    mx.eval(members)
    assert has_ops(1, rates)
    assert rates[3].item() == pytest.approx(ms.cosine_decay(0.4, 40, end=0.04)(5).item(), rel=1e-6)


def test_an_ordinary_optimizer_broadcasts_the_rates_along_the_last_axis():
    """It treats the rates like any array, as docs/groups.md says."""
    rates = ms.cosine_decay([1.0, 0.0], 100)
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(learning_rate=rates)
    before = mx.array(model.bias)
    optimizer.update(model, {"bias": mx.ones(2)})
    assert (before - model.bias).tolist() == pytest.approx([1.0, 0.0], abs=1e-6)
