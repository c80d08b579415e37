"""A schedule read from mlx-lm's YAML drives mlx-lm's own LoRA trainer, on a tiny model of random weights."""

import pathlib

import mlx.core as mx
import mlx.optimizers as optim
import pytest
import yaml
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm.lora import yaml_loader
from mlx_lm.models.llama import Model, ModelArgs
from mlx_lm.tuner.callbacks import TrainingCallback
from mlx_lm.tuner.trainer import TrainingArgs, train
from mlx_lm.tuner.utils import build_schedule, linear_to_lora_layers

import mlx_schedules as ms

pytestmark = pytest.mark.filterwarnings("default")  # these are other people's warnings

CONFIG = yaml.load((pathlib.Path(__file__).parent / "lora.yaml").read_text(), yaml_loader)["lr_schedule"]


def test_yaml_needs_what_the_error_advises():
    """PyYAML's own loader; mlx-lm teaches the safe one what it means."""
    assert yaml.full_load("[1e-5, 1.0e-5, 1.0e5]") == ["1e-5", 1e-5, "1.0e5"]
    with pytest.raises(TypeError, match=r"got '1e-5', which is text: .* needs a point and a sign, 1\.0e-5"):
        ms.Schedule.from_dict(yaml.full_load("{name: constant, value: 1e-5}"))


class Rates(TrainingCallback):
    def __init__(self):
        self.rates, self.losses = [], []

    def on_train_loss_report(self, info):
        self.rates.append(info["learning_rate"])
        self.losses.append(info["train_loss"])


def tuned(optimizer, folder, iterations=10, **arguments):
    """Rates, losses and adapters of one LoRA run; the same model and data every time."""
    mx.random.seed(3)
    model = Model(
        ModelArgs(
            model_type="llama",
            hidden_size=32,
            num_hidden_layers=2,
            intermediate_size=64,
            num_attention_heads=4,
            rms_norm_eps=1e-5,
            vocab_size=50,
        )
    )
    model.freeze()
    linear_to_lora_layers(model, 2, {"rank": 4, "scale": 10.0, "dropout": 0.0})
    data = [(list(range(i % 7, 30 + i % 7)), 0) for i in range(4)]
    seen = Rates()
    args = TrainingArgs(
        batch_size=4,
        iters=iterations,
        steps_per_report=1,
        max_seq_length=33,
        adapter_file=str(folder / "a.safetensors"),
        **arguments,
    )
    train(model, optimizer, data, args=args, training_callback=seen)
    return seen.rates, seen.losses, dict(tree_flatten(model.trainable_parameters()))


def test_it_drives_the_lora_trainer(tmp_path):
    schedule = ms.Schedule.from_dict(CONFIG)
    assert schedule == ms.cosine_decay(1e-3, 8, 1e-5)
    rates, losses, adapters = tuned(optim.Adam(schedule), tmp_path)
    assert rates == [schedule(step).item() for step in range(10)]  # exactly, step by step, and held at the end
    assert losses[-1] < losses[0]
    _, their_losses, their_adapters = tuned(optim.Adam(build_schedule(CONFIG)), tmp_path)
    assert losses == pytest.approx(their_losses, rel=1e-5)
    assert adapters.keys() == their_adapters.keys()
    for name, weight in adapters.items():
        assert mx.allclose(weight, their_adapters[name], rtol=1e-3, atol=1e-6), name


def test_another_schedule_trains_another_model(tmp_path):
    """What the comparison above would see."""
    _, _, adapters = tuned(optim.Adam(ms.Schedule.from_dict(CONFIG)), tmp_path)
    _, _, others = tuned(optim.Adam(ms.cosine_decay(1.02e-3, 8, 1e-5)), tmp_path)
    assert not all(mx.allclose(adapters[name], others[name], rtol=1e-3, atol=1e-6) for name in adapters)


def test_warmup_is_what_mlx_lm_builds(tmp_path):
    config = {**CONFIG, "warmup": 4, "warmup_init": 1e-7}
    with pytest.warns(UserWarning, match="the peak comes twice"):
        schedule = ms.Schedule.from_dict(config)
    theirs = build_schedule(config)
    for step in range(20):
        assert schedule(step).item() == pytest.approx(theirs(mx.array(step)).item(), rel=1e-5)
    assert schedule(4).item() == schedule(5).item() == max(schedule(mx.arange(20)).tolist())
    rates, _, _ = tuned(optim.Adam(schedule), tmp_path, iterations=6)
    assert rates == [schedule(step).item() for step in range(6)]


