"""ms.MultiOptimizer: MLX's behaviour, one schedule for all groups, in eager and compiled training."""

from collections import namedtuple
from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

import mlx_schedules as ms
from helpers import MLXS_OWN_FAILS, primitives

MIX = [
    lambda lr: optim.SGD(lr, momentum=0.9),
    optim.RMSprop,
    optim.Adagrad,
    optim.AdaDelta,
    optim.Adam,
    optim.AdamW,
    optim.Adamax,
    optim.Lion,
    optim.Muon,
    lambda lr: optim.Adafactor(lr, relative_step=False),
]


class Nested(nn.Module):
    """Lists in dicts in lists, layers without weights between layers with them, a scalar weight."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(3, 4)
        self.blocks = [
            {"norm": nn.LayerNorm(4), "layers": [nn.Linear(4, 4), nn.Dropout(0.0), nn.Linear(4, 4)]} for _ in range(3)
        ]
        self.heads = nn.Sequential(nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
        self.scale = mx.array(1.0)

    def __call__(self, x):
        x = self.embed(x)
        for block in self.blocks:
            y = block["norm"](x)
            for layer in block["layers"]:
                y = layer(y)
            x = x + y
        return self.heads(x) * self.scale


GROUPS = ["embed", "blocks.0", "blocks.1.layers.2", "blocks.2.norm", "heads.layers.3", "scale", "bias", "blocks.1"]


def filters(n):
    chosen = [lambda path, _, name=name: name in path for name in GROUPS]
    return (chosen + [lambda path, _: False] * n)[: n - 1]


def loss_fn(model, x, y):
    return (model(x) - y).square().mean()


def make_model(seed=0):
    mx.random.seed(seed)
    model = Nested()
    mx.eval(model)
    return model


def batch():
    return mx.random.normal((8, 3), key=mx.random.key(1)), mx.random.normal((8, 2), key=mx.random.key(2))


def gradients(model):
    return nn.value_and_grad(model, loss_fn)(model, *batch())[1]


def bits(tree):
    return {path: np.array(leaf).tobytes() for path, leaf in tree_flatten(tree)}


def rates_of(n):
    return ms.cosine_decay(np.geomspace(1e-3, 1e-2, n), np.arange(n) + 3, end=1e-4)


def train(optimizer, steps=6, compiled=False, init=True):
    """Parameters, state and the rates of each step."""
    model = make_model()
    if init:
        optimizer.init(model.trainable_parameters())
    loss_and_grad = nn.value_and_grad(model, loss_fn)
    state = [model.state, optimizer.state]

    def step(x, y):
        loss, grads = loss_and_grad(model, x, y)
        optimizer.update(model, grads)
        return loss

    if compiled:
        step = mx.compile(step, inputs=state, outputs=state)
    seen = []
    for _ in range(steps):
        mx.eval(step(*batch()), state)
        seen.append(mx.stack([one.learning_rate for one in optimizer.optimizers]))
    return bits(model.parameters()), bits(optimizer.state), mx.stack(seen)


def separate(lrs):
    """The same training by MLX's own, each optimizer with its group's schedule."""
    n = len(lrs)
    return optim.MultiOptimizer([MIX[i](lrs[i]) for i in range(n)], filters(n))


def fill_gaps(optimizer, model):
    """MLX's own merge fails on gaps in lists of layers, so apply each optimizer alone."""
    grads = gradients(model)
    for one, part in zip(optimizer.optimizers, optimizer._split_dictionary(grads), strict=True):
        model.update(one.apply_gradients(part, model))


@pytest.mark.parametrize("n", [1, 2, 5, pytest.param(10, marks=MLXS_OWN_FAILS)])
def test_each_group_trains_as_with_its_own_schedule(n):
    lrs = rates_of(n)
    parameters, state, seen = train(ms.MultiOptimizer([make(0.5) for make in MIX[:n]], filters(n), learning_rate=lrs))

    reference, model = separate(lrs), make_model()
    reference.init(model.trainable_parameters())
    for _ in range(6):
        fill_gaps(reference, model)
        mx.eval(model.state, reference.state)
    assert parameters == bits(model.parameters())
    assert state == bits(reference.state)
    assert seen.tolist() == lrs(mx.arange(6)).tolist()


