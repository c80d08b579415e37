"""What is measured: each case yields the contenders that do the same work, ready to be called.

A bar is what the schedule promises against a contender: how many times faster it is at least.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np

import mlx_schedules as ms

from . import contenders as c
from .measure import Call


@dataclass(frozen=True)
class Case:
    name: str
    mode: str  # of README.md
    elements: int  # in the result
    calls: dict[str, Call]
    bars: dict[str, float] = field(default_factory=dict)
    weight: float = 1.0  # of the usual number of rounds


Maker = Callable[[], Iterator[Case]]


def evaluated(function: c.Schedule, *arguments: Any) -> Call:
    return lambda: mx.eval(function(*arguments))


@cache
def functions(dtype: mx.Dtype, steps: int) -> dict[str, c.Schedule]:
    """The single schedule in every form, made once for each dtype, since each compilation takes a second."""
    d = c.Decay(0.1, steps)
    return {
        c.OURS: c.ours(d),
        c.CLOSURE: c.closure(d),
        c.COMPILED: mx.compile(c.closure(d)),
        c.HAND: c.by_hand(d),
        c.HAND_COMPILED: mx.compile(c.by_hand(d)),
        c.POLYNOMIAL: mx.compile(c.polynomial(d)),
    }


# ---- One step ----------------------------------------------------------------------------------------------------


def scalar() -> Iterator[Case]:
    step, forms = mx.array(5, mx.uint64), functions(mx.uint64, 1000)
    graph = {name: partial(function, step) for name, function in forms.items()}
    yield Case("one step", "graph", 1, graph, {c.CLOSURE: 5.0})
    calls = {name: evaluated(function, step) for name, function in forms.items()}
    if c.installed("optax"):
        jitted, count = c.optax(0.1, 1000), optax_steps(5)
        calls[c.OPTAX] = lambda: jitted(count).block_until_ready()
    calls |= c.stateful(c.Decay(0.1, 1000))
    yield Case("one step", "eager", 1, calls, {c.CLOSURE: 1.0})


def optax_steps(steps: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(steps, dtype=jnp.int32 if np.asarray(steps).dtype.kind in "iu" else jnp.float32)


def first_call() -> Iterator[Case]:
    """MLX keeps compiled kernels on disk by their constants, so every call gets an `init` never seen before."""
    step = mx.array(5, mx.uint64)

    def fresh(make: Callable[[c.Decay], c.Schedule]) -> Call:
        return lambda: mx.eval(mx.compile(make(c.Decay(random.uniform(0.1, 0.2), 1000)))(step))

    calls = {c.OURS: fresh(c.ours), c.COMPILED: fresh(c.closure), c.HAND_COMPILED: fresh(c.by_hand)}
    yield Case("one step", "first call", 1, calls, weight=0.2)


def backward() -> Iterator[Case]:
    """The derivative of the sum by `init`, for 10^5 steps."""
    steps = mx.arange(100_000)

    def through(make: Callable[[mx.array], c.Schedule]) -> c.Schedule:
        return mx.grad(lambda init: make(init)(steps).sum())

    def schedule(init: mx.array) -> c.Schedule:
        return lambda steps: ms.fast.cosine_decay(steps, init, 100_000)

    def closure(init: mx.array) -> c.Schedule:
        return optim.cosine_decay(init, 100_000)

    init = mx.array(0.1)
    calls = {
        c.OURS: evaluated(through(schedule), init),
        c.CLOSURE: evaluated(through(closure), init),
        c.COMPILED: evaluated(mx.compile(through(closure)), init),
    }
    yield Case("10^5 steps", "backward", 100_000, calls)


# ---- Parameter groups --------------------------------------------------------------------------------------------


def groups_of(count: int) -> c.Decay:
    spread = np.linspace(1.0, 2.0, count)
    return c.Decay(0.1 * spread, np.round(1000 * spread), 1e-4 * spread)


@cache
def batched(count: int) -> dict[str, c.Schedule]:
    d = groups_of(count)
    return {
        c.OURS: c.ours(d),
        c.HAND: c.by_hand(d),
        c.HAND_COMPILED: mx.compile(c.by_hand(d)),
        c.POLYNOMIAL: mx.compile(c.polynomial(d)),
    }


def groups(count: int) -> Iterator[Case]:
    """One step for all groups at once. `bench/groups.py` has what users without batching do: a closure each."""
    step = mx.array(5, mx.uint64)
    calls = {name: evaluated(function, step) for name, function in batched(count).items()}
    yield Case(
        f"{count} groups" if count > 1 else "1 group", "eager", count, calls | c.stateful(groups_of(count), count)
    )


def grid(count: int, elements: int = 1_000_000) -> Iterator[Case]:
    """(B, G): every step for every group."""
    rows = elements // count
    steps = (mx.arange(rows) % 2000).astype(mx.uint32)
    column = steps[:, None]
    mx.eval(steps, column)
    calls = {
        name: evaluated(function, steps if name == c.OURS else column) for name, function in batched(count).items()
    }
    bars = {c.HAND_COMPILED: 5.0, c.POLYNOMIAL: 5.0}
    yield Case(f"({rows}, {count}) grid", "eager", rows * count, calls, bars)


# ---- Trajectories ------------------------------------------------------------------------------------------------


def name_of(dtype: mx.Dtype) -> str:
    return str(dtype).removeprefix("mlx.core.")


def power(n: int) -> str:
    return f"10^{len(str(n)) - 1}"


@contextlib.contextmanager
def memory_kept() -> Iterator[None]:
    """Outputs of any size are kept for reuse, so that no call waits for the system to clear pages."""
    before = mx.set_cache_limit(1 << 32)
    try:
        yield
    finally:
        mx.set_cache_limit(before)


def trajectory(dtype: mx.Dtype, n: int, decay_steps: int = 1_000_000) -> Iterator[Case]:
    decay_steps = min(decay_steps, 100 if dtype.size == 1 else 10_000 if dtype.size == 2 else decay_steps)
    steps = (mx.arange(n) % decay_steps).astype(dtype)
    mx.eval(steps)
    forms = functions(dtype, decay_steps)
    calls = {name: evaluated(function, steps) for name, function in forms.items()}
    if n > 10_000_000:  # eager ones allocate gigabytes
        del calls[c.CLOSURE], calls[c.HAND]
    if c.installed("optax") and dtype in (mx.uint32, mx.int32, mx.float32):
        jitted, counts = c.optax(0.1, decay_steps), optax_steps(np.array(steps))
        calls[c.OPTAX] = lambda: jitted(counts).block_until_ready()
    if n <= 1000:
        for name, step in c.stateful(c.Decay(0.1, decay_steps)).items():
            calls[name] = lambda step=step: [step() for _ in range(n)]
    bar = 8.0 if dtype in (mx.uint64, mx.int64) else 10.0
    bars = {c.COMPILED: bar} if n >= 1_000_000 and dtype not in (mx.bfloat16, mx.float16) else {}
    yield Case(f"{power(n)} {name_of(dtype)} steps", "eager", n, calls, bars, 1.0 if n <= 1_000_000 else 0.5)


def long_decay(dtype: mx.Dtype, decay_steps: int) -> Iterator[Case]:
    """T beyond what the narrow loops take."""
    n = 1_000_000
    steps = (mx.arange(n).astype(mx.float64, stream=mx.cpu) * (decay_steps / n)).astype(dtype, stream=mx.cpu)
    mx.eval(steps)
    forms = functions(dtype, decay_steps)
    calls = {name: evaluated(forms[name], steps) for name in (c.OURS, c.CLOSURE, c.COMPILED, c.POLYNOMIAL)}
    bar = 8.0 if dtype in (mx.uint64, mx.int64) else 10.0
    yield Case(f"10^6 {name_of(dtype)} steps, T = {power(decay_steps)}", "eager", n, calls, {c.COMPILED: bar})


def trajectory_kept(dtype: mx.Dtype, n: int) -> Iterator[Case]:
    with memory_kept():
        for case in trajectory(dtype, n):
            calls = {name: call for name, call in case.calls.items() if name not in (c.CLOSURE, c.HAND)}
            yield replace(case, name=f"{case.name}, memory kept", calls=calls)


PIECES = "in 100 calls of 10^6"


def growth() -> Iterator[Case]:
    """10^8 steps in one call, and in a hundred of a hundredth each: all outputs are held and their memory is kept, so
    that both go through the same 800 MB."""
    n, pieces = 100_000_000, 100
    schedule = c.ours(c.Decay(0.1, 1_000_000))
    steps = (mx.arange(n) % 1_000_000).astype(mx.uint32)
    parts = mx.split(steps, pieces)
    mx.eval(steps, parts)

    def in_pieces() -> None:
        outputs = [schedule(part) for part in parts]
        for output in outputs:
            mx.eval(output)

    calls = {c.OURS: evaluated(schedule, steps), PIECES: in_pieces}
    with memory_kept():
        yield Case("growth to 10^8 uint32 steps, memory kept", "eager", n, calls, {PIECES: 0.9})


# ---- Training ----------------------------------------------------------------------------------------------------


def training_step(make: Callable[[float, int], Any], group_count: int) -> Call:
    mx.random.seed(0)
    model = nn.Sequential(nn.Linear(32, 64), nn.relu, nn.Linear(64, 10))
    rates = [make(1e-3 * (i + 1), 1000 * (i + 1)) for i in range(group_count)]
    if group_count == 1:
        optimizer: optim.Optimizer = optim.Adam(learning_rate=rates[0])
    else:
        filters = [lambda name, _: "bias" in name]
        optimizer = optim.MultiOptimizer([optim.Adam(learning_rate=rate) for rate in rates], filters)
    x, y = mx.random.normal((64, 32)), mx.random.randint(0, 10, (64,))
    gradient = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))
    state = [model.state, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x: mx.array, y: mx.array) -> mx.array:
        loss, gradients = gradient(x, y)
        optimizer.update(model, gradients)
        return loss

    return lambda: mx.eval(step(x, y), state)


CONSTANT = "constant rate"


def training(group_count: int) -> Iterator[Case]:
    """A small network's compiled step with Adam, weights and biases in groups of their own where there are two."""
    calls = {
        c.OURS: training_step(ms.cosine_decay, group_count),
        "closure": training_step(optim.cosine_decay, group_count),
        CONSTANT: training_step(lambda init, steps: init, group_count),
    }
    name = "training, one group" if group_count == 1 else f"training, MultiOptimizer of {group_count}"
    yield Case(name, "training step", 1, calls, {"closure": 1.0} if group_count == 1 else {}, 2.0)


