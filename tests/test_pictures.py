"""What a schedule looks like: matplotlib curves, the notebook's SVG, the preview command."""

import csv
import io
import json
import math
import os
import re
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules import _axis, _chart, _colors, _curves, _plot, _preview
from mlx_schedules.__main__ import main

mpl.use("agg")
GROUPS = ms.cosine_decay([1e-3, 1e-4], [1000, 2000], end=[0.0, 1e-6])


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


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
    assert _plot.plot(GROUPS, scale="linear").get_yscale() == "linear"
    axes = _plot.plot(ms.cosine_decay(1e-3, 1000), scale="log")
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] == pytest.approx(1e-5, rel=0.2)
    used = ms.cosine_decay(1e-3, 1000).plot()
    assert GROUPS.plot(ax=used).get_yscale() == "linear"
    assert _plot.plot(GROUPS, ax=used, scale="log").get_yscale() == "log"


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


@pytest.mark.usefixtures("cpu_only")
def test_float64_is_drawn():
    assert ms.cosine_decay(mx.array(0.1, mx.float64), 10).plot().lines[0].get_ydata()[0] == 0.1


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (0, ValueError, "steps must be at least 1 and below 2\\*\\*63, got 0"),
        (2**63, ValueError, "got 9223372036854775808"),
        (1.5, TypeError, "steps must be an integer, got 1.5"),
        (True, TypeError, "steps must be an integer, got True"),
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
        _plot.plot(schedule, scale=scale)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"Run: pip install 'mlx-schedules\[plot\]'"):
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
    """The curves, without the samples beside their names: each one's runs of points."""
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
    assert first[-1].tolist() == second[-1].tolist() == [first[0, 0] + 340, 168]  # their foot
    assert named(page) == ["group 0: 0.001 to 0 in 1000", "group 1: 0.0005 to 0 in 2000"]
    assert page.find(".//{*}title").text == "group 0: 0.001 to 0 in 1000; group 1: 0.0005 to 0 in 2000"
    assert texts(page) == ["0", "0.0002", "0.0004", "0.0006", "0.0008", "0.001", "0", "1000", "2000"]


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
    ],
    ids=repr,
)
def test_every_schedule_has_a_notebook_display(schedule):
    page = html(schedule)
    assert len(strokes(page)) == math.prod(schedule.shape)
    assert "nan" not in ElementTree.tostring(page).decode()
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


ARGUMENTS = ["preview", "--init", "1e-3", "1e-4", "--decay-steps", "1000", "2000", "--end", "0", "1e-6"]


def test_preview_prints_key_steps_and_a_curve(capsys):
    assert main(ARGUMENTS) == 0
    title, table, chart, legend = capsys.readouterr().out.split("\n\n")
    assert eval(title, {"cosine_decay": ms.cosine_decay}) == GROUPS
    head, *rows = table.splitlines()
    assert head.split() == ["step", "group", "0", "group", "1"]
    assert [row.split()[0] for row in rows] == ["0", "500", "1000", "1500", "1999", "2000", "2200"]
    for row in rows:
        step, *values = row.split()
        assert [float(v) for v in values] == pytest.approx(GROUPS(int(step)).tolist(), rel=1e-6)
    frame, legend = chart.splitlines(), legend.splitlines()
    assert legend == ["0 group 0: 0.001 to 0 in 1000", "1 group 1: 0.0001 to 1e-06 in 2000"]
    assert frame[-1].split() == ["0", "1000", "2000", "2200"]
    assert [line.split("┤")[0].strip() for line in frame if "┤" in line] == ["0.001", "0.0001", "1e-05", "1e-06"]
    columns = list(zip(*(line.partition("│")[2] or line.partition("┤")[2] for line in frame[1:-2]), strict=True))
    rows = [column.index("1") for column in columns if "1" in column]
    assert len(rows) > 60  # it may be below the other in a few
    assert rows == sorted(rows)


