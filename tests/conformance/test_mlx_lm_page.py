"""docs/mlx-lm.md, and what README and guide say of mlx-lm: all of it runs, and every number is computed."""

import doctest
import os
import pathlib
import re
import subprocess
import sys

import mlx.core as mx
import mlx.optimizers as optim
import pytest
from mlx_lm import lora
from mlx_lm.tuner import TrainingArgs, train
from mlx_lm.tuner.datasets import CacheDataset
from mlx_lm.tuner.utils import build_schedule, linear_to_lora_layers
from tiny import model

import mlx_schedules as ms
from mlx_schedules._mlx_lm import state_file

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "mlx-lm.md").read_text()
README = (DOCS.parent / "README.md").read_text()


def blocks(language, page=PAGE):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


class Texts(list):
    def process(self, part):
        return part

    def itemlen(self, i):
        return len(self[i][0])


def lora_model():
    tuned = model()
    tuned.freeze()
    linear_to_lora_layers(tuned, 2, {"rank": 4, "scale": 10.0, "dropout": 0.0})
    return tuned


def texts():
    return Texts((list(range(i, 20 + i)), 0) for i in range(8))


def check(code, names):
    """Run a block with its output, which is compared, and return its names."""
    test = doctest.DocTestParser().get_doctest(code, names, "page", None, 0)
    assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
    return test.globs


def test_the_plain_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"model": lora_model(), "texts": texts()}
    code, checked = blocks("python")
    exec(compile(code, "mlx-lm.md", "exec"), names)
    check(checked, names)
    assert (tmp_path / "adapters.safetensors").exists()


def test_the_plain_way_of_the_readme(tmp_path):
    (code,) = blocks("python", README[README.index("## With mlx-lm") : README.index("## Install")])
    names = check(code, {"mx": mx, "optim": optim, "ms": ms})
    args = TrainingArgs(iters=8, grad_accumulation_steps=4, adapter_file=str(tmp_path / "adapters.safetensors"))
    train(lora_model(), names["optimizer"], CacheDataset(texts()), args=args)
    assert names["optimizer"].step.item() == 2
    assert names["optimizer"].learning_rate.item() == names["rate"](1).item()


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
