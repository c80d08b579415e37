"""The op on schedules of random columns: accuracy against 200-bit values, and the same bits however it is called."""

import itertools
from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules import _ext
from numerics import reference
from support.helpers import COMPILED, MOST, differing
from support.random_schedules import ENDLESS, Columns, random_columns, rests, steps_for


def evaluate(step: mx.array, columns: Columns) -> mx.array:
    return _ext.evaluate(step, _ext.Segments(columns.eases, columns.operands, columns.repeat))


def exactly(columns: Columns, name: str, k: int) -> Fraction:
    """Return the exact sum of a number of column k and its rest."""
    total = Fraction(0)
    for part in (name, f"{name}_rest"):
        if part in columns.operands:
            array = columns.operands[part]
            unit = 2**64 if part != name and array.dtype == mx.uint64 else 1
            total += Fraction(array[k].item() if array.ndim else array.item()) / unit
    return total


def right(step: Fraction, columns: Columns) -> tuple[object, float]:
    """Return the value in 200 bits, and the larger endpoint of its column."""
    step = max(step, Fraction(0))
    begins = [exactly(columns, "begin", k) for k in range(len(columns.eases))]
    if columns.repeat is not None and step >= begins[columns.repeat]:
        step = begins[columns.repeat] + (step - begins[columns.repeat]) % exactly(columns, "period", 0)
    k = max([0, *(k for k, begin in enumerate(begins) if step >= begin)])
    ends = [float(exactly(columns, name, k)) for name in ("init", "end")]
    length, n = exactly(columns, "length", k), max(step - begins[k], Fraction(0)) + exactly(columns, "lead", k)
    if length <= 0:
        return reference.mp.mpf(ends[1]), abs(ends[1])
    mp = reference.mp
    numbers = [mp.mpf(x.numerator) / x.denominator for x in (n, length)]
    value = reference.value(columns.eases[k], *numbers, *ends, float(exactly(columns, "parameter", k)))
    return value, 0.0 if columns.eases[k] in ENDLESS else max(map(abs, ends))


def close(y: float, value: reference.mp.mpf, larger: float) -> bool:
    """Tell whether y is within 0.51 ULP of the larger endpoint, or within 8 ULP if it comes from MLX's own ops."""
    if abs(value) > np.finfo(np.float32).max:
        return np.isinf(y)
    unit = np.spacing(np.float32(max(larger, abs(float(value)), 2.0**-100)))
    return abs(float(value - y)) <= (0.51 if COMPILED else MOST) * float(unit)


@pytest.mark.parametrize("dtype", ["uint32", "int64", "float32"])
def test_float32_is_within_051_ulp_of_the_larger_end_and_mlxs_own_ops_within_8(dtype):
    """MLX's own ops hold a number of steps in 48 bits. Where a jump depends on more, either side of it is right."""
    for seed in range(60):
        columns = random_columns(seed)
        step = steps_for(
            np.random.default_rng(seed), dtype, (60,), min(columns.reach, 2**46), columns.operands["begin"]
        )
        for x, y in zip(step.tolist(), evaluate(step, columns).tolist(), strict=True):
            if not np.isfinite(x):
                continue
            if columns.repeat is not None and x >= (
                2**40 if COMPILED else 2**24
            ):  # as many steps as pairs can hold with a fractional period
                continue
            at = [Fraction(x)] if COMPILED else [Fraction(x) * (1 + Fraction(k, 2**46)) for k in (0, 1, -1)]
            assert any(close(y, *right(step, columns)) for step in at), (seed, x, y, columns)


@pytest.mark.usefixtures("cpu_only")
def test_float64_is_within_1_ulp_of_the_larger_end_and_mlxs_own_ops_within_8():
    for seed in range(60):
        columns = random_columns(seed, "float64")
        steps = np.random.default_rng(seed).uniform(0, 1.5 * min(columns.reach, 2**30), 40)
        for x, y in zip(steps.tolist(), evaluate(mx.array(steps.tolist(), mx.float64), columns).tolist(), strict=True):
            value, larger = right(Fraction(x), columns)
            unit = np.spacing(max(larger, abs(float(value)), 2.0**-900))
            assert abs(float(value - y)) <= (1 if COMPILED else MOST) * unit, (seed, x, y, value, columns)


