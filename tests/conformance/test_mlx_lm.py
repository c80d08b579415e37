"""mlx-lm's own LoRA trainer with this package's schedules, on a tiny model with random weights."""

import pathlib
import subprocess
import sys

import mlx.core as mx
import mlx.optimizers as optim
import pytest
import yaml
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm import lora
from mlx_lm.tuner.trainer import TrainingArgs, train
from mlx_lm.tuner.utils import build_schedule, linear_to_lora_layers
from tiny import Rates, model

import mlx_schedules as ms

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries

CONFIG = yaml.load((pathlib.Path(__file__).parent / "lora.yaml").read_text(), lora.yaml_loader)
PLAIN = {key: value for key, value in CONFIG["lr_schedule"].items() if "warmup" not in key}


def test_numbers_that_yaml_leaves_as_text_are_taken_from_a_config_and_refused_in_code():
    """PyYAML's own loader reads 1e-5 as text. mlx-lm extends the safe loader to read it as a number."""
    assert yaml.full_load("[1e-5, 1.0e-5, 1.0e5]") == ["1e-5", 1e-5, "1.0e5"]
    assert ms.Schedule.from_dict(yaml.full_load("{name: constant, value: 1e-5}")) == ms.constant(1e-5)
    with pytest.raises(TypeError, match=r"got '1e-5', which is text: .* needs a point and a sign, 1\.0e-5"):
        ms.constant(yaml.full_load("1e-5"))


def ours():
    """Return the schedule of the YAML file, with its warmup."""
    with pytest.warns(UserWarning, match="the peak comes twice"):
        return ms.Schedule.from_dict(CONFIG["lr_schedule"])


def rates_of(schedule, count=14):
    return [schedule(mx.array(step)).item() for step in range(count)]


def tuned(optimizer, folder, iterations=14, **arguments):
    """Return the rates, losses and adapters of one LoRA run, always with the same model and data."""
    tuned = model()
    tuned.freeze()
    linear_to_lora_layers(tuned, 2, {"rank": 4, "scale": 10.0, "dropout": 0.0})
    data = [(list(range(i % 7, 23 + i % 7)), 0) for i in range(4)]
    seen = Rates()
    args = TrainingArgs(
        batch_size=4,
        iters=iterations,
        steps_per_report=1,
        max_seq_length=33,
        adapter_file=str(folder / "a.safetensors"),
        **arguments,
    )
    train(tuned, optimizer, data, args=args, training_callback=seen)
    return seen.rates, seen.losses, dict(tree_flatten(tuned.trainable_parameters()))


def same(adapters, others):
    return adapters.keys() == others.keys() and all(mx.array_equal(adapters[name], others[name]) for name in adapters)


def close(adapters, others):
    pairs = [(adapters[name], others[name]) for name in adapters]
    return adapters.keys() == others.keys() and all(mx.allclose(a, b, rtol=1e-3, atol=1e-6) for a, b in pairs)


@pytest.mark.parametrize("config", [PLAIN, CONFIG["lr_schedule"]], ids=["plain", "warmup"])
@pytest.mark.filterwarnings("ignore:mlx-lm starts")
def test_it_drives_the_lora_trainer(tmp_path, config):
    schedule = ms.Schedule.from_dict(config)
    rates, losses, adapters = tuned(optim.Adam(schedule), tmp_path)
    assert rates == rates_of(schedule)  # exactly, step by step, and held at the end
    assert losses[-1] < losses[0]
    _, their_losses, their_adapters = tuned(optim.Adam(build_schedule(config)), tmp_path)
    assert losses == pytest.approx(their_losses, rel=1e-5)
    assert close(adapters, their_adapters)


def test_another_schedule_trains_another_model(tmp_path):
    """The comparison above would notice another schedule."""
    _, _, adapters = tuned(optim.Adam(ms.Schedule.from_dict(PLAIN)), tmp_path)
    _, _, others = tuned(optim.Adam(ms.cosine_decay(1.02e-3, 8, 1e-5)), tmp_path)
    assert not close(adapters, others)


def test_warmup_is_what_mlx_lm_builds():
    schedule = ours()
    theirs = build_schedule(CONFIG["lr_schedule"])
    assert rates_of(schedule, 20) == pytest.approx(rates_of(theirs, 20), rel=1e-5)
    assert schedule(4).item() == schedule(5).item() == max(schedule(mx.arange(20)).tolist())


# ---- Its program, with these schedules in place of MLX's


def program(monkeypatch, arguments):
    """Run mlx-lm's program and return what it reports."""
    seen = Rates()
    monkeypatch.setattr(lora, "get_reporting_callbacks", lambda *_, **__: seen)
    monkeypatch.setattr(sys, "argv", ["mlx_lm.lora", *arguments])
    lora.main()
    return seen


def adapters_in(folder):
    return mx.load(str(folder / "adapters.safetensors"))


def test_its_program_and_its_command_line(tmp_path, monkeypatch, command):
    theirs = program(monkeypatch, command(tmp_path / "theirs"))
    with ms.in_place_of_mlx():
        seen = program(monkeypatch, command(tmp_path / "ours"))
    assert seen.rates == rates_of(ours())
    assert theirs.rates == rates_of(build_schedule(CONFIG["lr_schedule"]))
    assert seen.rates != theirs.rates  # equal only up to rounding
    assert seen.rates == pytest.approx(theirs.rates, rel=1e-5)
    assert seen.losses == pytest.approx(theirs.losses, rel=1e-5)
    line = [sys.executable, "-m", "mlx_schedules", "run", "-m", "mlx_lm", "lora", *command(tmp_path / "line")]
    subprocess.run(line, check=True, capture_output=True)
    assert same(adapters_in(tmp_path / "line"), adapters_in(tmp_path / "ours"))
    assert not same(adapters_in(tmp_path / "line"), adapters_in(tmp_path / "theirs"))


