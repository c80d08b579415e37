# ruff: noqa: NPY002 (mlx-lm draws from NumPy's global generator)
"""mlx-lm's training, interrupted anywhere and continued from a saved state, ends with the same weights."""

import random
import shutil
from functools import partial
from types import SimpleNamespace

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten
from mlx_lm import lora
from mlx_lm.tuner import trainer
from tiny import model

import mlx_schedules as ms
from mlx_schedules._mlx_lm import state_file
from mlx_schedules._mlx_lm.resume import Run
from mlx_schedules._mlx_lm.trainer import Trainer
from support.killing import kill_while_saving

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries

ITERATIONS, EVERY = 40, 5
OPTIMIZERS = {
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "muon": optim.Muon,
    "sgd": lambda rate: optim.SGD(rate, momentum=0.9),
    "adafactor": optim.Adafactor,
    "two groups": lambda rate: ms.MultiOptimizer(
        [optim.Muon(0.0), optim.AdamW(0.0)], [lambda path, weight: weight.ndim == 2], learning_rate=[rate, rate * 0.1]
    ),
}


class Texts(list):
    """A data set as mlx-lm's CacheDataset takes it: for each text, its tokens and where the answer begins."""

    def __init__(self, count):
        draw = np.random.default_rng(5)
        super().__init__((draw.integers(3, 28, size=draw.integers(8, 30)).tolist(), 0) for _ in range(count))

    def process(self, part):
        return part

    def itemlen(self, i):
        return len(self[i][0])