@pytest.mark.extension
@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64", "int16", "float16", "bfloat16", "float32"])
def test_the_same_bits_one_by_one_in_any_order_and_beside_other_groups(dtype):
    for seed in range(20):
        groups = random_columns(seed, "float32", (5,))
        random = np.random.default_rng(seed)
        step = steps_for(random, dtype, (600,), groups.reach, groups.operands["begin"])
        together = evaluate(step[:, None], groups)
        order = mx.array(random.permutation(600))
        assert differing(evaluate(step[order][:, None], groups), together[order]) == 0
        for i in range(5):
            own = Columns(groups.eases, {k: v[..., i] for k, v in groups.operands.items()}, groups.repeat, groups.reach)
            assert differing(evaluate(step, own), together[:, i]) == 0, (seed, i, own)
            alone = mx.stack([evaluate(step[j], own) for j in range(0, 600, 97)])
            assert differing(alone, together[::97, i]) == 0


@pytest.mark.extension
@pytest.mark.parametrize("dtype", ["uint16", "uint64", "int32", "int64", "float32"])
def test_every_type_of_steps_gives_the_same_bits(dtype):
    for seed in range(40):
        columns = random_columns(seed)
        step = mx.array(np.random.default_rng(seed).integers(0, int(min(columns.reach * 1.5, 2**15)), 500))
        expected = evaluate(step.astype(mx.uint32), columns)
        assert differing(evaluate(step.astype(getattr(mx, dtype)), columns), expected) == 0, (seed, columns)


@pytest.mark.extension
@pytest.mark.parametrize("dtype", ["uint32", "int32", "float32"])
def test_the_output_may_take_the_steps_memory(dtype):
    for seed in range(20):
        columns = random_columns(seed)
        step = steps_for(np.random.default_rng(seed), dtype, (5000,), columns.reach, columns.operands["begin"])
        expected = evaluate(step, columns)
        mx.eval(expected)
        donated = evaluate(mx.contiguous(step) + mx.array(0, step.dtype), columns)
        assert differing(donated, expected) == 0, (seed, columns)


@pytest.mark.parametrize("ease", ENDLESS)
def test_a_lead_added_to_the_largest_steps_does_not_overflow(ease):
    shape = mx.array(0.5 if ease == "inverse_power" else -1e-4)
    operands = {"init": mx.array(0.7), "end": mx.array(0.7), "length": mx.array(115927), "begin": mx.array(0)}
    segments = _ext.Segments([ease], {**operands, "parameter": shape, "lead": mx.array(2**31 - 1)})
    largest = mx.array([2**32 - 1, 3 * 2**30, 2**31, 3], mx.uint32)
    values = _ext.evaluate(largest, segments)
    assert differing(values, _ext.evaluate(largest.astype(mx.uint64), segments)) == 0
    assert len(set(values.tolist())) == 4


@pytest.mark.parametrize("begin", [29335712.25, 29335713.75, 100.3, 2**40 + 0.5])
@pytest.mark.parametrize("repeats", [False, True])
def test_a_single_step_is_in_the_same_column_as_among_others(begin, repeats):
    """If a begin is no float, its high part doesn't tell whether a step has reached it."""
    whole = mx.array([0, int(begin)], mx.uint64)
    operands = {"init": mx.array([1.0, 0.25]), "end": mx.array([0.5, 0.125]), "length": mx.array([100.0, 100.0])}
    operands |= {"begin": whole, "begin_rest": rests(np.array([0.0, begin % 1]), whole, "float32")}
    if repeats:
        operands |= {"period": mx.array(2.0**20), "period_rest": mx.array(0.25)}
    segments = _ext.Segments(["hold", "hold"], operands, 0 if repeats else None)
    step = int(begin) + mx.arange(-6, 7).astype(mx.int64)
    for steps in (step.astype(mx.float32), step):
        together = _ext.evaluate(steps, segments)
        assert [_ext.evaluate(one, segments).item() for one in steps] == together.tolist()
        if not repeats:
            assert together.tolist() == [1.0 if x < begin else 0.25 for x in steps.tolist()]


