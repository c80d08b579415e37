"""The contenders: each function takes a `Decay` and returns a schedule, a function from the step to its value."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np

import mlx_schedules as ms

OURS = "mlx-schedules"
CLOSURE, COMPILED = "closure, eager", "closure, compiled"
HAND, HAND_COMPILED = "by hand, eager", "by hand, compiled"
POLYNOMIAL = "polynomial by hand, compiled"
OPTAX, TORCH, TRANSFORMERS = "optax, jit", "torch", "transformers"
JOIN, JOIN_COMPILED = "join, eager", "join, compiled"
BARE = "one cosine of ours"
UINT32 = "ours, uint32 steps"
CONSTANT = "constant rate"
FLOOR, COPY = "one addition", "steps + 1"  # the cheapest of MLX's ops: nothing can be evaluated in less time

Schedule = Callable[[Any], Any]

# The coefficients of an odd polynomial for sin x on [-pi/2, pi/2], which is 4e-9 from it.
C1, C3, C5, C7, C9 = 1.0, -0.16666648, 0.0083328988, -0.00019800865, 2.5904301e-06


@dataclass(frozen=True)
class Decay:
    """The numbers of a cosine decay. For parameter groups each is a NumPy array with an entry per group."""

    init: Any
    steps: Any
    end: Any = 0.0

    def constants(self) -> list[Any]:
        """Return pi/T, and the mean and half the difference of init and end, as constants of compiled code."""
        values = math.pi / self.steps, (self.init + self.end) / 2, (self.init - self.end) / 2
        return [mx.array(v.astype(np.float32)) if isinstance(v, np.ndarray) else v for v in values]

    def each(self) -> list[Decay]:
        """Return a decay of plain numbers for each group."""
        return [Decay(float(i), int(s), float(e)) for i, s, e in zip(self.init, self.steps, self.end, strict=True)]


def ours(d: Decay) -> Schedule:
    return ms.cosine_decay(d.init, d.steps, d.end)


def closure(d: Decay) -> Schedule:
    return optim.cosine_decay(d.init, d.steps, d.end)


def by_hand(d: Decay) -> Schedule:
    """As few of MLX's ops as possible: everything that does not depend on the step is computed beforehand."""
    k, mean, half = d.constants()
    return lambda step: mx.cos(mx.minimum(step * k, math.pi)) * half + mean


def polynomial(d: Decay) -> Schedule:
    """The same with an odd polynomial for sin(pi/2 - x) in place of the cosine. Compiled, it vectorises, which
    `mx.cos` does not on x86. It is the fastest expression that we could write."""
    k, mean, half = d.constants()

    def schedule(step: Any) -> Any:
        x = mx.maximum(math.pi / 2 - step * k, -math.pi / 2)
        u = x * x
        y = u * C9 + C7
        y = y * u + C5
        y = y * u + C3
        y = y * u + C1
        return y * x * half + mean

    return schedule


def by_hands(d: Decay) -> dict[str, Schedule]:
    return {HAND: by_hand(d), HAND_COMPILED: mx.compile(by_hand(d)), POLYNOMIAL: mx.compile(polynomial(d))}


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def missing() -> list[str]:
    """Return a line to print for each contender that is skipped."""
    peers = ("optax", "torch", "transformers")
    return [f"{peer} is skipped: it is not installed" for peer in peers if not installed(peer)]


def optax_calls(init: float, steps: int, counts: Any) -> dict[str, Callable[[], Any]]:
    """optax under jit, if it is installed. XLA uses every core, while MLX's CPU backend uses one."""
    if not installed("optax"):
        return {}
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # else it takes 0.75 of the GPU's memory
    import jax
    import jax.numpy as jnp
    from optax import cosine_decay_schedule

    jitted = jax.jit(cosine_decay_schedule(init, steps))
    counts = jnp.asarray(counts, dtype=jnp.int32 if np.asarray(counts).dtype.kind in "iu" else jnp.float32)
    return {OPTAX: lambda: jitted(counts).block_until_ready()}


def _optimizer(d: Decay, groups: int) -> Any:
    import torch

    inits = np.broadcast_to(d.init, groups).tolist()
    return torch.optim.SGD([{"params": [torch.zeros(1)], "lr": init} for init in inits], lr=0.1)


def torch_step(d: Decay, groups: int = 1) -> Callable[[], object]:
    """Return one step, for all groups, of `CosineAnnealingLR`. It has one T and one end, and keeps the step itself."""
    from torch.optim.lr_scheduler import CosineAnnealingLR

    optimizer = _optimizer(d, groups)
    scheduler = CosineAnnealingLR(optimizer, int(np.max(d.steps)), float(np.min(d.end)))
    optimizer.step()  # it does nothing, but schedulers expect it before their own step
    return scheduler.step


def transformers_step(d: Decay, groups: int = 1) -> Callable[[], object]:
    """Return one step, for all groups, of the `LambdaLR` that `Trainer` uses. It has one T, and ends at 0."""
    from transformers import get_cosine_schedule_with_warmup

    optimizer = _optimizer(d, groups)
    scheduler = get_cosine_schedule_with_warmup(optimizer, 0, int(np.max(d.steps)))
    optimizer.step()
    return scheduler.step


def stateful(d: Decay, groups: int = 1) -> dict[str, Callable[[], object]]:
    """Return the schedulers that keep the step themselves, as far as their libraries are installed."""
    steps = {}
    if installed("torch"):
        steps[TORCH] = torch_step(d, groups)
        if installed("transformers"):
            steps[TRANSFORMERS] = transformers_step(d, groups)
    return steps
