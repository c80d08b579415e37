"""Schedules of whole runs, and functions that turn one schedule into another: values, ends, groups, every message."""

import math
import re
from fractions import Fraction
from functools import partial

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx_schedules as ms
from support.helpers import has_ops, rounding, same_bits

NAMES = {**{name: getattr(ms, name) for name in ms.__all__}, "mx": mx, "Fraction": Fraction}
TAILS = {
    "linear": lambda f, a, b: a + (b - a) * f,
    "cosine": lambda f, a, b: b + (a - b) * (1 + math.cos(math.pi * f)) / 2,
    "1-sqrt": lambda f, a, b: a + (b - a) * math.sqrt(f),
    "exponential": lambda f, a, b: a * (b / a) ** f,
}


def run(tail, peak, total, warmup, decay, init, end, rise="linear"):
    """Return the definition in float64, as a function of the step; warmup and decay are in steps."""

    def value(s):
        s = min(max(s, 0), total)
        if s < warmup:
            return TAILS[rise](s / warmup, init, peak)
        if s < total - decay or not decay:
            return peak
        return TAILS[tail]((s - total + decay) / decay, peak, end)

    return value


def check(schedule, value, steps):
    theirs = np.array([value(s) for s in steps])
    ours = np.array(schedule(mx.array(steps)), np.float64)
    assert np.all(np.abs(ours - theirs) <= rounding(theirs)), schedule


@st.composite
def parts(draw):
    total = draw(st.integers(1, 60))
    warmup = draw(st.integers(0, total))
    return total, warmup, draw(st.integers(0, total - warmup))


values = st.floats(0.125, 1.0, width=32)


@given(st.sampled_from(sorted(TAILS)), parts(), values, values, values)
def test_every_run_is_its_definition(tail, lengths, peak, init, end):
    total, warmup, decay = lengths
    steps = list(range(-2, 2 * total + 2))
    stable = ms.warmup_stable_decay(peak, total, warmup=warmup, decay=decay, init=init, end=end, tail=tail)
    made = [(stable, run(tail, peak, total, warmup, decay, init, end))]
    for make, ease in ((ms.warmup_cosine, "cosine"), (ms.warmup_linear, "linear")):
        whole = make(peak, total, warmup=warmup, init=init, end=end)
        made.append((whole, run(ease, peak, total, warmup, total - warmup, init, end)))
    cycle = ms.one_cycle(peak, total, warmup=warmup, init=init, end=end)
    made.append((cycle, run("cosine", peak, total, warmup, total - warmup, init, end, "cosine")))
    for schedule, value in made:
        check(schedule, value, steps)
        assert eval(repr(schedule), dict(NAMES)) == schedule
        assert ms.Schedule.from_dict(schedule.to_dict()) == schedule
        assert has_ops(1, schedule(mx.array(3, mx.uint64)))


@pytest.mark.parametrize("make", [ms.warmup_cosine, ms.warmup_linear, ms.warmup_stable_decay, ms.one_cycle])
@pytest.mark.parametrize(("total", "warmup"), [(1000, 0), (1000, 1), (1000, 100), (1000, 999), (1000, 1000), (1, 1)])
def test_the_peak_comes_once_and_the_end_is_exact_and_held(make, total, warmup):
    more = {"decay": total - warmup} if make is ms.warmup_stable_decay else {}
    rates = make(0.1, total, warmup=warmup, init=0.01, end=0.003, **more)(mx.arange(3 * total))
    found = rates.tolist()
    peak, end = np.float32(0.1), np.float32(0.003)
    assert found[warmup] == max(found) == peak
    if warmup < total:
        assert found.count(peak) == 1
        assert found[total - 1] > end
        assert found[total:] == [end] * (2 * total)
    else:
        assert found[total:] == [peak] * (2 * total)


def test_warmup_is_inside_the_run():
    whole = ms.warmup_cosine(1e-3, 1000, warmup=100, init=1e-5, end=1e-6)
    assert whole == ms.cosine_decay(1e-3, 900, 1e-6).warmup(100, 1e-5)
    assert whole == ms.join_schedules([ms.linear_schedule(1e-5, 1e-3, 100), ms.cosine_decay(1e-3, 900, 1e-6)], [100])
    assert whole.last_step == 1000
    assert ms.warmup_cosine(1e-3, 1000) == ms.cosine_decay(1e-3, 1000)
    assert ms.warmup_linear(1e-3, 1000) == ms.linear_schedule(1e-3, 0.0, 1000)


