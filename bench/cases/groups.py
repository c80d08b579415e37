"""Parameter groups: one batched schedule, compared with MLX's ops batched by hand and with a closure for each group."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np

import mlx_schedules as ms

from .. import contenders as c
from ..case import Case, benchmark
from ..fresh import fresh
from ..measure import Call
from .steps import evaluated


def groups_of(count: int) -> c.Decay:
    spread = np.linspace(1.0, 2.0, count)
    return c.Decay(0.1 * spread, np.round(1000 * spread), 1e-4 * spread)


@cache
def batched(count: int) -> dict[str, c.Schedule]:
    return {c.OURS: c.ours(groups_of(count)), **c.by_hands(groups_of(count))}


def named(count: int) -> str:
    return f"{count} groups" if count > 1 else "1 group"


@benchmark("cpu", [(2**e,) for e in range(11)], quick=[(1,), (64,), (1024,)])
def one_step(count: int) -> Iterator[Case]:
    step = mx.array(5, mx.uint64)
    calls = {name: evaluated(function, step) for name, function in batched(count).items()}
    yield Case(named(count), "eager", count, calls | c.stateful(groups_of(count), count))


@benchmark("cpu", [(3,), (64,), (1000,)], quick=[(64,)])
def grid(count: int, elements: int = 1_000_000) -> Iterator[Case]:
    """A grid of shape (B, G): every step for every group."""
    rows = elements // count
    steps = (mx.arange(rows) % 2000).astype(mx.uint32)
    column = steps[:, None]
    mx.eval(steps, column)
    calls = {name: evaluated(f, steps if name == c.OURS else column) for name, f in batched(count).items()}
    yield Case(f"({rows}, {count}) grid", "eager", rows * count, calls, {c.HAND_COMPILED: 5.0, c.POLYNOMIAL: 5.0})


# ---- What users without batching do: a closure for each group ----------------------------------------------------


def rates(contender: str, count: int) -> Call:
    """Return a call that evaluates all groups' rates for one step."""
    step = mx.array(5, mx.uint64)
    if contender == c.OURS:
        return evaluated(c.ours(groups_of(count)), step)
    closures = [c.closure(d) for d in groups_of(count).each()]
    return one_by_one(closures, step, contender == c.COMPILED)


def one_by_one(schedules: list[c.Schedule], step: mx.array, compiled: bool) -> Call:
    schedules = [mx.compile(schedule) for schedule in schedules] if compiled else schedules
    return lambda: mx.eval([schedule(step) for schedule in schedules])


@benchmark("groups", [(64, 20.0)], quick=[(8, 20.0)])
@benchmark("gpu", [(64, 50.0)])
def eager(count: int, bar: float) -> Iterator[Case]:
    zeros = mx.zeros(count)
    calls = {name: rates(name, count) for name in (c.OURS, c.CLOSURE)}
    calls[c.FLOOR] = lambda: mx.eval(zeros + zeros)
    yield Case(f"rates of {named(count)}, a closure each", "eager", count, calls, {c.CLOSURE: bar})


@benchmark("gpu", [(8,)], quick=[(2,)])
def first_rates(count: int) -> Iterator[Case]:
    calls = {name: fresh(rates, name, count) for name in (c.OURS, c.COMPILED)}
    yield Case(f"rates of {named(count)}, a closure each", "fresh process", count, calls, {c.COMPILED: 5.0}, 0.15)


class Following(optim.AdamW):
    """MLX's AdamW with a closure for each of three hyperparameters, whose values are in its state as the rate's is."""

    def __init__(self, rate: c.Schedule, decay: c.Schedule, beta: c.Schedule):
        super().__init__(rate)
        self._maybe_schedule("decay", decay)
        self._maybe_schedule("beta", beta)

    weight_decay = property(lambda self: self.state["decay"], lambda self, _: None)
    betas = property(lambda self: [self.state["beta"], 0.999], lambda self, _: None)


