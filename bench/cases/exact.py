"""Accuracy compared with the contenders, whether devices agree, and the memory that a call allocates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import mlx.core as mx
import numpy as np

import mlx_schedules as ms

from .. import contenders as c
from ..case import Number, benchmark
from .steps import SMALL, TYPES, name_of, power


def values(steps: np.ndarray, decay_steps: int) -> dict[str, np.ndarray]:
    """Return every contender's float32 rates of a decay from 1 to 0."""
    d, counts = c.Decay(1.0, decay_steps), mx.array(steps.astype(np.uint32))
    made = {c.OURS: c.ours(d), c.CLOSURE: c.closure(d), **c.by_hands(d)}
    found = {name: np.array(schedule(counts)) for name, schedule in made.items()}
    return found | {name: np.array(call()) for name, call in c.optax_calls(1.0, decay_steps, steps).items()}


def along(decay_steps: int, points: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Return steps spread evenly and, towards the end, geometrically; and the float64 rates there, right to 2^-50."""
    left = np.geomspace(1, decay_steps / 2, points // 2).astype(np.int64)
    steps = np.unique(np.concatenate([np.linspace(0, decay_steps, points // 2).astype(np.int64), decay_steps - left]))
    return steps, np.sin(np.pi / 2 * (decay_steps - steps) / decay_steps) ** 2


@benchmark("exact", [(10**5,), (10**6,), (10**7,)], quick=[(10**5,)])
def errors(decay_steps: int) -> Iterator[Number]:
    steps, exact = (found[:-1] for found in along(decay_steps))  # without the end, which is 0
    unit = np.spacing(exact.astype(np.float32))
    for name, rates in values(steps, decay_steps).items():
        worst = float(np.max(np.abs(rates - exact) / unit))
        yield Number(f"largest float32 error from 1 to 0, T = {power(decay_steps)}", name, worst, " ULP")
    last = np.arange(decay_steps - 10_000, decay_steps)
    for name, rates in values(last, decay_steps).items():
        early = decay_steps - int(np.append(last[rates <= 0], decay_steps)[0])
        yield Number(f"0 or less before the end, T = {power(decay_steps)}", name, early, " steps")


@benchmark("exact", quick=())
def memory(n: int = 10_000_000) -> Iterator[Number]:
    """Peak memory that a call adds, for steps that are kept and for steps whose memory the output may use."""
    schedule, steps = ms.cosine_decay(0.1, 1_000_000), mx.arange(n).astype(mx.uint32)
    mx.eval(steps, schedule(0))
    calls: dict[str, tuple[Callable[[], mx.array], int]] = {
        "steps held": (lambda: schedule(steps), 0),
        "steps donated": (lambda: schedule(steps + 1), steps.nbytes),  # the sum's buffer is the donated one
    }
    for name, (call, base) in calls.items():
        mx.clear_cache()
        before = mx.get_active_memory()
        mx.reset_peak_memory()
        mx.eval(call())
        peak = (mx.get_peak_memory() - before - base) / 1e6
        yield Number(f"peak memory, {power(n)} uint32 steps (40 MB), {name}", c.OURS, peak, " MB")


def random_steps(rng: np.random.Generator, dtype: mx.Dtype, decay_steps: float, n: int) -> mx.array:
    if mx.issubdtype(dtype, mx.floating):
        return mx.array(rng.uniform(-5, min(decay_steps * 1.05, 60_000), n).astype(np.float32)).astype(dtype)
    limits = np.iinfo(name_of(dtype))
    low, high = (-1000 if decay_steps < 2000 else 0), min(int(decay_steps * 1.05) + 2, limits.max)
    return mx.array(rng.integers(max(low, limits.min), high, n).astype(name_of(dtype)))


def differing(step: mx.array, init: mx.array, decay_steps: float, end: mx.array) -> int:
    """Return how many results have other bits on the default device than on the CPU."""
    a, b = (ms.fast.cosine_decay(step, init, decay_steps, end, stream=d) for d in (mx.default_device(), mx.cpu))
    bits = mx.uint16 if a.itemsize == 2 else mx.uint32
    mx.eval(a, b)
    return int(mx.sum(a.view(bits) != b.view(bits), stream=mx.cpu).item())


KINDS_OF_T = (1, 1000, 2**24, 2**24 + 1, 2**32 - 1, 2**40, 1000.25)


def all_differing(n: int) -> int:
    rng, count = np.random.default_rng(1), 0
    for dtype in TYPES + SMALL:
        for decay_steps in KINDS_OF_T:
            steps = random_steps(rng, dtype, decay_steps, n)
            held = dtype if mx.issubdtype(dtype, mx.floating) else mx.float32
            groups, end = mx.array(rng.uniform(0, 1, 3).astype(np.float32)).astype(held), mx.array(0.125, held)
            for init, step in ((groups[0], steps), (groups, steps[: n // 3, None]), (groups[1], steps[::2])):
                count += differing(step, init, decay_steps, end)
    return count


@benchmark("gpu", [(600_000,)], quick=[(3000,)])
def same_bits(n: int) -> Iterator[Number]:
    """Uniform and general kernels with steps of every dtype."""
    compared = len(TYPES + SMALL) * len(KINDS_OF_T) * (n + n // 3 * 3 + (n + 1) // 2)
    name = f"results that differ from the CPU's, of {compared}"
    yield Number(name, c.OURS, partial(all_differing, n), "", most=0)


def wrong_rows(rows: int) -> int:
    steps = mx.contiguous(mx.broadcast_to(mx.arange(256).astype(mx.uint8), (rows, 256)))
    schedule = ms.cosine_decay(1.0, 200)
    table = schedule(mx.arange(256))
    wrong = mx.sum((schedule(steps) != table).any(axis=1)).item()
    general = ms.fast.cosine_decay(steps[:, ::-1], mx.full((256,), 1.0), 200, 0.0)
    return int(wrong + mx.sum((general != table[::-1]).any(axis=1)).item())


@benchmark("gpu", [(2**24 + 5,)], quick=[(2**10 + 5,)])
def many_rows(rows: int) -> Iterator[Number]:
    """More than 2^32 steps unless quick, with uniform and general kernels. Each row of 256 is compared with a table."""
    yield Number(f"wrong rows, in {rows} of 256 uint8 steps", c.OURS, partial(wrong_rows, rows), "", most=0)
