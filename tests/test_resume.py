"""A run that is saved and restored in a fresh process continues with the same bits."""

import json
import random
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map, tree_unflatten

import mlx_schedules as ms
from support.helpers import MLXS_OWN_FAILS
from support.resumable import bits, make_model, make_optimizer, make_step, train
from support.training import NUMBERS

STEPS = 12


def save(path, model, optimizer):
    arrays = dict(tree_flatten({"model": model.parameters(), "optimizer": optimizer.state}))
    if path.suffix == ".npz":
        mx.savez(str(path), **arrays)
    else:
        mx.save_safetensors(str(path), arrays)


def restore(path, model, optimizer):
    tree = load(path)
    model.update(tree["model"])
    optimizer.state = tree["optimizer"]


def load(path):
    arrays = mx.load(str(path))
    if path.suffix == ".npz":  # a (1, n) array is loaded with other strides, and matmul treats it differently
        arrays = {name: array.reshape(-1).reshape(array.shape) for name, array in arrays.items()}
    return tree_unflatten(list(arrays.items()))


def resumed(path, first, last, compiled, dtype):
    """Resume in the fresh process, and print the rates, the parameters and the state."""
    model, optimizer = make_model(getattr(mx, dtype)), make_optimizer()
    restore(Path(path), model, optimizer)
    rates = train(model, optimizer, first, last, compiled)
    print(json.dumps([rates, bits(model.parameters()), bits(optimizer.state)]))


def in_a_fresh_process(*args):
    program = f"import test_resume; test_resume.resumed(*{args!r})"
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True)
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


@MLXS_OWN_FAILS
def test_a_checkpoint_of_mlxs_own_optimizer_is_read(tmp_path):
    """The layout is the same, so a run can switch over in the middle."""
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
    """After a restore, MLX initialises from the gradients, which fails if they have fewer weights than the state."""
    model, optimizer = make_model(), make_optimizer()
    optimizer.init(model.trainable_parameters())
    again = make_optimizer()
    again.state = optimizer.state
    again.update(model, {"layers": [{"weight": mx.ones((8, 4)), "bias": mx.ones(8)}]})
    again.update(model, model.trainable_parameters())
    assert again.step.item() == 2


@pytest.mark.parametrize("compiled", [False, True])
def test_a_training_step_continues_from_a_restored_state(tmp_path, compiled):
    """A step that was compiled before the restore, at random updates, gives the bits of an uninterrupted run."""
    model, optimizer = make_model(), make_optimizer()
    step, seen = make_step(model, optimizer, compiled), []
    for i in range(24):
        rates = step(i)
        save(tmp_path / f"{i + 1}.safetensors", model, optimizer)
        seen.append((rates, bits(model.parameters()), bits(optimizer.state)))
    for at in random.Random(0).choices(range(1, 24), k=20):
        restore(tmp_path / f"{at}.safetensors", model, optimizer)
        assert optimizer.step.item() == at
        for i in range(at, min(at + 2, 24)):
            assert (step(i), bits(model.parameters()), bits(optimizer.state)) == seen[i]


def test_a_restored_state_is_not_shared(tmp_path):
    """Two optimizers that are given the same state don't affect each other."""
    optimizer, again = make_optimizer(), make_optimizer()
    train(make_model(), optimizer, 0, 2)
    saved = optimizer.state
    again.state = saved
    before = bits(saved)
    train(make_model(), again, 2, 3)
    assert bits(saved) == before
    assert again.step.item() == 3


def test_numpy_arrays_are_a_state():
    model, optimizer, again = make_model(), make_optimizer(), make_optimizer()
    train(model, optimizer, 0, 2)
    again.state = tree_map(np.array, optimizer.state)
    assert bits(again.state) == bits(optimizer.state)
    assert bits(again.apply_gradients(model.parameters(), model)) == bits(
        optimizer.apply_gradients(model.parameters(), model)
    )


def test_a_state_is_set_within_a_compiled_step():
    """The step is a pure function of the state."""
    optimizer, weights = make_optimizer(), {"layers": [{"w": mx.ones(2)} for _ in range(3)]}
    optimizer.init(weights)

    @mx.compile
    def step(weights, state):
        optimizer.state = state
        return optimizer.apply_gradients(weights, weights), optimizer.state

    eager = make_optimizer()
    eager.init(weights)
    ours, theirs, state = weights, weights, tree_map(lambda leaf: leaf, optimizer.state)
    for i in range(3):
        ours, state = step(ours, state)
        theirs = eager.apply_gradients(theirs, theirs)
        assert state["states"][2]["step"].item() == i + 1
        assert state["states"][1]["learning_rate"].item() == eager.learning_rates[1].item()


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("n", [1, 3])
def test_runs_change_over_from_mlxs_optimizers_and_back(tmp_path, name, n):
    """Three updates with MLX's optimizer, three with ours, and three with MLX's, each from the previous one's file."""
    make, _ = NUMBERS[name]
    lrs = ms.cosine_decay([0.1, 1e-2, 1e-3][:n], [7, 20, 9][:n])
    chosen = [lambda path, _: path == "a", lambda path, _: path == "b"][: n - 1]
    path = str(tmp_path / "state.safetensors")

    def mlxs():
        return make(lrs[0]) if n == 1 else optim.MultiOptimizer([make(lr) for lr in lrs], chosen)

    def ours():
        return ms.MultiOptimizer([make(0.0) for _ in lrs], chosen, learning_rate=lrs)

    def go_on(make, weights, steps):
        optimizer = make()
        optimizer.state = tree_unflatten(list(mx.load(path).items()))
        mx.eval(optimizer.state)  # MLX 0.32.0 reads the file only now, and it is written again below
        for _ in range(steps):
            weights = optimizer.apply_gradients(weights, weights)
        state = optimizer.state["states"][0] if n == 1 and make is ours else optimizer.state
        mx.save_safetensors(path, dict(tree_flatten(state)))
        return weights

    start = {name: mx.random.normal((4, 3), key=mx.random.key(i)) for i, name in enumerate("abc")}
    mx.save_safetensors(path, dict(tree_flatten(mlxs().state)))
    whole = go_on(mlxs, start, 9)
    mx.save_safetensors(path, dict(tree_flatten(mlxs().state)))
    assert bits(go_on(mlxs, go_on(ours, go_on(mlxs, start, 3), 3), 3)) == bits(whole)


@pytest.mark.parametrize("n", [1, 2])
def test_keys_with_numbers_and_dots_survive_a_file(tmp_path, n):
    """`tree_unflatten` doesn't restore the saved tree if keys are numbers or contain dots."""
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
