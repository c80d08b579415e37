"""What all pictures share: colors, axes, the steps that curves are drawn at, and their labels."""

import math
from fractions import Fraction

import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules._pictures import axis as axes
from mlx_schedules._pictures import colors, sampling, terminal
from mlx_schedules._pictures import curves as pictured

pytestmark = pytest.mark.usefixtures("closed_figures")


def luminance(color):
    parts = [x / 255 for x in color]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def terminal_color(code):
    levels = (0, 95, 135, 175, 215, 255)
    return [levels[(code - 16) // power % 6] for power in (36, 6, 1)]


def test_colors_stand_out_from_white_and_from_a_dark_screen():
    shown = [colors.rgb(color) for count in (1, 3, 8, 9, 64) for color in colors.colors(count)]
    shown += [terminal_color(terminal._code(i)) for i in range(8)]
    dark = luminance((0x1E, 0x1E, 0x1E))
    for color in shown:
        assert 1.05 / (luminance(color) + 0.05) >= 3, color  # the contrast that WCAG requires for graphics
        assert (luminance(color) + 0.05) / (dark + 0.05) >= 3, color


@pytest.mark.parametrize("count", [1, 3, 8, 9, 64])
def test_every_group_has_a_color_of_its_own(count):
    assert len(set(colors.colors(count))) == count


def test_terminal_colors_differ():
    assert len({terminal._code(i) for i in range(8)}) == 8


def curves_of(*rows):
    return [pictured.Curve("", "", list(row)) for row in rows]


@pytest.mark.parametrize(
    ("rows", "log"),
    [
        ([[1, 0.5, 0.25, 0.05, 0]], False),
        ([[1, 0.1, 0.01, 0.001]], True),
        ([[1, 1], [0.1, 0.1]], True),
        ([[1, 1], [0.11, 0.11]], False),
        ([[1, 1], [0, 0]], False),
        ([[1, 1], [-0.001, 0.001]], False),
        ([[0, 0]], False),
        ([[1, 10, 100, math.inf]], True),
        ([[-1, -10, -math.inf, math.nan]], False),
        ([[math.inf], [math.nan]], False),
    ],
)
def test_which_axis_shows_most(rows, log):
    assert axes.value_axis(curves_of(*rows)).log == log


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (axes.Axis(0, 0.001, False), "0 0.0002 0.0004 0.0006 0.0008 0.001"),
        (axes.Axis(-1, 2, False), "-1 0 1 2"),
        (axes.Axis(0, 0.3 + 1e-9, False), "0 0.1 0.2 0.3"),
        (axes.Axis(5e-7, 2e-3, True), "1e-06 1e-05 0.0001 0.001"),
        (axes.Axis(0.09, 1.1, True), "0.1 0.2 0.5 1"),
        (axes.Axis(1e-12, 1, True), "1e-12 1e-09 1e-06 0.001 1"),
        (axes.Axis(-3e38, 3e38, False), "-2e+38 0 2e+38"),
    ],
)
def test_numbers_beside_the_axis(axis, ticks):
    assert " ".join(f"{tick:g}" for tick in axis.ticks()) == ticks


def test_a_curve_leaves_a_logarithmic_axis_at_its_foot_and_comes_back():
    axis = axes.Axis(0.01, 1, True)
    assert axis.heights([1, 0.1, 0, 0, 0.001, 1]) == [1, 0.5, 0, None, 0, 1]


@pytest.mark.parametrize("log", [True, False])
def test_a_curve_has_gaps_where_values_are_not_finite(log):
    assert axes.Axis(0.01, 1, log).heights([1, math.inf, math.nan, -math.inf, 0, 1]) == [1, None, None, None, 0, 1]


@pytest.mark.parametrize(
    ("steps", "borders", "characters", "written"),
    [
        (1100, [1000], 70, [0, 1000, 1100]),
        (1100, [1000], 40, [0, 1000]),
        (2200, [1000, 1010, 2000], 70, [0, 1010, 2000, 2200]),
        (100, [1000], 70, [0, 100]),
        (1.1, [0.1, 1.0], 70, [0, 0.1, 1.0, 1.1]),
        (2**63 - 1, [2**63 - 1], 10, [0]),
    ],
)
def test_numbers_below_the_axis_are_not_over_each_other(steps, borders, characters, written):
    assert axes.marks(steps, borders, characters) == written


def test_both_sides_of_every_border_are_drawn():
    at = pictured.view({"": ms.cosine_decay([1.0, 1.0], [7777.5, 123456])}, 200_000).at
    assert {0, 7777, 7778, 123455, 123456, 200_000} <= set(at)
    assert len(at) <= 513


