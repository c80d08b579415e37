"""The schedules that the preview command takes: whole runs, several to compare, and configs."""

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
