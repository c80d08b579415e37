"""ms.MultiOptimizer behaves like MLX's, with one schedule for all groups, in eager and compiled training."""

from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

import mlx_schedules as ms
from support.helpers import MLXS_OWN_FAILS, evaluated, has_ops, primitives
from support.resumable import bits
from support.training import SPARE_GROUPS, batch, filters, gradients, loss_fn, rates_of

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
    """A module with lists in dicts in lists, layers without weights between others, and a scalar weight."""

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


def make_model(seed=0):
    mx.random.seed(seed)
    model = Nested()
    mx.eval(model)
    return model


def train(optimizer, steps=6, compiled=False, init=True, model=None):
    """Train, and return parameters, state and the rates of each step."""
    model = model or make_model()
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
    """Return MLX's own MultiOptimizer for the same training, in which each optimizer has its group's schedule."""
    n = len(lrs)
    return optim.MultiOptimizer([MIX[i](lrs[i]) for i in range(n)], filters(n))


def fill_gaps(optimizer, model):
    """Apply each optimizer alone, because MLX's own merge fails on gaps in lists of layers."""
    grads = gradients(model)
    for one, part in zip(optimizer.optimizers, optimizer._split_dictionary(grads), strict=True):
        model.update(one.apply_gradients(part, model))


@SPARE_GROUPS
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


@SPARE_GROUPS
def test_compiled_training_has_the_rates_of_eager_training():
    """There are only three optimizers and few weights, because MLX takes half a second to compile each kernel."""

    def trained(compiled):
        mx.random.seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        chosen = [lambda path, _: "layers.0" in path, lambda path, _: "bias" in path]
        makers = [optim.Adagrad(0.5), optim.Adam(0.5), optim.SGD(0.5, momentum=0.9)]
        return train(ms.MultiOptimizer(makers, chosen, learning_rate=rates_of(3)), compiled=compiled, model=model)

    eager, compiled = trained(False), trained(True)
    assert compiled[2].flatten().tolist() == evaluated(eager[2].flatten().tolist())
    assert eager[0].keys() == compiled[0].keys()
    for path, value in eager[0].items():  # fused kernels may round differently
        a, b = (np.frombuffer(bytes.fromhex(x), np.float32) for x in (value, compiled[0][path]))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


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
        assert optimizer.learning_rates.tolist() == evaluated(ms.cosine_decay([1.0, 2.0], 4)(i).tolist())
    assert len(traces) == 1
    assert optimizer.step.item() == 6


@pytest.mark.extension
@SPARE_GROUPS
@pytest.mark.parametrize("n", [1, 3, 64])
def test_the_rates_are_one_primitive_and_views(n):
    optimizer = ms.MultiOptimizer(
        [optim.AdamW(0.0) for _ in range(n)], filters(n), learning_rate=ms.cosine_decay([1e-3] * n, [100] * n)
    )
    model = make_model()
    optimizer.update(model, tree_map(mx.ones_like, model.trainable_parameters()))
    names = primitives(*[o.learning_rate for o in optimizer.optimizers])
    assert names.count("Schedule") == 1
    assert set(names) <= {"Schedule", "Element"}  # the latter are views
    assert has_ops(1, *[v for _, v in tree_flatten(model.parameters())])


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
        assert optimizer.learning_rates.tolist() == evaluated(expected)
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
    """This is as in MLX, because trainers call `.item()` on it."""
    optimizer = ms.MultiOptimizer([optim.SGD(9.0) for _ in range(n)], filters(n), learning_rate=rates_of(n))
    for _ in range(3):
        assert optimizer.learning_rate.shape == ()
        assert optimizer.learning_rate.item() == optimizer.learning_rates[0].item()
        assert optimizer.learning_rates.shape == (n,)
        optimizer.update({}, {})


def test_learning_rates_without_a_schedule():
    optimizer = ms.MultiOptimizer([optim.SGD(0.5), optim.SGD(ms.cosine_decay(0.25, 9))], [lambda *_: True])
    assert optimizer.learning_rates.tolist() == [0.5, 0.25]


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
