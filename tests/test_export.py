"""mx.export_function within ms.exporting(), where schedules are graphs of MLX's own ops."""

import math
import threading
from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules import _ext
from numerics import reference, search
from support.helpers import primitives

SCHEDULES = [
    ms.cosine_decay(0.1, 1000, 0.01),
    ms.cosine_decay([0.1, 1e-3], [1000, 2**33], end=[0.0, 1e-4]),
    ms.cosine_decay(0.1, 10.5),
    ms.cosine_decay(mx.array(0.1, mx.float16), 100),
]


def close(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    rtol = 1e-6 if a.dtype == mx.float32 else 1e-2
    np.testing.assert_allclose(np.array(a.astype(mx.float32)), np.array(b.astype(mx.float32)), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("dtype", [mx.bool_, mx.uint8, mx.int32, mx.int64, mx.uint64, mx.float16, mx.float32])
def test_export_import_gives_the_same_values(schedule, dtype, tmp_path):
    path = str(tmp_path / "rate.mlxfn")
    steps = mx.array([0, 1, 5, 10, 11, 99, 100, 127]).astype(dtype)
    with ms.exporting():
        mx.export_function(path, schedule, steps)
    (imported,) = mx.import_function(path)(steps)
    close(imported, schedule(steps))


COMPOSED = {
    "stack": ms.stack([ms.linear_schedule(1.0, 0.0, 10), ms.cosine_decay(1.0, 10), ms.constant(0.5)]),
    "stack of a repeat": ms.stack([ms.cosine_decay(1.0, 10).repeat(10), ms.exponential_decay(1.0, 0.99)]),
    "growing restarts": ms.cosine_decay(1.0, 10).repeat(10, period_factor=2),
    "groups": ms.warmup_cosine(1.0, 100, warmup=[0, 10]),
    "never": ms.join_schedules([ms.cosine_decay(1.0, 10), ms.constant(0.5)], [2**63]),
    "fractions": ms.linear_schedule(1.0, 0.0, Fraction(10, 3)).repeat(Fraction(10, 3)),
    "every ease": ms.join_schedules(
        [
            ms.linear_schedule(0.0, 1.0, 10),
            ms.polynomial_decay(1.0, 10, power=1.5),
            ms.step_decay(1.0, 0.9, 3),
            ms.inverse_sqrt_decay(1.0, 10),
            ms.exponential_decay(1.0, 0.9),
        ],
        [10, 20, 30, 40],
    ),
}


@pytest.mark.parametrize("schedule", COMPOSED.values(), ids=COMPOSED)
@pytest.mark.parametrize("dtype", [mx.uint8, mx.int64, mx.uint64, mx.float32])
def test_composed_schedules_can_be_saved(schedule, dtype, tmp_path):
    path, steps = str(tmp_path / "rate.mlxfn"), mx.arange(0, 120, 3).astype(dtype)
    with ms.exporting():
        mx.export_function(path, schedule, steps)
    (imported,) = mx.import_function(path)(steps)
    np.testing.assert_allclose(np.array(imported), np.array(schedule(steps)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("total", [10**6, 2**33 + 1])  # float32 can't hold the steps of the second
def test_the_last_steps_survive_export(total, tmp_path):
    schedule, steps = ms.cosine_decay(1.0, total), mx.arange(102, dtype=mx.int64) + (total - 100)
    with ms.exporting():
        mx.export_function(str(tmp_path / "f.mlxfn"), schedule, steps)
    (imported,) = mx.import_function(str(tmp_path / "f.mlxfn"))(steps)
    close(imported, schedule(steps))
    assert imported[-2:].tolist() == [0.0, 0.0]


def test_a_whole_training_step_exports(tmp_path):
    rates = ms.cosine_decay([0.1, 0.2], 100)

    def step(count, w, x):
        gradient = mx.grad(lambda w: ((w * x) ** 2).sum())(w)
        return count + 1, w - rates(count)[:, None] * gradient

    arguments = mx.array(7, mx.uint64), mx.ones((2, 3)), mx.arange(6).reshape(2, 3) / 6
    with ms.exporting():
        mx.export_function(str(tmp_path / "f.mlxfn"), step, *arguments)
    imported = mx.import_function(str(tmp_path / "f.mlxfn"))(*arguments)
    for a, b in zip(imported, step(*arguments), strict=True):
        assert mx.allclose(a, b, rtol=1e-6)


def test_edges_of_the_exported_graph():
    schedule = ms.cosine_decay(0.5, 100, 0.1)
    inside = []
    steps = [-(2**70), -5, -0.5, 0, 100, 101, 2**64 - 1, 1e30, float("inf"), float("-inf"), float("nan")]
    with ms.exporting():
        inside = [schedule(s).item() for s in steps]
        for time in (0, -3, 0.0, -2.5):
            assert ms.fast.cosine_decay(mx.array([1, 2]), 1.0, mx.array(time), 0.25).tolist() == [0.25, 0.25]
        gradient = mx.grad(lambda s: schedule(s))(mx.array(50.0))
        assert schedule.shift(100)(2**64 - 1).item() == pytest.approx(0.1)
    np.testing.assert_array_equal(inside, [schedule(s).item() for s in steps])
    assert gradient.item() == pytest.approx(mx.grad(lambda s: schedule(s))(mx.array(50.0)).item(), rel=1e-5)


@pytest.mark.extension
def test_exporting_nests_ends_with_an_error_and_is_the_threads_own():
    schedule = ms.cosine_decay(0.1, 10)
    assert "Schedule" in primitives(schedule(3))
    with ms.exporting():
        with ms.exporting():
            assert "Schedule" not in primitives(schedule(3))
        assert "Schedule" not in primitives(schedule(3))
        seen = []
        thread = threading.Thread(target=lambda: seen.append("Schedule" in primitives(schedule(3))))
        thread.start()
        thread.join()
        assert seen == [True]
    with pytest.raises(KeyError), ms.exporting():
        raise KeyError
    assert "Schedule" in primitives(schedule(3))


@pytest.mark.extension
def test_without_exporting_the_error_is_mlxs_own(tmp_path):
    with pytest.raises(Exception, match="Schedule"):
        mx.export_function(str(tmp_path / "f.mlxfn"), ms.cosine_decay(0.1, 10), mx.array(0))


def exported(*operands):
    with ms.exporting():
        return ms.fast.cosine_decay(*operands)


def within(function, *arguments):
    with ms.exporting():
        return function(*arguments)


# ---- The accuracy that exporting() states

KINDS = {"whole": {}, "fractional": {"real": True}, "opposite signs": {"opposite": True}}
# The values of an ease that multiplies have the sign of its endpoints, so there are no opposite signs.
CASES = [(e, k) for e in reference.NAMES for k in KINDS if k != "opposite signs" or e not in reference.MULTIPLY]


def errors_of(ease, points, opposite):
    """Return errors in ULP, which are those of the larger endpoint if the endpoints have opposite signs."""
    dtype = mx.float32 if points.init.dtype == np.float32 else mx.float64
    step, length, init, end, parameter, rest = (
        mx.array(x) if x.dtype.kind == "u" else mx.array(x.tolist(), dtype) for x in points
    )
    operands = {"init": init, "end": end, "length": length, "parameter": parameter, "parameter_rest": rest}
    results = np.array(within(_ext.evaluate, step, _ext.Segments([ease], operands)))
    name = points.init.dtype.name
    whole = points.step.dtype.kind == "u"
    for k in range(len(results)):
        n, t = (int(x[k]) if whole else float(x[k]) for x in points[:2])
        held = reference.mp.mpf(float(points.high[k])) + float(points.low[k])
        right = reference.value(ease, n, t, float(points.init[k]), float(points.end[k]), held, name)
        size = max(abs(points.init[k]), abs(points.end[k])) if opposite else float(abs(right))
        if 2.0**-94 < size < 2.0**127 or right == results[k] == 0:
            yield float(abs(right - float(results[k]))) / float(np.spacing(points.init.dtype.type(size)))


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("ease", "kind"), CASES)
def test_graphs_of_every_ease_are_as_exact_as_stated(ease, kind, dtype):
    found = search.points(ease, 1000, 7, dtype=dtype, **KINDS[kind])
    errors = list(errors_of(ease, found, kind == "opposite signs"))
    assert len(errors) > 600
    assert max(errors) <= getattr(search.graph_bounds()[ease], np.dtype(dtype).name)


LARGE = {mx.float32: (1e-36, 1e36), mx.float64: (1e-290, 1e300)}
WIDE = {  # schedules over nearly all of a float's range, where exponents are largest; and over how many steps
    "falls": (lambda low, high: ms.exponential_decay(high, 0.9999), -1 / math.log(0.9999)),
    "falls fast": (lambda low, high: ms.exponential_decay(high, 0.7), -1 / math.log(0.7)),
    "grows": (lambda low, high: ms.exponential_decay(low, 1.001), 1 / math.log(1.001)),
    "falls by steps": (lambda low, high: ms.step_decay(high, 0.37, 1000), -1000 / math.log(0.37)),
    "geometric": (lambda low, high: lambda n: ms.fast.evaluate(n, ["geometric"], [low], [high], [10**6]), None),
}


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("dtype", [mx.float32, mx.float64], ids=str)
def test_graphs_are_exact_over_the_range_of_floats(name, dtype):
    low, high = LARGE[dtype]
    make, steps = WIDE[name]
    schedule = make(mx.array(low, dtype), mx.array(high, dtype))
    last = steps * (math.log(high) - math.log(low)) if steps else 10**6
    held = mx.array(np.linspace(0, int(last), 301).astype(np.int64))
    got, own = np.array(within(schedule, held)), np.array(schedule(held))  # `own` is right to 0.51 or 1 ULP
    assert got.dtype == own.dtype == (np.float32 if dtype == mx.float32 else np.float64)
    assert abs(math.log10(own[0]) - math.log10(own[-1])) > (70 if dtype == mx.float32 else 580)
    assert (np.abs(got - own) <= 2 * np.spacing(own)).all()


# ---- Steps are counted exactly


def test_graphs_count_stairs_in_integers():
    schedule, steps = ms.step_decay(1.0, 0.5, 2**25), mx.array([2**25 - 1, 2**25, 2**26 - 1, 2**26])
    assert within(schedule, steps).tolist() == [1.0, 0.5, 0.5, 0.25]
    gradient = mx.grad(lambda init: ms.step_decay(init, 0.5, 2**25)(mx.array(2**25 - 1, mx.int64)))(mx.array(1.0))
    assert gradient.item() == 1.0


@pytest.mark.parametrize("dtype", [mx.int64, mx.uint64, mx.float32])
@pytest.mark.parametrize("period", [100, 100.5, 0.75])
def test_graphs_fold_periods_exactly_at_large_steps(period, dtype):
    schedule = ms.linear_schedule(1.0, 0.0, period).repeat(period)
    steps = mx.array([0, 3, 100, 201, 10**6 + 1, 10**9 + 3, 2**40 + 7], mx.int64).astype(dtype)
    exact = [int(x) % Fraction(period) for x in steps.tolist()]
    right = [float(1 - n / Fraction(period)) for n in exact]
    np.testing.assert_allclose(np.array(within(schedule, steps)), right, rtol=3e-7)
    slope = mx.grad(lambda x: schedule(x).sum())(mx.array([3.25, 2.0**20 + 1]))
    np.testing.assert_allclose(np.array(slope), -1 / period, rtol=1e-6)


@pytest.mark.parametrize("length", [Fraction(10, 3), Fraction(7, 3), Fraction(22, 7), Fraction(1, 3), 2.5, 0.7])
def test_graphs_are_over_at_the_whole_step_at_which_fractional_lengths_end(length):
    """From 48 bits rounded to nearest, a cycle of 10/3 steps would still go on at step 10."""
    steps = mx.arange(4000)
    for schedule in (ms.linear_schedule(1.0, 0.0, length).repeat(length), ms.step_decay(1.0, 0.999, length)):
        with ms.exporting():
            values = schedule(steps)
        np.testing.assert_allclose(np.array(values), np.array(schedule(steps)), rtol=1e-6, atol=1e-6)


def test_segments_begin_exactly_in_graphs_that_fold_fractional_periods():
    boundaries = [420526, 898909, 1328751, 1685539]
    schedule = ms.join_schedules([ms.constant(float(k)) for k in range(5)], boundaries).repeat(1788315.3)
    steps = mx.array([b + k for b in boundaries for k in (-1, 0)])
    for dtype in (mx.int64, mx.float32):
        assert within(schedule, steps.astype(dtype)).tolist() == [0, 1, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize("begin", [20000001, 2**40 - 1, 20000000.5])
@pytest.mark.parametrize("dtype", [mx.int64, mx.uint64, mx.float32], ids=str)
def test_segments_begin_in_graphs_at_the_step_at_which_they_begin_in_kernels(begin, dtype):
    schedule = ms.join_schedules([ms.constant(1.0), ms.constant(2.0)], [begin])
    steps = mx.array([int(begin) + k * 2**16 for k in (-1, 0, 1)] + [int(begin) + k for k in (-1, 0, 1, 2)], mx.int64)
    steps = steps.astype(dtype)
    expected = [1.0 + (step >= begin) for step in steps.tolist()]
    assert within(schedule, steps).tolist() == schedule(steps).tolist() == expected


def test_negative_steps_in_graphs_are_where_step_0_is():
    values = mx.array([1.0, 2.0])
    operands = {"init": values, "end": values, "length": mx.array([0, 5]), "begin": mx.array([0, 0])}
    segments = _ext.Segments(["hold", "hold"], operands)
    assert within(_ext.evaluate, mx.array([-8.5, -1.0, -0.0, 0.0, 1.0]), segments).tolist() == [2.0] * 5


@pytest.mark.parametrize("dtype", [mx.int32, mx.float32], ids=str)
def test_negative_leads_in_graphs_count_as_0(dtype):
    def value(step):
        return ms.fast.evaluate(step, ["linear"], [0.0], [1.0], [10], lead=[mx.array(-5).astype(dtype)])

    assert within(value, mx.arange(4)).tolist() == pytest.approx(value(mx.arange(4)).tolist(), rel=1e-6)


def test_graphs_of_geometric_segments_whose_ratio_is_no_float():
    schedule = ms.warmup_stable_decay(1e-20, 1000, decay=1000, tail="exponential", end=1e20)
    steps = mx.array([0, 1, 500, 999, 1000])
    np.testing.assert_allclose(np.array(within(schedule, steps)), np.array(schedule(steps)), rtol=3e-7)


@pytest.mark.parametrize("rate", [1.01, 0.99, 0.4, 1e-3, 1e-8, 1e-20])
@pytest.mark.parametrize("make", [ms.step_decay, ms.exponential_decay], ids=lambda f: f.__name__)
def test_graphs_of_rates_that_are_traced(make, rate):
    rate, more = mx.array(rate), [7] if make is ms.step_decay else []
    own = make(1.0, rate, *more)(mx.arange(20))
    got = within(mx.vmap(lambda r: make(1.0, r, *more)(mx.arange(20))), rate[None])[0]
    normal = np.array(own) > 2.0**-126
    np.testing.assert_allclose(np.array(got)[normal], np.array(own)[normal], rtol=2.5e-7)
    assert np.isfinite(np.array(got)).all()


def test_steps_at_infinity_in_graphs():
    decays = ms.exponential_decay(1.0, 0.9), ms.step_decay(1.0, 0.5, 3), ms.inverse_sqrt_decay(1.0, 10)
    for decay in (*decays, ms.polynomial_decay(1.0, 10, 0.5, power=3.0), ms.cosine_decay(1.0, 10, 0.5)):
        for step in (2.0**64, float("inf")):
            assert within(decay, mx.array(step)).item() == pytest.approx(decay(mx.array(step)).item(), rel=1e-6)
        assert np.isnan(within(decay, mx.array(float("nan"))).item())


@pytest.mark.parametrize("ratio", [2.0, 1.5, 1.7])  # besides a power of two, the factor is 1, below 1, or above 1
@pytest.mark.parametrize("init", [-8.0, 2.0**100, 2.0**-100])
def test_graphs_that_grow_beyond_all_floats_stay_infinite(init, ratio):
    schedule, steps = ms.step_decay(init, ratio, 1), mx.arange(400)
    assert within(schedule, steps).tolist() == pytest.approx(schedule(steps).tolist(), rel=1e-6)


def test_the_range_of_a_graph_may_exceed_a_float():
    assert exported(mx.array([0, 50, 100]), 3e38, 100, -3e38).tolist() == pytest.approx([3e38, 0, -3e38], abs=1e32)


@pytest.mark.parametrize("dtype", [mx.int32, mx.uint64, mx.float32])
def test_graphs_are_exact_at_both_ends_of_long_decays(dtype):
    total = 2**24 + 1  # not a float32
    steps = mx.array([0, 2**24, 2**24 + 1, 2**24 + 2]).astype(dtype)
    got, own = exported(steps, 0.5, total, 0.0), ms.fast.cosine_decay(steps, 0.5, total, 0.0)
    assert got.tolist() == pytest.approx(own.tolist(), rel=1e-6)
    assert (got == 0).tolist() == (own == 0).tolist()
    assert got[0].item() == 0.5


@pytest.mark.parametrize(
    ("init", "rate", "step"), [(1.0, 1.0001, 1e9), (1e-305, 2.0, 2015), (1.0, 2.0, 1023), (1.0, 2.0, 2e4)]
)
def test_growth_in_float64_up_to_infinity(init, rate, step):
    with mx.stream(mx.cpu):
        for schedule in (ms.exponential_decay(init, rate), ms.step_decay(init, rate, 1)):
            expected = schedule(mx.array(step, mx.float64)).item()
            with ms.exporting():
                assert schedule(mx.array(step, mx.float64)).item() == pytest.approx(expected, rel=1e-14)
