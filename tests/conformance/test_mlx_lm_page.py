"""docs/mlx-lm.md and the guide on mlx-lm: everything in them runs, on a tiny model, and every number is computed."""

import doctest
import os
import pathlib
import re
import subprocess
import sys

import mlx.core as mx
import pytest
from mlx_lm import lora
from mlx_lm.tuner.utils import build_schedule, linear_to_lora_layers
from tiny import model

from mlx_schedules._mlx_lm import state_file

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "mlx-lm.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


class Texts(list):
    def process(self, part):
        return part

    def itemlen(self, i):
        return len(self[i][0])


def test_the_plain_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tuned = model()
    tuned.freeze()
    linear_to_lora_layers(tuned, 2, {"rank": 4, "scale": 10.0, "dropout": 0.0})
    names = {"model": tuned, "texts": Texts((list(range(i, 20 + i)), 0) for i in range(8))}
    code, checked = blocks("python")
    exec(compile(code, "mlx-lm.md", "exec"), names)
    test = doctest.DocTestParser().get_doctest(checked, names, "mlx-lm.md", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0
    assert (tmp_path / "adapters.safetensors").exists()


def test_the_configs_and_commands(tmp_path, command):
    """All configs and commands of the page run. `command` has the arguments for the tiny model."""
    for text in blocks("yaml"):
        name = re.match(r"# (\S+\.yaml)", text)[1]
        (tmp_path / name).write_text(text)
    files = " ".join(f"'{part}'" for part in command("adapters")[2:])
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(lines) == 4
    environment, printed = {**os.environ, "COLUMNS": "120"}, []
    for line in lines:
        line = line.replace("python", f"'{sys.executable}'", 1) + (
            f" {files} --num-layers 2" if "mlx_lm" in line else ""
        )
        done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        printed.append(" ".join((done.stdout + done.stderr).split()))
    for text, shown in zip(blocks("text"), (printed[0], printed[1]), strict=True):
        assert " ".join(text.split()) in shown
    assert "note: 250 updates; the last one has 1e-7." in printed[2]
    assert "note: 300 updates; the last one has 1e-7." in printed[3]
    assert "goes on from iteration 1000 of 1200." in printed[3]
    assert state_file.load(tmp_path / "adapters").facts["iteration"] == 1200


def rates(arguments, warmup, init, steps):
    config = {"name": "cosine_decay", "arguments": arguments, "warmup": warmup, "warmup_init": init}
    return build_schedule(config)(mx.array(steps)).tolist()


def test_the_numbers_of_the_page_are_mlx_lms():
    """They are computed with mlx-lm's own build_schedule."""
    last, end = rates([1e-5, 1000, 1e-7], 100, 1e-7, [999, 1101])
    assert f"{last:.3g}" == "3.52e-07"
    assert end == pytest.approx(1e-7, rel=1e-3)
    before, last = rates([1e-5, 223, 1e-7], 25, 4e-7, [248, 249])
    assert before > last == pytest.approx(1e-7, rel=1e-3)
    assert "`name: cosine_decay`, `warmup: 25`, `warmup_init: 4e-7`, `arguments: [1e-5, 223, 1e-7]`" in " ".join(
        PAGE.split()
    )
    twice = rates([1e-5, 223, 1e-7], 25, 4e-7, [25, 26])
    assert twice[0] == pytest.approx(twice[1]) == pytest.approx(1e-5)


def test_the_numbers_of_the_guide_are_mlx_lms():
    guide = " ".join((DOCS / "guide.md").read_text().split())
    section = guide[guide.index("## Gradient accumulation and units") : guide.index("## No decay for norms")]
    (right,), (wrong,) = rates([1e-5, 223, 1e-7], 25, 0.0, [249]), rates([1e-5, 250, 1e-7], 25, 0.0, [249])
    assert right == pytest.approx(1e-7, rel=1e-3)
    assert f"{wrong:.3g}" == "3.82e-07"
    for text in ("`iters: 1000`", "250 updates", "[1e-5, 223, 1e-7]", "[1e-5, 250, 1e-7]", "3.82e-7", "`warmup: 25`"):
        assert text in section
    assert lora.CONFIG_DEFAULTS["iters"] == 1000  # the default for a config without iters