def preview(capsys, *arguments):
    assert main(["preview", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", [20, 60, 61, 80, 200, 300])
@pytest.mark.parametrize("groups", [1, 3, 8, 64])
def test_preview_fits_the_terminal(columns, groups, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = preview(capsys, "--init", *(f"{i + 1}.25e-3" for i in range(groups)), "--decay-steps", "1000")
    widths = {len(line) for line in out.splitlines()}
    assert max(widths) <= min(max(columns, 60), 200)
    assert len(next(line for line in out.splitlines() if "┌" in line)) == min(max(columns, 60), 200)
    assert ("8 of 64 groups, evenly spread; --csv prints all." in out) == (groups == 64)


def test_curves_in_each_others_way_take_turns(capsys):
    out = preview(capsys, "--init", *["1"] * 4, "--decay-steps", "1000", "--scale", "linear")
    drawn = out[out.index("┌") : out.index("└")]
    shares = [drawn.count(mark) for mark in "0123"]
    assert min(shares) > sum(shares) / 6
    assert sum(shares) >= 72


@pytest.mark.parametrize(
    ("environment", "tty", "look"),
    [
        ({}, True, "color"),
        ({}, False, "plain"),
        ({"NO_COLOR": ""}, True, "plain"),
        ({"TERM": "dumb"}, True, "plain"),
        ({"PYTHONIOENCODING": "ascii"}, True, "ascii"),
    ],
)
def test_preview_shows_what_the_terminal_can(environment, tty, look, monkeypatch):
    class Output(io.StringIO):
        encoding = environment.pop("PYTHONIOENCODING", "utf-8")

        def isatty(self):
            return tty

    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Output())
    assert _preview._look() == look
    assert main(ARGUMENTS) == 0
    text = sys.stdout.getvalue()
    assert ("\x1b[38;5;32m" in text) == (look == "color")
    assert ("\x1b" in text) == (look == "color")
    assert text.isascii() == (look == "ascii")
    assert ("⠉" in text) == (look == "color")


def run_command(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "mlx_schedules", *arguments], capture_output=True, text=True, check=False, **more
    )


@pytest.mark.parametrize("arguments", [ARGUMENTS, [*ARGUMENTS, "--csv", "--steps", "300000"], ["doctor"]])
def test_a_closed_pipe_is_no_error(arguments):
    command = [sys.executable, "-m", "mlx_schedules", *arguments]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=buffered) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_negative_numbers_are_no_options(capsys):
    out = preview(capsys, "--init", "-1e-3", "-.5E+1", "-2", "--decay-steps", "1e3", "--steps", "1e3")
    assert eval(out.partition("\n\n")[0], {"cosine_decay": ms.cosine_decay}) == ms.cosine_decay([-1e-3, -5.0, -2], 1000)
    assert out.partition("\n\n")[2].partition("\n\n")[0].splitlines()[-1].startswith("1000 ")


def test_a_long_legend_is_cut():
    curve = _curves.Curve("group 0", "0 to 1 in 10, " * 9, [])
    assert [len(line) for line in _chart._legend([curve], 60, "plain")] == [0, 60]


def test_preview_on_a_chosen_scale(capsys):
    assert "1e-05" not in preview(capsys, *ARGUMENTS[1:], "--scale", "linear").split("\n\n")[2]
    assert "1e-05" in preview(capsys, "--init", "1e-3", "--decay-steps", "100", "--scale", "log").split("\n\n")[2]


@pytest.mark.parametrize("found", [None, types.ModuleType("plotext")], ids=["missing", "6"])
def test_preview_without_plotext_5_has_the_table_and_names_the_extra(found, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "plotext", found)
    out = preview(capsys, *ARGUMENTS[1:])
    assert "1500        0  1.549821e-05" in out
    assert out.endswith("\n\nThe curve needs plotext 5: pip install 'mlx-schedules[plot]'\n")


def test_preview_of_one_schedule_up_to_a_step(capsys):
    assert main(["preview", "--init", "0.1", "--decay-steps", "1e3", "--steps", "600"]) == 0
    out = capsys.readouterr().out
    assert "decay_steps=1000," in out
    assert "⠉" in out
    assert [row.split()[0] for row in out.split("\n\n")[1].splitlines()] == ["step", "0", "250", "500", "600"]


