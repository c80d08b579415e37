"""ms.MultiOptimizer on trees of any kind, with frozen weights and groups that have no gradients."""

from collections import namedtuple

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import pytest
from mlx.utils import tree_flatten, tree_map, tree_unflatten

import mlx_schedules as ms
from support.helpers import MLXS_OWN_FAILS
from support.resumable import bits
from support.training import SPARE_GROUPS, batch, filters, gradients, loss_fn, rates_of


def test_groups_without_gradients_keep_counting():
    """The first group's weights are frozen for the first two updates, and init isn't called."""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = ms.MultiOptimizer(
        [optim.AdamW(0.0), optim.Adam(0.0)],
        [lambda path, _: path.startswith("layers.0")],
        ms.cosine_decay([0.1, 0.2], [4, 8]),
    )
    for i in range(4):
        every = gradients(model)
        before = bits(model.parameters())
        optimizer.update(model, {"layers": [{}, {}, every["layers"][2]]} if i < 2 else every)
        after = bits(model.parameters())
        assert (before["layers.0.weight"] == after["layers.0.weight"]) == (i < 2)
        assert before["layers.2.weight"] != after["layers.2.weight"]
        assert optimizer.learning_rates.tolist() == ms.cosine_decay([0.1, 0.2], [4, 8])(i).tolist()
    assert [o.step.item() for o in optimizer.optimizers] == [4, 4]


def test_frozen_weights_get_no_state():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model.layers[0].freeze()
    optimizer = ms.MultiOptimizer([optim.Adam(0.0)], learning_rate=ms.cosine_decay([0.1], 4))
    optimizer.update(model, gradients(model))
    assert not any("layers.0" in path for path in bits(optimizer.state))
    assert any("layers.1" in path for path in bits(optimizer.state))


def size(tree):
    return sum(leaf.nbytes for _, leaf in tree_flatten(tree))


@SPARE_GROUPS
@pytest.mark.parametrize("n", [1, pytest.param(2, marks=MLXS_OWN_FAILS)])
@pytest.mark.parametrize("compiled", [False, True])
def test_state_is_for_weights_with_gradients_only(n, compiled):
    """The tree may contain frozen weights without any mark."""
    weights = {"frozen": mx.ones((1000, 1000)), "layers": [{"w": mx.ones(2)}, {"w": mx.ones((1000, 1000))}]}
    some = {"layers": [{"w": mx.ones(2)}]}
    theirs = optim.MultiOptimizer([optim.Adam(0.1) for _ in range(n)], filters(n))
    ours = ms.MultiOptimizer([optim.Adam(0.1) for _ in range(n)], filters(n), learning_rate=rates_of(n))
    for optimizer in (theirs, ours):
        update = optimizer.apply_gradients
        if compiled:
            update = mx.compile(update, inputs=optimizer.state, outputs=optimizer.state)
        update(some, weights)
    assert size(ours.state) == size(theirs.state) == 16 + n * (8 + 4)
    assert bits(ours.state).keys() == bits(theirs.state).keys()


