"""Every example runs, prints what it should, and saves its plot."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.helpers import needs

for library in ("sklearn", "tqdm", "matplotlib.image"):
    needs(library)

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *args: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *args]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "100%|" in done.stderr  # the progress bar reached its end
    return done.stdout


def check_plot(path: Path) -> None:
    image = needs("matplotlib.image").imread(path)
    assert min(image.shape[:2]) > 500
    assert image[..., :3].std() > 0.02  # the picture isn't blank


@pytest.mark.slow
def test_parameter_groups(tmp_path):
    out = tmp_path / "groups.png"
    printed = run("parameter_groups.py", "--out", str(out), "--epochs", "4")
    check_plot(out)
    lines = re.findall(
        r"epoch +(\d+)  loss ([\d.]+)  accuracy ([\d.]+)%  rates: backbone (\S+)  neck (\S+)  head (\S+)", printed
    )
    assert [int(line[0]) for line in lines] == [1, 2, 3, 4]
    assert float(lines[-1][2]) > 90
    assert float(lines[-1][3]) == 0  # the backbone's schedule ends half-way
    assert float(lines[-1][4]) < 1.1e-5  # the last step is the one before the end of the decay
    assert float(lines[-1][5]) < 1.1e-4


def test_parameter_groups_warm_up(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    import parameter_groups

    rates = parameter_groups.make_rates(200)
    assert [group.last_step for group in rates] == [100, 200, 200]
    assert rates(0).tolist() == [0, 0, 0]
    assert rates(5).tolist() == pytest.approx([1e-4, 0.25e-3, 1.25e-3])
    assert [rates(10)[0].item(), *rates(20)[1:].tolist()] == pytest.approx([2e-4, 1e-3, 5e-3])


def test_parameter_groups_refuses_bad_options(tmp_path):
    command = [sys.executable, str(EXAMPLES / "parameter_groups.py"), "--epochs", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--epochs must be at least 1, got 0" in done.stderr


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_help(path):
    done = subprocess.run([sys.executable, str(path), "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--seed" in done.stdout


@pytest.mark.slow
def test_sweep(tmp_path):
    out = tmp_path / "sweep.png"
    printed = run("sweep.py", "--out", str(out), "--members", "8", "--epochs", "3")
    check_plot(out)
    best, worst = map(float, re.search(r"best of 8: accuracy ([\d.]+)%.*worst ([\d.]+)%", printed).groups())
    assert best > 80
    assert worst < best


def test_hypergradient(tmp_path):
    out = tmp_path / "hypergradient.png"
    printed = run("hypergradient.py", "--out", str(out))
    check_plot(out)
    found = re.search(r"init (\S+) -> (\S+), held-out loss (\S+) -> (\S+); best of 25 on a grid: (\S+) with", printed)
    first, learned, before, after, best = map(float, found.groups())
    assert first < learned
    assert after < min(before / 5, best + 0.01)


@pytest.mark.slow
def test_pretrain_wsd(tmp_path):
    out, checkpoint = tmp_path / "pretrain.png", tmp_path / "stable.safetensors"
    printed = run("pretrain_wsd.py", "--out", str(out), "--checkpoint", str(checkpoint), "--updates", "40")
    check_plot(out)
    found = re.findall(r"([\w ]+): (\d+) updates, held-out loss ([\d.]+); last update: (.*)", printed)
    updates = {name: int(count) for name, count, _, _ in found}
    assert updates == {"stable": 40, "short decay": 50, "long decay": 60, "no decay": 60}
    loss = {name: float(value) for name, _, value, _ in found}
    assert loss["long decay"] < loss["short decay"] < loss["stable"] < 2.6  # guessing characters by frequency gives 3.2
    last = {name: dict(pair.split() for pair in pairs.split("  ")) for name, _, _, pairs in found}
    for name, decay in {"stable": 0, "short decay": 10, "long decay": 20, "no decay": 0}.items():
        tail = 1 - ((decay - 1) / decay) ** 0.5 if decay else 1
        expected = {
            "matrices.learning_rate": 0.03 * tail,
            "rest.learning_rate": 0.02 * tail,
            "matrices.momentum": 0.95,
            "matrices.weight_decay": 0.01,
            "rest.weight_decay": 0.01 / decay if decay else 0.01,
        }
        assert {key: float(value) for key, value in last[name].items()} == pytest.approx(expected, rel=0.01)


def test_pretrain_wsd_refuses_bad_options():
    command = [sys.executable, str(EXAMPLES / "pretrain_wsd.py"), "--updates", "9"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--updates must be at least 20, got 9" in done.stderr


def test_data_parallel_on_one_rank(tmp_path):
    out = tmp_path / "data_parallel.png"
    printed = run("data_parallel.py", "--out", str(out), "--epochs", "3")
    check_plot(out)
    before, after = map(float, re.search(r"loss ([\d.]+) -> ([\d.]+)", printed).groups())
    assert after < before / 4
