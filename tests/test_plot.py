"""Pictures of a schedule: matplotlib's curves and the notebook's SVG."""

import math
import re
import sys
import xml.etree.ElementTree as ElementTree
from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules._pictures import matplotlib as pictured
from support.helpers import needs
from support.pictures import GROUPS

mpl = needs("matplotlib")

pytestmark = pytest.mark.usefixtures("closed_figures")


def test_plot_draws_every_groups_values_with_labels():
    axes = GROUPS.plot(steps=300)
    assert [line.get_label() for line in axes.lines] == [
        "group 0: 0.001 to 0 in 1000",
        "group 1: 0.0001 to 1e-06 in 2000",
    ]
    assert len(axes.get_legend().get_texts()) == 2
    for line, group in zip(axes.lines, GROUPS, strict=True):
        assert line.get_xdata().tolist() == list(range(301))
        assert np.array_equal(line.get_ydata(), np.array(group(mx.arange(301)), np.float64))


def test_plot_draws_into_the_axes_it_is_given():
    axes = mpl.figure.Figure().subplots()
    assert ms.cosine_decay(0.1, 10).plot(ax=axes) is axes
    assert axes.lines[0].get_xdata()[-1] == 11  # a tenth past the end
    assert ms.cosine_decay(0.1, 10).plot(5, axes).lines[1].get_xdata()[-1] == 5


@pytest.mark.parametrize("steps", [5, 5.0, np.int64(5), np.float32(5), mx.array(5), Fraction(5)])
def test_plot_takes_steps_of_every_type(steps):
    assert ms.cosine_decay(0.1, 10).plot(steps).lines[0].get_xdata().tolist() == [0, 1, 2, 3, 4, 5]


def test_the_picture_of_progress_has_its_whole_curve():
    (line,) = ms.warmup_cosine(1.0, 1, warmup=0.1).plot().lines
    peak = np.argmax(line.get_ydata())
    assert line.get_ydata()[peak] == 1
    assert line.get_xdata()[peak] == pytest.approx(0.1)
    page = html(ms.warmup_cosine(1.0, 1, warmup=0.1))
    assert texts(page)[-4:] == ["0", "0.1", "1", "1.1"]
    assert strokes(page)[0][0][:, 1].min() == 8  # the top


def test_many_groups_are_drawn_in_colors_from_first_to_last_and_some_are_named():
    axes = ms.cosine_decay([[0.1], [0.2]], list(range(1, 33))).plot()
    assert len(axes.lines) == 64
    assert axes.lines[33].get_label() == "group 1, 1: 0.2 to 0 in 2"
    assert len({line.get_color() for line in axes.lines}) == 64
    assert axes.get_legend().get_title().get_text() == "6 of 64"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        f"group {name}" for name in ("0, 0", "0, 12", "0, 25", "1, 5", "1, 18", "1, 31")
    ]


def test_a_curve_over_another_is_dashed():
    axes = ms.cosine_decay([1e-3, 1e-3, 5e-4, 1e-3], 1000, [0, 1e-6, 0, 0]).plot()
    gaps = [line._unscaled_dash_pattern[1] for line in axes.lines]
    assert gaps == [None, (4, 2), None, (4, 4)]


def test_the_axis_is_logarithmic_where_groups_are_ten_times_apart():
    axes = GROUPS.plot()
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 2e-7 < low < 1e-6
    assert 1e-3 < high < 2e-3
    assert ms.cosine_decay([1e-3, 2e-3], 1000).plot().get_yscale() == "linear"


def test_the_scale_can_be_chosen_and_that_of_axes_in_use_is_kept():
    assert pictured.plot(GROUPS, scale="linear").get_yscale() == "linear"
    axes = pictured.plot(ms.cosine_decay(1e-3, 1000), scale="log")
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] == pytest.approx(1e-5, rel=0.2)
    used = ms.cosine_decay(1e-3, 1000).plot()
    assert GROUPS.plot(ax=used).get_yscale() == "linear"
    assert pictured.plot(GROUPS, ax=used, scale="log").get_yscale() == "log"


def test_the_last_update_is_marked():
    axes = pictured.draw({"": ms.cosine_decay(1.0, 100)}, last_updates=[79])
    line = axes.lines[-1]
    assert set(line.get_xdata()) == {79}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["1 to 0 in 100", "last update: 79"]


def test_where_segments_end_is_marked():
    axes = GROUPS.plot(steps=1500)
    (marks,) = axes.collections
    assert [path.vertices[0][0] for path in marks.get_paths()] == [1000]


