"""A run saved and restored in a fresh process goes on with the same bits."""

import json
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_unflatten

import mlx_schedules as ms

STEPS = 12


def make_optimizer():
    return ms.MultiOptimizer(
        [optim.SGD(0.0, momentum=0.9), optim.AdamW(0.0), optim.Lion(0.0)],
        [lambda path, _: path.startswith("layers.0"), lambda path, _: path.startswith("layers.2")],
        # one ends within the run, one is decaying all the time, one counts beyond float32's whole numbers
        learning_rate=ms.cosine_decay([0.1, 1e-2, 1e-3], [7, 20, 2**40], end=[0.0, 1e-4, 0.0]),
    )


def make_model(dtype=mx.float32):
    mx.random.seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    model.set_dtype(dtype)
    mx.eval(model)
    return model


def train(model, optimizer, first, last, compiled=False):
    """Steps first to last; the rates of each, as bits."""

    def loss_fn(model, x):
        return (model(x) - x.sum(axis=1, keepdims=True)).square().mean()

    loss_and_grad = nn.value_and_grad(model, loss_fn)
    state = [model.state, optimizer.state]

    def step(x):
        loss, gradients = loss_and_grad(model, x)
        optimizer.update(model, gradients)
        return loss

    if compiled:
        step = mx.compile(step, inputs=state, outputs=state)
    rates = []
    for i in range(first, last):
        x = mx.random.normal((8, 4), key=mx.random.key(i)).astype(model.layers[0].weight.dtype)
        mx.eval(step(x), state)
        rates.append(np.array(optimizer.learning_rates).tobytes().hex())
    return rates


def bits(tree):
    """Every array's bytes; bfloat16 has none in NumPy, and widening it loses nothing."""
    leaves = {path: leaf.astype(mx.float32) if leaf.dtype == mx.bfloat16 else leaf for path, leaf in tree_flatten(tree)}
    return {path: np.array(leaf).tobytes().hex() for path, leaf in leaves.items()}


def save(path, model, optimizer):
    arrays = dict(tree_flatten({"model": model.parameters(), "optimizer": optimizer.state}))
    if path.suffix == ".npz":
        mx.savez(str(path), **arrays)
    else:
        mx.save_safetensors(str(path), arrays)


def restore(path, model, optimizer):
    arrays = mx.load(str(path))
    if path.suffix == ".npz":  # loads a (1, n) array with other strides, for which matmul takes another path
        arrays = {name: array.reshape(-1).reshape(array.shape) for name, array in arrays.items()}
    tree = tree_unflatten(list(arrays.items()))
    model.update(tree["model"])
    optimizer.state = tree["optimizer"]


def resumed(path, first, last, compiled, dtype):
    """What the fresh process prints."""
    model, optimizer = make_model(getattr(mx, dtype)), make_optimizer()
    restore(Path(path), model, optimizer)
    rates = train(model, optimizer, first, last, compiled)
    print(json.dumps([rates, bits(model.parameters()), bits(optimizer.state)]))


def in_a_fresh_process(*args):
    program = f"import test_resume; test_resume.resumed(*{args!r})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("suffix", "at", "compiled", "dtype"),
    [
        (".npz", 5, False, "float32"),
        (".safetensors", 7, False, "float32"),
        (".safetensors", 1, False, "bfloat16"),
        (".npz", 5, True, "float32"),
    ],
)
def test_a_fresh_process_continues_with_the_same_bits(tmp_path, suffix, at, compiled, dtype):
    model, optimizer = make_model(getattr(mx, dtype)), make_optimizer()
    optimizer.init(model.trainable_parameters())
    before = train(model, optimizer, 0, at, compiled)
    path = tmp_path / f"checkpoint{suffix}"
    save(path, model, optimizer)
    after = train(model, optimizer, at, STEPS, compiled)
    assert len(set(before + after)) > at  # the rates do change
    rates, parameters, state = in_a_fresh_process(str(path), at, STEPS, compiled, dtype)
    assert rates == after
    assert parameters == bits(model.parameters())
    assert state == bits(optimizer.state)


def test_every_step_can_be_resumed(tmp_path):
    model, optimizer = make_model(), make_optimizer()
    path = tmp_path / "checkpoint.safetensors"
    whole = train(model, optimizer, 0, STEPS)
    for at in range(STEPS + 1):
        model, optimizer = make_model(), make_optimizer()
        optimizer.init(model.trainable_parameters())
        train(model, optimizer, 0, at)
        save(path, model, optimizer)
        model, optimizer = make_model(), make_optimizer()
        restore(path, model, optimizer)
        assert train(model, optimizer, at, STEPS) == whole[at:]