def test_weights_unfrozen_later_get_their_state():
    """MLX's own optimizers fail here."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    model.layers[0].freeze()
    optimizer = ms.MultiOptimizer([optim.Adam(0.0)], learning_rate=ms.cosine_decay([0.1], 4))
    optimizer.update(model, gradients(model))
    kept = bits(optimizer.state["states"][0]["layers"][1:])
    model.unfreeze()
    optimizer.update(model, {"layers": [gradients(model)["layers"][0]]})
    assert any("layers.0" in path for path in bits(optimizer.state))
    assert bits(optimizer.state["states"][0]["layers"][1:]) == kept


def test_a_list_in_a_list_keeps_its_state_while_it_has_no_gradients():
    weights = {"blocks": [[mx.ones(2)], [mx.ones(3)]]}
    ours, theirs = ms.MultiOptimizer([optim.Adam(0.1)]), optim.Adam(0.1)
    for some in (weights, {"blocks": [[], weights["blocks"][1]]}, weights):
        assert bits(ours.apply_gradients(some, weights)) == bits(theirs.apply_gradients(some, weights))
    assert bits(ours.state["states"][0]) == bits(theirs.state)


Pair = namedtuple("Pair", "left right")
TREES = {
    "keys that are numbers": {"blocks": {"0": mx.ones(2), "1": mx.ones(3)}},
    "keys that are integers": {0: mx.ones(2), "blocks": {7: mx.ones(3), 1: {"a": mx.ones(1), 0: [mx.ones(2)]}}},
    "one of them": {"blocks": {"1": {"a": mx.ones(3)}, "7": {}}},
    "tuples": {"blocks": (mx.ones(2), {"a": (mx.ones(1),)}), "empty": (), "none": [], "nothing": {}},
    "named tuples": {"blocks": Pair(mx.ones(2), Pair(mx.ones(3), mx.ones(())))},
    "keys with dots": {"layers.0.weight": mx.ones(2), "layers.1.weight": mx.ones(3), "x.y": {"a.b": [mx.ones(1)]}},
    "gaps": {"blocks": [{}, mx.ones(1), {"a": {}}, {"a": [{}, mx.ones(2)]}, {}]},
}


def frame(tree):
    """Return the tree with shapes in place of arrays, for comparison."""
    return tree_map(lambda leaf: tuple(leaf.shape), tree)


def same(a, b):
    nested = isinstance(a, (list, tuple))
    return type(a) is type(b) and (
        (len(a) == len(b) and all(map(same, a, b)))
        if nested
        else (a.keys() == b.keys() and all(same(a[k], b[k]) for k in a))
        if isinstance(a, dict)
        else a == b
    )


@SPARE_GROUPS
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", TREES)
def test_the_updated_tree_is_like_the_gradients(name, n):
    weights = TREES[name]
    by_turns = [lambda path, weight, i=i: weight.size % 3 == i for i in range(n - 1)]
    optimizer = ms.MultiOptimizer([optim.Adam(0.0) for _ in range(n)], by_turns, ms.cosine_decay([0.5] * n, 9))
    alone = optim.Adam(ms.cosine_decay(0.5, 9))
    ours = theirs = weights
    for _ in range(3):
        ours, theirs = optimizer.apply_gradients(weights, ours), alone.apply_gradients(weights, theirs)
        assert same(frame(ours), frame(weights))
        assert bits(ours) == bits(theirs)


@SPARE_GROUPS
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", TREES)
def test_a_saved_state_continues_on_any_tree(name, compiled, tmp_path):
    """A file has text for keys that are integers, and splits keys at their dots."""
    weights = tree_map(lambda leaf: leaf.astype(mx.float16), TREES[name])
    runs = [_with_masters() for _ in range(3)]
    steps = [_compiled(run) if compiled else run.apply_gradients for run in runs]
    new = weights
    for _ in range(2):
        new = steps[0](weights, new)
    mx.save_safetensors(str(tmp_path / "state.safetensors"), dict(tree_flatten(runs[0].state)))
    saved = list(mx.load(str(tmp_path / "state.safetensors")).items())
    runs[1].init(weights)
    for run in runs[1:]:
        run.restore(tree_unflatten(saved), names=runs[0].names)
    at = [step(weights, new) for step in steps]
    assert bits(at[0]) == bits(at[1]) == bits(at[2])
    assert bits(runs[0].state) == bits(runs[1].state) == bits(runs[2].state)
    assert bits(runs[0].masters(at[0])) == bits(runs[2].masters(at[2]))
    assert runs[0].groups(weights) == runs[2].groups(weights)
    assert runs[2].moved["odd"].item() == 1


def _with_masters():
    return ms.MultiOptimizer(
        [optim.Adam(0.0), optim.Adam(0.0)],
        [lambda path, weight: weight.size % 2 == 1],
        ms.cosine_decay([0.5, 0.25], 9),
        names=["odd", "rest"],
        master_weights=True,
        track_moved=True,
    )


def _compiled(optimizer):
    return mx.compile(optimizer.apply_gradients, inputs=optimizer.state, outputs=optimizer.state)


class Keyed(nn.Module):
    """A module with layers in a dict, by number as is common, and by a name with a dot."""

    def __init__(self):
        super().__init__()
        self.blocks = {"0": nn.Linear(3, 4), "1": nn.Linear(4, 4), "v1.5": nn.Linear(4, 2)}

    def __call__(self, x):
        for block in self.blocks.values():
            x = block(x)
        return x


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("compiled", [False, True])
def test_modules_with_dicts_of_layers(n, compiled):
    """MLX's own MultiOptimizer fails here with several groups."""
    mx.random.seed(0)
    model = Keyed()
    chosen = [lambda path, _: path.startswith("blocks.1"), lambda path, _: path.startswith("blocks.v1.5")][: n - 1]
    optimizer = ms.MultiOptimizer([optim.Adam(0.0) for _ in range(n)], chosen, ms.cosine_decay([1e-2] * n, 99))
    state = [model.state, optimizer.state]

    def step(x, y):
        loss, grads = nn.value_and_grad(model, loss_fn)(model, x, y)
        optimizer.update(model, grads)
        return loss

    step = mx.compile(step, inputs=state, outputs=state) if compiled else step
    losses = [step(*batch()).item() for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert list(model.blocks) == ["0", "1", "v1.5"]


def test_plain_trees_of_parameters():
    parameters = {"a": [mx.ones(2), {"b": mx.ones(())}], "c": mx.ones((2, 2))}
    optimizer = ms.MultiOptimizer(
        [optim.SGD(0.0), optim.SGD(0.0)], [lambda path, _: path.startswith("a")], ms.cosine_decay([1.0, 0.5], 9)
    )
    new = optimizer.apply_gradients(tree_map(mx.ones_like, parameters), parameters)
    assert new["a"][0].tolist() == [0, 0]
    assert new["a"][1]["b"].item() == 0
    assert new["c"].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert optimizer.apply_gradients({}, parameters) == {}