def test_preview_csv_has_every_step_exactly(capsys):
    assert main([*ARGUMENTS, "--csv", "--steps", "40000"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["step", "group 0", "group 1"]
    values = np.array(rows[1:], np.float64)
    assert values[:, 0].tolist() == list(range(40001))
    assert np.array_equal(values[:, 1:].astype(np.float32), np.array(GROUPS(mx.arange(40001))))


@pytest.mark.parametrize(("given", "written"), [("lr.png", "lr.png"), ("lr", "lr.png"), (".lr", ".lr.png")])
def test_preview_draws_the_picture_and_says_where(given, written, tmp_path, capsys):
    path = tmp_path / written
    assert preview(capsys, *ARGUMENTS[1:], "--out", str(tmp_path / given)).endswith(f"\nThe picture is in {path}.\n")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert main([*ARGUMENTS, "--csv", "--out", str(tmp_path / given)]) == 0
    assert capsys.readouterr().err == f"The picture is in {path}.\n"  # the CSV stays as it is


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--init", "1", "--decay-steps", "0"], "error: --decay-steps must be above 0, got 0."),
        (["--init", "1", "2", "--decay-steps", "1", "2", "3"], "error: [cosine_decay] Shapes do not broadcast"),
        (["--init", "nan", "--decay-steps", "10"], "error: --init must be finite, got nan."),
        (["--init", "one", "--decay-steps", "10"], "error: argument --init: 'one' is no number: write 0.001 or 1e-3"),
        (["--init", "1", "--decay-steps", "10", "--steps", "0"], "error: [plot] steps must be at least 1"),
        (["--init", "1", "--decay-steps", "10", "--out", "/no/such/folder/a.png"], "No such file or directory"),
        (["--init", "1", "--decay-steps", "10", "--out", "a.wrong"], "Format 'wrong' is not supported"),
        (["--init", "1"], "error: --decay-steps is missing: a cosine decay is --init X --decay-steps T"),
        (["--init", "1", "--decay-steps", "10", "--init", "2"], "error: argument --init: given twice; several groups"),
        (["--init", "1", "--decay-steps", "10", "--end", "0", "--end", "0"], "error: argument --end: given twice"),
        (["--init", "1", "--decay-steps", "10", "--steps", "9", "--steps", "9"], "argument --steps: given twice"),
        (["--init", "1", "--decay-steps", "10", "--steps", "1.5"], "steps must be an integer, got 1.5"),
        (["--init", "-inf", "--decay-steps", "10"], "--init must be finite, got -inf."),
        (["--init", "-1", "--decay-steps", "10", "--scale", "log"], "A logarithmic scale needs values above 0"),
        (["--init", "1", "--decay-steps", "10", "--scale", "x"], "argument --scale: invalid choice: 'x'"),
        ([], "error: --init is missing: a cosine decay is --init X --decay-steps T"),
        (
            ["--init", "1", "--decay-steps", "10", "--warmup", "0.1"],
            "--warmup 0.1 is a fraction of a whole run: a whole",
        ),
        (["--init", "1", "--decay-steps", "10", "--decay", "5"], "--decay 5 does not go with these: a cosine decay is"),
        (["--peak", "1", "--warmup", "5"], "--total-steps is missing: a whole run is --peak X --total-steps T"),
        (["--total-steps", "5"], "--peak is missing: a whole run is --peak X --total-steps T"),
        (["--wsd", "--init", "1", "--decay-steps", "10"], "--peak is missing: a whole run is"),
        (["--peak", "1", "--total-steps", "9", "--decay", "2"], "--decay 2 does not go with these: a whole run is"),
        (
            ["--peak", "1", "--total-steps", "9", "--warmup", "10"],
            "--warmup must not be longer than the run, got warmup=10",
        ),
        (["--peak", "1", "--total-steps", "9", "--wsd", "--tail", "x"], "argument --tail: invalid choice: 'x'"),
        (["--peak", "1", "--total-steps", "9", "--wsd", "--tail", "exponential"], "--end must not be 0 for tail="),
        (
            ["--config", "a.yaml", "--init", "1"],
            "--init 1 does not go with these: --config FILE is a schedule",
        ),
        (["--config", "/no/such.yaml"], "No such file or directory: '/no/such.yaml'"),
        ([*ARGUMENTS[1:], "--compare"], "error: --init is missing: a cosine decay is"),
        ([*ARGUMENTS[1:], "--compare", "--csv"], "--csv stands behind --compare, where another schedule's options are"),
    ],
)
def test_preview_explains_what_is_wrong(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["preview", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_preview_without_matplotlib_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit):
        main([*ARGUMENTS, "--out", "lr.png"])
    assert "pip install 'mlx-schedules[plot]'" in capsys.readouterr().err


WHOLE = ["--peak", "1e-3", "--total-steps", "1000"]
RUN = ms.warmup_cosine(1e-3, 1000, warmup=50)
LORA = """\
learning_rate: 1e-5
lr_schedule:
  name: cosine_decay
  warmup: 100
  warmup_init: 1e-7
  arguments: [1e-5, 1e3, .1e-6]
"""
LIKE_MLX_LM = ms.join_schedules([ms.linear_schedule(1e-7, 1e-5, 100), ms.cosine_decay(1e-5, 1000, 1e-7)], [101])


@pytest.mark.parametrize(
    ("arguments", "schedule"),
    [
        (["--init", "1e-3", "--decay-steps", "950", "--warmup", "50"], RUN),
        ([*WHOLE, "--warmup", "0.05"], RUN),
        ([*WHOLE, "--warmup", "50", "100"], ms.warmup_cosine(1e-3, 1000, warmup=[50, 100])),
        (
            [*WHOLE, "--init", "1e-5", "--warmup", "9", "--end", "1e-4"],
            ms.warmup_cosine(1e-3, 1000, warmup=9, init=1e-5, end=1e-4),
        ),
        ([*WHOLE, "--wsd"], ms.warmup_stable_decay(1e-3, 1000)),
        (
            [*WHOLE, "--wsd", "--warmup", "50", "--decay", "0.1", "--tail", "1-sqrt"],
            ms.warmup_stable_decay(1e-3, 1000, warmup=50, decay=0.1, tail="1-sqrt"),
        ),
        ([*WHOLE, "--compare", *WHOLE, "--warmup", "50"], ms.stack([ms.warmup_cosine(1e-3, 1000), RUN])),
        ([*ARGUMENTS[1:], "--compare", *WHOLE, "--warmup", "50"], ms.stack([*GROUPS, RUN])),
    ],
)
def test_preview_takes_whole_schedules(arguments, schedule, capsys):
    title = preview(capsys, "--steps", "9", *arguments).split("\n\n")[0]
    assert eval(title, {name: getattr(ms, name) for name in ms.__all__}) == schedule


@pytest.mark.parametrize(
    ("name", "text", "schedule"),
    [
        ("lora.yaml", LORA, LIKE_MLX_LM),
        ("schedule.yaml", LORA.partition("lr_schedule:")[2], LIKE_MLX_LM),
        ("schedule.json", json.dumps(RUN.to_dict()), RUN),
        ("no suffix", json.dumps({"lr_schedule": RUN.to_dict()}), RUN),
        ("own.yaml", "name: cosine_decay\ninit: [1e-3, 1.0e-4]\ndecay_steps: 100", ms.cosine_decay([1e-3, 1e-4], 100)),
    ],
)
def test_preview_reads_a_config(name, text, schedule, tmp_path, capsys):
    path = tmp_path / name
    path.write_text(text)
    assert main(["preview", "--steps", "9", "--config", str(path)]) == 0
    out, notes = capsys.readouterr()
    assert eval(out.split("\n\n")[0], {name: getattr(ms, name) for name in ms.__all__}) == schedule
    assert notes.startswith("note: mlx-lm starts a schedule one step after its warmup") == (schedule is LIKE_MLX_LM)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "is no JSON: Expecting property name"),
        ("a.yaml", "a: [", "is no YAML: while parsing a flow"),
        ("a.yaml", "learning_rate: 1e-5", "has no lr_schedule, so its learning_rate 1e-05 is constant: add one."),
        ("a.yaml", "lr_schedule:", "[from_dict] config must be a dict, got None:"),
        ("a.yaml", "", "[from_dict] config must be a dict, got None:"),
        ("a.yaml", "name: cosine_dekay", "got 'cosine_dekay'; did you mean 'cosine_decay'?"),
        ("a.yaml", "name: cosine_decay\narguments: [1, 0]", "[cosine_decay] decay_steps must be above 0, got 0."),
    ],
)
def test_a_config_that_is_wrong_is_named(name, text, message, tmp_path, capsys):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(SystemExit):
        main(["preview", "--config", str(path)])
    error = capsys.readouterr().err
    assert f"error: --config {path}" in error
    assert message in error