def test_one_cycle_goes_from_a_25th_of_the_peak_to_a_250_000th():
    assert ms.one_cycle(1.0, 1000) == ms.one_cycle(1.0, 1000, warmup=300, init=0.04, end=4e-6)
    assert ms.one_cycle([1.0, 0.5], 1000) == ms.one_cycle(1.0, 1000) * [1.0, 0.5]
    config = {"name": "one_cycle", "peak": 1.0, "total_steps": "auto"}
    assert ms.Schedule.from_dict(config, updates=1000) == ms.one_cycle(1.0, 1000, end_at="last_update")
    rate = mx.compile(lambda peak: ms.one_cycle(peak, 100)(mx.array([0, 30, 100])))
    assert rate(mx.array(2.0)).tolist() == ms.one_cycle(2.0, 100)(mx.array([0, 30, 100])).tolist()


@given(st.integers(2, 10_000), st.integers(0, 100))
@pytest.mark.filterwarnings("ignore:.* is less than half a step")
def test_fractions_that_add_up_to_1_fill_the_run(total, percent):
    """Rounding doesn't matter: a tenth and nine tenths of 15 steps make 15."""
    warmup, decay = percent / 100, (100 - percent) / 100
    if 1.0 in (warmup, decay):
        return
    schedule = ms.warmup_stable_decay(1.0, total, warmup=warmup, decay=decay)
    begins = {segment.begin for segment in schedule.segments}
    w = round(Fraction(percent, 100) * total)
    assert begins <= {0, w}
    assert schedule.last_step == total
    assert schedule(w).item() == 1


@pytest.mark.parametrize(
    ("share", "steps"),
    [(0.1, 100), (0.0006, 1), (0.9999, 1000), (1, 1), (np.int64(1), 1), (mx.array(1), 1), (2, 2), (2.0, 2), (0, 0)],
)
def test_below_1_it_is_a_fraction_of_the_run(share, steps):
    assert ms.warmup_cosine(1.0, 1000, warmup=share) == ms.warmup_cosine(1.0, 1000, warmup=steps)


MAKERS = [ms.warmup_cosine, ms.warmup_linear, partial(ms.warmup_stable_decay, decay=0.3), ms.one_cycle]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("total", [2, 10, 1000, np.int64(10), mx.array(10), 10.0, [10, 1000]])
def test_the_last_of_n_updates_has_the_end(make, total):
    schedule = make(1e-3, total, warmup=0.1, init=1e-4, end=1e-5, end_at="last_update")
    for updates, one in zip(np.array(total).ravel().tolist(), schedule if schedule.shape else [schedule], strict=True):
        used = one(mx.arange(updates)).tolist()
        assert used[-1] == np.float32(1e-5)
        assert updates == 2 or used[-2] > used[-1]
        assert one == make(1e-3, int(updates) - 1, warmup=0.1, init=1e-4, end=1e-5)


@pytest.mark.parametrize("total", [1, 1.0, 2.5, [10, 1]])
def test_the_last_update_is_one_of_several_that_are_counted(total):
    message = "total_steps must be a number of updates, whole and above 1, for end_at='last_update', got "
    for make in MAKERS:
        with pytest.raises(ValueError, match=re.escape(message)):
            make(1e-3, total, end_at="last_update")


def test_every_update_counts_from_the_first_to_the_end():
    """This is what the docstrings say."""
    used = ms.warmup_linear(1.0, 10, warmup=4, init=1.0 / 4, end=0.5, end_at="last_update")(mx.arange(10)).tolist()
    assert used[0] == 0.25
    assert used[4] == 1
    assert used[-1] == 0.5


ONES = [1.0, np.float32(1), mx.array(1.0), mx.array(1.0, mx.bfloat16), Fraction(1), [50, 1.0], np.array([1.0, 2.0])]


@pytest.mark.parametrize("one", ONES, ids=repr)
@pytest.mark.parametrize("name", ["warmup", "decay"])
def test_a_fraction_of_exactly_1_is_refused(name, one):
    """It used to mean one step, so a sweep over 0.2, 0.5, 1.0 had hardly any decay at its last point."""
    message = (
        rf"\[warmup_stable_decay\] {name} must not be .*: a fraction of exactly 1 may mean one step or the whole run"
    )
    with pytest.raises(ValueError, match=message):
        ms.warmup_stable_decay(1.0, 1000, **{"decay": 0, name: one})
    with pytest.raises(ValueError, match=name):
        ms.warmup_stable_decay(1.0, 2.5, **{"decay": 0, name: one})


