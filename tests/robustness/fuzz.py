"""Fuzz the op and the schedule with random shapes, strides, dtypes, NaN, infinities and objects that are no numbers.

    python tests/robustness/fuzz.py --cases 1000000 [--seed 0]

Every case has its own seed, so a failure can be repeated with ``--seed <seed> --cases 1``. Results for valid operands
are compared with the formula in NumPy's float64. Invalid operands must raise TypeError or ValueError, and nothing may
crash. The script prints what it tried, or stops at the first difference.
"""

import argparse
import collections
import decimal
import pathlib
import sys
import time

import mlx.core as mx
import numpy as np

import mlx_schedules as ms
from mlx_schedules import _ext

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from support.helpers import differing
from support.random_schedules import random_columns, steps_for

INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]
FLOATS = [np.dtype(np.float16), np.dtype(np.float32)]
TIMES = [1, 2, 3, 7, 10, 100, 255, 256, 1000, 65535, 2**24 - 1, 2**24 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -1.0, 1e-45, 3e38, -3e38]
ROUNDING = {mx.float16: 2.0**-11, mx.bfloat16: 2.0**-8, mx.float32: 2.0**-24}
TINY = {mx.float16: 2.0**-24, mx.bfloat16: 2.0**-133, mx.float32: 2.0**-149}


class Odd:
    def __float__(self):
        return 1.0


class Lying:
    """An object that claims to be an array."""

    shape, dtype = (2,), "float32"

    def tolist(self):
        return "not a list"


class Raising:
    def __array__(self, *_, **__):
        raise RuntimeError("no array")

    def __getattr__(self, name):
        raise AttributeError(name)


