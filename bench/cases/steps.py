"""One schedule: at one step, along whole trajectories, and its gradient."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np

import mlx_schedules as ms

from .. import contenders as c
from ..case import Case, benchmark
from ..measure import Call

TYPES = [mx.uint32, mx.int32, mx.uint64, mx.int64, mx.float32]
SMALL = [mx.uint8, mx.int8, mx.uint16, mx.int16, mx.bfloat16, mx.float16]


def evaluated(function: c.Schedule, *arguments: Any) -> Call:
    return lambda: mx.eval(function(*arguments))


@cache
def forms(dtype: mx.Dtype, steps: int) -> dict[str, c.Schedule]:
    """Return the contenders, made once for each dtype, since each compilation takes a second."""
    d = c.Decay(0.1, steps)
    return {c.OURS: c.ours(d), c.CLOSURE: c.closure(d), c.COMPILED: mx.compile(c.closure(d)), **c.by_hands(d)}


@benchmark("cpu")
def graph() -> Iterator[Case]:
    step = mx.array(5, mx.uint64)
    calls = {name: partial(function, step) for name, function in forms(mx.uint64, 1000).items()}
    yield Case("one step", "graph", 1, calls, {c.CLOSURE: 5.0})


@benchmark("cpu", [({c.CLOSURE: 1.0},)])
@benchmark("gpu", [({c.CLOSURE: 2.5, c.COMPILED: 0.95, c.FLOOR: 0.9},)])
def one_step(bars: dict[str, float]) -> Iterator[Case]:
    step = mx.array(5, mx.uint64)
    calls = {name: evaluated(function, step) for name, function in forms(mx.uint64, 1000).items()}
    calls |= {c.FLOOR: lambda: mx.eval(step + step), **c.optax_calls(0.1, 1000, 5), **c.stateful(c.Decay(0.1, 1000))}
    yield Case("one step", "eager", 1, calls, bars)


@benchmark("cpu")
def first_call() -> Iterator[Case]:
    """MLX keeps compiled kernels on disk by their constants, so every call gets an `init` never seen before."""
    step = mx.array(5, mx.uint64)

    def first(make: Callable[[c.Decay], c.Schedule]) -> Call:
        return lambda: mx.eval(mx.compile(make(c.Decay(random.uniform(0.1, 0.2), 1000)))(step))

    calls = {c.OURS: first(c.ours), c.COMPILED: first(c.closure), c.HAND_COMPILED: first(c.by_hand)}
    yield Case("one step", "first call", 1, calls, weight=0.2)


@benchmark("cpu", quick=())
def backward() -> Iterator[Case]:
    """The derivative of the sum of 10^5 steps with respect to `init`."""
    steps, init = mx.arange(100_000), mx.array(0.1)
    ours = mx.grad(lambda init: ms.fast.cosine_decay(steps, init, 100_000).sum())
    closure = mx.grad(lambda init: optim.cosine_decay(init, 100_000)(steps).sum())
    functions = {c.OURS: ours, c.CLOSURE: closure, c.COMPILED: mx.compile(closure)}
    calls = {name: evaluated(function, init) for name, function in functions.items()}
    yield Case("10^5 steps", "backward", 100_000, calls)


def name_of(dtype: mx.Dtype) -> str:
    return str(dtype).removeprefix("mlx.core.")


def power(n: int) -> str:
    return f"10^{len(str(n)) - 1}"


def bar(dtype: mx.Dtype) -> dict[str, float]:
    return {c.COMPILED: 8.0 if dtype.size == 8 else 10.0}


@benchmark(
    "cpu",
    [(mx.uint32, 10**e) for e in range(3, 9)]
    + [(t, 10**6) for t in TYPES[1:] + SMALL]
    + [(t, 10**7) for t in TYPES[1:]],
    quick=[(mx.uint32, 10**e) for e in range(3, 8)] + [(t, 10**6) for t in (mx.uint64, mx.float32)],
)
def trajectory(dtype: mx.Dtype, n: int, more: str = "") -> Iterator[Case]:
    decay_steps = {1: 100, 2: 10_000}.get(dtype.size, 1_000_000)
    steps = (mx.arange(n) % decay_steps).astype(dtype)
    mx.eval(steps)
    calls = {name: evaluated(function, steps) for name, function in forms(dtype, decay_steps).items()}
    if n > 10_000_000 or more:  # eager contenders allocate gigabytes
        del calls[c.CLOSURE], calls[c.HAND]
    if dtype in (mx.uint32, mx.int32, mx.float32):
        calls |= c.optax_calls(0.1, decay_steps, np.array(steps))
    if n <= 1000:
        one_by_one = c.stateful(c.Decay(0.1, decay_steps))
        calls |= {name: lambda step=step: [step() for _ in range(n)] for name, step in one_by_one.items()}
    bars = bar(dtype) if n >= 1_000_000 and dtype not in (mx.bfloat16, mx.float16) else {}
    yield Case(f"{power(n)} {name_of(dtype)} steps{more}", "eager", n, calls, bars, 1.0 if n <= 1_000_000 else 0.5)


@benchmark("cpu", [(mx.uint32, 10**9), (mx.uint64, 10**12)], quick=())
def long_decay(dtype: mx.Dtype, decay_steps: int, n: int = 1_000_000) -> Iterator[Case]:
    """A T too long for the loops for short lengths."""
    steps = mx.array((np.arange(n) * (decay_steps / n)).astype(name_of(dtype)))
    made = forms(dtype, decay_steps)
    calls = {name: evaluated(made[name], steps) for name in (c.OURS, c.CLOSURE, c.COMPILED, c.POLYNOMIAL)}
    yield Case(f"10^6 {name_of(dtype)} steps, T = {power(decay_steps)}", "eager", n, calls, bar(dtype))


@contextlib.contextmanager
def memory_kept() -> Iterator[None]:
    """Keep outputs of any size for reuse, so that no call waits for the system to clear pages."""
    before = mx.set_cache_limit(1 << 32)
    try:
        yield
    finally:
        mx.set_cache_limit(before)


@benchmark("cpu", [*((t, 10**7) for t in TYPES), (mx.uint32, 10**8)], quick=())
def trajectory_kept(dtype: mx.Dtype, n: int) -> Iterator[Case]:
    with memory_kept():
        yield from trajectory(dtype, n, ", memory kept")


PIECES = "in 100 calls of 10^6"


@benchmark("cpu", quick=())
def growth(n: int = 100_000_000, pieces: int = 100) -> Iterator[Case]:
    """10^8 steps in one call, and in a hundred calls of 10^6 each. All outputs are held and their memory is kept, so
    that both use the same 800 MB."""
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
