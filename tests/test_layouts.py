"""Every memory layout gives the values that the scalar op gives element by element, and takes no extra memory."""

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from support.helpers import evaluated, on_cuda

RNG = np.random.default_rng(7)


def one_by_one(step, init, time, end):
    """Apply the scalar op to every element of the broadcast operands."""
    arrays = np.broadcast_arrays(*(np.array(a) for a in (step, init, time, end)))
    flat = [
        ms.fast.cosine_decay(*(mx.array(a) for a in element)).item()
        for element in zip(*(a.ravel() for a in arrays), strict=True)
    ]
    return np.array(flat, np.float32).reshape(arrays[0].shape)


def check(step, init, time, end):
    ours = np.array(ms.fast.cosine_decay(step, init, time, end))
    expected = one_by_one(step, init, time, end)
    assert ours.shape == expected.shape
    np.testing.assert_array_equal(ours, expected)


SHAPES = [
    [(3,), (), (), ()],
    [(), (3,), (), ()],
    [(5, 1), (3,), (3,), (3,)],
    [(5, 1), (1, 3), (3,), ()],
    [(2, 1, 4), (3, 1), (1,), (2, 3, 4)],
    [(4,), (5, 1), (5, 1), (5, 1)],
    [(2, 3), (), (2, 1), (3,)],
    [(1,), (1,), (1,), (1,)],
    [(1, 1, 3), (2, 1, 1), (), (2, 4, 1)],
    [(130,), (2, 1), (2, 1), (2, 1)],
    [(3, 1), (300,), (300,), ()],
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("time_dtype", [np.uint32, np.int64, np.float32])
def test_broadcasting(shapes, time_dtype):
    step = mx.array(RNG.integers(0, 130, shapes[0]).astype(np.int32))
    init, end = (mx.array(RNG.uniform(0, 1, s).astype(np.float32)) for s in (shapes[1], shapes[3]))
    check(step, init, mx.array(RNG.integers(1, 120, shapes[2]).astype(time_dtype)), end)


VIEWS = {
    "transposed": lambda a: a.T,
    "every other": lambda a: a[::2, ::3],
    "reversed": lambda a: a[::-1, ::-1],
    "offset": lambda a: a[3:, 2:],
    "one column": lambda a: a[:, 1:2],
    "broadcast": lambda a: mx.broadcast_to(a[:1], a.shape),
    "broadcast scalar": lambda a: mx.broadcast_to(a[0, 0], (4, 5)),
    "moved axis": lambda a: mx.moveaxis(a.reshape(6, 2, 7), 0, 2),
}


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("dtype", [mx.uint8, mx.uint64, mx.float16, mx.float32])
@pytest.mark.parametrize("groups", [False, True])
def test_strided_steps(view, dtype, groups):
    base = mx.array(RNG.integers(0, 120, (12, 7))).astype(dtype)
    step = VIEWS[view](base)
    if dtype == mx.float16:  # one_by_one works in float32
        ours = ms.cosine_decay(1.0, 100)(step)
        assert mx.array_equal(ours, ms.cosine_decay(1.0, 100)(step.astype(mx.float32)).astype(mx.float16))
    elif groups:
        check(step[..., None], mx.array([1.0, 0.5, 0.1]), mx.array([100, 50, 7]), mx.array(0.0))
    else:
        check(step, mx.array(1.0), mx.array(100), mx.array(0.25))


def test_strided_hyperparameters():
    table = mx.array(RNG.uniform(0, 1, (6, 4)).astype(np.float32))
    times = mx.array(RNG.integers(1, 50, (4, 6)))
    check(mx.arange(24).reshape(6, 4), table[:, ::-1], times.T, mx.broadcast_to(table[0], (6, 4)))


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 127, 128, 129, 255, 256, 257, 511, 640, 641, 1000])
def test_every_remainder_of_the_vector_loops(size):
    steps = mx.arange(size)
    schedule = ms.cosine_decay([1.0, 0.5], [700, 900])
    np.testing.assert_array_equal(np.array(schedule(steps)), one_by_one(steps[:, None], [1.0, 0.5], [700, 900], 0.0))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2, 1)])
def test_empty(shape):
    assert ms.cosine_decay(1.0, 10)(mx.zeros(shape, mx.int32)).shape == shape
    assert ms.cosine_decay([1.0, 2.0], 10)(mx.zeros(shape, mx.int32)).shape == (*shape, 2)
    assert ms.fast.cosine_decay(mx.zeros((2, 1), mx.int32), mx.zeros((0,)), 10).shape == (2, 0)


