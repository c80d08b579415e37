"""Schedules of a whole run, with the warmup inside it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from .._columns.numbers import Real
from .runs import RUNS
from .schedule import Schedule

Tail: TypeAlias = Literal["linear", "cosine", "1-sqrt", "exponential"]
EndAt: TypeAlias = Literal["total_steps", "last_update"]


def warmup_cosine(
    peak: Real,
    total_steps: Real,
    *,
    warmup: Real = 0,
    init: Real = 0.0,
    end: Real = 0.0,
    end_at: EndAt = "total_steps",
) -> Schedule:
    r"""Make the schedule of a whole run: a linear rise, then a cosine decay that ends with the run.

    .. math::
        \text{init} + (\text{peak} - \text{init}) \frac{s}{W} \quad (s < W), \qquad
        \text{end} + (\text{peak} - \text{end}) \cos^2\left(\frac{\pi}{2} \frac{s - W}{T - W}\right)
        \quad (W \le s \le T)

    The value is exactly ``peak`` at step W, once, and exactly ``end`` at step T = ``total_steps`` and after. A run of N
    updates uses steps 0 to N - 1: with ``total_steps=N`` its first update has ``init`` (from 0 it does nothing: start
    with ``init=peak / W``), and its last one is a step before ``end`` (with ``end_at="last_update"`` it has it).

    Args:
        peak: The value after the warmup.
        total_steps: Steps of the run, as the optimizer counts updates, warmup included. (For progress from 0 to 1: 1.)
        warmup: W, in steps, or a fraction of the run below 1, rounded to a whole step unless ``total_steps`` is 1 or
            fractional. 0 for none; a warning where it rounds to none. With a warmup as long as the run the peak is
            kept after it.
        init: The value at step 0, where there is a warmup.
        end: The value from the end on.
        end_at: ``"total_steps"``, or ``"last_update"`` to have the end at the last update, step T - 1: as a run of
            ``total_steps - 1``, of which fractions then count.

    All numbers may be lists or arrays, one value for each group.

    Raises:
        ValueError: The warmup is longer than the run or below 0, or exactly 1.0 and not the integer 1 (one step, or the
            whole run?); ``total_steps`` is not above 0, or not a whole number above 1 for the end at the last update;
            ``end_at`` is another; a value is not finite; or the shapes do not broadcast.
        TypeError: A value is a ``bool``, complex, a string or ``None``, or the steps are arrays that are being traced.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.warmup_cosine(1e-3, 1000, warmup=0.1)(mx.array([0, 50, 100, 550, 1000]))
        array([0, 0.0005, 0.001, 0.0005, 0], dtype=float32)
    """
    return Schedule._of(RUNS["warmup_cosine"](peak, total_steps, warmup, init, end, end_at))


def warmup_linear(
    peak: Real,
    total_steps: Real,
    *,
    warmup: Real = 0,
    init: Real = 0.0,
    end: Real = 0.0,
    end_at: EndAt = "total_steps",
) -> Schedule:
    r"""Make the schedule of a whole run: a linear rise, then a linear decay that ends with the run.

    .. math::
        \text{init} + (\text{peak} - \text{init}) \frac{s}{W} \quad (s < W), \qquad
        \text{peak} + (\text{end} - \text{peak}) \frac{s - W}{T - W} \quad (W \le s \le T)

    Arguments and errors are those of :func:`warmup_cosine`, and so is what the first and the last update have.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.warmup_linear(1e-3, 1000, warmup=200)(mx.array([0, 100, 200, 600, 1000]))
        array([0, 0.0005, 0.001, 0.0005, 0], dtype=float32)
    """
    return Schedule._of(RUNS["warmup_linear"](peak, total_steps, warmup, init, end, end_at))


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
    r"""Make the schedule of a whole run that keeps its peak for most of it: rise, hold, decay.

    .. math::
        \text{init} + (\text{peak} - \text{init}) \frac{s}{W} \quad (s < W), \qquad
        \text{peak} \quad (W \le s < T - D), \qquad
        \text{peak} + (\text{end} - \text{peak})\, w\left(\frac{s - T + D}{D}\right) \quad (T - D \le s \le T)

    The tail's weight w(f) is f for ``"linear"``, sin²(½π f) for ``"cosine"`` and √f for ``"1-sqrt"``; ``"exponential"``
    goes from peak to end by equal ratios, and needs an end that is not 0. Other arguments and errors are those of
    :func:`warmup_cosine`, and so is what the first and the last update have.

    Args:
        peak: The value after the warmup.
        total_steps: T.
        warmup: W.
        decay: D, in steps or as a fraction of the run below 1, as ``warmup``. With 0 the peak is kept.
        init: The value at step 0, where there is a warmup.
        end: The value from the end on, where there is a decay.
        tail: How it decays.
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