@pytest.mark.extension
@pytest.mark.parametrize(
    ("dtype", "first"),
    [*itertools.product([mx.uint32, mx.int32], [0, 500, 2900, 2**31 - 2500]), (mx.int32, -700)],
)
@pytest.mark.parametrize("kept", [True, False])
def test_long_runs_have_the_bits_of_short_ones(dtype, first, kept):
    """Runs of 1024 steps are evaluated at once if they are all in one column."""
    whole = ms.join_schedules([ms.linear_schedule(0.0, 1.0, 1000), ms.cosine_decay(0.5, 2**31)], [1000])
    for schedule in (whole, ms.linear_schedule(0.1, 0.7, 3000), ms.cosine_decay(1.0, 9000).shift(10)):
        steps = (mx.arange(4999) + mx.array(first, mx.int64)).astype(dtype)
        short = mx.concatenate([schedule(part) for part in mx.split(steps, range(15, 4999, 15))])
        if kept:
            mx.eval(steps)
        else:  # the output takes over the steps' memory
            steps = (mx.arange(4999) + mx.array(first, mx.int64)).astype(dtype)
        assert differing(schedule(steps), short) == 0


def test_boundaries_are_exact_beyond_float32():
    begin = 2**40 + 1
    operands = {
        "init": mx.array([1.0, 3.0]),
        "end": mx.array([2.0, 4.0]),
        "length": mx.array([begin, 7], mx.uint64),
        "begin": mx.array([0, begin], mx.uint64),
    }
    columns = Columns(["linear", "cosine"], operands, None, 0)
    around = mx.array(np.array([0, begin - 1, begin, begin + 1, begin + 7, 2**63], np.uint64))
    values = evaluate(around, columns).tolist()
    assert values[0] == 1.0
    assert 1.999 < values[1] <= 2.0
    assert values[2] == 3.0
    assert 3.0 < values[3] < 4.0
    assert values[4:] == [4.0, 4.0]


@pytest.mark.extension
def test_hundreds_of_columns():
    n = 500
    holds = {"init": mx.arange(n) / 8, "end": mx.arange(n) / 8, "length": mx.array(1), "begin": mx.arange(n) * 10}
    segments = _ext.Segments(["hold"] * n, {**holds, "length": mx.array([1])})
    step = mx.array(np.random.default_rng(0).integers(0, 6000, 20_000))
    assert mx.array_equal(_ext.evaluate(step, segments), mx.minimum(step // 10, n - 1) / 8)


@pytest.mark.extension
def test_what_the_op_refuses():
    good = {"init": mx.array(1.0), "end": mx.array(0.0), "length": mx.array(5)}
    with pytest.raises(ValueError, match="no ease 'ramp'"):
        _ext.Segments(["ramp"], good)
    with pytest.raises(ValueError, match="length is missing"):
        _ext.Segments(["linear"], {"init": good["init"], "end": good["end"]})
    with pytest.raises(ValueError, match="unknown name"):
        _ext.Segments(["linear"], {**good, "time": mx.array(1)})
    with pytest.raises(ValueError, match="repeat must be one of them"):
        _ext.Segments(["linear"], good, 0)
    with pytest.raises(ValueError, match="do not broadcast"):
        _ext.evaluate(mx.arange(3), _ext.Segments(["linear"], {**good, "init": mx.ones((2,))}))
    with pytest.raises(TypeError, match="real"):
        _ext.evaluate(mx.array(1j), _ext.Segments(["linear"], good))