@pytest.mark.parametrize("config", [CONFIG, {**CONFIG, "warmup": 4, "warmup_init": 1e-7}], ids=["plain", "warmup"])
@pytest.mark.filterwarnings("ignore:mlx-lm starts a schedule")
def test_in_place_of_mlxs_its_schedule_is_one_of_ours(config):
    with ms.in_place_of_mlx():
        built = build_schedule(config)
    assert built == ms.Schedule.from_dict(config)
    assert type(build_schedule(config)) is not ms.Schedule


@pytest.mark.parametrize(("examples", "epochs", "accumulation"), [(40, 1, 1), (42, 2, 3), (43, 3, 4)])
def test_total_updates_counts_as_mlx_lm_does(tmp_path, examples, epochs, accumulation):
    """Its batches are whole ones, and are accumulated on into the next epoch."""
    batches = examples // 4
    optimizer = optim.SGD(1e-3)
    tuned(optimizer, tmp_path, iterations=epochs * batches, grad_accumulation_steps=accumulation)
    assert optimizer.step.item() == ms.total_updates(batches * 4, 4, epochs, accumulation)


def two_groups(multi, rates, **arguments):
    """Muon and AdamW, as in the recipes: the matrices of LoRA's A apart from its B."""
    optimizers = [optim.Muon(rates[0] if multi is optim.MultiOptimizer else 0.0)]
    optimizers.append(optim.AdamW(rates[1] if multi is optim.MultiOptimizer else 0.0))
    return multi(optimizers, [lambda path, _: path.endswith("lora_a")], **arguments)


def test_two_groups_train_to_the_end(tmp_path):
    rates = ms.cosine_decay([1e-2, 1e-3], [8, 10], end=[1e-3, 0.0])
    ours = two_groups(ms.MultiOptimizer, rates, learning_rate=rates)
    reported, losses, adapters = tuned(ours, tmp_path)
    assert reported == [rates[0](step).item() for step in range(10)]
    assert ours.learning_rates.tolist() == rates(9).tolist()
    assert losses[-1] < losses[0]
    their_rates, their_losses, theirs = tuned(two_groups(optim.MultiOptimizer, rates), tmp_path)
    assert reported == their_rates
    assert losses == their_losses  # exactly: the rates have the same bits, and all else is MLX's
    assert adapters.keys() == theirs.keys()
    assert all(mx.array_equal(adapters[name], theirs[name]) for name in adapters)


def test_updates_are_counted_where_gradients_are_accumulated(tmp_path):
    """Two iterations an update: ten iterations are five steps of every schedule."""
    rates, decays = ms.cosine_decay([1e-2, 1e-3], 5), ms.cosine_decay([0.1, 0.01], 5)
    optimizer = two_groups(ms.MultiOptimizer, rates, learning_rate=rates, weight_decay=decays)
    reported, losses, _ = tuned(optimizer, tmp_path, grad_accumulation_steps=2)
    assert reported[1::2] == [rates[0](step).item() for step in range(5)]
    assert optimizer.step.item() == 5
    last = [values["weight_decay"].item() for values in optimizer.hyperparameters.values()]
    assert last == decays(4).tolist()
    assert losses[-1] < losses[0]


def test_a_run_goes_on_from_the_saved_state(tmp_path):
    """mlx-lm saves adapters alone; with the optimizer's state beside them the schedules go on."""
    rates = ms.cosine_decay([1e-2, 1e-3], 10)
    whole, _, _ = tuned(two_groups(ms.MultiOptimizer, rates, learning_rate=rates), tmp_path)
    optimizer = two_groups(ms.MultiOptimizer, rates, learning_rate=rates)
    first, _, _ = tuned(optimizer, tmp_path, iterations=4)
    mx.save_safetensors(str(tmp_path / "state.safetensors"), dict(tree_flatten(optimizer.state)))
    again = two_groups(ms.MultiOptimizer, rates, learning_rate=rates)
    again.state = tree_unflatten(list(mx.load(str(tmp_path / "state.safetensors")).items()))
    rest, _, _ = tuned(again, tmp_path, iterations=6)
    assert first + rest == whole
    assert again.step.item() == 10
