"""Schedules of a whole run, with the warmup inside it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Literal, TypeAlias

import mlx.core as mx

from .._columns.arithmetic import combined, minus, plus
from .._columns.columns import single
from .._columns.numbers import Number, Real, described, rounded, simplest
from .._columns.read import length, read, read_known, steps
from .._columns.values import Known, Traced, Values, check_broadcast, common_shape, number
from .schedule import Schedule
from .warn import warn

Tail: TypeAlias = Literal["linear", "cosine", "1-sqrt", "exponential"]
EndAt: TypeAlias = Literal["total_steps", "last_update"]
_END_AT = ("total_steps", "last_update")
TAILS = {"linear": "linear", "cosine": "cosine", "1-sqrt": "power", "exponential": "geometric"}
_SQRT = number(0.5)


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
    return _decay("warmup_cosine", "cosine", peak, total_steps, warmup, init, end, end_at)


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
    return _decay("warmup_linear", "linear", peak, total_steps, warmup, init, end, end_at)


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
    function = "warmup_stable_decay"
    if not isinstance(tail, str) or tail not in TAILS:
        raise ValueError(f"[{function}] tail must be one of {', '.join(map(repr, TAILS))}, got {described(tail)}.")
    total, rise, fall = _times(function, total_steps, end_at, warmup, decay)
    top, low, last = (read(f"[{function}] {n}", x) for n, x in (("peak", peak), ("init", init), ("end", end)))
    check_broadcast(function, peak=top, total_steps=total, warmup=rise, decay=fall, init=low, end=last)
    if tail == "exponential":
        _check_ratio(function, top, last)
    begin = _less(total, fall)
    columns = (
        single("linear", low, top, rise),
        single("hold", top, begin=rise),
        single(TAILS[tail], top, _ended(top, last, fall), fall, _SQRT if tail == "1-sqrt" else number(1), begin),
    )
    return Schedule._of(columns)


def _decay(
    function: str, ease: str, peak: Real, total_steps: Real, warmup: Real, init: Real, end: Real, end_at: EndAt
) -> Schedule:
    total, rise = _times(function, total_steps, end_at, warmup)
    top, low, last = (read(f"[{function}] {n}", x) for n, x in (("peak", peak), ("init", init), ("end", end)))
    check_broadcast(function, peak=top, total_steps=total, warmup=rise, init=low, end=last)
    fall = _less(total, rise)
    columns = (single("linear", low, top, rise), single(ease, top, _ended(top, last, fall), fall, begin=rise))
    return Schedule._of(columns)


def _ended(peak: Values, end: Values, steps: Known) -> Values:
    """The end; but the peak where no step leads there."""
    if all(steps.numbers):
        return end
    if isinstance(peak, Known) and isinstance(end, Known):
        return combined(lambda a, b, n: b if n else a, mx.where, peak, end, steps, times=False)
    none = mx.array([not n for n in steps.numbers]).reshape(steps.shape)

    return Traced(mx.where(none, peak.as_array(mx.float32), end.as_array(mx.float32)), end.label)


def _less(a: Known, b: Known) -> Known:
    found = minus(a, b)
    assert isinstance(found, Known)
    return found


def _times(function: str, total_steps: Real, end_at: EndAt, *given: Real) -> list[Known]:
    """The run's steps, and those of its warmup and decay; ValueError where they are more."""
    total = _to_end(function, read_known(f"[{function}] total_steps", total_steps, length), end_at)
    shares = dict(zip(("warmup", "decay"), given, strict=False))
    found = [
        _share(f"[{function}] {name}", total, share, rounding)
        for (name, share), rounding in zip(shares.items(), (_steps_of, _to_the_end), strict=False)
    ]
    used: Values = found[0]
    for part in found[1:]:
        used = plus(used, part)
    over = combined(lambda u, t: int(u > t), mx.greater, used, total)
    if isinstance(over, Known) and any(over.numbers):
        listed = ", ".join(f"{name}={described(share)}" for name, share in shares.items())
        raise ValueError(
            f"[{function}] {' and '.join(shares)} must not be longer than the run, got {listed} of total_steps="
            f"{described(total_steps)}, which counts all of it."
        )
    return [total, *found]


