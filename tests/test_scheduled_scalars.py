"""A scheduled number in an optimizer's arithmetic: dtypes stay, and 1 - beta keeps its digits."""

import copy
import math
from functools import partial

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten

import mlx_schedules as ms
from support.helpers import COMPILED, MOST, has_ops, on_cuda

HALVES = [mx.float16, mx.bfloat16]


class Own(optim.Optimizer):
    """A user's own optimizer, with one scheduled number and any update."""

    def __init__(self, update):
        super().__init__()
        self._maybe_schedule("learning_rate", 0.1)
        self.momentum, self.update_of = 0.5, update

    def init_single(self, parameter, state):
        state["v"] = mx.ones_like(parameter)

    def apply_single(self, gradient, parameter, state):
        state["v"] = self.update_of(state["v"], self.momentum)
        return parameter + gradient * state["v"]


def in_place(name):
    def update(v, m):
        return getattr(v, f"__{name}__")(m)

    update.__name__ = name
    return update


UPDATES = [in_place(name) for name in ("imul", "iadd", "isub", "itruediv", "ipow")]
UPDATES += [
    lambda v, m: v % m, lambda v, m: m % v, lambda v, m: v // m, lambda v, m: m // v, lambda v, m: v * abs(m),
    lambda v, m: v * +m, lambda v, m: v * -m, lambda v, m: v * copy.copy(m), lambda v, m: mx.multiply(v, m),
    lambda v, m: mx.maximum(v, m),
]  # fmt: skip


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("update", UPDATES, ids=range(len(UPDATES)))
def test_half_precision_stays(update, dtype):
    optimizer = ms.MultiOptimizer([Own(update)], momentum=ms.constant(0.5))
    weights = {"layers": [{"a": mx.ones(2, dtype)}, {"b": mx.ones(2, dtype)}]}
    for _ in range(2):
        weights = optimizer.apply_gradients(weights, weights)
    found = tree_flatten(weights) + [pair for pair in tree_flatten(optimizer.state) if pair[0].endswith("v")]
    assert [leaf.dtype for _, leaf in found] == [dtype] * 4
    expected = update(update(mx.array(1.0), 0.5), 0.5)  # MLX 0.32.3 has no unary + of an array
    assert optimizer.optimizers[0].state["layers"][0]["a"]["v"][0].item() == expected


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_adafactors_scheduled_eps_is_traced_once(dtype):
    made = optim.Adafactor(0.0, relative_step=False, beta_1=0.9)
    optimizer = ms.MultiOptimizer([made], learning_rate=[ms.constant(0.1)], eps=[(None, ms.constant(1e-3))])
    weights, traces = {"a": mx.ones((2, 2), dtype)}, []
    optimizer.init(weights)

    @partial(mx.compile, inputs=optimizer.state, outputs=optimizer.state)
    def step(weights):
        traces.append(None)
        return optimizer.apply_gradients(weights, weights)

    for _ in range(3):
        weights = step(weights)
    assert {leaf.dtype for path, leaf in tree_flatten((weights, optimizer.state)) if "a" in path.split(".")} == {dtype}
    assert len(traces) == 1


def test_gradients_in_float32_leave_half_precision_weights():
    for momentum in ({}, {"momentum": ms.constant(0.5)}):
        optimizer = ms.MultiOptimizer([optim.SGD(0.25, momentum=0.5)], **momentum)
        new = optimizer.apply_gradients({"a": mx.ones(2)}, {"a": mx.ones(2, mx.bfloat16)})
        assert new["a"].dtype == mx.bfloat16
        assert new["a"].tolist() == [0.75, 0.75]


# ---- Betas

MAKES = {
    "adam": (optim.Adam, "betas", lambda b: [(0.9, b)]),
    "corrected": (partial(optim.Adam, bias_correction=True), "betas", lambda b: [(b, b)]),
    "rmsprop": (optim.RMSprop, "alpha", lambda b: [b]),
    "adadelta": (optim.AdaDelta, "rho", lambda b: [b]),
    "lion": (optim.Lion, "betas", lambda b: [(0.9, b)]),
    "muon": (optim.Muon, "momentum", lambda b: [b]),
}


def plain(value):
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("beta", [0.9, 0.999, 0.9999, 0.99999, 0.999999, 1 - 2e-9])
@pytest.mark.parametrize("name", MAKES)
def test_a_scheduled_beta_does_what_the_number_does(name, beta):
    make, attribute, value = MAKES[name]
    ours = ms.MultiOptimizer([make(0.1)], **{attribute: value(ms.constant(beta))})
    theirs = make(0.1)
    setattr(theirs, attribute, plain(value(beta)[0]))
    mine = reference = {"a": mx.random.normal((8, 8), key=mx.random.key(0))}
    gradients = {"a": mx.random.normal((8, 8), key=mx.random.key(1))}
    for _ in range(3):
        mine, reference = ours.apply_gradients(gradients, mine), theirs.apply_gradients(gradients, reference)
    for (path, a), (_, b) in zip(tree_flatten(ours.state["states"][0]), tree_flatten(theirs.state), strict=True):
        assert mx.allclose(a, b, rtol=1e-6, atol=0.0), path
    if name != "corrected" or beta == 0.9:  # otherwise MLX's own 1 - beta ** step has few digits, even for a number
        assert mx.allclose(mine["a"], reference["a"], rtol=1e-5, atol=1e-6)