def three_of(group: c.Decay) -> list[c.Decay]:
    """Return the decays of the rate, the weight decay and the momentum."""
    return [group, c.Decay(0.1, group.steps), c.Decay(0.95, group.steps, 0.85)]


def optimizer_of_three(contender: str, count: int) -> optim.Optimizer:
    filters, each = filters_of(count), [three_of(group) for group in groups_of(count).each()]
    if contender == c.CLOSURE:
        return optim.MultiOptimizer([Following(*map(c.closure, three)) for three in each], filters)
    if contender == c.CONSTANT:
        return optim.MultiOptimizer([optim.AdamW(rate.init) for rate, *_ in each], filters)
    rates, decays, betas = ([c.ours(one) for one in ones] for ones in zip(*each, strict=True))
    return ms.MultiOptimizer(
        [optim.AdamW(0.0) for _ in each],
        filters,
        learning_rate=rates,
        weight_decay=decays,
        betas=[(beta, None) for beta in betas],
    )


def filters_of(count: int) -> list:
    return [lambda path, _, layer=f"layers.{i}.": layer in path for i in range(count - 1)]


def optimizer(contender: str, count: int) -> optim.Optimizer:
    """Return AdamW, with a rate for each layer if there are several."""
    filters, single = filters_of(count), groups_of(count).each()
    if contender == c.OURS and count > 1:
        return ms.MultiOptimizer([optim.AdamW(0.0) for _ in single], filters, learning_rate=c.ours(groups_of(count)))
    rate = {c.OURS: c.ours, c.CLOSURE: c.closure, c.CONSTANT: lambda d: d.init}[contender]
    each = [optim.AdamW(rate(d)) for d in single]
    return optim.MultiOptimizer(each, filters) if count > 1 else each[0]


def training(contender: str, count: int, three: bool = False) -> Call:
    """Return a compiled step of a network with a layer for each group, up to the new parameters."""
    mx.random.seed(0)
    model = nn.Sequential(*(nn.Linear(32, 32, bias=False) for _ in range(count)))
    chosen = (optimizer_of_three if three else optimizer)(contender, count)
    chosen.init(model.trainable_parameters())
    gradient = nn.value_and_grad(model, lambda x: model(x).square().mean())
    state, x = [model.state, chosen.state], mx.random.normal((64, 32))
    mx.eval(state, x)

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x: mx.array) -> mx.array:
        loss, gradients = gradient(x)
        chosen.update(model, gradients)
        return loss

    return lambda: mx.eval(step(x), state)


@benchmark("groups", [(1,), (2,), (64,)], quick=[(1,), (8,)])
def training_step(count: int) -> Iterator[Case]:
    calls = {name: training(name, count) for name in (c.OURS, c.CLOSURE, c.CONSTANT)}
    yield Case(f"AdamW, {named(count)}", "training step", 1, calls, {c.CLOSURE: 1.0}, 2.0)


@benchmark("groups", [(64,)], quick=[(2,)])
def first_training_step(count: int) -> Iterator[Case]:
    calls = {name: fresh(training, name, count) for name in (c.OURS, c.CLOSURE)}
    yield Case(f"AdamW, {named(count)}", "fresh process", 1, calls, {c.CLOSURE: 10.0}, 0.15)


@benchmark("groups", [(64,)], quick=[(2,)])
def three_hyperparameters(count: int) -> Iterator[Case]:
    """Rate, weight decay and momentum of each group."""
    case = f"AdamW, {named(count)}, 3 hyperparameters"
    calls = {name: training(name, count, True) for name in (c.OURS, c.CLOSURE, c.CONSTANT)}
    yield Case(case, "training step", 1, calls, {c.CLOSURE: 1.0}, 2.0)
    calls = {name: fresh(training, name, count, True) for name in (c.OURS, c.CLOSURE)}
    yield Case(case, "fresh process", 1, calls, {c.CLOSURE: 15.0}, 0.15)