WEIRD = [
    *(None, "", "0.1", b"1", 1j, ..., NotImplemented, Exception(), lambda: 1),
    *(object(), Odd(), Lying(), Raising(), {}, {"a": 1}, set(), slice(1), iter([1]), int, float, range),
    *([None], [[1], [1, 2]], [1, [2]], ["a"], [1j], [[[[]], 1]], decimal.Decimal(1)),
    *(mx.array(1j), mx.array([1 + 2j]), mx.float32, mx.cpu),
    *(np.array(["a"]), np.array([1j]), np.array([None]), np.array("2020", "M8[D]"), np.zeros(2, [("a", "f4")])),
]
REFUSED_FOR_HYPERPARAMETERS = [True, False, [True], np.array([True]), float("nan"), float("inf"), [1.0, float("nan")]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    mx.set_default_device(mx.cpu)
    tried, start = collections.Counter(), time.monotonic()
    for seed in range(args.seed, args.seed + args.cases):
        rng = np.random.default_rng(seed)
        case = CASES[rng.integers(len(CASES))]
        try:
            tried[case(rng)] += 1
        except Exception as error:
            print(f"seed {seed}: {case.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
            raise
    parts = ", ".join(f"{count} {kind}" for kind, count in tried.most_common())
    print(f"{args.cases} cases in {time.monotonic() - start:.0f} s, no crash and no difference: {parts}")
    return 0


# ---- Operands ----------------------------------------------------------------------------------------------------


def some_shape(rng):
    return tuple(
        int(n) for n in rng.choice([0, 1, 1, 2, 3, 5, 17], rng.integers(0, 4), p=[0.03, 0.2, 0.2, 0.2, 0.2, 0.12, 0.05])
    )


def part_of(rng, shape):
    """Return a shape that broadcasts to `shape`."""
    own = [n if rng.random() < 0.7 else 1 for n in shape]
    return tuple(own[rng.integers(0, len(own) + 1) :])


def steps(rng, shape, dtype, total):
    if dtype.kind in "iu":
        top = np.iinfo(dtype)
        around = rng.integers(-2, 3, shape) + rng.choice([0, total // 2, total], shape)
        wide = rng.integers(top.min, top.max, shape, dtype=dtype, endpoint=True)
        chosen = np.where(rng.random(shape) < 0.7, np.clip(around, top.min, min(top.max, 2**63 - 1)), 0).astype(dtype)
        return np.where(rng.random(shape) < 0.8, chosen, wide).astype(dtype)
    with np.errstate(over="ignore"):
        values = rng.uniform(-0.2, 1.2, shape) * total
        return np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, shape), values).astype(dtype)


def with_strides(rng, values):
    """Return an MLX array with a random memory layout, and its values."""
    array = mx.array(values)
    kind = rng.integers(6)
    if values.ndim and kind == 1:
        return array[..., ::-1], values[..., ::-1]
    if values.ndim and kind == 2:
        return mx.repeat(array, 2, axis=-1)[..., ::2], values
    if values.ndim >= 2 and kind == 3:
        return array.T, values.T
    if values.ndim and kind == 4 and values.shape[0] == 1:
        return mx.broadcast_to(array, (3, *values.shape[1:])), np.broadcast_to(values, (3, *values.shape[1:]))
    if values.ndim and kind == 5:
        return mx.concatenate([array, array])[values.shape[0] :], values
    return array, values


def hyperparameter(rng, values):
    """Return numbers as users pass them: an MLX array, a NumPy array, lists or a number."""
    kind = rng.integers(3)
    if kind == 0:
        return mx.array(values)
    return values if kind == 1 or 0 in values.shape else values.tolist()  # no list has the shape (0, 2)


# ---- Cases, each of which returns what it tried ---------------------------------------------------------------------


def the_op(rng):
    shape, total = some_shape(rng), int(rng.choice(TIMES))
    dtype = (INTEGERS + FLOATS)[rng.integers(10)]
    step, step_values = with_strides(rng, steps(rng, shape, dtype, total))
    half = dtype == np.float16
    times = rng.choice([1, 2, 10, total], part_of(rng, step_values.shape)).astype(np.uint64)
    scale = 100.0 if half else 10.0 ** rng.integers(-8, 9)
    init = (rng.uniform(0, 1, part_of(rng, step_values.shape)) * scale).astype(np.float32)
    end = (rng.choice([0.0, 0.1], part_of(rng, step_values.shape)) * scale).astype(np.float32)
    operands = [hyperparameter(rng, x) for x in (init, times, end)]
    result = ms.fast.cosine_decay(step, *operands)
    compare(result, step_values, init, times, end)
    return "ops"


def the_schedule(rng):
    groups, total = some_shape(rng)[:2], int(rng.choice(TIMES))
    dtype = (INTEGERS + FLOATS)[rng.integers(10)]
    init, end = (rng.uniform(0, 1, part_of(rng, groups)).astype(np.float32) for _ in range(2))
    times = rng.choice([1, 5, total], part_of(rng, groups)).astype(np.int64)
    schedule = ms.cosine_decay(*(hyperparameter(rng, x) for x in (init, times, end)))
    step, values = with_strides(rng, steps(rng, some_shape(rng)[:2], dtype, total))
    values = values.reshape(values.shape + (1,) * len(schedule.shape))
    compare(schedule(step), values, init, times, end)
    return "schedules"


def transformed(rng):
    total = int(rng.choice(TIMES[:12]))
    step = mx.array(steps(rng, (int(rng.integers(1, 9)),), np.dtype(np.float32), total))
    init = mx.array(rng.uniform(0, 1, step.shape).astype(np.float32))
    kind = rng.integers(3)
    if kind == 0:
        plain, again = (
            ms.fast.cosine_decay(step, init, total),
            mx.vmap(lambda s, a: ms.fast.cosine_decay(s, a, total))(step, init),
        )
        assert np.array_equal(np.array(plain), np.array(again), equal_nan=True)
        return "under vmap"
    slope = mx.grad(lambda a: ms.fast.cosine_decay(step, a, total, end=0.25).sum())(init)
    one = ms.fast.cosine_decay(step, 1.0, total)
    assert np.allclose(np.array(slope), np.array(one), rtol=2e-6, atol=0, equal_nan=True)
    return "gradients"


def columns(rng):
    """For random columns, one step among many, and one group among others, must have the bits it has alone."""
    groups = [(), (int(rng.integers(1, 6)),), (2, 3)][rng.integers(3)]
    schedule = random_columns(int(rng.integers(2**31)), ["float32", "float64"][rng.integers(2)], groups)
    segments = _ext.Segments(schedule.eases, schedule.operands, schedule.repeat)
    dtype = str((INTEGERS + FLOATS)[rng.integers(10)])
    near = schedule.operands["begin"].astype(mx.float32)
    values = steps_for(rng, dtype, (int(rng.integers(1, 400)),), schedule.reach, near)
    step = mx.contiguous(mx.repeat(values, 2))[::2] if rng.integers(2) else values
    together = _ext.evaluate(mx.expand_dims(step, tuple(range(-len(groups), 0))) if groups else step, segments)
    i = int(rng.integers(step.size))
    assert differing(_ext.evaluate(step[i], segments), together[i]) == 0, (schedule, step[i])
    if groups:
        group = tuple(int(rng.integers(n)) for n in groups)
        own = {name: array[(..., *group)] for name, array in schedule.operands.items()}
        alone = _ext.evaluate(step, _ext.Segments(schedule.eases, own, schedule.repeat))
        assert differing(alone, together[(..., *group)]) == 0, (schedule, group)
    return "schedules of columns"


def times_that_have_ended(rng):
    """MLX arrays aren't validated. T <= 0 and NaN must not crash, and must give the end or NaN."""
    shape = (int(rng.integers(0, 6)),)
    times = mx.array(rng.choice([0, -1, -(2**31), 1], shape).astype(np.int32))
    if rng.random() < 0.5:
        times = mx.array(rng.choice([0.0, -1.0, np.nan, np.inf, -np.inf, 0.5, 1e-45], shape).astype(np.float32))
    result = ms.fast.cosine_decay(mx.array(steps(rng, shape, np.dtype(np.int32), 2)), 1.0, times, 0.25)
    values = np.array(result)
    ended = np.array(times) <= 0
    assert np.all(values[ended] == 0.25), (times, result)
    return "traps tried"


def something_weird(rng):
    operands = [mx.arange(3), 0.5, 10, 0.0]
    at = rng.integers(4)
    bad = WEIRD + (REFUSED_FOR_HYPERPARAMETERS if at else [])
    operands[at] = bad[rng.integers(len(bad))]
    if rng.random() < 0.3:
        operands[rng.integers(4)] = WEIRD[rng.integers(len(WEIRD))]
    try:
        if rng.random() < 0.5:
            mx.eval(ms.fast.cosine_decay(*operands))
        else:
            mx.eval(ms.cosine_decay(*operands[1:])(operands[0]))
    except (TypeError, ValueError):
        return "refused"
    raise AssertionError(f"accepted {operands!r}")


def shapes_that_do_not_fit(rng):
    shapes = [(2, 3), (4,), (2,), (5, 1, 2)]
    rng.shuffle(shapes)
    operands = [np.ones(shape) for shape in shapes]
    try:
        ms.fast.cosine_decay(*operands)
    except ValueError:
        return "refused"
    raise AssertionError(f"accepted {shapes}")


# ---- The formula in float64 -----------------------------------------------------------------------------------------


def compare(result, step, init, times, end):
    shape = np.broadcast_shapes(step.shape, init.shape, times.shape, end.shape)
    assert result.shape == shape, (result.shape, shape)
    values = np.array(result.astype(mx.float32)).astype(np.float64)
    rounding, tiny = ROUNDING[result.dtype], TINY[result.dtype]
    init, end = (np.asarray(x, np.float64) for x in (init, end))
    if step.dtype.kind == "f":
        step, left = step.astype(np.float64), times.astype(np.float64)
        with np.errstate(invalid="ignore"):
            s = np.clip(step, 0, left)
            n = np.minimum(s, left - s)
    else:  # whole numbers are exact in integers
        positive = np.where(step > 0, step, 0).astype(np.uint64)
        s = np.minimum(positive, times.astype(np.uint64))
        left = times.astype(np.uint64)
        n = np.minimum(s, left - s)
    first = np.less_equal(s, left - s)
    with np.errstate(invalid="ignore"):
        weight = np.sin(np.pi / 2 * (n.astype(np.float64) / left.astype(np.float64))) ** 2
        expected = np.where(first, init - (init - end) * weight, end + (init - end) * weight)
    expected = np.broadcast_to(expected, shape)
    error = np.abs(values - expected)
    # 0.51 ULP in the precision of the result, to which the operands are rounded first
    bound = 1.05 * rounding * np.abs(expected) + tiny
    bound = bound + rounding * np.broadcast_to(np.maximum(np.abs(init), np.abs(end)), shape)
    wrong = ~((error <= bound) | (np.isnan(values) & np.isnan(expected)))
    if wrong.any():
        i = tuple(np.argwhere(wrong)[0].tolist())
        raise AssertionError(f"{result.dtype} at {i}: {values[i]}, expected {expected[i]}, within {bound[i]}")


CASES = [
    the_op,
    the_op,
    the_op,
    the_schedule,
    the_schedule,
    columns,
    columns,
    columns,
    transformed,
    times_that_have_ended,
    something_weird,
    shapes_that_do_not_fit,
]

if __name__ == "__main__":
    raise SystemExit(main())
