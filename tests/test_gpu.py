"""The GPU against the CPU, bit for bit. Collected only with --device gpu; see conftest.py."""

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules import _ext
from support.column_corners import corners
from support.helpers import FLOATS, STEP_TYPES, differing
from support.random_schedules import random_case, random_columns, steps_for

RNG = np.random.default_rng(11)
TIMES = {
    "int32": [1, 1000, 2**31 - 1],
    "uint32": [7, 2**24, 2**24 + 1, 2**32 - 1],
    "int64": [-5, 2**40],
    "uint64": [2**32 + 1, 2**64 - 1],
    "float32": [0.0, 1.5, 1000.25, 2.0**30, 3e38],
}


def same(step, init, time, end):
    a, b = (ms.fast.cosine_decay(step, init, time, end, stream=device) for device in (mx.gpu, mx.cpu))
    assert differing(a, b) == 0


def steps_of(dtype, top, n):
    if dtype in FLOATS:
        return mx.array(np.r_[RNG.uniform(-3, min(top, 6e4), n), np.nan, np.inf, -np.inf].astype(np.float32)).astype(
            getattr(mx, dtype)
        )
    if dtype == "bool_":
        return mx.array(RNG.integers(0, 2, n + 3).astype(bool))
    info = np.iinfo(dtype)
    ends = np.array([info.min, info.max, 0], dtype)
    return mx.array(np.r_[RNG.integers(0, min(int(top), int(info.max)), n, dtype=np.uint64).astype(dtype), ends])


@pytest.mark.parametrize("step", STEP_TYPES)
@pytest.mark.parametrize("time", TIMES)
def test_the_same_bits_as_the_cpu(step, time):
    dtype = getattr(mx, step) if step in ("float16", "bfloat16") else mx.float32
    ends = mx.array(RNG.uniform(0, 1, (3,)).astype(np.float32)).astype(dtype)
    for total in TIMES[time]:
        t = mx.array(np.array(total, time))
        steps = steps_of(step, max(total, 2) * 1.05, 5000)
        for view in (steps, steps[1:], steps[:-2], steps[::2], steps[:1], steps[:0], steps.reshape(-1, 1)[:, 0]):
            same(view, ends[0], t, ends[1])
        same(steps[:, None], ends, t, ends[2])
        same(steps[None, :600], ends[:, None], mx.stack([t, t, t])[:, None], mx.array(0.0, dtype))


def test_sizes_around_vectors_blocks_and_grids():
    for n in [*range(1, 20), 127, 128, 129, 511, 512, 513, 4095, 4096, 4097, 2**19 - 1, 2**19 + 1, 2**23 + 3]:
        same(mx.arange(n).astype(mx.uint32), 0.1, 1_000_003, 0.01)


def test_steps_for_groups_where_threads_take_several_rows():
    step, rows = mx.arange(200_003), mx.arange(200_003).astype(mx.int64) * 3
    for groups in (2, 3, 64):
        init, time = mx.linspace(0.1, 1.0, groups), mx.arange(1000, 1000 + groups) ** 3
        same(step[:, None], init, time, 0.01)
        same(rows[::-2, None], init, time, mx.zeros(groups))
        same(step, init[:, None], time[:, None], 0.01)  # every hyperparameter varies along the outermost axis


def test_more_axes_than_can_be_merged():
    a = mx.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)
    same(a.transpose(4, 2, 0, 3, 1), mx.ones((6, 1, 2, 1, 3)), 500, mx.zeros((4, 1, 5, 1)))


@pytest.mark.parametrize("part", range(24))
def test_columns_give_the_cpus_bits(part):
    for seed in range(part, 240, 24):
        name, step, segments = random_case(seed)
        a, b = (_ext.evaluate(step, segments, stream=device) for device in (mx.gpu, mx.cpu))
        assert differing(a, b) == 0, name


@pytest.mark.parametrize("part", range(6))
def test_corners_give_the_cpus_bits(part):
    for name, step, segments in list(corners())[part::6]:
        a, b = (_ext.evaluate(step, segments, stream=device) for device in (mx.gpu, mx.cpu))
        assert differing(a, b) == 0, name


