"""Schedules of several segments, compared with MLX's join of the same parts, one cosine, and a GPU's memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import mlx.core as mx
import mlx.optimizers as optim

import mlx_schedules as ms

from .. import contenders as c
from ..case import Case, benchmark
from ..fresh import fresh
from ..measure import Call
from .groups import one_by_one
from .steps import evaluated, name_of, power

PEAK, END, WARMUP = 0.1, 1e-3, 0.05  # the warmup as a fraction of the run


def ours(peak: object, total: object) -> c.Schedule:
    return ms.warmup_cosine(peak, total, warmup=WARMUP, end=END)


def join(peak: float, total: int) -> c.Schedule:
    warmup = round(WARMUP * total)
    parts = [optim.linear_schedule(0.0, peak, warmup), optim.cosine_decay(peak, total - warmup, END)]
    return optim.join_schedules(parts, [warmup])


def four(total: int) -> c.Schedule:
    """Warmup, hold, cosine, hold."""
    warmup = round(WARMUP * total)
    parts = [ms.linear_schedule(0.0, PEAK, warmup), ms.constant(PEAK), ms.cosine_decay(PEAK, total - 2 * warmup, END)]
    return ms.join_schedules([*parts, ms.constant(END)], [warmup, 2 * warmup, total])


@benchmark("cpu")
def graph() -> Iterator[Case]:
    step = mx.array(500, mx.uint64)
    calls = {c.OURS: ours(PEAK, 1000), c.JOIN: join(PEAK, 1000), c.BARE: ms.cosine_decay(PEAK, 1000, END)}
    calls = {name: partial(schedule, step) for name, schedule in calls.items()}
    yield Case("one step, warmup and cosine", "graph", 1, calls, {c.JOIN: 8.0})


@benchmark("cpu", [({c.JOIN: 2.5},)])
@benchmark("gpu", [({c.JOIN: 2.5, c.JOIN_COMPILED: 0.95, c.FLOOR: 0.9},)])
def one_step(bars: dict[str, float]) -> Iterator[Case]:
    step = mx.array(500, mx.uint64)
    closure = join(PEAK, 1000)
    calls = {c.OURS: ours(PEAK, 1000), c.JOIN: closure, c.JOIN_COMPILED: mx.compile(closure)}
    calls = {name: evaluated(schedule, step) for name, schedule in calls.items()}
    yield Case("one step, warmup and cosine", "eager", 1, {**calls, c.FLOOR: lambda: mx.eval(step + step)}, bars)


@benchmark("cpu", [(10**7, "in order"), (10**7, "in no order")], quick=[(10**6, "in order")])
def trajectory(n: int, order: str) -> Iterator[Case]:
    steps = mx.arange(n).astype(mx.uint32)
    steps = steps if order == "in order" else mx.random.permutation(steps)
    mx.eval(steps)
    schedules = {
        c.OURS: ours(PEAK, n),
        c.BARE: ms.cosine_decay(PEAK, n, END),
        c.JOIN_COMPILED: mx.compile(join(PEAK, n)),
    }
    calls = {name: evaluated(schedule, steps) for name, schedule in schedules.items()}
    bars = {c.JOIN_COMPILED: 12.0, c.BARE: 0.85} if order == "in order" else {c.BARE: 0.35}
    yield Case(f"{power(n)} uint32 steps {order}, warmup and cosine", "eager", n, calls, bars, 0.5)


# The bars: the speed relative to one cosine with steps of the same dtype, and to itself with uint32 steps.
STEP_TYPES = {mx.uint64: (0.6, 1 / 3.5), mx.int64: (0.6, 1 / 3.5), mx.float32: (0.4, 0.25), mx.bfloat16: (0.4, 0.25)}


@benchmark("cpu", [(dtype,) for dtype in STEP_TYPES], quick=[(mx.int64,)])
def step_types(dtype: mx.Dtype, n: int = 1_000_000) -> Iterator[Case]:
    """NumPy gives whole steps as int64, and training loops give them in the dtype that the network computes in."""
    steps, narrow = mx.arange(n).astype(dtype), mx.arange(n).astype(mx.uint32)
    mx.eval(steps, narrow)
    calls = {
        c.OURS: evaluated(ours(PEAK, n), steps),
        c.BARE: evaluated(ms.cosine_decay(PEAK, n, END), steps),
        c.UINT32: evaluated(ours(PEAK, n), narrow),
        c.JOIN_COMPILED: evaluated(mx.compile(join(PEAK, n)), steps),
    }
    bare, uint32 = STEP_TYPES[dtype]
    bars = {c.BARE: bare, c.UINT32: uint32, c.JOIN_COMPILED: 4.0}
    yield Case(f"{power(n)} {name_of(dtype)} steps, warmup and cosine", "eager", n, calls, bars)


@benchmark(
    "gpu",
    [(log2, steps, order) for log2 in (24, 28, 30) for steps in (1_000_000, 2**25 + 12345)  # a cosine beyond 2^24
     for order in ("in order", "in no order")],
    quick=[(16, 1_000_000, "in order")],
)  # fmt: skip
def bandwidth(log2: int, total: int, order: str) -> Iterator[Case]:
    beyond = total + total // 10
    steps = mx.arange(2**log2).astype(mx.uint32) % beyond
    if order != "in order":
        steps = mx.random.randint(0, beyond, (2**log2,), mx.uint32)
    mx.eval(steps)
    calls = {c.OURS: evaluated(four(total), steps), c.COPY: lambda: mx.eval(steps + 1)}
    in_order = 0.94 if total == 1_000_000 else 0.92
    bars = {c.COPY: in_order if order == "in order" else 0.4} if log2 >= 28 else {}
    yield Case(f"2^{log2} uint32 steps {order}, warmup, hold, cosine, hold, T = {total}", "eager", 2**log2, calls, bars)


# ---- Groups, each with a warmup and a cosine of its own --------------------------------------------------------------


def peaks(count: int) -> tuple[list[float], list[int]]:
    return [0.1 * (1 + i / count) for i in range(count)], [1000 + 10 * i for i in range(count)]


def rates(contender: str, count: int) -> Call:
    """Return a call that evaluates all groups' rates for one step."""
    step = mx.array(500, mx.uint64)
    if contender == c.OURS:
        return evaluated(ours(*peaks(count)), step)
    joins = [join(peak, total) for peak, total in zip(*peaks(count), strict=True)]
    return one_by_one(joins, step, contender == c.JOIN_COMPILED)


@benchmark("groups", [(64, 100.0)], quick=[(8, 10.0)])
@benchmark("gpu", [(64, 80.0)])
def eager(count: int, bar: float) -> Iterator[Case]:
    calls = {name: rates(name, count) for name in (c.OURS, c.JOIN)}
    yield Case(f"rates of {count} groups, warmup and cosine each", "eager", count, calls, {c.JOIN: bar})


@benchmark("groups", [(8,)], quick=[(2,)])
@benchmark("gpu", [(8,)], quick=[(2,)])
def first_rates(count: int) -> Iterator[Case]:
    calls = {name: fresh(rates, name, count) for name in (c.OURS, c.JOIN_COMPILED)}
    name = f"rates of {count} groups, warmup and cosine each"
    yield Case(name, "fresh process", count, calls, {c.JOIN_COMPILED: 10.0}, 0.15)