def test_compiled_training_has_the_rates_of_eager_training():
    def optimizer():
        return ms.MultiOptimizer([make(0.5) for make in MIX], filters(10), learning_rate=rates_of(10))

    eager, compiled = train(optimizer()), train(optimizer(), compiled=True)
    assert eager[2].tolist() == compiled[2].tolist()
    assert eager[0].keys() == compiled[0].keys()
    for path, value in eager[0].items():  # fused kernels round differently
        np.testing.assert_allclose(
            np.frombuffer(value, np.float32), np.frombuffer(compiled[0][path], np.float32), rtol=2e-3, atol=2e-4
        )


def test_the_compiled_step_is_traced_once_and_follows_the_schedule():
    model, traces = nn.Linear(3, 2), []
    optimizer = ms.MultiOptimizer(
        [optim.SGD(0.0), optim.Adam(0.0)], [lambda p, _: p == "bias"], ms.cosine_decay([1.0, 2.0], 4)
    )
    optimizer.init(model.trainable_parameters())
    state = [model.state, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x, y):
        traces.append(None)
        optimizer.update(model, nn.value_and_grad(model, loss_fn)(model, x, y)[1])

    for i in range(6):
        step(*batch())
        mx.eval(state)
        assert optimizer.learning_rates.tolist() == ms.cosine_decay([1.0, 2.0], 4)(i).tolist()
    assert len(traces) == 1
    assert optimizer.step.item() == 6


@pytest.mark.parametrize("n", [1, 3, 64])
def test_the_rates_are_one_primitive_and_views(n):
    optimizer = ms.MultiOptimizer(
        [optim.AdamW(0.0) for _ in range(n)], filters(n), learning_rate=ms.cosine_decay([1e-3] * n, [100] * n)
    )
    model = make_model()
    optimizer.update(model, tree_map(mx.ones_like, model.trainable_parameters()))
    names = primitives(*[o.learning_rate for o in optimizer.optimizers])
    assert names.count("Schedule") == 1
    assert set(names) <= {"Schedule", "Split", "Slice", "Squeeze"}  # and views
    assert primitives(*[v for _, v in tree_flatten(model.parameters())]).count("Schedule") == 1


def test_without_a_schedule_it_is_mlxs():
    def optimizers():
        return [optim.SGD(ms.cosine_decay(0.1, 5), momentum=0.9), optim.AdamW(1e-3), optim.Lion(1e-4)]

    chosen = [lambda path, _: path.startswith("embed"), lambda path, _: path.startswith("blocks")]
    ours, theirs = ms.MultiOptimizer(optimizers(), chosen), optim.MultiOptimizer(optimizers(), chosen)
    assert isinstance(ours, optim.MultiOptimizer)
    assert ours.learning_rate.item() == theirs.learning_rate.item()
    assert train(ours)[:2] == train(theirs)[:2]
    assert ours.learning_rate.shape == ()
    for optimizer in (ours, theirs):
        optimizer.learning_rate = 0.25
    assert [o.learning_rate.item() for o in ours.optimizers] == [0.25] * 3
    assert bits(ours.state) == bits(theirs.state)
    with pytest.raises(ValueError, match="2 filters but 1 needed"):
        ms.MultiOptimizer(optimizers()[:2], chosen)


