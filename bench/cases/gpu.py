"""Use of a GPU's memory: whole trajectories and grids, compared with the cheapest op that reads and writes as much."""

from __future__ import annotations

from collections.abc import Iterator

import mlx.core as mx
import mlx.optimizers as optim

import mlx_schedules as ms

from .. import contenders as c
from ..case import Case, benchmark
from .steps import evaluated

NARROW, WIDE = 1_000_000, 2**24 + 12345  # decay steps


@benchmark(
    "gpu",
    [(log2, steps) for log2 in (20, 24, 28, 30) for steps in (NARROW, WIDE)],
    quick=[(16, NARROW), (16, WIDE)],
)
def bandwidth(log2: int, decay_steps: int) -> Iterator[Case]:
    steps = mx.arange(2**log2).astype(mx.uint32) % 30_000_000
    closure = optim.cosine_decay(0.1, decay_steps, 0.001)
    mx.eval(steps)
    calls = {
        c.OURS: evaluated(ms.cosine_decay(0.1, decay_steps, 0.001), steps),
        c.COPY: lambda: mx.eval(steps + 1),
        c.CLOSURE: evaluated(closure, steps),
        c.COMPILED: evaluated(mx.compile(closure), steps),
    }
    bars = {c.COPY: 0.97 if decay_steps == NARROW else 0.95} if log2 >= 28 else {c.COMPILED: 1.0}
    yield Case(f"2^{log2} uint32 steps, T = {decay_steps}", "eager", 2**log2, calls, bars)


@benchmark("gpu", [(2**28, groups) for groups in (3, 64, 1000)], quick=[(2**16, 64)])
def outer(elements: int, groups: int) -> Iterator[Case]:
    steps = (mx.arange(elements // groups) % 3000).astype(mx.uint32)
    column, ones = steps[:, None], mx.ones((groups,), mx.uint32)
    mx.eval(steps, column, ones)
    schedule = ms.cosine_decay([0.1] * groups, list(range(1000, 1000 + groups)))
    calls = {c.OURS: evaluated(schedule, steps), "outer sum": lambda: mx.eval(column + ones)}
    bars = {"outer sum": 0.85} if groups >= 64 else {}
    yield Case(f"({steps.size}, {groups}) grid", "eager", steps.size * groups, calls, bars)
