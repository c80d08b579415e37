"""The preview command: key steps, a curve in the terminal, CSV, pictures, and error messages."""

import csv
import io
import os
import re
import subprocess
import sys
import types

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules.__main__ import main
from mlx_schedules._commands import preview as command
from support.pictures import ARGUMENTS, GROUPS, preview

pytestmark = pytest.mark.usefixtures("closed_figures")


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
    assert len(rows) > 60  # in a few it may be hidden by the other
    assert rows == sorted(rows)


@pytest.mark.parametrize("columns", [20, 60, 61, 80, 200, 300])
@pytest.mark.parametrize("groups", [1, 3, 8, 64])
def test_preview_fits_the_terminal(columns, groups, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = preview(capsys, "--init", *(f"{i + 1}.25e-3" for i in range(groups)), "--decay-steps", "1000")
    widths = {len(line) for line in out.splitlines()}
    assert max(widths) <= min(max(columns, 60), 200)
    assert len(next(line for line in out.splitlines() if "┌" in line)) == min(max(columns, 60), 200)
    assert ("8 of 64 groups, evenly spread; --csv prints all." in out) == (groups == 64)


def test_curves_on_top_of_each_other_alternate(capsys):
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
    assert command._look() == look
    assert main(ARGUMENTS) == 0
    text = sys.stdout.getvalue()
    assert ("\x1b[38;5;32m" in text) == (look == "color")
    assert ("\x1b" in text) == (look == "color")
    assert text.isascii() == (look == "ascii")
    assert ("⠉" in text) == (look == "color")


ENDLESS = [  # CSV with more rows than a range's length can be
    ["preview", "--init", "1", "--decay-steps", str(2**64 - 1), "--csv"],
    [*ARGUMENTS, "--csv", "--steps", str(2**63 - 1)],
]


@pytest.mark.parametrize("arguments", [ARGUMENTS, [*ARGUMENTS, "--csv", "--steps", "300000"], ["doctor"], *ENDLESS])
def test_a_closed_pipe_is_no_error(arguments):
    command = [sys.executable, "-m", "mlx_schedules", *arguments]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=buffered) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.parametrize("command", ["preview --init 1 --decay-steps 10", "doctor --json"])
def test_output_that_cannot_be_written_is_an_error(command):
    line = f"'{sys.executable}' -m mlx_schedules {command}"
    for redirection, reason in ((">&-", "it is closed"), ("> /dev/full", "No space left on device")):
        if os.path.exists("/dev/full") or redirection == ">&-":
            done = subprocess.run(f"{line} {redirection}", shell=True, capture_output=True, text=True)
            assert done.returncode == 1
            expected = f"error: Nothing can be written to the standard output: {reason}.\n"
            assert done.stderr == f"python -m mlx_schedules: {expected}"


def test_negative_numbers_are_no_options(capsys):
    out = preview(capsys, "--init", "-1e-3", "-.5E+1", "-2", "--decay-steps", "1e3", "--steps", "1e3")
    assert eval(out.partition("\n\n")[0], {"cosine_decay": ms.cosine_decay}) == ms.cosine_decay([-1e-3, -5.0, -2], 1000)
    assert out.partition("\n\n")[2].partition("\n\n")[0].splitlines()[-1].startswith("1000 ")


def test_preview_on_a_chosen_scale(capsys):
    assert "1e-05" not in preview(capsys, *ARGUMENTS[1:], "--scale", "linear").split("\n\n")[2]
    assert "1e-05" in preview(capsys, "--init", "1e-3", "--decay-steps", "100", "--scale", "log").split("\n\n")[2]


@pytest.mark.parametrize("found", [None, types.ModuleType("plotext")], ids=["missing", "6"])
def test_preview_without_plotext_5_has_the_table_and_names_the_extra(found, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "plotext", found)
    out = preview(capsys, *ARGUMENTS[1:])
    assert re.search(r"\n1500 +0 +1\.5498\d+e-05\n", out)
    assert out.endswith("\n\nThe curve needs plotext 5: pip install 'plotext>=5.3,<6'\n")


def test_preview_of_one_schedule_up_to_a_step(capsys):
    assert main(["preview", "--init", "0.1", "--decay-steps", "1e3", "--steps", "600"]) == 0
    out = capsys.readouterr().out
    assert "decay_steps=1000," in out
    assert "⠉" in out
    assert [row.split()[0] for row in out.split("\n\n")[1].splitlines()] == ["step", "0", "250", "500", "600"]


def test_preview_of_progress(capsys):
    out = preview(capsys, "--peak", "1", "--total-steps", "1", "--warmup", "0.1", "--steps", "0.5")
    table = [row.split() for row in out.split("\n\n")[1].splitlines()]
    assert table == [["step", "value"], ["0", "0"], ["0.1", "1"], ["0.25", "0.9330127"], ["0.5", "0.5868241"]]
    assert "⠉" in out or "⢠" in out
    rows = preview(capsys, "--peak", "1", "--total-steps", "1", "--warmup", "0.1", "--csv").splitlines()
    assert "0.10000000149011612,1" in rows  # a tenth in float32, where the peak is
    assert "1.0,0" in rows
    assert len(rows) > 500