def test_learning_rate_before_and_after_updates():
    optimizer = ms.MultiOptimizer(
        [optim.SGD(9.0), optim.SGD(9.0)], [lambda *_: True], ms.cosine_decay([1.0, 2.0], 2, end=[0.5, 0.0])
    )
    assert optimizer.learning_rates.tolist() == [1.0, 2.0]
    for expected in ([1.0, 2.0], [0.75, 1.0], [0.5, 0.0], [0.5, 0.0]):
        optimizer.update({}, {})
        assert optimizer.learning_rates.tolist() == expected
        assert all(o.learning_rate.shape == () for o in optimizer.optimizers)
    optimizer.learning_rate = 3.0
    assert optimizer.learning_rates.tolist() == [3.0, 3.0]
    optimizer.learning_rate = [4.0, 5.0]
    assert optimizer.learning_rates.tolist() == [4.0, 5.0]
    with pytest.raises(ValueError, match=r"learning_rate must have the shape \(\) or \(2,\), got \(3,\)"):
        optimizer.learning_rate = mx.zeros(3)
    with pytest.raises(TypeError, match=r"learning_rate must be a number or an array, got '0\.1'"):
        optimizer.learning_rate = "0.1"
    optimizer.update({}, {})
    assert optimizer.learning_rates.tolist() == [0.5, 0.0]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_learning_rate_is_the_first_groups_scalar(n):
    """As in MLX: trainers call `.item()` on it."""
    optimizer = ms.MultiOptimizer([optim.SGD(9.0) for _ in range(n)], filters(n), learning_rate=rates_of(n))
    for _ in range(3):
        assert optimizer.learning_rate.shape == ()
        assert optimizer.learning_rate.item() == optimizer.learning_rates[0].item()
        assert optimizer.learning_rates.shape == (n,)
        optimizer.update({}, {})


def test_learning_rates_without_a_schedule():
    optimizer = ms.MultiOptimizer([optim.SGD(0.5), optim.SGD(ms.cosine_decay(0.25, 9))], [lambda *_: True])
    assert optimizer.learning_rates.tolist() == [0.5, 0.25]


def test_groups_without_gradients_keep_counting():
    """The first group's weights are frozen for two updates, from the very first; nobody called init."""
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


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=MLXS_OWN_FAILS)])
@pytest.mark.parametrize("compiled", [False, True])
def test_state_is_for_weights_with_gradients_only(n, compiled):
    """The tree may hold frozen weights that nothing marks."""
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


Pair = namedtuple("Pair", "left right")
TREES = {
    "keys that are numbers": {"blocks": {"0": mx.ones(2), "1": mx.ones(3)}},
    "one of them": {"blocks": {"1": {"a": mx.ones(3)}, "7": {}}},
    "tuples": {"blocks": (mx.ones(2), {"a": (mx.ones(1),)}), "empty": (), "none": [], "nothing": {}},
    "named tuples": {"blocks": Pair(mx.ones(2), Pair(mx.ones(3), mx.ones(())))},
    "keys with dots": {"layers.0.weight": mx.ones(2), "layers.1.weight": mx.ones(3), "x.y": {"a.b": [mx.ones(1)]}},
    "gaps": {"blocks": [{}, mx.ones(1), {"a": {}}, {"a": [{}, mx.ones(2)]}, {}]},
}


def frame(tree):
    """The tree with shapes for arrays, to compare."""
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


class Keyed(nn.Module):
    """Layers by number, as many people write them, and one with a dot."""

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
    """MLX's MultiOptimizer fails with several groups."""
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


def test_traced_schedules_differentiate_through_training():
    def loss_after(init):
        weights = {"a": mx.array(2.0), "b": mx.array(3.0)}
        optimizer = ms.MultiOptimizer(
            [optim.SGD(0.0), optim.SGD(0.0)], [lambda path, _: path == "a"], ms.cosine_decay(init, 4)
        )
        for _ in range(2):
            weights = optimizer.apply_gradients({"a": mx.array(1.0), "b": mx.array(1.0)}, weights)
        return weights["a"] + weights["b"]

    # each weight loses init * (1 + cos^2(pi/8)) in all
    gradient = mx.grad(loss_after)(mx.array([0.1, 0.2]))
    assert gradient.tolist() == pytest.approx([-1 - np.cos(np.pi / 8) ** 2] * 2, rel=1e-6)