@pytest.mark.parametrize("total", [1, 1.0, mx.array(1.0)])
def test_a_decay_of_1_is_the_whole_run_if_total_steps_is_1(total):
    assert ms.warmup_stable_decay(1.0, total, decay=1.0) == ms.linear_schedule(1.0, 0.0, 1)


@pytest.mark.parametrize(("total", "share"), [(10, 0.03), (1000, 0.0004), ([10, 1000], 0.03), (10, [0.03, 5])])
def test_a_fraction_that_rounds_to_no_step_gives_a_warning(total, share):
    for make in (ms.warmup_cosine, ms.warmup_linear, partial(ms.warmup_stable_decay, decay=0)):
        with pytest.warns(UserWarning, match=r"warmup .* is less than half a step, so there is none: give 1") as told:
            make(1.0, total, warmup=share)
        assert [warning.filename for warning in told] == [__file__]
    with pytest.warns(UserWarning, match=r"\[warmup_stable_decay\] decay .* is less than half a step"):
        ms.warmup_stable_decay(1.0, total, decay=share)


@pytest.mark.parametrize(("total", "scale"), [(1, 1.0), (2.5, 2.5)])
def test_a_run_counted_as_progress_has_fractional_lengths(total, scale):
    schedule = ms.warmup_stable_decay(1.0, total, warmup=0.125, decay=0.25, end=0.5)
    steps = [scale * i / 1024 for i in range(1200)]
    check(schedule, run("linear", 1.0, scale, 0.125 * scale, 0.25 * scale, 0.0, 0.5), steps)
    assert schedule.last_step == total


def test_groups_have_their_own_numbers_everywhere():
    rows = {
        "peak": [1.0, 0.5, 0.25, 0.75],
        "total_steps": [100, 100, 40, 7],
        "warmup": [0, 100, 0.25, 3],
        "init": [0.0, 0.125, 0.25, 0.5],
        "end": [0.25, 0.0, 0.125, 0.5],
    }
    names = list(rows)
    for make, more in (
        (ms.warmup_cosine, {}),
        (ms.warmup_linear, {}),
        (ms.one_cycle, {}),
        (ms.warmup_stable_decay, {"decay": [0, 0, 0.5, 4]}),
    ):
        whole = make(**rows, **more)
        each = [
            make(**dict(zip(names, group, strict=True)), **({"decay": more["decay"][i]} if more else {}))
            for i, group in enumerate(zip(*rows.values(), strict=True))
        ]
        assert list(whole) == each
        assert same_bits(whole(mx.arange(150)), mx.stack([part(mx.arange(150)) for part in each], axis=-1))
        assert has_ops(1, whole(mx.array(3, mx.uint64)))
        assert eval(repr(whole), dict(NAMES)) == whole


def test_a_list_of_peaks_gives_groups():
    assert ms.warmup_cosine([1e-3, 1e-4], 1000, warmup=0.05) == ms.warmup_cosine(1.0, 1000, warmup=0.05) * [1e-3, 1e-4]


TRACED = "must be known when the schedule is made, got an array that is being traced"


@pytest.mark.parametrize("name", ["total_steps", "warmup"])
def test_the_steps_of_a_run_cannot_be_traced(name):
    def rate(x):
        with pytest.raises(TypeError, match=rf"\[warmup_cosine\] {name} {TRACED}"):
            ms.warmup_cosine(1.0, **{"total_steps": 100, name: x})
        return x

    mx.compile(rate)(mx.array(10))


@pytest.mark.parametrize("make", [lambda x: ms.cosine_decay(x, 30), lambda x: ms.cosine_decay(1.0, x)])
def test_cycles_of_traced_schedules_are_not_scaled(make):
    with pytest.raises(TypeError, match=r"^\[repeat\] value_factor must be 1 for .* being traced, got 0.5: make the"):
        mx.compile(lambda x: make(x).repeat(30, 3, value_factor=0.5)(7))(mx.array(2.0))


def test_its_values_can_be_traced():
    rate = mx.compile(lambda peak: ms.warmup_cosine(peak, 100, warmup=[10, 100])(mx.array([5, 10, 100])))
    assert rate(mx.array(2.0)).tolist() == ms.warmup_cosine(2.0, 100, warmup=[10, 100])(mx.array([5, 10, 100])).tolist()