def test_preview_csv_has_every_step_exactly(capsys):
    assert main([*ARGUMENTS, "--csv", "--steps", "40000"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["step", "group 0", "group 1"]
    values = np.array(rows[1:], np.float64)
    assert values[:, 0].tolist() == list(range(40001))
    assert np.array_equal(values[:, 1:].astype(np.float32), np.array(GROUPS(mx.arange(40001))))


@pytest.mark.parametrize(("more", "last"), [([], 110), (["--steps", "300.5"], 300)])
def test_preview_csv_of_a_fractional_length_has_every_step(more, last, capsys):
    rows = preview(capsys, "--init", "1e-3", "--decay-steps", "100.5", "--csv", *more).splitlines()
    assert [row.partition(",")[0] for row in rows] == ["step", *map(str, range(last + 1))]


@pytest.mark.parametrize("arguments", ENDLESS)
def test_the_csv_of_any_number_of_steps_begins_at_once(arguments):
    with subprocess.Popen([sys.executable, "-m", "mlx_schedules", *arguments], stdout=subprocess.PIPE) as process:
        steps = [process.stdout.readline().partition(b",")[0] for _ in range(40000)]
        process.stdout.close()
    assert steps == [b"step", *(b"%d" % step for step in range(39999))]


@pytest.mark.parametrize(("given", "written"), [("lr.png", "lr.png"), ("lr", "lr.png"), (".lr", ".lr.png")])
def test_preview_draws_the_picture_and_says_where(given, written, tmp_path, capsys):
    path = tmp_path / written
    assert preview(capsys, *ARGUMENTS[1:], "--out", str(tmp_path / given)).endswith(f"\nThe picture is in {path}.\n")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert main([*ARGUMENTS, "--csv", "--out", str(tmp_path / given)]) == 0
    assert capsys.readouterr().err == f"The picture is in {path}.\n"  # not in the CSV


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--init", "1", "--decay-steps", "0"], "error: --decay-steps must be above 0, got 0."),
        (["--init", "1", "2", "--decay-steps", "1", "2", "3"], "error: [cosine_decay] Shapes do not broadcast"),
        (["--init", "nan", "--decay-steps", "10"], "error: --init must be finite, got nan."),
        (
            ["--init", "one", "--decay-steps", "10"],
            "error: argument --init: 'one' is not a number: write 0.001 or 1e-3",
        ),
        (
            ["--init", "1", "--decay-steps", "10", "--steps", "0"],
            "error: --steps must be above 0 and below 2**63, got",
        ),
        (["--init", "1", "--decay-steps", "10", "--out", ""], "argument --out: '' is not a file name: write lr.png"),
        (["--init", "1", "--decay-steps", "10", "--warmup", "1.0"], "--warmup 1.0 may mean one step or the whole run"),
        (["--peak", "1", "--total-steps", "9", "--tail", "cosine"], "--tail cosine needs --wsd, which keeps the peak"),
        (["--init", "-1", "--decay-steps", "10", "--scale", "log"], "error: A logarithmic scale needs values above 0"),
        (["--init", "1", "--decay-steps", "10", "--out", "/no/such/folder/a.png"], "No such file or directory"),
        (["--init", "1", "--decay-steps", "10", "--out", "a.wrong"], "Format 'wrong' is not supported"),
        (["--init", "1"], "error: --decay-steps is missing: a cosine decay is --init X --decay-steps T"),
        (
            ["--init", "1", "--decay-steps", "10", "--init", "2"],
            "error: argument --init: given twice; for several groups write --init X X",
        ),
        (["--init", "1", "--decay-steps", "10", "--end", "0", "--end", "0"], "error: argument --end: given twice"),
        (["--init", "1", "--decay-steps", "10", "--steps", "9", "--steps", "9"], "argument --steps: given twice"),
        (["--init", "1", "--decay-steps", "10", "--steps", "inf"], "--steps must be above 0 and below 2**63, got inf."),
        (["--init", "-inf", "--decay-steps", "10"], "--init must be finite, got -inf."),
        (["--init", "1", "--decay-steps", "10", "--scale", "x"], "argument --scale: invalid choice: 'x'"),
        ([], "error: --init is missing: a cosine decay is --init X --decay-steps T"),
        (
            ["--init", "1", "--decay-steps", "10", "--warmup", "0.1"],
            "--warmup 0.1 is a fraction of a whole run: a whole",
        ),
        (["--init", "1", "--decay-steps", "10", "--decay", "5"], "--decay 5 needs --wsd, which keeps the peak"),
        (["--peak", "1", "--warmup", "5"], "--total-steps is missing: a whole run is --peak X --total-steps T"),
        (["--total-steps", "5"], "--peak is missing: a whole run is --peak X --total-steps T"),
        (["--wsd", "--init", "1", "--decay-steps", "10"], "--peak is missing: a whole run is"),
        (["--peak", "1", "--total-steps", "9", "--decay", "2"], "--decay 2 needs --wsd, which keeps the peak"),
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
        ([*ARGUMENTS[1:], "--compare", "--csv"], "--csv comes after --compare, which takes another schedule's options"),
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
    assert "pip install matplotlib" in capsys.readouterr().err