@pytest.mark.parametrize(
    ("learning_rate", "error", "message"),
    [
        (1e-3, TypeError, r"learning_rate must be a schedule with 2 groups, a list of 2 .*, got 0.001"),
        ("1e-3", TypeError, r"learning_rate must be a schedule .*, got '1e-3'"),
        (mx.zeros(2), TypeError, r"learning_rate must be a schedule .*, got array"),
        ([1e-3], ValueError, r"learning_rate must hold one value for each of 2 optimizers, got 1"),
        ([1e-3, "1e-4"], TypeError, r"learning_rate\[1\] must be a schedule, a number or None, got '1e-4'"),
        ([1e-3, True], TypeError, r"learning_rate\[1\] must be a schedule, a number or None, got True"),
        ([1e-3, [1e-3, 1e-4]], TypeError, r"learning_rate of optimizers\[1\] is one number, and not a list"),
        ([ms.cosine_decay([0.1, 0.2], 9), None], ValueError, r"learning_rate\[0\] must give one value, got .* \(2,\)"),
        (optim.cosine_decay(1e-3, 10), ValueError, r"learning_rate must have groups of shape \(2,\).*got \(\)"),
        (ms.cosine_decay(1e-3, 10), ValueError, r"learning_rate must have groups of shape \(2,\).*got \(\)"),
        (ms.cosine_decay([1e-3] * 3, 10), ValueError, r"shape \(2,\), one for each optimizer, got \(3,\)"),
        (ms.cosine_decay([[1e-3, 1e-3]], 10), ValueError, r"shape \(2,\), one for each optimizer, got \(1, 2\)"),
    ],
)
def test_bad_learning_rates(learning_rate, error, message):
    with pytest.raises(error, match=message):
        ms.MultiOptimizer([optim.SGD(0.1), optim.SGD(0.1)], [lambda *_: True], learning_rate=learning_rate)


def test_two_schedules_for_one_optimizer():
    lrs = ms.cosine_decay([1e-3, 1e-4], 10)
    with pytest.raises(ValueError, match=r"optimizers\[1\] has a schedule of its own"):
        ms.MultiOptimizer([optim.SGD(0.1), optim.SGD(lrs[1])], [lambda *_: True], learning_rate=lrs)


def test_optimizers_that_take_no_rate_of_their_own():
    lrs = ms.cosine_decay([1e-3, 1e-4], 10)
    with pytest.raises(TypeError, match=r"optimizers\[1\] must be an optimizer of one rate, got"):
        ms.MultiOptimizer([optim.SGD(0.1), optim.MultiOptimizer([optim.SGD(0.1)])], [lambda *_: True], lrs)
    nested = ms.MultiOptimizer([optim.SGD(0.1), optim.MultiOptimizer([optim.SGD(0.2)])], [lambda *_: False])
    assert nested.apply_gradients({"a": mx.ones(1)}, {"a": mx.ones(1)})["a"].item() == np.float32(0.8)  # as MLX's
    with pytest.raises(ValueError, match=r"optimizers\[1\] is in the list before"):
        ms.MultiOptimizer([optim.SGD(0.1)] * 2, [lambda *_: True], learning_rate=lrs)


@pytest.mark.parametrize("made", [optim.Adafactor(), optim.Adafactor(1e-3)])
def test_an_adafactor_that_ignores_its_rate(made):
    with pytest.raises(
        ValueError, match=r"optimizers\[1\] is an Adafactor that ignores its rate: make it with relative_s"
    ):
        ms.MultiOptimizer([optim.SGD(0.1), made], [lambda *_: True], ms.cosine_decay([1e-3, 1e-4], 10))
    assert ms.MultiOptimizer([optim.SGD(0.1), made], [lambda *_: True]).optimizers[1] is made  # as MLX's


ONE, TWO = [optim.SGD(0.1)], [optim.SGD(0.1), optim.AdamW(0.1)]