def _to_end(function: str, total: Known, end_at: EndAt) -> Known:
    """Of a run of so many steps, those until its end."""
    if not isinstance(end_at, str) or end_at not in _END_AT:
        raise ValueError(
            f"[{function}] end_at must be one of {', '.join(map(repr, _END_AT))}, got {described(end_at)}."
        )
    if end_at == "total_steps":
        return total
    if not all(map(_is_counted, total.numbers)):
        raise ValueError(
            f"[{function}] total_steps must be a number of updates, whole and above 1, for end_at='last_update', got "
            f"{described(total.nested())}."
        )
    return total.map(lambda updates: updates - 1)


def _share(label: str, total: Known, share: Real, rounding: Callable[[Number, Number], Number]) -> Known:
    part = read_known(label, share, steps)
    if common_shape([part.shape, total.shape]) is None:
        raise ValueError(f"{label} and total_steps do not broadcast: {part.shape}, {total.shape}.")
    _check_one(label, read(label, share), total)
    found = combined(rounding, mx.multiply, part, total)
    assert isinstance(found, Known)
    lost = combined(lambda p, n: int(p != 0 and n == 0), mx.equal, part, found)
    if isinstance(lost, Known) and any(lost.numbers):
        warn(
            f"{label} {described(share)} of total_steps={described(total.nested())} is less than half a step, so there "
            "is none: give 1 for one step."
        )
    return found


def _check_one(label: str, share: Values, total: Known) -> None:
    """A fraction of exactly 1 may come from a sweep of fractions, or from 0.1 * total_steps."""
    assert isinstance(share, Known)
    unclear = combined(lambda p, t: int(p == 1 and not isinstance(p, int) and t != 1), mx.equal, share, total)
    if isinstance(unclear, Known) and any(unclear.numbers):
        raise ValueError(
            f"{label} must not be {described(share.nested())}: a fraction of exactly 1 may mean one step or the whole "
            f"run. Give the integer 1 for one step, or total_steps for the whole run."
        )


def _steps_of(part: Number, total: Number) -> Number:
    """Of a run counted in steps a fraction is rounded to whole ones; of progress to a float32: sums are exact then."""
    if part >= 1 or part == 0:
        return part
    steps_in_all = simplest(_written(part) * Fraction(total))
    return round(steps_in_all) if _is_counted(total) else rounded(steps_in_all, mx.float32)


def _to_the_end(part: Number, total: Number) -> Number:
    """As many as are left where it begins, which is what is rounded: so 0.1 and 0.9 of 15 steps are no more than 15."""
    if part >= 1 or part == 0 or not _is_counted(total):
        return _steps_of(part, total)
    return simplest(total - round((1 - _written(part)) * Fraction(total)))


def _is_counted(total: Number) -> bool:
    return isinstance(total, int) and total > 1


def _written(x: Number) -> Fraction:
    """0.1 means a tenth."""
    return Fraction(repr(x)) if isinstance(x, float) else Fraction(x)


def _check_ratio(function: str, peak: Values, end: Values) -> None:
    for value, name in ((peak, "peak"), (end, "end")):
        if isinstance(value, Known) and 0 in value.numbers:
            raise ValueError(
                f"[{function}] {name} must not be 0 for tail='exponential', got 0: give a hundredth of the peak."
            )
    if not (isinstance(peak, Known) and isinstance(end, Known)):
        return
    same = combined(lambda a, b: int((a > 0) == (b > 0)), mx.equal, peak, end)
    if isinstance(same, Known) and 0 in same.numbers:
        raise ValueError(
            f"[{function}] peak and end must have one sign for tail='exponential', got {described(end.nested())}."
        )
