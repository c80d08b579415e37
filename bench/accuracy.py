"""How exact is it, against 200-bit arithmetic.

``python -m bench.accuracy`` prints the figures that kernels/ease/cosine.h states, at the points of
tests/test_accuracy.py: both ends, the middle and random steps for 23 values of T up to 2^40 and 12 pairs of init and
end of one sign. 20 seconds. A run of the benchmark compares contenders along one decay, with `along` and `first_zero`.
"""

from __future__ import annotations

import pathlib
import sys
from typing import Any

import mlx.core as mx
import numpy as np

from . import contenders as c

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))


def statement() -> None:
    import reference
    from test_accuracy import ENDS, TIMES, evaluate, hurtful_steps

    worst, where, wrong, count = 0.0, None, 0, 0
    for total in TIMES:
        steps = hurtful_steps(total)
        weights = reference.weights(steps, total)
        for init, end in ENDS:
            errors = reference.ulp_errors(evaluate(steps, init, total, end), reference.values(weights, init, end))
            if errors.max() > worst:
                worst, where = float(errors.max()), (steps[int(errors.argmax())], init, total, end)
            wrong += int((errors > 0.5).sum())
            count += len(errors)
    print(f"largest error {worst:.4f} ULP, at (step, init, decay_steps, end) = {where}")
    print(f"not correctly rounded: {wrong} of {count} results, {wrong / count:.3%}")


def values(steps: np.ndarray, decay_steps: int) -> dict[str, np.ndarray]:
    """Everybody's rate from 1 to 0."""
    d, counts = c.Decay(1.0, decay_steps), mx.array(steps.astype(np.uint32))
    found = {
        c.OURS: c.ours(d)(counts),
        "closure": c.closure(d)(counts),
        "by hand": c.by_hand(d)(counts),
        "polynomial by hand": c.polynomial(d)(counts),
    }
    if c.installed("optax"):
        import jax.numpy as jnp

        found["optax"] = c.optax(1.0, decay_steps)(jnp.asarray(steps.astype(np.int32)))
    return {name: np.array(value) for name, value in found.items()}


def along(decay_steps: int, points: int = 2000) -> tuple[np.ndarray, dict[str, np.ndarray], list[Any]]:
    """Steps spread evenly and, towards the end, by ratio; each contender's rates there, and the references."""
    import reference

    left = np.geomspace(1, decay_steps / 2, points // 2).astype(np.int64)
    steps = np.unique(np.concatenate([np.linspace(0, decay_steps, points // 2).astype(np.int64), decay_steps - left]))
    return steps, values(steps, decay_steps), reference.decay(steps.tolist(), 1, decay_steps, 0)


def first_zero(decay_steps: int) -> dict[str, int | None]:
    """The first step before the end at which the rate is exactly 0."""
    steps = np.arange(max(0, decay_steps - 10_000), decay_steps)
    found = {}
    for name, value in values(steps, decay_steps).items():
        zeros = np.flatnonzero(value <= 0)
        found[name] = int(steps[zeros[0]]) if len(zeros) else None
    return found


def compared(decay_steps: int, points: int = 2000) -> list[dict[str, Any]]:
    import reference

    _, rates, exact = along(decay_steps, points)
    zeros = first_zero(decay_steps)
    return [
        {
            "decay_steps": decay_steps,
            "contender": name,
            "ulp": float(reference.ulp_errors(rate, exact).max()),
            "first zero": zeros[name],
        }
        for name, rate in rates.items()
    ]


if __name__ == "__main__":
    statement()