@pytest.mark.parametrize("dtype", STEP_TYPES)
@pytest.mark.parametrize(("groups", "count"), [((), 4_200_000), ((7,), 600_000)])
def test_the_same_bits_in_a_hundred_million(dtype, groups, count):
    """Schedules have up to nine columns; half of the steps are sorted, the others in random order."""
    columns = random_columns(1000 + STEP_TYPES.index(dtype), dtype if dtype in FLOATS else "float32", groups, most=9)
    if dtype == "bool_":
        steps = mx.array(RNG.integers(0, 2, count).astype(bool))
    else:
        steps = steps_for(RNG, dtype, (count,), columns.reach, columns.operands["begin"])
        steps = mx.where(mx.arange(count) < count // 2, mx.sort(steps), steps)
    steps = steps[:, None] if groups else steps
    segments = _ext.Segments(columns.eases, columns.operands, columns.repeat)
    a, b = (_ext.evaluate(steps, segments, stream=device) for device in (mx.gpu, mx.cpu))
    assert differing(a, b) == 0, columns


@pytest.mark.parametrize("columns", [1, 4, 32, 33, 500])
def test_any_number_of_columns(columns):
    ends = mx.array(RNG.uniform(0.1, 1, columns + 1).astype(np.float32))
    times = mx.array([100] * columns, mx.uint32)
    operands = {
        "init": ends[:-1],
        "end": ends[1:],
        "length": times,
        "begin": mx.arange(columns).astype(mx.uint32) * 100,
    }
    segments = _ext.Segments(
        ["linear", "cosine", "power", "hold"] * (columns // 4) + ["cosine"] * (columns % 4),
        {**operands, "parameter": mx.full((columns,), 1.5)},
    )
    for dtype in (mx.uint8, mx.int32, mx.uint64, mx.float32, mx.bfloat16):
        step = mx.array(RNG.integers(0, 110 * columns, 300_000)).astype(dtype)
        for steps in (mx.sort(step), step, step[1:], step[:, None]):
            a, b = (_ext.evaluate(steps, segments, stream=device) for device in (mx.gpu, mx.cpu))
            assert differing(a, b) == 0


@pytest.mark.parametrize("dtype", ["uint64", "int64"])
@pytest.mark.parametrize(("ease", "begin", "length"), [
    ("cosine", 2_000, 1_000),
    ("cosine", 2**31, 2**31 - 1),  # its end is the largest 32-bit step
    ("cosine", 2**31, 2**31),
    ("cosine", 2**32 - 1, 1),
    ("cosine", 2**33, 2**33),
    ("stairs", 2_000, 1_000),
])  # fmt: skip
def test_steps_of_64_bits_where_columns_have_32(dtype, ease, begin, length):
    operands = {
        "init": mx.array([0.0, 1.0, 0.5]),
        "end": mx.array([1.0, 1.0, 0.25]),
        "length": mx.array([1_000, 1, length], mx.uint64),
        "begin": mx.array([0, 1_000, begin], mx.uint64),
        "parameter": mx.array([1.0, 1.0, 0.99]),
    }
    segments = _ext.Segments(["linear", "hold", ease], operands)
    around = [0, 1_000, begin, begin + length // 2, begin + length, 2**31, 2**32, 2**40, 2**63 - 2]
    steps = np.array([max(step + i, 0) for step in around for i in (-2, -1, 0, 1)], np.uint64).astype(dtype)
    for step in (
        mx.array(np.sort(steps)),
        mx.array(np.tile(RNG.permutation(steps), 200)),
        mx.array(np.repeat(steps, 500)),
    ):
        a, b = (_ext.evaluate(step, segments, stream=device) for device in (mx.gpu, mx.cpu))
        assert differing(a, b) == 0


@pytest.mark.parametrize("dtype", STEP_TYPES)
def test_one_step_of_up_to_forty_columns(dtype):
    for columns in (1, 2, 31, 32, 33, 40):
        ends = mx.array(RNG.uniform(0.1, 1, columns + 1).astype(np.float32)).astype(
            getattr(mx, dtype) if dtype in FLOATS else mx.float32
        )
        shared = columns % 2 == 0  # one value for all columns
        operands = {
            "init": ends[:-1],
            "end": ends[:1] if shared else ends[1:],
            "length": mx.array([3], mx.int32) if shared else mx.full((columns,), 3, mx.int64),
            "begin": mx.arange(columns).astype(mx.float32) * 2.5,
        }
        segments = _ext.Segments((["linear", "cosine", "hold"] * columns)[:columns], operands)
        for s in (0, 1, 2, 3, 5, 77, 80, 100, 127):
            step = mx.array([s % 2 if dtype == "bool_" else s]).astype(getattr(mx, dtype))
            for steps in (step, step[0], step[:, None]):
                a, b = (_ext.evaluate(steps, segments, stream=device) for device in (mx.gpu, mx.cpu))
                assert differing(a, b) == 0


@pytest.mark.parametrize("length", [2**24 + 1, 2**25 + 12345, 2**26 - 1, 2**28 + 1, 3_000_000_001])
@pytest.mark.parametrize("lead", [0, 3, 2**24 - 5000, 2**24 + 5000, "late"])
def test_long_columns_near_and_far_from_their_ends(length, lead):
    lead = max(length - 2**24 - 5000, 0) if lead == "late" else min(lead, length - 1)
    last = 1000 + length - lead  # the step of the end
    operands = {
        "init": mx.array([0.0, 1.0, 0.01]),
        "end": mx.array([1.0, 0.01, 0.2]),
        "length": mx.array([1000, length, 500], mx.uint32),
        "begin": mx.array([0, 1000, min(last + 7000, 2**32 - 2)], mx.uint32),
        "lead": mx.array([0, lead, 0], mx.uint32),
    }
    windows = [0, 1000 - lead + 2**24, 1000 + (length - lead) // 2, last - 2**24, last]
    starts = [min(max(middle - 4000, 0), 2**32 - 12_000) for middle in windows]
    steps = [np.arange(start, start + 12_000).astype(np.uint32) for start in starts]
    for ease in ("cosine", "linear", "geometric"):
        segments = _ext.Segments(["linear", ease, "hold"], operands)
        for step in (*map(mx.array, steps), mx.array(np.concatenate(steps)[RNG.permutation(60_000)])):
            a, b = (_ext.evaluate(step, segments, stream=device) for device in (mx.gpu, mx.cpu))
            assert differing(a, b) == 0


@pytest.mark.parametrize("dtype", ["uint64", "int32", "float32", "bfloat16"])
@pytest.mark.parametrize("columns", [1, 2, 32, 33])
def test_a_few_elements(dtype, columns):
    """One step or one for each group, operands that differ by column, by group, by both or by neither."""
    eases = (["linear", "cosine", "hold"] * columns)[:columns]
    for groups in ((1,), (2,), (64,), (3, 5), (4096,), (4097,)):
        g = int(np.prod(groups))
        ends = mx.array(RNG.uniform(0.1, 1, (columns + 1, *groups)).astype(np.float32))
        ends = ends.astype(getattr(mx, dtype) if dtype in FLOATS else mx.float32)
        begin = mx.array((np.arange(columns) * 3).astype(np.uint32)).reshape(columns, *[1] * len(groups))
        operands = {"init": ends[:-1], "end": ends[1:], "length": mx.full((1, *groups), 3, mx.uint32), "begin": begin}
        apart = {
            **operands,
            "init": mx.contiguous(ends[:-1].T).T,
            "length": mx.arange(1, 2 * g + 1, 2).reshape(1, *groups),
        }
        later = {name: a + mx.zeros(1, a.dtype) for name, a in operands.items()}  # computed: not packed
        for given in (operands, apart, later):
            segments = _ext.Segments(eases, given)
            for step in (0, 2, 3, 4, 50, 300, list(range(g))):
                steps = mx.array(step).astype(getattr(mx, dtype))
                steps = steps.reshape(groups) if isinstance(step, list) else steps
                a, b = (_ext.evaluate(steps, segments, stream=device) for device in (mx.gpu, mx.cpu))
                assert differing(a, b) == 0


@pytest.mark.parametrize(
    ("groups", "steps"), [((), ()), ((), (7,)), ((), (10_000,)), ((2,), ()), ((7,), ()), ((7,), (7,))]
)
def test_packed_numbers_of_schedules_with_the_same_eases(groups, steps):
    """A kernel is kept for later schedules, and where packed numbers lie depends on the number of columns."""
    step = mx.arange(steps[0]) if steps else mx.array(4)
    for eases in (["linear"] * 2, ["linear"] * 3, ["linear"] * 5, ["hold"], ["hold"] * 2, ["hold"] * 4):
        ends = RNG.uniform(0.1, 1, (len(eases) + 1, *groups)).astype(np.float32)
        begin = 3 * np.arange(len(eases), dtype=np.uint32).reshape(-1, *[1] * len(groups))
        length = mx.full((1,) * begin.ndim, 3, mx.uint32)
        shared = {"init": mx.array(ends[:1]), "end": mx.array(ends[1:2]), "length": length}
        apart = {"init": mx.array(ends[:-1]), "end": mx.array(ends[1:]), "length": length, "begin": mx.array(begin)}
        mx.eval(shared, apart)  # numbers that are still being computed are not packed
        for numbers in (shared, apart):
            segments = _ext.Segments(eases, numbers)
            a, b = (_ext.evaluate(step, segments, stream=device) for device in (mx.gpu, mx.cpu))
            assert differing(a, b) == 0


@pytest.mark.parametrize("dtype", STEP_TYPES)
def test_one_segment_whose_numbers_are_passed_by_value(dtype):
    """The host prepares it, for every ease in turn, since kernels are kept for later schedules."""
    for numbers, times in TIMES.items():
        for total in (*times, *([0.3, 2.0**-70] if numbers == "float32" else [2**31 - 1])):
            steps = steps_of(dtype, max(total, 2) * 1.05, 5000)
            few = (steps[4321], steps[1:4], steps[:2], mx.broadcast_to(steps[7], (3, 40)))
            views = (steps, *few, steps[4:], steps[: 4096 + 8], mx.tile(steps, 30))
            for ease, _, parameter in _ext.eases():
                ends = RNG.uniform(0, 1, 2).astype(np.float32) * RNG.choice([1e-38, 1, 1e38], 2).astype(np.float32)
                ends = ends if ease == "geometric" else ends * RNG.choice([-1, 0, 1], 2).astype(np.float32)
                given = {
                    "init": mx.array(ends[:1]),
                    "end": mx.array(ends[1:]),
                    "length": mx.array(np.array([total], numbers)),
                }
                mx.eval(given)
                segments = _ext.Segments([ease], given)
                for view in views if parameter == "none" else views[:3]:
                    a, b = (_ext.evaluate(view, segments, stream=device) for device in (mx.gpu, mx.cpu))
                    assert differing(a, b) == 0, (ease, total, ends)


def test_numbers_that_are_replaced_are_not_passed_by_value():
    """Transformed functions call the op with arrays other than those the schedule was made from."""
    step = mx.arange(10_000)
    with mx.stream(mx.gpu):
        plain, other = (ms.cosine_decay(init, 5000, 0.01)(step) for init in (0.1, 0.2))

        def from_init(init):  # its length and end are packed, its init is not
            return ms.cosine_decay(init, 5000, 0.01)(step)

        values = mx.array([0.1, 0.2])
        for function in (mx.compile(from_init), lambda v: mx.vjp(from_init, [v], [step * 0.0])[0][0]):
            assert mx.array_equal(function(values[0]), plain)
            assert mx.array_equal(function(values[1]), other)
        assert mx.array_equal(mx.vmap(from_init)(values), mx.stack([plain, other]))
        schedule = ms.cosine_decay(0.1, 5000, 0.01)
        assert mx.array_equal(mx.compile(schedule)(step), plain)
        assert mx.array_equal(mx.vmap(schedule)(step.reshape(2, -1)).reshape(-1), plain)