def by_path(path, weight):
    return path == "bias"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((TWO, by_path), TypeError, r"filters must be a list of functions of a path and a weight, got .*: write \[f"),
        ((TWO, "layers.0"), TypeError, r"filters must be a list .* got 'layers.0'"),
        ((TWO, None), TypeError, r"filters must be a list .* got None"),
        ((TWO, ["layers.0"]), TypeError, r"filters\[0\] must be a function .* got 'layers.0': write lambda path"),
        ((TWO, [None]), TypeError, r"filters\[0\] must be a function of a path and a weight, got None"),
        ((TWO, []), ValueError, "Given 0 filters but 1 needed: one for each optimizer but the last"),
        ((ONE, [by_path]), ValueError, "Given 1 filters but 0 needed"),
        ((TWO, [by_path, by_path]), ValueError, "Given 2 filters but 1 needed"),
        ((optim.AdamW(0.0),), TypeError, r"optimizers must be a list of optimizers, got <.*AdamW.*: write \[o"),
        (({"a": optim.SGD(0.1)},), TypeError, "optimizers must be a list of optimizers, got {'a'"),
        (([],), ValueError, r"optimizers must hold at least one optimizer, got \[\]"),
        ((iter([]),), ValueError, r"optimizers must hold at least one optimizer, got \[\]"),
        (([optim.SGD],), TypeError, r"optimizers\[0\] must be an optimizer, got <class"),
        (([1e-3],), TypeError, r"optimizers\[0\] must be an optimizer, got 0.001"),
        (([nn.Sequential(*[nn.Linear(2, 2)] * 99)],), TypeError, r"optimizers\[0\] must be an optimizer, got Seq"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheduled", [False, True])
def test_wrong_arguments_say_what_to_do(arguments, error, message, scheduled):
    rates = {"learning_rate": ms.cosine_decay([0.1, 0.2], 9)} if scheduled else {}
    with pytest.raises(error, match=r"\[MultiOptimizer\] " + message) as caught:
        ms.MultiOptimizer(*arguments, **rates)
    assert len(str(caught.value)) < 300


def test_iterables_are_lists():
    optimizer = ms.MultiOptimizer(iter([optim.SGD(0.1), optim.SGD(0.2)]), (one for one in [by_path]))
    assert len(optimizer.optimizers) == 2
    assert optimizer.filters[0] is by_path


def test_the_representation_shows_which_group_has_what():
    model = nn.Linear(3, 2)
    optimizer = ms.MultiOptimizer(
        [optim.SGD(0.0), optim.AdamW(0.0, betas=[0.9, 0.99]), optim.Lion(optim.linear_schedule(0.0, 1.0, 5))],
        [by_path, lambda path, weight: path == "weight"],
        learning_rate=[ms.cosine_decay(0.1, 9), ms.cosine_decay(0.2, 9), None],
        betas=[None, (None, ms.cosine_decay(0.999, 9)), None],
        names=["bias", "matrix", "rest"],
    )
    optimizer.update(model, model.parameters())
    assert repr(optimizer).splitlines() == [
        "MultiOptimizer(",
        "  bias: SGD(learning_rate=cosine_decay(init=0.1, decay_steps=9, end=0.0)), 1 weights, where by_path",
        "  matrix: AdamW(learning_rate=cosine_decay(init=0.2, decay_steps=9, end=0.0), "
        "betas[1]=cosine_decay(init=0.999, decay_steps=9, end=0.0)), 1 weights, where <lambda>",
        "  rest: Lion(learning_rate=schedule), 0 weights, all others",
        ")",
    ]
    rates = ms.cosine_decay([0.1, 0.2], 9)
    batched = ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [by_path], rates)
    assert all(repr(rate) in line for rate, line in zip(rates, repr(batched).splitlines()[1:], strict=False))
    assert repr(ms.MultiOptimizer([optim.SGD(0.1)])) == "MultiOptimizer(\n  0: SGD(), 0 weights, all others\n)"