@pytest.mark.parametrize("total", [1, 2**24 + 1, 2**40, 2**60, 2**64 - 1])
def test_long_and_short_decays_are_drawn_to_their_ends(total):
    (line,) = ms.cosine_decay(1.0, total).plot().lines
    steps, values = line.get_xdata(), line.get_ydata()
    assert values[0] == 1
    assert len(steps) <= 513
    assert np.all(np.diff(values) <= 0)
    assert values[-1] == 0 or total == 2**64 - 1


GROWING = ms.exponential_decay(1.0, 2)
OVERFLOWING = [GROWING.repeat(1000), (-GROWING).repeat(1000), GROWING.shift(1000), ms.step_decay(1.0, 2, 1).repeat(200)]


@pytest.mark.parametrize("schedule", OVERFLOWING, ids=repr)
def test_values_that_overflow_are_left_out(schedule):
    axes = schedule.plot(200)
    axes.figure.canvas.draw()
    assert np.isfinite(axes.get_ylim()).all()
    assert axes.get_yscale() == ("log" if 1 < schedule(9).item() < math.inf else "linear")


@pytest.mark.usefixtures("cpu_only")
def test_float64_is_drawn():
    assert ms.cosine_decay(mx.array(0.1, mx.float64), 10).plot().lines[0].get_ydata()[0] == 0.1


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (0, ValueError, "steps must be above 0 and below 2\\*\\*63, got 0"),
        (-0.5, ValueError, "steps must be above 0 and below 2\\*\\*63, got -0.5"),
        (math.nan, ValueError, "got nan"),
        (2**63, ValueError, "got 9223372036854775808"),
        ("5", TypeError, "steps must be a number, got '5'"),
        (True, TypeError, "steps must be a number, got True"),
        (ms.constant(5), TypeError, "steps must be a number, got constant"),
        (np.array([3, 4]), TypeError, r"steps must be a number, got array\(\[3, 4\]\)"),
        (mx.array([3, 4]), TypeError, r"steps must be a number, got array\(\[3, 4\], dtype=int32\)"),
        pytest.param(10**5000, ValueError, "got .{,80}\\.$", id="many digits"),
        pytest.param("1" * 5000, TypeError, "got .{,80}\\.$", id="long text"),
    ],
)
def test_plot_refuses(steps, error, message):
    with pytest.raises(error, match=message):
        GROUPS.plot(steps)


@pytest.mark.parametrize(
    ("schedule", "scale", "message"),
    [
        pytest.param(GROUPS, "x" * 5000, "got .{,80}\\.$", id="long"),
        (GROUPS, "cubic", "\\[plot\\] scale must be 'linear', 'log' or None, got 'cubic'."),
        (ms.cosine_decay(-1, 10), "log", "\\[plot\\] A logarithmic scale needs values above 0"),
    ],
)
def test_scales_that_are_refused(schedule, scale, message):
    with pytest.raises(ValueError, match=message):
        pictured.plot(schedule, scale=scale)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="Run: pip install matplotlib"):
        GROUPS.plot()


def traced_schedule():
    seen = []
    mx.compile(lambda a: seen.append(ms.cosine_decay(a, 10)) or a)(mx.array(1.0))
    return seen[0]


def test_a_traced_schedule_says_so():
    schedule = traced_schedule()
    with pytest.raises(TypeError, match="traced has no values to show"):
        schedule.plot()
    with pytest.raises(TypeError, match="traced has no values to show"):
        schedule.plot(5)
    assert schedule._repr_html_().startswith("<code>cosine_decay(init=&lt;traced array")


def html(schedule):
    return ElementTree.fromstring(schedule._repr_html_())  # well-formed, or this raises


def strokes(page):
    """Return the runs of points of each curve, without the samples in the legend."""
    paths = page.findall("./{*}svg/{*}path[@stroke-width]")
    return [[np.array(re.split("[ L]", run), float).reshape(-1, 2) for run in p.get("d").split("M")[1:]] for p in paths]


def texts(page):
    return [text.text for text in page.findall(".//{*}text")]


def named(page):
    return ["".join(row.itertext()) for row in page.findall(".//tr")]


