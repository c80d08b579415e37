"""The forecast for a config of mlx-lm, against its train(): the updates, and the rate of the last one."""

import re

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import pytest
import yaml
from mlx_lm import lora
from mlx_lm.tuner import trainer, utils
from mlx_lm.tuner.trainer import TrainingArgs
from tiny import Rates

import mlx_schedules as ms
from mlx_schedules.__main__ import main
from mlx_schedules._mlx_lm.forecast import forecast
from mlx_schedules._mlx_lm.trainer import Trainer

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.filterwarnings("ignore:mlx-lm starts a schedule")]

WSD = "{name: warmup_stable_decay, peak: 1e-2, total_steps: auto, warmup: 0.1, decay: 0.3, tail: 1-sqrt, end: 1e-4}"
PARTS = "[{name: linear_schedule, arguments: [0, 1e-2, 5]}, {name: step_decay, arguments: [1e-2, 0.5, 3]}]"
CONFIGS = [  # iters, accumulation, lr_schedule
    (20, 1, "{name: cosine_decay, arguments: [1e-2, 20, 1e-4]}"),
    (20, 1, "{name: cosine_decay, arguments: [1e-2, 20, 1e-4], warmup: 4, warmup_init: 1e-6}"),
    (43, 4, "{name: cosine_decay, arguments: [1e-2, 40], warmup: 3}"),
    (24, 3, "{name: linear_schedule, arguments: [1e-2, 1e-4, 8]}"),
    (25, 2, "{name: linear_schedule, arguments: [1e-2, 0, 6], warmup: 5}"),
    (12, 1, "{name: exponential_decay, arguments: [1e-2, 0.9], warmup: 2}"),
    (30, 2, "{name: step_decay, arguments: [1e-2, 0.5, 4]}"),
    (9, 5, "{name: step_decay, arguments: [1e-2, 0.5, 4], warmup: 30}"),
    (40, 3, "{name: warmup_cosine, peak: 1e-2, total_steps: auto, warmup: 0.2, end: 1e-4}"),
    (40, 2, "{name: warmup_linear, arguments: [1e-2, auto], warmup: 3, init: 1e-3, end: 1e-5}"),
    (41, 1, WSD),
    (16, 2, "{name: polynomial_decay, init: 1e-2, decay_steps: 20, power: 2}"),
    (16, 1, "{name: inverse_sqrt_decay, init: 1e-2, timescale: 3}"),
    (10, 1, "{name: constant, value: 1e-2}"),
    (20, 2, f"{{name: join_schedules, schedules: {PARTS}, boundaries: [5]}}"),
    (20, 2, "{name: cosine_decay, arguments: ['1e-2', '12', '1e-4'], warmup: '2', warmup_init: '1e-6'}"),
]


def trained(iters, accumulation, schedule, folder):
    """Run mlx-lm's train() on a weight of two numbers. Return the optimizer and the rates that are reported."""
    seen, optimizer = Rates(), optim.SGD(schedule)
    args = TrainingArgs(
        batch_size=1,
        iters=iters,
        steps_per_report=1,
        grad_accumulation_steps=accumulation,
        adapter_file=str(folder / "adapters.safetensors"),
    )

    def loss(model, batch, lengths):
        return (model(mx.ones((1, 2))) ** 2).sum() + 0 * batch.sum(), mx.array(1)

    data = [([1, 2, 3], 0)] * 4
    trainer.train(nn.Linear(2, 1), optimizer, data, args=args, loss=loss, training_callback=seen)
    return optimizer, seen.rates


@pytest.fixture
def changed(monkeypatch):
    """Change mlx-lm as the run command does."""
    for module, name in ((utils, "build_schedule"), (trainer, "train")):
        monkeypatch.setattr(module, name, getattr(module, name))  # restored at the end
    run = Trainer()
    run.change_utils(utils)
    run.change_trainer(trainer)
    with ms.in_place_of_mlx():
        yield


def told(path, capsys):
    assert main(["preview", "--config", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    return re.search(r"(\d+) updates?; the last one has ([\d.e+-]*\d)", out).groups()


@pytest.mark.parametrize(("iters", "accumulation", "text"), CONFIGS)
@pytest.mark.usefixtures("changed")
def test_updates_and_the_last_rate_are_those_told_before(iters, accumulation, text, tmp_path, capsys):
    path = tmp_path / "lora.yaml"
    path.write_text(f"iters: {iters}\ngrad_accumulation_steps: {accumulation}\nlr_schedule: {text}\n")
    updates, rate = told(path, capsys)
    lr_schedule = yaml.load(path.read_text(), lora.yaml_loader)["lr_schedule"]
    optimizer, rates = trained(iters, accumulation, utils.build_schedule(lr_schedule), tmp_path)
    again = re.search(r"note: (\d+) updates?; the last one has ([\d.e+-]*\d)", capsys.readouterr().err).groups()
    assert (updates, rate) == again
    assert int(updates) == optimizer.step.item()
    last = rates[optimizer.step.item() * accumulation - 1]
    assert float(f"{last:.3g}") == float(rate)
    assert rates[-1] == last == optimizer.learning_rate.item()
    assert forecast(ms.Schedule.from_dict(lr_schedule, int(updates)), int(updates)).last_rate == last  # to the bit
    if "auto" in text:
        assert float(rate) == lr_schedule["end"]


@pytest.mark.usefixtures("changed")
def test_a_constant_rate_is_that_told_before(tmp_path, capsys):
    path = tmp_path / "lora.yaml"
    path.write_text("iters: 43\ngrad_accumulation_steps: 4\nlearning_rate: 1e-2\n")
    assert told(path, capsys) == ("10", "0.01")
    optimizer, _ = trained(43, 4, 1e-2, tmp_path)
    assert capsys.readouterr().err == "note: 10 updates; the last one has 0.01.\n"
    assert (optimizer.step.item(), optimizer.learning_rate.item()) == (10, mx.array(1e-2).item())


@pytest.mark.parametrize(("iters", "accumulation", "text"), CONFIGS[:8])
def test_mlx_lm_itself_has_the_same(iters, accumulation, text, tmp_path, capsys):
    """mlx-lm without this package has the same updates and last rate."""
    path = tmp_path / "lora.yaml"
    path.write_text(f"iters: {iters}\ngrad_accumulation_steps: {accumulation}\nlr_schedule: {text}\n")
    updates, rate = told(path, capsys)
    lr_schedule = yaml.load(path.read_text(), lora.yaml_loader)["lr_schedule"]
    optimizer, rates = trained(iters, accumulation, utils.build_schedule(lr_schedule), tmp_path)
    assert int(updates) == optimizer.step.item()
    assert rates[-1] == pytest.approx(float(rate), rel=5e-3)