@pytest.mark.parametrize(
    ("schedule", "borders"),
    [
        (ms.warmup_stable_decay([1e-3, 2e-2], 1000, warmup=50, decay=200), [50, 800, 1000]),
        (ms.join_schedules([ms.cosine_decay(1.0, 90), ms.constant(0.5)], [100]), [90, 100]),
        (ms.cosine_decay(1.0, 100).repeat(100), [100, 200, 300]),
        (ms.cosine_decay(1.0, 100).repeat(100, period_factor=2), [100, 300, 700, 1500, 3100]),  # not up to 2**64
        (ms.cosine_decay(1.0, 2**60), [2**60]),
        (ms.cosine_decay(1.0, 100).repeat(10), [10, 20, 30]),  # the cycle of 100 is cut off at 10
        (ms.constant(1.0), [0]),
        (ms.exponential_decay(1.0, 0.5), [7]),
        (ms.step_decay(1.0, 0.5, 30), [210]),
        (ms.cosine_decay(1.0, 1), [1]),
        (ms.warmup_cosine(1.0, 2.5, warmup=0.5), [1.25, 2.5]),
        (ms.cosine_decay(1.0, 0.25).repeat(0.25), [0.25, 0.5, 0.75]),
        (ms.warmup_cosine(1.0, 7777.5, warmup=100), [100, 7778]),
    ],
)
def test_borders_are_where_segments_end_and_begin_as_far_as_a_run_gets(schedule, borders):
    assert sampling.borders([schedule]) == borders


PROGRESS = {
    "a run from 0 to 1": (ms.warmup_cosine(1.0, 1, warmup=0.1), 1.0),
    "a run of 2.5": (ms.warmup_cosine(1.0, 2.5, warmup=0.5), 1.0),
    "a third": (ms.cosine_decay(0.0, Fraction(1, 3), end=1.0), 1.0),
    "cycles of a quarter": (ms.cosine_decay(1.0, 0.25).repeat(0.25), 1.0),
    "with groups": (ms.warmup_linear([1.0, 0.5], 1, warmup=0.5), 1.0),
    "stairs": (ms.step_decay(1.0, 0.5, 0.25), 1.0),
}


@pytest.mark.parametrize("name", PROGRESS)
def test_a_schedule_of_fractions_is_drawn_between_whole_steps(name):
    """With whole steps only, the curve was a flat 0 or 1, or missed the peak."""
    schedule, peak = PROGRESS[name]
    shown = pictured.view({"": schedule})
    values = shown.curves[0].values
    assert shown.steps == pytest.approx(1.1 * float(max(sampling.borders([schedule]))))
    assert max(values) == peak
    assert len(set(values)) > (6 if name == "stairs" else 300)
    assert min(values) < 0.05
    assert len(shown.at) <= 513


def test_a_jump_of_a_schedule_of_fractions_is_upright():
    schedule = ms.linear_schedule(1.0, 0.0, 0.25).repeat(0.25)
    shown = pictured.view({"": schedule})
    values = dict(zip(shown.at, shown.curves[0].values, strict=True))
    just_before = max(step for step in shown.at if step < 0.25)
    assert values[0.25] == 1
    assert values[just_before] < 1e-4


def test_the_last_update_of_a_run_is_marked():
    """The mark may be before or beyond the schedule's own end."""
    for last in (4, 9, 30):
        shown = pictured.view({"": ms.cosine_decay(1.0, 10)}, last_updates=[last])
        assert shown.steps == max(last, 11)
        assert shown.last_updates == [last]
        look = terminal.chart(shown, axes.value_axis(shown.curves), 80, "ascii")
        assert look[-1] == f"| last update: {last}"
        assert str(last) in look[look.index("") - 1].split()
    assert pictured.view({"": ms.cosine_decay(1.0, 10)}, 5, last_updates=[9]).last_updates == []


def test_a_few_steps_of_a_counted_schedule_are_whole():
    assert pictured.view({"": ms.cosine_decay(1.0, 1000)}, 3).at == [0, 1, 2, 3]
    assert pictured.view({"": ms.cosine_decay(1.0, 1000)}, 0.5).steps == 0.5


def test_segments_in_words():
    rise, fall = ms.cosine_decay(0.001, 900.5).warmup(100).segments
    assert pictured.told([rise, fall]) == "0 to 0.001 in 100, 0.001 to 0 in 900.5"
    assert pictured.told([rise, fall] * 2) == "4 segments, 0 to 0 in 1000.5"


THIRD = Fraction(1, 3)
SLOW = {"ease": "inverse_power", "init": 0.1, "length": 10, "parameter": 1}


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (ms.constant(THIRD), "0.333333"),
        (ms.cosine_decay(THIRD, 10), "0.333333 to 0 in 10"),
        (ms.linear_schedule(THIRD, 2 * THIRD, 10).repeat(10, 4), "4 segments, 0.333333 to 0.666667 in 40"),
        (ms.exponential_decay(0.1, Fraction(9, 10)), "0.1 times 0.9 every step"),
        (ms.step_decay(0.1, 0.9, 10), "0.1 times 0.9 every 10"),
        (ms.inverse_sqrt_decay(0.1, 10), "0.1 falling by the root of steps / 10"),
        (ms.Schedule.from_dict({"name": "schedule", "segments": [SLOW]}), "0.1 falling by the power 1 of steps / 10"),
    ],
)
def test_every_ease_and_number_in_words(schedule, words):
    assert pictured.told(schedule.segments) == words


def test_a_long_legend_is_cut():
    curve = pictured.Curve("group 0", "0 to 1 in 10, " * 9, [])
    assert [len(line) for line in terminal._legend(pictured.View([curve], [0], [], []), 60, "plain")] == [0, 60]


@pytest.mark.parametrize(
    ("count", "most", "chosen"), [(3, 8, [0, 1, 2]), (9, 8, [0, 1, 2, 3, 4, 5, 6, 8]), (64, 2, [0, 63])]
)
def test_groups_are_chosen_evenly(count, most, chosen):
    assert sampling.spread(count, most) == chosen