def test_only_yaml_needs_pyyaml(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "yaml", None)
    for name, text in (("a.json", json.dumps(RUN.to_dict())), ("a.yaml", LORA)):
        (tmp_path / name).write_text(text)
    assert preview(capsys, "--config", str(tmp_path / "a.json"))
    with pytest.raises(SystemExit):
        preview(capsys, "--config", str(tmp_path / "a.yaml"))
    assert "a.yaml needs pyyaml, unless it is JSON. Run: pip install pyyaml" in capsys.readouterr().err


def test_the_examples_in_the_help_run(tmp_path):
    help_text = subprocess.run(
        [sys.executable, "-m", "mlx_schedules", "preview", "--help"], capture_output=True, text=True, check=True
    ).stdout
    examples = [line.strip() for line in help_text.splitlines() if line.strip().startswith("python -m")]
    assert len(examples) == 7
    (tmp_path / "lora.yaml").write_text(LORA)
    for example in examples:
        command = example.replace("python", f"'{sys.executable}'", 1)
        subprocess.run(command, shell=True, check=True, cwd=tmp_path, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == {"lora.yaml", "lr.png", "lr.csv"}


# ---- What the pictures share -------------------------------------------------------------------------------------


def luminance(color):
    parts = [x / 255 for x in color]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def terminal_color(code):
    levels = (0, 95, 135, 175, 215, 255)
    return [levels[(code - 16) // power % 6] for power in (36, 6, 1)]


def test_colors_stand_out_from_white_and_from_a_dark_screen():
    shown = [_colors.rgb(color) for count in (1, 3, 8, 9, 64) for color in _colors.colors(count)]
    shown += [terminal_color(_chart._code(i)) for i in range(8)]
    dark = luminance((0x1E, 0x1E, 0x1E))
    for color in shown:
        assert 1.05 / (luminance(color) + 0.05) >= 3, color  # what WCAG asks of graphics
        assert (luminance(color) + 0.05) / (dark + 0.05) >= 3, color


@pytest.mark.parametrize("count", [1, 3, 8, 9, 64])
def test_every_group_has_a_color_of_its_own(count):
    assert len(set(_colors.colors(count))) == count


def test_terminal_colors_differ():
    assert len({_chart._code(i) for i in range(8)}) == 8


def curves_of(*rows):
    return [_curves.Curve("", "", list(row)) for row in rows]


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
    ],
)
def test_which_axis_shows_most(rows, log):
    assert _axis.value_axis(curves_of(*rows)).log == log


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (_axis.Axis(0, 0.001, False), "0 0.0002 0.0004 0.0006 0.0008 0.001"),
        (_axis.Axis(-1, 2, False), "-1 0 1 2"),
        (_axis.Axis(0, 0.3 + 1e-9, False), "0 0.1 0.2 0.3"),
        (_axis.Axis(5e-7, 2e-3, True), "1e-06 1e-05 0.0001 0.001"),
        (_axis.Axis(0.09, 1.1, True), "0.1 0.2 0.5 1"),
        (_axis.Axis(1e-12, 1, True), "1e-12 1e-09 1e-06 0.001 1"),
        (_axis.Axis(-3e38, 3e38, False), "-2e+38 0 2e+38"),
    ],
)
def test_numbers_beside_the_axis(axis, ticks):
    assert " ".join(f"{tick:g}" for tick in axis.ticks()) == ticks