def test_the_step_keeps_64_bits(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    optimizer = make_optimizer()
    state = optimizer.state
    for part in state["states"]:
        part["step"] = mx.array(2**39 + 1, mx.uint64)
    mx.save_safetensors(str(path), dict(tree_flatten(state)))
    again = make_optimizer()
    again.state = tree_unflatten(list(mx.load(str(path)).items()))
    again.update({}, {})
    assert again.step.item() == 2**39 + 2
    assert again.learning_rates[2].item() == ms.cosine_decay(1e-3, 2**40)(2**39 + 1).item()


def test_a_checkpoint_of_mlxs_own_optimizer_is_read(tmp_path):
    """The layout is the same, so a run can change over in the middle."""
    lrs = ms.cosine_decay([0.1, 1e-2, 1e-3], [7, 20, 2**40], end=[0.0, 1e-4, 0.0])
    ours = make_optimizer()
    theirs = optim.MultiOptimizer(
        [optim.SGD(lrs[0], momentum=0.9), optim.AdamW(lrs[1]), optim.Lion(lrs[2])], ours.filters[:-1]
    )
    path = tmp_path / "checkpoint.npz"
    for _ in range(5):
        theirs.update({}, {})
    mx.savez(str(path), **dict(tree_flatten(theirs.state)))
    ours.state = tree_unflatten(list(mx.load(str(path)).items()))
    assert ours.learning_rates.tolist() == lrs(4).tolist()
    ours.update({}, {})
    assert ours.learning_rates.tolist() == lrs(5).tolist()


def test_restored_lists_longer_than_the_first_gradients():
    """After a restore MLX initialises from the gradients, which fails where they cover less than the state."""
    model, optimizer = make_model(), make_optimizer()
    optimizer.init(model.trainable_parameters())
    again = make_optimizer()
    again.state = optimizer.state
    again.update(model, {"layers": [{"weight": mx.ones((8, 4)), "bias": mx.ones(8)}]})
    again.update(model, model.trainable_parameters())
    assert again.step.item() == 2


@pytest.mark.parametrize("n", [1, 2])
def test_a_file_takes_keys_apart(tmp_path, n):
    """What `tree_unflatten` makes of keys that are numbers or hold dots is not what was saved."""
    weights = {
        "layers.0.weight": mx.ones(2),
        "layers.1.weight": mx.ones(3),
        "blocks": {"0": mx.ones(4), "1": (mx.ones(5), {"v1.5": mx.ones(6)})},
    }

    def make():
        by_turns = [lambda _, weight: weight.size % 2 == 0][: n - 1]
        return ms.MultiOptimizer([optim.Adam(0.0) for _ in range(n)], by_turns, ms.cosine_decay([0.5] * n, 9))

    optimizer, path = make(), str(tmp_path / "checkpoint.safetensors")
    once = optimizer.apply_gradients(weights, weights)
    mx.save_safetensors(path, dict(tree_flatten(optimizer.state)))
    again = make()
    again.state = tree_unflatten(list(mx.load(path).items()))
    assert bits(again.apply_gradients(weights, once)) == bits(optimizer.apply_gradients(weights, once))
    assert bits(again.state) == bits(optimizer.state)


def change(path, value):
    def edit(state):
        *keys, last = path
        for key in keys:
            state = state[key]
        if value is None:
            del state[last]
        else:
            state[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (change(["states"], None), "state must hold 'states' for 3 optimizers, found none"),
        (change(["states", 2], None), "state must hold 'states' for 3 optimizers, found 2"),
        (change(["states", 1, "step"], None), r"state\['states'\]\[1\] has no 'step'"),
        (change(["states", 0, "learning_rate"], None), r"state\['states'\]\[0\] has no 'learning_rate'"),
        (change(["states", 2, "step"], mx.zeros(2, mx.uint64)), r"\[2\]: 'step' must have the shape \(\), got \(2,\)"),
        (change(["states", 2, "learning_rate"], mx.zeros(3)), r"'learning_rate' must have the shape \(\), got \(3,\)"),
        (
            change(["states", 1, "layers", 2, "weight", "m"], mx.zeros((8, 9))),
            r"\[1\]: 'layers.2.weight.m' must have the shape \(8, 8\), got \(8, 9\)",
        ),
        (change(["states", 1], mx.zeros(2)), r"state\['states'\]\[1\] has no 'step'"),
    ],
)
def test_a_state_of_the_wrong_shape_changes_nothing(edit, message):
    model, optimizer = make_model(), make_optimizer()
    train(model, optimizer, 0, 3)
    before = bits(optimizer.state)
    state = tree_unflatten(tree_flatten(optimizer.state))
    for part in state["states"]:
        part["step"] = part["step"] + 100
    edit(state)
    with pytest.raises(ValueError, match=message):
        optimizer.state = state
    assert bits(optimizer.state) == before
    train(model, optimizer, 3, 4)
    assert optimizer.step.item() == 4


@pytest.mark.parametrize("state", [None, [], {}, mx.zeros(3), {"states": 3}])
def test_no_state_at_all(state):
    optimizer = make_optimizer()
    with pytest.raises(ValueError, match="state must hold 'states' for 3 optimizers, found none"):
        optimizer.state = state