def trained(folder, kind, optimizer, options, accumulation=1, dropout=0.1, validate=False, iters=ITERATIONS):
    """Train a tiny model with mlx-lm's own code, and return its weights."""
    arguments = {**lora.CONFIG_DEFAULTS, "adapter_path": str(folder), "fine_tune_type": kind, "num_layers": 2}
    arguments |= {"iters": iters, "save_every": EVERY, "grad_accumulation_steps": accumulation, "steps_per_eval": 7}
    arguments |= {"lora_parameters": {"rank": 4, "dropout": dropout, "scale": 10.0}, "max_seq_length": 64}
    made, tuned = OPTIMIZERS[optimizer](ms.warmup_cosine(1e-2, ITERATIONS // accumulation, warmup=0.1)), model()
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(trainer, "train", trainer.train)  # restored at the end
        patch.setattr(lora.optim, "Adam", lambda **_: made)
        options.change_trainer(trainer)
        patch.setattr(lora, "train", trainer.train)
        np.random.seed(0)
        lora.train_model(SimpleNamespace(**arguments), tuned, Texts(26), Texts(9 if validate else 0))
    return dict(tree_flatten(tuned.trainable_parameters())), dict(tree_flatten(made.state))


def bits(array):
    return memoryview(array).tobytes()


def same(trees, others):
    """Tell whether pairs of trees have the same bits."""
    return all(
        tree.keys() == other.keys() and all(bits(tree[name]) == bits(other[name]) for name in tree)
        for tree, other in zip(trees, others, strict=True)
    )


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Keep every state that is saved, each in its own folder."""
    found, save = [], state_file.save

    def save_and_keep(folder, state):
        path = save(folder, state)
        found.append(tmp_path / f"kept {len(found)}")
        found[-1].mkdir()
        shutil.copy(path, found[-1])

    monkeypatch.setattr(state_file, "save", save_and_keep)
    return found


CASES = [
    ("lora", "adamw", {}),
    ("lora", "muon", {}),
    ("full", "adamw", {}),
    ("full", "muon", {}),
    ("dora", "adamw", {}),
    ("lora", "two groups", {}),
    ("lora", "adam", {}),
    ("lora", "sgd", {}),
    ("lora", "adafactor", {}),
    ("lora", "adamw", {"validate": True}),
    ("lora", "adamw", {"accumulation": 3, "validate": True}),
    ("full", "muon", {"accumulation": 4}),
]


@pytest.mark.parametrize(("kind", "optimizer", "more"), CASES)
def test_a_run_goes_on_to_the_bit_from_every_save(tmp_path, kept, kind, optimizer, more):
    plain = trained(tmp_path / "plain", kind, optimizer, Trainer(), **more)
    whole = trained(tmp_path / "whole", kind, optimizer, Trainer(save=True), **more)
    assert same(plain, whole)  # saving doesn't change the training
    states = list(kept)
    assert len(states) == ITERATIONS // EVERY
    iterations = [state_file.load(state).facts["iteration"] for state in states]
    accumulation = more.get("accumulation", 1)
    assert iterations == [n - n % accumulation for n in range(EVERY, ITERATIONS + 1, EVERY)]
    for state, iteration in zip(states, iterations, strict=True):
        if iteration < ITERATIONS:
            again = trained(tmp_path / "again", kind, optimizer, Trainer(resume=state), **more)
            assert same(again, whole), iteration


def test_without_the_random_state_it_would_be_another_run(tmp_path, kept, monkeypatch):
    """The comparison above would notice a missing random state."""
    whole = trained(tmp_path / "whole", "lora", "adamw", Trainer(save=True))
    monkeypatch.setattr(Run, "restore", _restore_without_random)
    assert not same(trained(tmp_path / "again", "lora", "adamw", Trainer(resume=kept[3])), whole)


def _restore_without_random(run, state, restore=Run.restore):
    order = run.order
    key = mx.array(mx.random.state[0])
    restore(run, state)
    order._to_restore = (order._to_restore[0], key)


# ---- Other batches, with a small model and mlx-lm's train()


class Stream:
    """Data without a length."""

    def __iter__(self):
        return iter(Texts(48))


def of_a_stream(dataset, batch_size, **_):
    for batch in zip(*[iter(dataset)] * batch_size, strict=True):
        yield mx.array([text[:8] for text, _ in batch]), mx.array([[0, len(text)] for text, _ in batch])


def of_three_epochs(loop=False, **keywords):
    for _ in range(3 if loop else 1):
        yield from trainer.iterate_batches(**keywords)


def of_one_list(loop=False, **keywords):
    """Return batches that are drawn before the first is taken."""
    return list(trainer.iterate_batches(**keywords))


def of_their_own_generator(loop=False, **keywords):
    draw, batches = random.Random(5), list(trainer.iterate_batches(**keywords))
    while loop:
        draw.shuffle(batches)
        yield from batches


def fitted(folder, options, iters=11, make=trainer.iterate_batches, data=None, validate=False):
    """Train on 12 texts in epochs of 3 batches, saving after each, and return the weights."""
    folder.mkdir(exist_ok=True)
    mx.random.seed(3)
    np.random.seed(0)
    small, adapters = nn.Linear(8, 1), folder / "adapters.safetensors"
    args = trainer.TrainingArgs(4, iters, steps_per_eval=7, steps_per_save=1, adapter_file=str(adapters))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "train", trainer.train)  # restored at the end
        options.change_trainer(trainer)
        valid = Texts(12) if validate else None
        trainer.train(small, optim.Adam(1e-2), data or Texts(12), valid, args, _loss, make)
    return (dict(tree_flatten(small.parameters())),)


def _loss(model, batch, lengths):
    return (model(batch[:, :8] / 28) - lengths[:, 1:] / 28).square().mean(), mx.array(1)


@pytest.mark.parametrize(
    ("make", "more", "count"),
    [
        (of_three_epochs, {}, 9),
        (of_three_epochs, {"validate": True}, 9),
        (of_one_list, {}, 3),
        (of_their_own_generator, {}, 11),
        (partial(trainer.iterate_batches, seed=7), {}, 11),
        (of_a_stream, {"data": Stream()}, 11),
    ],
)
def test_other_batches_go_on_and_end_as_they_would_have(tmp_path, kept, make, more, count):
    plain = fitted(tmp_path / "plain", Trainer(), make=make, **more)
    whole = fitted(tmp_path / "whole", Trainer(save=True), make=make, **more)
    assert same(plain, whole)
    states = list(kept)
    iterations = [state_file.load(state).facts["iteration"] for state in states]
    assert sorted(set(iterations)) == list(range(1, count + 1))
    for state, iteration in zip(states, iterations, strict=True):
        if iteration < 11:
            again = fitted(tmp_path / "again", Trainer(resume=state), make=make, **more)
            assert same(again, whole), iteration
            assert state_file.load(tmp_path / "again").facts["iteration"] == count


@pytest.mark.parametrize("first", [1, 2, 3, 5, 7, 10])
def test_a_run_that_ended_goes_on_to_the_bit(tmp_path, first):
    """mlx-lm also validates in its last iteration, which draws from NumPy and isn't in the longer run."""
    whole = fitted(tmp_path / "whole", Trainer(save=True), validate=True)
    fitted(tmp_path / "first", Trainer(save=True), iters=first, validate=True)
    again = fitted(tmp_path / "again", Trainer(resume=tmp_path / "first"), validate=True)
    assert same(again, whole)


def test_killed_at_fifty_moments_a_whole_state_is_there(tmp_path):
    kill_while_saving(tmp_path, times=50)
