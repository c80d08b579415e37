"""The schedules that the preview command takes: whole runs, several for comparison, and configs."""

import json
import subprocess
import sys

import pytest

import mlx_schedules as ms
from mlx_schedules.__main__ import main
from support.pictures import ARGUMENTS, GROUPS, preview

pytestmark = pytest.mark.usefixtures("closed_figures")


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
        ("a.json", "{", "is not JSON: Expecting property name"),
        ("a.yaml", "a: [", "is not YAML: while parsing a flow"),
        ("a.yaml", "model: x", "has neither mlx-lm's lr_schedule nor the name of a schedule."),
        ("a.yaml", "[1, 2]", "[from_dict] config must be a dict, got [1, 2]"),
        ("a.yaml", "lr_schedule: 3", "[from_dict] config must be a dict, got 3"),
        ("a.yaml", "", "is empty."),
        ("a.json", " \n", "is empty."),
        ("a.yaml", "# nothing", "[from_dict] config must be a dict, got None:"),
        ("a.yaml", b"name: \xff", "is not UTF-8 text: invalid start byte at byte 6."),
        ("a.yaml", "name: cosine_dekay", "got 'cosine_dekay'; did you mean 'cosine_decay'?"),
        ("a.yaml", "name: cosine_decay\narguments: [1, 0]", "[cosine_decay] decay_steps must be above 0, got 0."),
    ],
)
def test_a_config_that_is_wrong_is_named(name, text, message, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SystemExit):
        main(["preview", "--config", str(path)])
    error = capsys.readouterr().err
    assert f"error: --config {path}" in error
    assert message in error


def test_what_a_config_will_train_is_told_and_marked(tmp_path, capsys):
    path = tmp_path / "lora.yaml"
    path.write_text(f"iters: 1000\ngrad_accumulation_steps: 4\n{LORA}")
    out = preview(capsys, "--config", str(path), "--out", str(tmp_path / "a.svg"))
    assert "\n│ last update: 249\n" in out
    told = " ".join(out.partition("last update: 249\n")[2].split())
    assert told.startswith(
        "250 updates; the last one has 9.47e-6; the schedule's end, 1e-7, is at step 1101, and the last update at 249. "
        "For an end at the last update write arguments: [1e-5, 148, 1e-7]."
    )
    assert "\n 249  9.47" in out
    assert "<!-- last update: 249 -->" in (tmp_path / "a.svg").read_text()
    path.write_text("name: cosine_decay\narguments: [1.0, 10]")
    assert "update" not in preview(capsys, "--config", str(path))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("learning_rate: 2e-5", "2e-5"),
        ("learning_rate: 2e-5\nlr_schedule: null", "2e-5"),
        ("learning_rate: 2e-5\nlr_schedule: {}", "2e-5"),
        ("lr_schedule:", "1e-5"),
    ],
)
def test_a_constant_rate_is_told_too(text, rate, tmp_path, capsys):
    path = tmp_path / "lora.yaml"
    path.write_text(f"iters: 43\ngrad_accumulation_steps: 4\n{text}")
    out = preview(capsys, "--config", str(path))
    assert out.startswith("constant(value=")
    assert out.endswith(f"\n\n10 updates; the last one has {rate}.\n")


@pytest.mark.parametrize(
    ("options", "ignores"),
    [
        ("", True),
        ("optimizer_config: {adafactor: {relative_step: false}}", False),
        ("optimizer_config: {sgd: {}}", True),
    ],
)
def test_an_adafactor_that_ignores_its_rate_is_told(options, ignores, tmp_path, capsys):
    path = tmp_path / "lora.yaml"
    path.write_text(f"iters: 43\noptimizer: adafactor\nlearning_rate: 2e-5\n{options}")
    out = preview(capsys, "--config", str(path))
    assert ("Adafactor computes its own rate" in out) == ignores
    assert ("the last one has 2e-5" in out) != ignores


def test_auto_is_the_end_of_the_run(tmp_path, capsys):
    path = tmp_path / "lora.yaml"
    path.write_text("iters: 80\nlr_schedule: {name: warmup_cosine, peak: 1e-3, total_steps: auto, end: 1e-5}")
    out = preview(capsys, "--config", str(path))
    assert out.endswith("\n\n80 updates; the last one has 1e-5.\n")
    assert "decay_steps=79" in out


def test_a_byte_order_mark_is_no_part_of_a_config(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(LORA, encoding="utf-8-sig")
    assert preview(capsys, "--config", str(tmp_path / "a.yaml"))


COMPARED = {
    "two runs": (
        [*WHOLE, "--compare", *WHOLE, "--warmup", "50"],
        {"warmup_cosine 1": ms.warmup_cosine(1e-3, 1000), "warmup_cosine 2": RUN},
    ),
    "groups and a run": (
        [*ARGUMENTS[1:], "--compare", *WHOLE, "--wsd"],
        {"cosine_decay": GROUPS, "warmup_stable_decay": ms.warmup_stable_decay(1e-3, 1000)},
    ),
    "a file and a run": (
        ["--config", "lora.yaml", "--compare", "--peak", "1e-5", "--total-steps", "1000", "--warmup", "0.1"],
        {"lora.yaml": LIKE_MLX_LM, "warmup_cosine": ms.warmup_cosine(1e-5, 1000, warmup=0.1)},
    ),
}


@pytest.mark.parametrize("what", COMPARED)
def test_schedules_compared_have_names_of_their_own(what, tmp_path, monkeypatch, capsys):
    """They used to be merged into one schedule, as group 0 and group 1."""
    arguments, schedules = COMPARED[what]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lora.yaml").write_text(LORA)
    monkeypatch.setenv("COLUMNS", "200")
    out = preview(capsys, "--out", "lr.svg", *arguments)
    titles, table, _, legend = out.split("\n\n")[:4]
    for name, schedule in schedules.items():
        assert f"{name}:\n{repr(schedule)[:60]}" in titles
        for i in range(len(schedule) if schedule.shape else 1):
            label = f"{name} group {i}" if schedule.shape else name
            assert f"{label}: " in legend
            assert f"<!-- {label}: " in (tmp_path / "lr.svg").read_text()  # matplotlib writes each text as a comment
    rows = {row.split()[0]: [float(x) for x in row.split()[1:]] for row in table.splitlines()[1:]}
    each = [part for schedule in schedules.values() for part in (schedule if schedule.shape else [schedule])]
    assert len(rows) > 5
    for step, values in rows.items():
        assert values == pytest.approx([part(int(step)).item() for part in each], rel=1e-6)


def test_a_warmup_that_rounds_to_none_is_noted(capsys):
    assert main(["preview", "--peak", "1", "--total-steps", "10", "--warmup", "0.03"]) == 0
    assert capsys.readouterr().err.startswith("note: --warmup 0.03 of total_steps=10 is less than half a step")


def test_a_fraction_of_exactly_1_is_refused(capsys):
    for option in (["--warmup", "1.0"], ["--wsd", "--decay", "1.0"]):
        with pytest.raises(SystemExit):
            main(["preview", *WHOLE, *option])
        assert f"error: {option[-2]} must not be 1.0: a fraction of exactly 1 may" in capsys.readouterr().err


def test_an_unknown_option_is_answered_with_the_one_that_was_meant(capsys):
    with pytest.raises(SystemExit):
        main(["preview", *WHOLE, "--warmup-steps", "5"])
    error = capsys.readouterr().err
    assert "usage: python -m mlx_schedules preview" in error
    assert "error: --warmup-steps is not known here: write --warmup, a number of steps" in error


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