def test_the_notebook_shows_curves_and_what_they_do():
    page = html(ms.cosine_decay([1e-3, 5e-4], [1000, 2000]))
    (first,), (second,) = strokes(page)
    assert first[0, 1] == 8  # the top of the axes
    assert second[0, 1] == 88  # half way
    assert first[-1].tolist() == second[-1].tolist() == [first[0, 0] + 340, 168]  # the bottom of the axes
    assert named(page) == ["group 0: 0.001 to 0 in 1000", "group 1: 0.0005 to 0 in 2000"]
    assert page.find(".//{*}title").text == "group 0: 0.001 to 0 in 1000; group 1: 0.0005 to 0 in 2000"
    assert texts(page) == ["0", "0.0002", "0.0004", "0.0006", "0.0008", "0.001", "0", "1000", "2000"]


def test_the_notebook_rules_every_border_and_numbers_those_with_room():
    page = html(ms.warmup_stable_decay(1e-3, 1000, warmup=10, decay=200))
    left = strokes(page)[0][0][0, 0]
    rules = [p.get("d") for p in page.findall("./{*}svg/{*}path[@opacity='0.25']")]
    at = [(float(re.match(r"M([\d.]+) ", rule)[1]) - left) / 340 * 1100 for rule in rules]
    assert at == pytest.approx([0, 10, 800, 1000], abs=0.5)
    assert texts(page)[-3:] == ["0", "800", "1000"]
    many = html(ms.cosine_decay(1.0, 10).repeat(10, times=40))  # lines at every boundary would hide the curve
    assert len(many.findall("./{*}svg/{*}path[@opacity='0.25']")) < 20


def test_the_notebook_has_a_logarithmic_axis_that_curves_leave_at_its_foot():
    page = html(GROUPS)
    (falls,), (stays,) = strokes(page)
    assert falls[-1, 1] == 168
    left = falls[0, 0]
    assert (falls[-1, 0] - left) / 340 == pytest.approx(1000 / 2200, abs=0.01)
    assert 160 < stays[-1, 1] < 168
    assert {"1e-06", "1e-05", "0.0001", "0.001"} < set(texts(page))


def test_numbers_are_of_print_size():
    page = html(ms.cosine_decay([0.001 * 0.9, 0.1 + 0.2], [2**40, 100.5]))
    assert named(page) == ["group 0: 0.0009 to 0 in 1099511627776", "group 1: 0.3 to 0 in 100.5"]


def test_thousands_of_groups_make_a_page_that_says_what_it_leaves_out():
    schedule = ms.cosine_decay(np.linspace(1e-3, 1e-1, 5000), np.arange(1, 5001))
    assert len(schedule._repr_html_()) < 200_000
    page = html(schedule)
    assert len(strokes(page)) == 64
    assert named(page)[0].startswith("group 0: 0.001 to ")
    assert named(page)[-2].startswith("group 4999: 0.1 to ")
    left, right = strokes(page)[0][0], strokes(page)[-1][0]
    assert left[-1, 0] < 100  # its one step
    assert right[-1, 0] > 340
    assert named(page)[-1] == "8 of 5000 groups are named, 64 are drawn"


@pytest.mark.parametrize(
    "schedule",
    [
        ms.cosine_decay(0.1, 10),
        ms.cosine_decay(0.0, 1),
        ms.cosine_decay(-1, 2.5, 3),
        ms.cosine_decay(3e38, 10, -3e38),
        ms.cosine_decay([3e38, 1e-45], [1, 10]),
        ms.cosine_decay(1, 2**64 - 1),
        ms.cosine_decay([0.1] * 64, 10),
        *OVERFLOWING,
    ],
    ids=repr,
)
def test_every_schedule_has_a_notebook_display(schedule):
    page = html(schedule)
    assert len(strokes(page)) == math.prod(schedule.shape)
    assert not {"nan", "inf"} & set(re.findall("[a-z]+", ElementTree.tostring(page).decode()))
    assert (named(page)[-1] == "8 of 64 groups are named") == (schedule.shape == (64,))


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("init", [[5e-324], [1.0, 5e-324], [1.7e308, 1e-307, 0.0]])
def test_the_smallest_float64_have_a_notebook_display(init):
    assert len(strokes(html(ms.cosine_decay(mx.array(init, mx.float64), 10)))) == len(init)


@pytest.mark.usefixtures("cpu_only")
def test_the_largest_float64_has_a_notebook_display():
    page = html(ms.cosine_decay(mx.array(1.7e308, mx.float64), 10, mx.array(-1.7e308, mx.float64)))
    ((run,),) = strokes(page)
    assert run[0, 1] == 8
    assert run[-1, 1] == 168


def test_a_schedule_without_groups_left_is_shown_as_text():
    assert ms.cosine_decay([0.1], 10)[:0]._repr_html_() == "<code>cosine_decay(init=[], decay_steps=10, end=0.0)</code>"