COSINE, EXPONENTIAL = ms.cosine_decay(1.0, 10), ms.exponential_decay(1.0, 0.5)
PAIR = ms.cosine_decay([1.0, 2.0], 10)
ERRORS = {
    "[warmup_cosine] warmup must not be longer than the run, got warmup=101 of total_steps=100, which": lambda: (
        ms.warmup_cosine(1, 100, warmup=101)
    ),
    "[warmup_stable_decay] warmup and decay must not be longer than the run, got warmup=60, decay=0.5 of": lambda: (
        ms.warmup_stable_decay(1, 100, warmup=60, decay=0.5)
    ),
    "[warmup_linear] warmup must be at least 0, got -1.": lambda: ms.warmup_linear(1, 100, warmup=-1),
    "[warmup_linear] end_at must be one of 'total_steps', 'last_update', got 'end'.": lambda: ms.warmup_linear(
        1, 10, end_at="end"
    ),
    "[warmup_cosine] end_at must be one of 'total_steps', 'last_update', got None.": lambda: ms.warmup_cosine(
        1, 10, end_at=None
    ),
    "[warmup_cosine] warmup must not be longer than the run, got warmup=10 of total_steps=10": lambda: ms.warmup_cosine(
        1, 10, warmup=10, end_at="last_update"
    ),
    "[one_cycle] init must be a real number, a list or an array, got 'a'.": lambda: ms.one_cycle(1, 10, init="a"),
    "[one_cycle] warmup must not be longer than the run, got warmup=11 of total_steps=10": lambda: ms.one_cycle(
        1, 10, warmup=11
    ),
    "[warmup_linear] total_steps must be above 0, got 0.": lambda: ms.warmup_linear(1, 0),
    "[warmup_linear] total_steps must be below 2**64, got 1": lambda: ms.warmup_linear(1, 2**64),
    "[warmup_cosine] end must be finite, got nan.": lambda: ms.warmup_cosine(1, 10, end=math.nan),
    "[warmup_cosine] peak must be a real number, a list or an array, got None.": lambda: ms.warmup_cosine(None, 10),
    "[warmup_cosine] warmup and total_steps do not broadcast: (2,), (3,).": lambda: ms.warmup_cosine(
        1, [10] * 3, warmup=[1, 2]
    ),
    "[warmup_stable_decay] Shapes do not broadcast: total_steps (), warmup (2,), decay (3,).": lambda: (
        ms.warmup_stable_decay(1.0, 100, warmup=[1, 2], decay=[1, 2, 3])
    ),
    "[warmup_cosine] Shapes do not broadcast: peak (2,), total_steps (), warmup (), init (), end (3,).": lambda: (
        ms.warmup_cosine([1, 2], 10, end=[0, 0, 0])
    ),
    "[warmup_stable_decay] tail must be one of 'linear', 'cosine', '1-sqrt', 'exponential', got 'sqrt'.": lambda: (
        ms.warmup_stable_decay(1, 10, tail="sqrt")
    ),
    "[warmup_stable_decay] end must not be 0 for tail='exponential', got 0: give a hundredth of the peak.": lambda: (
        ms.warmup_stable_decay(1, 10, tail="exponential")
    ),
    "[warmup_stable_decay] peak and end must have one sign for tail='exponential', got -0.1.": lambda: (
        ms.warmup_stable_decay(1, 10, end=-0.1, tail="exponential")
    ),
    "[warmup] steps must be at least 0, got -1.": lambda: COSINE.warmup(-1),
    "[warmup] steps must be at least 2**-60, got 1e-30: count in smaller units.": lambda: COSINE.warmup(1e-30),
    "[warmup_cosine] warmup must be at least 2**-60, got 1.0": lambda: ms.warmup_cosine(1.0, 1.0, warmup=1e-30),
    "[warmup_stable_decay] decay must be at least 2**-60": lambda: ms.warmup_stable_decay(1.0, 1.0, decay=1e-30),
    "[warmup] init must be finite, got inf.": lambda: COSINE.warmup(1, math.inf),
    "[warmup] Shapes do not broadcast: schedule (), steps (2,), init (3,).": lambda: COSINE.warmup([1, 2], [1, 2, 3]),
    "[schedule] Shapes do not broadcast: schedule (2,), factor (3,). From the right": lambda: PAIR * [1, 2, 3],
    "[schedule] Shapes do not broadcast: schedule (2,), divisor (3,). From the right": lambda: PAIR / [1, 2, 3],
    "[shift] Shapes do not broadcast: schedule (2,), steps (3,). From the right": lambda: PAIR.shift([1, 2, 3]),
    "[repeat] Shapes do not broadcast: schedule (2,), period (3,). From the right": lambda: PAIR.repeat([1, 2, 3]),
    "[shift] steps must be below 2**64, got": lambda: COSINE.shift(-(2**64)),
    "[shift] steps must be a real number, a list or an array, got 'a'.": lambda: COSINE.shift("a"),
    "[repeat] period must be above 0, got 0.": lambda: COSINE.repeat(0),
    "[repeat] times must be at least 1, got 0.": lambda: COSINE.repeat(10, 0),
    "[repeat] times must be a whole number, got 2.0.": lambda: COSINE.repeat(10, 2.0),
    "[repeat] period_factor must be at least 1, got 0.": lambda: COSINE.repeat(10, period_factor=0),
    "[repeat] period_factor must be a whole number, got 1.5.": lambda: COSINE.repeat(10, period_factor=1.5),
    "[repeat] value_factor must be a number, got [0.5].": lambda: COSINE.repeat(10, 2, value_factor=[0.5]),
    "[repeat] value_factor must be finite, got nan.": lambda: COSINE.repeat(10, 2, value_factor=math.nan),
    "[repeat] value_factor must be 1 where cycles of one length repeat without end, got 0.5: give times": lambda: (
        COSINE.repeat(10, value_factor=0.5)
    ),
    "[repeat] value_factor must be 1 for a schedule without a last value, such as exponential.": lambda: (
        EXPONENTIAL.repeat(10, 2, value_factor=0.5)
    ),
    "[repeat] value_factor must be 1 for a schedule without a last value, such as one that repeats": lambda: (
        COSINE.repeat(10, period_factor=2).repeat(30, 2, value_factor=0.5)
    ),
    "[repeat] value_factor must keep values finite, got 2.0 for more than 1024 cycles: give": lambda: COSINE.repeat(
        10, 2000, value_factor=2.0
    ),
    "[repeat] value_factor must keep values finite, got 10000000000.0 for more than 31 cycles": lambda: COSINE.repeat(
        10, period_factor=2, value_factor=1e10
    ),
    "[repeat] value_factor must be finite, got 1000000000": lambda: COSINE.repeat(10, 2, value_factor=10**400),
    "[from_dict] repeat value_factor must be finite, got 1000000000": lambda: ms.Schedule.from_dict(
        COSINE.repeat(10, 2, value_factor=0.5).to_dict()
        | {"repeat": {"segment": 0, "period": 10, "times": 2, "value_factor": 10**400}}
    ),
    "[repeat] There must be at most 65536 segments; these cycles have more": lambda: COSINE.repeat(1, 2**17),
    "[join_schedules] schedules must hold at least one schedule, got [].": lambda: ms.join_schedules([], []),
    "[join_schedules] boundaries must be one less than the schedules: 1, got 2.": lambda: ms.join_schedules(
        [COSINE, COSINE], [1, 2]
    ),
    "[join_schedules] boundaries must not fall, got 3 after 5.": lambda: ms.join_schedules([COSINE] * 3, [5, 3]),
    "[join_schedules] boundaries[0] must be at least 0, got -1.": lambda: ms.join_schedules([COSINE] * 2, [-1]),
    "[join_schedules] schedules[1] must be a schedule, got 0.1: of": lambda: ms.join_schedules([COSINE, 0.1], [1]),
    "[join_schedules] schedules must be a list, got": lambda: ms.join_schedules(COSINE, []),
    "[schedule] the factor must be a real number, a list or an array, got 'a'.": lambda: COSINE * "a",
    "[exponential_decay] decay_rate must be above 0, got 0.": lambda: ms.exponential_decay(1, 0),
    "[step_decay] step_size must be above 0, got 0.": lambda: ms.step_decay(1, 0.5, 0),
    "[polynomial_decay] power must be above 0, got 0.": lambda: ms.polynomial_decay(1, 10, power=0),
    "[polynomial_decay] power must be at most 2**24, got 100000000.0.": lambda: ms.polynomial_decay(1, 10, power=1e8),
    "[polynomial_decay] power must be at most 2**24, got 1000": lambda: ms.polynomial_decay(1, 10, power=10**400),
    "[one_cycle] peak must be finite, got 1000": lambda: ms.one_cycle(10**400, 10),
    "[one_cycle] peak must be finite, got Fraction(1000": lambda: ms.one_cycle([Fraction(10**400, 3), 1], 10),
    "[inverse_sqrt_decay] timescale must be above 0, got -1.": lambda: ms.inverse_sqrt_decay(1, -1),
    "[constant] value must be finite, got inf.": lambda: ms.constant(math.inf),
}


@pytest.mark.parametrize("message", ERRORS)
def test_messages_name_the_function_the_argument_and_the_value(message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        ERRORS[message]()