# ---- Which of them -----------------------------------------------------------------------------------------------


def quick() -> list[Maker]:
    return [
        scalar,
        first_call,
        *(partial(groups, g) for g in (1, 64, 1024)),
        *(partial(trajectory, mx.uint32, 10**e) for e in (3, 4, 5, 6, 7)),
        *(partial(trajectory, t, 10**6) for t in (mx.uint64, mx.float32)),
        partial(grid, 64),
        partial(training, 1),
    ]


def full() -> list[Maker]:
    types = [mx.uint32, mx.int32, mx.uint64, mx.int64, mx.float32]
    small = [mx.uint8, mx.int8, mx.uint16, mx.int16, mx.bfloat16, mx.float16]
    return [
        scalar,
        first_call,
        backward,
        *(partial(groups, 2**e) for e in range(11)),
        *(partial(trajectory, mx.uint32, 10**e) for e in range(3, 9)),
        *(partial(trajectory, t, 10**6) for t in types[1:] + small),
        *(partial(trajectory, t, 10**7) for t in types[1:]),
        *(partial(trajectory_kept, t, 10**7) for t in types),
        partial(trajectory_kept, mx.uint32, 10**8),
        partial(long_decay, mx.uint32, 10**9),
        partial(long_decay, mx.uint64, 10**12),
        *(partial(grid, g) for g in (3, 64, 1000)),
        growth,
        partial(training, 1),
        partial(training, 2),
    ]