def test_mixed_spans_within_one_call():
    """Groups with lengths on both sides of 2^24, 2^25 and 2^32 share a loop and have the bits that they have alone."""
    times = [10, 2**24, 2**24 + 1, 2**25, 2**25 + 1, 2**32 - 1, 2**32 + 1, 2**40, 2**64 - 1, 1000]
    steps = mx.array(np.array([0, 1, 9, 500, 2**24 - 1, 2**31, 2**32, 2**39, 2**63], np.uint64))
    together = ms.cosine_decay([0.1] * len(times), times, end=0.01)
    for i, time in enumerate(times):
        assert mx.array_equal(together(steps)[:, i], ms.cosine_decay(0.1, time, end=0.01)(steps)), time


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("step_dtype", [mx.uint8, mx.int64, mx.float32, mx.float64])
@pytest.mark.parametrize("time_dtype", [mx.int32, mx.float64])
def test_float64_layouts(step_dtype, time_dtype):
    step, time = mx.arange(24).reshape(6, 4).astype(step_dtype), mx.array([[5], [20], [7], [9]]).astype(time_dtype)
    init = mx.array([1.0, 0.5, 0.25, 2.0, 3.0, 0.0], mx.float64)
    ours = ms.fast.cosine_decay(step.T, init, time, mx.array(0.125, mx.float64))
    s, t = np.array(step.T, dtype=np.float64), np.array(time, dtype=np.float64)
    expected = 0.125 + (np.array(init) - 0.125) * np.cos(np.pi / 2 * np.minimum(s, t) / t) ** 2
    assert ours.dtype == mx.float64
    np.testing.assert_allclose(np.array(ours), expected, rtol=1e-15, atol=1e-15)


N = 1_000_000
ROUNDING = 1 << 15  # MLX's allocators round up, to 4 KiB on the CPU and 16 KiB on CUDA


def extra_memory(call) -> int:
    mx.synchronize()
    mx.clear_cache()
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    result = call()
    mx.eval(result)
    mx.synchronize()
    return mx.get_peak_memory() - before


@pytest.mark.extension
@pytest.mark.parametrize("dtype", [mx.uint8, mx.uint32, mx.uint64, mx.float32])
def test_a_call_allocates_only_its_output(dtype):
    steps = mx.arange(N).astype(dtype)
    schedule = ms.cosine_decay(0.1, N)
    mx.eval(steps, schedule(0))
    assert extra_memory(lambda: schedule(steps)) <= 4 * N + ROUNDING
    strided = mx.arange(2 * N).astype(dtype)[::2]
    mx.eval(strided)
    assert extra_memory(lambda: schedule(strided)) <= 4 * N + ROUNDING
    groups = ms.cosine_decay([0.1, 0.2], [N, 10])
    mx.eval(groups(0))
    assert extra_memory(lambda: groups(steps)) <= 8 * N + ROUNDING


@pytest.mark.extension
@pytest.mark.parametrize("dtype", [mx.uint32, mx.int32, mx.float32])
def test_a_step_buffer_that_nobody_else_holds_is_the_output(dtype):
    schedule = ms.cosine_decay(0.1, N)
    source = mx.arange(N).astype(dtype)
    mx.eval(source, schedule(0))
    buffers = 2 if on_cuda() else 1  # CUDA's kernels never donate
    assert extra_memory(lambda: schedule(source + 1)) <= buffers * (4 * N + ROUNDING)  # only the sum's buffer
    expected = schedule(mx.arange(1, N + 1).astype(dtype))
    assert mx.array_equal(schedule(source + 1), expected)
    rates = ms.fast.cosine_decay(source + 1, mx.broadcast_to(mx.array(0.1), (N,)), N)  # general path, in place
    assert mx.array_equal(rates, expected)
    assert mx.array_equal(source, mx.arange(N).astype(dtype))  # an array that is still referenced isn't changed


@pytest.mark.parametrize("dtype", ["int8", "uint32", "int64", "uint64", "float16", "bfloat16", "float32"])
def test_small_numbers_in_memory_of_any_kind(dtype):
    """A schedule's small arrays are packed together if they are evaluated and contiguous."""
    row = mx.array([[3, 7], [5, 9]]).astype(getattr(mx, dtype))
    computed = row[0] + row[1]  # not evaluated yet
    for numbers in (row[0], row[:, 1], row.T[1], row[0, 1], row[1:, :1], mx.broadcast_to(row[0, 0], (2,)), computed):
        floats = mx.array(np.array(numbers.astype(mx.float32)))
        for init, steps in ((numbers, 20), (0.5, numbers)):
            ours = ms.cosine_decay(init, steps)(mx.array(2))
            given = (floats, 20) if init is numbers else (0.5, floats)
            expected = ms.fast.cosine_decay(mx.array(2), *given)  # doesn't pack its numbers
            assert ours.astype(mx.float32).tolist() == expected.astype(ours.dtype).astype(mx.float32).tolist()


def test_schedules_keep_their_small_numbers():
    init = mx.array([0.25, 0.5])
    schedule, compiled = ms.cosine_decay(init, [4, 8]), mx.compile(ms.cosine_decay(init, [4, 8]))
    init *= 0
    del init
    others = [mx.array([float(i), -1.0]) for i in range(2000)]  # reuse memory that was freed
    for rates in (schedule(4), compiled(mx.array(4))):
        assert rates.tolist() == evaluated([0.0, 0.25]), others[0]
