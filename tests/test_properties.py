"""Properties that hold for every schedule that hypothesis generates."""

import mlx.core as mx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import mlx_schedules as ms
from support.helpers import least

values = st.floats(min_value=-(2.0**100), max_value=2.0**100, width=32, allow_subnormal=False).filter(
    lambda value: value == 0 or abs(value) >= least()
)
times = st.one_of(st.integers(1, 64), st.integers(1, 2**64 - 1), st.sampled_from([2**24, 2**24 + 1, 2**32 - 1, 2**32]))
steps = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50)


def sorted_steps(numbers, total):
    near = [n % (total + 1) for n in numbers]
    return sorted({*numbers, *near, 0, total, total - 1, min(total + 1, 2**64 - 1)})


def evaluate(schedule, numbers):
    return np.array(schedule(mx.array(np.array(numbers, np.uint64))))


@given(values, times, values, steps)
def test_exact_at_the_ends_monotone_and_bounded(init, total, end, numbers):
    numbers = sorted_steps(numbers, total)
    y = evaluate(ms.cosine_decay(init, total, end), numbers)
    assert y[0] == np.float32(init)
    assert all(v == np.float32(end) for v, n in zip(y, numbers, strict=True) if n >= total)
    change = np.diff(y)
    assert (change <= 0).all() if init >= end else (change >= 0).all()
    assert (y >= min(init, end)).all()
    assert (y <= max(init, end)).all()


@given(values, times, values, steps)
def test_a_batch_of_steps_is_a_loop(init, total, end, numbers):
    schedule = ms.cosine_decay(init, total, end)
    numbers = sorted_steps(numbers, total)
    one = [schedule(mx.array(np.uint64(n))).item() for n in numbers[:8]]
    assert evaluate(schedule, numbers)[:8].tolist() == one


@given(st.lists(st.tuples(values, times, values), min_size=1, max_size=40), steps)
def test_group_i_is_its_own_schedule(groups, numbers):
    init, total, end = (list(column) for column in zip(*groups, strict=True))
    together = ms.cosine_decay(init, total, end)
    y = evaluate(together, numbers)
    for i, group in enumerate(groups[:6]):
        assert together[i] == ms.cosine_decay(*group)
        assert (evaluate(ms.cosine_decay(*group), numbers) == y[:, i]).all()


@given(values, st.floats(1, 2**40, width=32), values, st.lists(st.floats(width=32, allow_nan=True), min_size=1))
def test_fractional_steps_are_bounded_and_monotone(init, total, end, numbers):
    numbers = np.array([*numbers, 0, total, total / 2], np.float32)
    y = np.array(ms.cosine_decay(init, total, end)(mx.array(numbers)))
    assert (np.isnan(y) == np.isnan(numbers)).all()
    order = np.argsort(numbers[~np.isnan(numbers)], kind="stable")
    y = y[~np.isnan(y)][order]
    assert (np.diff(y) <= 0).all() if init >= end else (np.diff(y) >= 0).all()
    assert (y >= min(init, end)).all()
    assert (y <= max(init, end)).all()


@given(st.data())
def test_broadcasting_equals_numpys(data):
    result = data.draw(st.lists(st.integers(0, 4), max_size=4))

    def operand():
        shape = [data.draw(st.sampled_from([1, n])) for n in result]
        return tuple(shape[data.draw(st.integers(0, len(shape))) :])

    shapes = [operand() for _ in range(4)]
    arrays = [np.arange(np.prod(s, dtype=int), dtype=np.float32).reshape(s) + 1 for s in shapes]
    y = np.array(ms.fast.cosine_decay(*map(mx.array, arrays)))
    step, init, total, end = np.broadcast_arrays(*arrays)
    assert y.shape == step.shape
    angle = np.pi / 2 * np.minimum(step, total).astype(np.float64) / total
    np.testing.assert_allclose(y, end + (init - end) * np.cos(angle) ** 2, rtol=1e-5, atol=1e-5)