COMPLEMENTS = [
    ms.constant(0.9999),
    ms.linear_schedule(0.9, 0.999999, 1000),
    ms.cosine_decay(0.99999, 100, end=0.9),
    ms.polynomial_decay(0.9999, 100, end=0.99, power=2.5),
    ms.linear_schedule(0.9, 0.99999, 100).repeat(100),
    ms.constant(0.99999).warmup(100, init=0.5),
    ms.stack([ms.cosine_decay(0.99999, 100, end=0.9).shift(30)])[0],
]


@pytest.mark.parametrize("schedule", COMPLEMENTS, ids=repr)
def test_the_complement_has_the_digits_of_the_schedule(schedule):
    """Compare with the same schedule in float64."""
    seen = []
    optimizer = ms.MultiOptimizer([Own(lambda v, m: seen.append((1 - m, 1.0 - m, 1 - m**3)) or v)], momentum=[schedule])
    weights, steps = {"a": mx.ones(1)}, (0, 1, 37, 99, 100, 731)
    for step in steps:
        optimizer.step = step
        optimizer.apply_gradients(weights, weights)
    for step, (one, same, cube) in zip(steps, seen, strict=True):
        with mx.stream(mx.cpu):
            exact = 1 - schedule(mx.array(step, mx.float64)).item()
        assert math.isclose(
            mx.array(one).astype(mx.float32).tolist(), exact, rel_tol=1e-7 if COMPILED else MOST * 2**-23
        )
        assert mx.array(same).tolist() == mx.array(one).tolist()
        assert math.isclose(mx.array(cube).tolist(), 3 * exact - 3 * exact**2 + exact**3, rel_tol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("beta", [0.999, 0.999999, 1 - 2e-9])
def test_a_held_beta_keeps_its_digits(beta, corrected, compiled):
    """A constant schedule and its end give the same bits."""
    weights, states = {"a": mx.random.normal((8, 8), key=mx.random.key(0))}, []
    for held in (False, True):
        made = optim.Adam(0.1, bias_correction=corrected)
        optimizer = ms.MultiOptimizer([made], betas=[(ms.constant(0.9), ms.constant(beta))])
        optimizer.init(weights)
        new = weights
        for _ in range(3):
            update = optimizer.apply_gradients
            if compiled:
                update = mx.compile(update, inputs=optimizer.state, outputs=optimizer.state)
            new = update(weights, new)
            if held and optimizer.step.item() == 1:
                optimizer.hold("betas")
                assert [1 - one for one in made.betas] == pytest.approx([0.1, 1 - beta], rel=1e-6)
        states.append({path: np.array(leaf) for path, leaf in tree_flatten((new, optimizer.state))})
    assert states[0].keys() == states[1].keys()
    # CUDA's compiler leaves out a factor that it knows to be 1, as this beta is in float32, and then rounds otherwise.
    most = 1e-5 if on_cuda() and compiled and np.float32(beta) == 1 else 0
    for path, leaf in states[0].items():
        np.testing.assert_allclose(leaf, states[1][path], rtol=most, err_msg=path)


@pytest.mark.parametrize("schedule", COMPLEMENTS, ids=repr)
def test_a_held_schedule_keeps_the_complement_of_its_last_update(schedule):
    seen = []
    optimizer = ms.MultiOptimizer([Own(lambda v, m: seen.append((v * m, 1 - m, 1 - m**3)) or v)], momentum=[schedule])
    weights = {"a": mx.ones(1)}
    for last in (1, 37, 731):
        optimizer.set(momentum=[schedule])
        optimizer.step = last
        optimizer.apply_gradients(weights, weights)
        optimizer.hold("momentum")
        assert optimizer.hyperparameters["0"]["momentum"].item() == seen[-1][0].item()
        optimizer.apply_gradients(weights, weights)
        then, now = ([mx.array(one).tolist() for one in part] for part in seen[-2:])
        assert now == then
        optimizer.set(momentum=[0.25])  # a number replaces what was held
        optimizer.apply_gradients(weights, weights)
        assert seen[-1][1] == 0.75


def test_complements_come_from_the_same_op():
    optimizer = ms.MultiOptimizer(
        [optim.AdamW(0.0)],
        learning_rate=ms.cosine_decay(0.1, 10),
        betas=[(ms.cosine_decay(0.95, 10, end=0.9), ms.constant(0.9999))],
    )
    new = optimizer.apply_gradients({"a": mx.ones(2)}, {"a": mx.ones(2)})
    assert has_ops(1, new["a"])


def test_decays_by_ratios_and_arrays_have_the_complement_of_float32():
    for schedule in (ms.exponential_decay(0.9999, 0.999), ms.constant(mx.array(0.9999))):
        seen = []
        optimizer = ms.MultiOptimizer([Own(lambda v, m, seen=seen: seen.append(1 - m) or v)], momentum=[schedule])
        optimizer.apply_gradients({"a": mx.ones(1)}, {"a": mx.ones(1)})
        assert mx.array(seen[0]).tolist() == 1 - np.float32(0.9999)
