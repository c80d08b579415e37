"""Schedules of a whole run, with the warmup inside it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from .._columns.names import explained
from .._columns.numbers import Real
from .runs import RUNS
from .schedule import Schedule

Tail: TypeAlias = Literal["linear", "cosine", "1-sqrt", "exponential"]
EndAt: TypeAlias = Literal["total_steps", "last_update"]


@explained
def warmup_cosine(
    peak: Real,
    total_steps: Real,
    *,
    warmup: Real = 0,
    init: Real = 0.0,
    end: Real = 0.0,
    end_at: EndAt = "total_steps",
) -> Schedule:
    """Make the schedule of a whole run: a linear warmup, then a cosine decay that ends with the run.

    Formula:
        init + (peak - init) · s/W for s < W
        end + (peak - end) · cos²(π/2 · (s - W)/(T - W)) for W ≤ s ≤ T

    W is the number of warmup steps and T is ``total_steps``. The value is exactly ``peak`` at step W, once, and exactly
    ``end`` from step T on.

    A run of N updates uses steps 0 to N - 1. With ``total_steps=N`` the first update therefore uses ``init``, and an
    update with a rate of 0 changes nothing: pass ``init=peak / W`` to make it count. The last update is one step before
    the end; pass ``end_at="last_update"`` to give it exactly ``end``.

    Args:
        peak: The value after the warmup.
        total_steps: T, the number of optimizer updates in the run, warmup included. Use 1 if the steps you pass are
            progress from 0 to 1.
        warmup: The length of the warmup: a number of steps, or below 1 a fraction of the run, which is rounded to a
            whole step (unless ``total_steps`` is 1 or fractional). 0 is no warmup. If a fraction rounds to 0 there is a
            warning. If the warmup is as long as the run, the peak is kept after it.
        init: The value at step 0, if there is a warmup.
        end: The value from the end on.
        end_at: Where the end is: ``"total_steps"``, or ``"last_update"``, which is step T - 1. The latter is the
            schedule of a run of ``total_steps - 1``, and fractions are fractions of that.

    Every number may be a list or an array with one value for each group.

    Raises:
        ValueError: The warmup is below 0, longer than the run, or exactly 1.0 (which could mean one step or the whole
            run); ``total_steps`` is not above 0, or with ``end_at="last_update"`` not a whole number above 1;
            ``end_at`` is something else; a value is not finite; or the shapes do not broadcast.
        TypeError: A value is a ``bool``, complex, a string or ``None``, or the steps are arrays that are being traced.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.warmup_cosine(1e-3, 1000, warmup=0.1)(mx.array([0, 50, 100, 550, 1000]))
        array([0, 0.0005, 0.001, 0.0005, 0], dtype=float32)

    Source:
        Goyal and others, "Accurate, Large Minibatch SGD", 2017, section 2.2, https://arxiv.org/abs/1706.02677, and
        the cosine's, https://arxiv.org/abs/1608.03983
    """
    return Schedule._of(RUNS["warmup_cosine"](peak, total_steps, warmup, init, end, end_at))


@explained
def warmup_linear(
    peak: Real,
    total_steps: Real,
    *,
    warmup: Real = 0,
    init: Real = 0.0,
    end: Real = 0.0,
    end_at: EndAt = "total_steps",
) -> Schedule:
    """Make the schedule of a whole run: a linear warmup, then a linear decay that ends with the run.

    Formula:
        init + (peak - init) · s/W for s < W
        peak + (end - peak) · (s - W)/(T - W) for W ≤ s ≤ T

    Arguments and errors are those of :func:`warmup_cosine`, and what it says of the first and last update holds here.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.warmup_linear(1e-3, 1000, warmup=200)(mx.array([0, 100, 200, 600, 1000]))
        array([0, 0.0005, 0.001, 0.0005, 0], dtype=float32)

    Source:
        Devlin and others, "BERT", 2018, appendix A.2, https://arxiv.org/abs/1810.04805
    """
    return Schedule._of(RUNS["warmup_linear"](peak, total_steps, warmup, init, end, end_at))


@explained
def warmup_stable_decay(
    peak: Real,
    total_steps: Real,
    *,
    warmup: Real = 0,
    decay: Real = 0.2,
    init: Real = 0.0,
    end: Real = 0.0,
    tail: Tail = "linear",
    end_at: EndAt = "total_steps",
) -> Schedule:
    """Make the schedule of a whole run that stays at its peak for most of it: warmup, stable, decay (WSD).

    Formula:
        init + (peak - init) · s/W for s < W
        peak for W ≤ s < T - D
        peak + (end - peak) · w((s - T + D)/D) for T - D ≤ s ≤ T

    W is the number of warmup steps, D that of the decay, and T is ``total_steps``. The decay's weight w(f) is f for
    ``tail="linear"``, sin²(π/2 · f) for ``"cosine"`` and √f for ``"1-sqrt"``. With ``"exponential"`` each step
    multiplies by the same factor, so ``end`` must not be 0. Other arguments and errors are those of
    :func:`warmup_cosine`, and what it says of the first and last update holds here.

    Args:
        peak: The value after the warmup.
        total_steps: T, the number of optimizer updates in the run.
        warmup: The length of the warmup, in steps or, below 1, as a fraction of the run.
        decay: The length of the decay, likewise. With 0 the peak is kept to the end.
        init: The value at step 0, if there is a warmup.
        end: The value from the end on, if there is a decay.
        tail: The curve of the decay.
        end_at: ``"total_steps"`` or ``"last_update"``.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.warmup_stable_decay(1e-3, 1000, warmup=100)(mx.array([50, 100, 800, 900, 1000]))
        array([0.0005, 0.001, 0.001, 0.0005, 0], dtype=float32)

    Source:
        Hägele and others, "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", 2024,
        https://arxiv.org/abs/2405.18392
    """
    return Schedule._of(RUNS["warmup_stable_decay"](peak, total_steps, warmup, decay, init, end, tail, end_at))


@explained
def one_cycle(
    peak: Real,
    total_steps: Real,
    *,
    warmup: Real = 0.3,
    init: Real | None = None,
    end: Real | None = None,
    end_at: EndAt = "total_steps",
) -> Schedule:
    """Make the schedule of a whole run that rises to its peak along a cosine and falls along another: one-cycle.

    Formula:
        peak + (init - peak) · cos²(π/2 · s/W) for s < W
        end + (peak - end) · cos²(π/2 · (s - W)/(T - W)) for W ≤ s ≤ T

    Momentum usually moves the other way: ``one_cycle(0.85, total_steps, init=0.95, end=0.95)``. Other arguments and
    errors are those of :func:`warmup_cosine`, and what it says of the last update holds here.

    Args:
        peak: The value after the rise.
        total_steps: T, the number of optimizer updates in the run.
        warmup: W, the length of the rise, in steps or, below 1, as a fraction of the run.
        init: The value at step 0. Default: ``peak / 25``.
        end: The value from the end on. Default: ``peak / 250_000``.
        end_at: ``"total_steps"`` or ``"last_update"``.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.one_cycle(1.0, 1000)(mx.array([0, 150, 300, 650, 1000]))
        array([0.04, 0.52, 1, 0.500002, 4e-06], dtype=float32)

    Source:
        Smith and Topin, "Super-Convergence", 2017, https://arxiv.org/abs/1708.07120; with cosines and these ends as in
        torch's ``OneCycleLR``
    """
    return Schedule._of(RUNS["one_cycle"](peak, total_steps, warmup, init, end, end_at))
