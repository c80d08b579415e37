"""What a schedule looks like: matplotlib curves, the notebook's SVG, the preview command."""

import csv
import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
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


def test_many_groups_are_drawn_without_a_legend_over_them():
    axes = ms.cosine_decay([[0.1], [0.2]], list(range(1, 33))).plot()
    assert len(axes.lines) == 64
    assert axes.lines[33].get_label() == "group 1, 1: 0.2 to 0 in 2"
    assert axes.get_legend() is None


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
    ],
)
def test_plot_refuses(steps, error, message):
    with pytest.raises(error, match=message):
        GROUPS.plot(steps)


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
    assert schedule._repr_html_().startswith("<code>CosineDecay(init=&lt;traced array")


def html(schedule):
    return ElementTree.fromstring(schedule._repr_html_())  # well-formed, or this raises


def test_the_notebook_shows_curves_and_parameters():
    page = html(GROUPS)
    lines = page.findall(".//{*}polyline")
    ends = [[float(x) for x in line.get("points").split()[-1].split(",")] for line in lines]
    assert ends == [[504.0, 168.0], [504.0, pytest.approx(167.8, abs=0.11)]]  # the foot of the axes
    assert lines[0].get("points").startswith("64.0,8.0 ")  # its top
    rows = [[cell.text for cell in row.findall("td")][1:] for row in page.findall(".//tr")[1:]]
    assert rows == [["0", "0.001", "1000", "0.0"], ["1", "0.0001", "2000", "1e-06"]]
    assert page.find(".//{*}title").text == repr(GROUPS)
    assert {"1000", "2000"} <= {text.text for text in page.findall(".//{*}text")}


@pytest.mark.parametrize(
    "schedule",
    [
        ms.cosine_decay(0.1, 10),
        ms.cosine_decay(0.0, 1),
        ms.cosine_decay(-1, 2.5, 3),
        ms.cosine_decay(3e38, 10, -3e38),
        ms.cosine_decay(1, 2**64 - 1),
        ms.cosine_decay([0.1] * 64, 10),
    ],
    ids=repr,
)
def test_every_schedule_has_a_notebook_display(schedule):
    page = html(schedule)
    assert len(page.findall(".//{*}polyline")) == max(1, len(schedule.shape and schedule))
    assert "nan" not in ElementTree.tostring(page).decode()
    assert ("and 54 more groups" in "".join(page.itertext())) == (schedule.shape == (64,))


def test_a_schedule_without_groups_left_is_shown_as_text():
    assert ms.cosine_decay([0.1], 10)[:0]._repr_html_() == "<code>CosineDecay(init=[], decay_steps=10, end=0.0)</code>"


ARGUMENTS = ["preview", "--init", "1e-3", "1e-4", "--decay-steps", "1000", "2000", "--end", "0", "1e-6"]


def test_preview_prints_key_steps_and_a_curve(capsys):
    assert main(ARGUMENTS) == 0
    title, table, chart = capsys.readouterr().out.split("\n\n")
    assert eval(title, {"CosineDecay": ms.CosineDecay}) == GROUPS
    head, *rows = table.splitlines()
    assert head.split() == ["step", "group", "0", "group", "1"]
    assert [row.split()[0] for row in rows] == ["0", "500", "1000", "1500", "1999", "2000", "2200"]
    for row in rows:
        step, *values = row.split()
        assert [float(v) for v in values] == pytest.approx(GROUPS(int(step)).tolist(), rel=1e-6)
    lines = chart.splitlines()
    assert lines[0].startswith("0.001 |0000 ".rstrip())
    assert lines[-1].split() == ["0", "2200"]
    columns = [[line[7 + i : 8 + i] for line in lines[:-2]] for i in range(72)]
    assert all("0" in column for column in columns)  # the curve has no gap
    assert [column.index("0") for column in columns] == sorted(column.index("0") for column in columns)


def test_preview_of_one_schedule_up_to_a_step(capsys):
    assert main(["preview", "--init", "0.1", "--decay-steps", "1e3", "--steps", "600"]) == 0
    out = capsys.readouterr().out
    assert "decay_steps=1000," in out
    assert "*" in out
    assert [row.split()[0] for row in out.split("\n\n")[1].splitlines()] == ["step", "0", "250", "500", "600"]


def test_preview_csv_has_every_step_exactly(capsys):
    assert main([*ARGUMENTS, "--csv", "--steps", "40000"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["step", "group 0", "group 1"]
    values = np.array(rows[1:], np.float64)
    assert values[:, 0].tolist() == list(range(40001))
    assert np.array_equal(values[:, 1:].astype(np.float32), np.array(GROUPS(mx.arange(40001))))


def test_preview_draws_the_picture(tmp_path, capsys):
    path = tmp_path / "lr.png"
    assert main([*ARGUMENTS, "--out", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.endswith(f"The picture is in {path}.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--init", "1", "--decay-steps", "0"], "error: [cosine_decay] decay_steps must be at least 1, got 0."),
        (["--init", "1", "2", "--decay-steps", "1", "2", "3"], "error: [cosine_decay] Shapes do not broadcast"),
        (["--init", "nan", "--decay-steps", "10"], "error: [cosine_decay] init must be finite, got nan."),
        (["--init", "one", "--decay-steps", "10"], "error: argument --init: invalid number value: 'one'"),
        (["--init", "1", "--decay-steps", "10", "--steps", "0"], "error: [plot] steps must be at least 1"),
        (["--init", "1", "--decay-steps", "10", "--out", "/no/such/folder/a.png"], "No such file or directory"),
        (["--init", "1", "--decay-steps", "10", "--out", "a.wrong"], "Format 'wrong' is not supported"),
        (["--init", "1"], "the following arguments are required: --decay-steps"),
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


def test_the_examples_in_the_help_run(tmp_path):
    help_text = subprocess.run(
        [sys.executable, "-m", "mlx_schedules", "preview", "--help"], capture_output=True, text=True, check=True
    ).stdout
    examples = [line.strip() for line in help_text.splitlines() if line.strip().startswith("python -m")]
    assert len(examples) == 4
    for example in examples:
        command = example.replace("python", f"'{sys.executable}'", 1)
        subprocess.run(command, shell=True, check=True, cwd=tmp_path, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == {"lr.png", "lr.csv"}