def test_its_program_counts_updates_where_gradients_are_accumulated(tmp_path, monkeypatch, command):
    """An update takes two iterations, so the schedule's twelve updates and two more take 28."""
    with ms.in_place_of_mlx():
        seen = program(monkeypatch, command(tmp_path, "--iters", 28, "--grad-accumulation-steps", 2))
    assert seen.rates[1::2] == rates_of(ours())


@pytest.mark.parametrize("config", [PLAIN, CONFIG["lr_schedule"]], ids=["plain", "warmup"])
@pytest.mark.filterwarnings("ignore:mlx-lm starts a schedule")
def test_in_place_of_mlxs_its_schedule_is_one_of_ours(config):
    with ms.in_place_of_mlx():
        built = build_schedule(config)
    assert built == ms.Schedule.from_dict(config)
    assert type(build_schedule(config)) is not ms.Schedule


@pytest.mark.parametrize(("examples", "epochs", "accumulation"), [(40, 1, 1), (42, 2, 3), (43, 3, 4)])
def test_total_updates_counts_as_mlx_lm_does(tmp_path, examples, epochs, accumulation):
    """mlx-lm uses whole batches only, and goes on accumulating into the next epoch."""
    batches = examples // 4
    optimizer = optim.SGD(1e-3)
    tuned(optimizer, tmp_path, iterations=epochs * batches, grad_accumulation_steps=accumulation)
    assert optimizer.step.item() == ms.total_updates(batches * 4, 4, epochs, accumulation)


# ---- Two groups


def two_groups(multi, rates, **arguments):
    """Return Muon for the A matrices of LoRA and AdamW for the B matrices, as in the recipes."""
    optimizers = [optim.Muon(rates[0] if multi is optim.MultiOptimizer else 0.0)]
    optimizers.append(optim.AdamW(rates[1] if multi is optim.MultiOptimizer else 0.0))
    return multi(optimizers, [lambda path, _: path.endswith("lora_a")], **arguments)


def test_two_groups_train_to_the_end(tmp_path):
    rates = ms.warmup_cosine(1.0, 10, warmup=2, init=0.1, end=0.1) * [1e-2, 1e-3]
    ours = two_groups(ms.MultiOptimizer, rates, learning_rate=rates)
    reported, losses, adapters = tuned(ours, tmp_path, iterations=10)
    assert reported == [rates[0](step).item() for step in range(10)]
    assert ours.learning_rates.tolist() == rates(9).tolist()
    assert losses[-1] < losses[0]
    their_rates, their_losses, theirs = tuned(two_groups(optim.MultiOptimizer, rates), tmp_path, iterations=10)
    assert reported == their_rates
    assert losses == their_losses  # exactly, because the rates have the same bits and everything else is MLX's
    assert same(adapters, theirs)


def recipe(updates):
    """Return schedules for the rates, Muon's momentum and both weight decays."""
    rates = ms.warmup_stable_decay(1.0, updates, warmup=0.2, decay=0.4) * [1e-2, 1e-3]
    decays = ms.linear_schedule([0.1, 0.01], 0.0, updates)
    return {
        "learning_rate": rates,
        "weight_decay": decays,
        "momentum": [ms.linear_schedule(0.85, 0.95, updates), None],
    }


def test_updates_are_counted_where_gradients_are_accumulated(tmp_path):
    """An update takes two iterations, so ten iterations are five steps of every schedule."""
    schedules = recipe(5)
    optimizer = two_groups(ms.MultiOptimizer, None, **schedules)
    reported, losses, _ = tuned(optimizer, tmp_path, iterations=10, grad_accumulation_steps=2)
    assert reported[1::2] == [schedules["learning_rate"][0](step).item() for step in range(5)]
    assert optimizer.step.item() == 5
    muon, adamw = optimizer.hyperparameters.values()
    assert [muon["weight_decay"].item(), adamw["weight_decay"].item()] == schedules["weight_decay"](4).tolist()
    assert muon["momentum"].item() == schedules["momentum"][0](4).item()
    assert losses[-1] < losses[0]


def test_a_run_goes_on_from_the_saved_state(tmp_path):
    """mlx-lm saves only adapters. With the optimizer's state saved as well, the schedules continue."""
    whole, _, _ = tuned(two_groups(ms.MultiOptimizer, None, **recipe(10)), tmp_path, iterations=10)
    optimizer = two_groups(ms.MultiOptimizer, None, **recipe(10))
    first, _, _ = tuned(optimizer, tmp_path, iterations=4)
    mx.save_safetensors(str(tmp_path / "state.safetensors"), dict(tree_flatten(optimizer.state)))
    again = two_groups(ms.MultiOptimizer, None, **recipe(10))
    again.state = tree_unflatten(list(mx.load(str(tmp_path / "state.safetensors")).items()))
    rest, _, _ = tuned(again, tmp_path, iterations=6)
    assert first + rest == whole
    assert again.step.item() == 10


def test_with_weights_alone_the_schedule_is_shifted(tmp_path):
    """mlx-lm's --resume-adapter-file restores only weights, so the optimizer counts from 0 again."""
    schedule = ours()
    whole, _, _ = tuned(optim.Adam(schedule), tmp_path)
    rest, _, _ = tuned(optim.Adam(schedule.shift(6)), tmp_path, iterations=8)
    assert rest == whole[6:]