def test_a_curve_leaves_a_logarithmic_axis_at_its_foot_and_comes_back():
    axis = _axis.Axis(0.01, 1, True)
    assert axis.heights([1, 0.1, 0, 0, 0.001, 1]) == [1, 0.5, 0, None, 0, 1]


@pytest.mark.parametrize(
    ("steps", "borders", "characters", "written"),
    [
        (1100, [1000], 70, [0, 1000, 1100]),
        (1100, [1000], 40, [0, 1000]),
        (2200, [1000, 1010, 2000], 70, [0, 1010, 2000, 2200]),
        (100, [1000], 70, [0, 100]),
        (2**63 - 1, [2**63 - 1], 10, [0]),
    ],
)
def test_numbers_below_the_axis_are_not_over_each_other(steps, borders, characters, written):
    assert _axis.marks(steps, borders, characters) == written


def test_both_sides_of_every_border_are_drawn():
    at = _curves.sampled(ms.cosine_decay([1.0, 1.0], [7777.5, 123456]), 200_000)
    assert {0, 7777, 7778, 123455, 123456, 200_000} <= set(at)
    assert len(at) <= 513


def test_segments_in_words():
    rise, fall = ms.cosine_decay(0.001, 900.5).warmup(100).segments
    assert _curves._told([rise, fall]) == "0 to 0.001 in 100, 0.001 to 0 in 900.5"
    assert _curves._told([rise, fall] * 2) == "4 segments, 0 to 0 in 1000.5"


@pytest.mark.parametrize(
    ("count", "most", "chosen"), [(3, 8, [0, 1, 2]), (9, 8, [0, 1, 2, 3, 4, 5, 6, 8]), (64, 2, [0, 63])]
)
def test_groups_are_chosen_evenly(count, most, chosen):
    assert _curves.spread(count, most) == chosen
