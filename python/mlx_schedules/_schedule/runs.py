"""Schedules of a whole run, with the warmup inside it, as columns."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import mlx.core as mx

from .._columns.arithmetic import combined_known, minus, scaled
from .._columns.column import Column
from .._columns.columns import Columns
from .._columns.numbers import Number, Real, described, rounded, simplest
from .._columns.read import check_factor, check_length, check_span, check_steps, read, read_known
from .._columns.values import Known, Traced, Values, check_broadcast, common_shape, number
from .warn import warn

TAILS = {"linear": "linear", "cosine": "cosine", "1-sqrt": "power", "exponential": "geometric"}
_END_AT = ("total_steps", "last_update")


def stable(
    peak: Real, total_steps: Real, warmup: Real = 0, decay: Real = 0.2, init: Real = 0.0, end: Real = 0.0,
    tail: str = "linear", end_at: str = "total_steps",
) -> Columns:  # fmt: skip
    function = "warmup_stable_decay"
    if not isinstance(tail, str) or tail not in TAILS:
        raise ValueError(f"[{function}] tail must be one of {', '.join(map(repr, TAILS))}, got {described(tail)}.")
    total, rise, fall = _times(function, total_steps, end_at, warmup, decay)
    top, low, last = (read(f"[{function}] {n}", x) for n, x in (("peak", peak), ("init", init), ("end", end)))
    shape = check_broadcast(function, peak=top, total_steps=total, warmup=rise, decay=fall, init=low, end=last)
    if tail == "exponential":
        _check_ratio(function, top, last)
    begin = _less(total, fall)
    exponent = number(0.5 if tail == "1-sqrt" else 1)
    row = (
        Column("linear", low, top, length=rise),
        Column("hold", top, top, rise),
        Column(TAILS[tail], top, _ended(top, last, fall), begin, length=fall, parameter=exponent),
    )
    return Columns.of(row, None, shape)


def one_cycle(
    peak: Real, total_steps: Real, warmup: Real = 0.3, init: Real | None = None, end: Real | None = None,
    end_at: str = "total_steps",
) -> Columns:  # fmt: skip
    total, rise = _times("one_cycle", total_steps, end_at, warmup)
    top = read("[one_cycle] peak", peak, check_factor)
    low, last = (
        scaled(top, number(share)) if x is None else read(f"[one_cycle] {name}", x)
        for name, x, share in (("init", init, 1 / 25), ("end", end, 1 / 250_000))
    )
    return _up_and_down("one_cycle", ("cosine", "cosine"), top, low, last, total, rise)


def _decay(
    function: str, ease: str, peak: Real, total_steps: Real, warmup: Real = 0, init: Real = 0.0, end: Real = 0.0,
    end_at: str = "total_steps",
) -> Columns:  # fmt: skip
    total, rise = _times(function, total_steps, end_at, warmup)
    top, low, last = (read(f"[{function}] {n}", x) for n, x in (("peak", peak), ("init", init), ("end", end)))
    return _up_and_down(function, ("linear", ease), top, low, last, total, rise)


def _up_and_down(
    function: str, eases: tuple[str, str], top: Values, low: Values, last: Values, total: Known, rise: Known
) -> Columns:
    shape = check_broadcast(function, peak=top, total_steps=total, warmup=rise, init=low, end=last)
    fall = _less(total, rise)
    row = (
        Column(eases[0], low, top, length=rise),
        Column(eases[1], top, _ended(top, last, fall), rise, length=fall),
    )
    return Columns.of(row, None, shape)


RUNS: dict[str, Callable[..., Columns]] = {
    "warmup_cosine": partial(_decay, "warmup_cosine", "cosine"),
    "warmup_linear": partial(_decay, "warmup_linear", "linear"),
    "warmup_stable_decay": stable,
    "one_cycle": one_cycle,
}


def _ended(peak: Values, end: Values, steps: Known) -> Values:
    """Return the end value, or the peak if the decay has no steps."""
    if all(steps.numbers):
        return end
    if isinstance(peak, Known) and isinstance(end, Known):
        return combined_known(lambda a, b, n: b if n else a, peak, end, steps, times=False)
    none = mx.array([not n for n in steps.numbers]).reshape(steps.shape)
    return Traced(mx.where(none, peak.as_array(mx.float32), end.as_array(mx.float32)), end.label)


def _less(a: Known, b: Known) -> Known:
    found = minus(a, b)
    assert isinstance(found, Known)
    return found


def _times(function: str, total_steps: Real, end_at: str, *given: Real) -> list[Known]:
    """Return the steps of the run, its warmup and its decay. ValueError if the run is too short for these."""
    total = _to_end(function, read_known(f"[{function}] total_steps", total_steps, check_length), end_at)
    shares = dict(zip(("warmup", "decay"), given, strict=False))
    found = [
        _share(f"[{function}] {name}", total, share, rounding)
        for (name, share), rounding in zip(shares.items(), (_steps_of, _to_the_end), strict=False)
    ]
    check_broadcast(function, total_steps=total, **dict(zip(shares, found, strict=True)))
    if any(combined_known(lambda n, *parts: sum(map(Fraction, parts)) > n, total, *found).numbers):
        listed = ", ".join(f"{name}={described(share)}" for name, share in shares.items())
        raise ValueError(
            f"[{function}] {' and '.join(shares)} must not be longer than the run, got {listed} of total_steps="
            f"{described(total_steps)}, which counts all of it."
        )
    return [total, *found]


def _to_end(function: str, total: Known, end_at: str) -> Known:
    """Return the number of steps until the end, for a run of `total` steps."""
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
    part = read_known(label, share, check_steps)
    if common_shape([part.shape, total.shape]) is None:
        raise ValueError(f"{label} and total_steps do not broadcast: {part.shape}, {total.shape}.")
    _check_one(label, read(label, share), total)
    found = combined_known(rounding, part, total)
    for x in found.numbers:
        check_span(label, x)
    if any(combined_known(lambda p, n: p != 0 and n == 0, part, found).numbers):
        warn(
            f"{label} {described(share)} of total_steps={described(total.nested())} is less than half a step, so there "
            "is none: give 1 for one step."
        )
    return found


def _check_one(label: str, share: Values, total: Known) -> None:
    """Refuse a fraction of exactly 1, which may come from a sweep of fractions or from 0.1 * total_steps."""
    assert isinstance(share, Known)
    if any(combined_known(lambda p, t: p == 1 and not isinstance(p, int) and t != 1, share, total).numbers):
        raise ValueError(
            f"{label} must not be {described(share.nested())}: a fraction of exactly 1 may mean one step or the whole "
            f"run. Give the integer 1 for one step, or total_steps for the whole run."
        )


def _steps_of(part: Number, total: Number) -> Number:
    """Return the steps of a part of the run.

    A fraction is rounded to whole steps or, if the run isn't counted in steps, to a float32, so that sums are exact.
    """
    if part >= 1 or part == 0:
        return part
    steps_in_all = simplest(_written(part) * Fraction(total))
    return round(steps_in_all) if _is_counted(total) else rounded(steps_in_all, mx.float32)


def _to_the_end(part: Number, total: Number) -> Number:
    """Return the steps of a part at the end of the run.

    The step at which it begins is rounded, so that a warmup of 0.1 and a decay of 0.9 of 15 steps make 15 and not 16.
    """
    if part >= 1 or part == 0 or not _is_counted(total):
        return _steps_of(part, total)
    return simplest(total - round((1 - _written(part)) * Fraction(total)))


def _is_counted(total: Number) -> bool:
    return isinstance(total, int) and total > 1


def _written(x: Number) -> Fraction:
    """Return a number as it is written, so that 0.1 means a tenth."""
    return Fraction(repr(x)) if isinstance(x, float) else Fraction(x)


def _check_ratio(function: str, peak: Values, end: Values) -> None:
    for value, name in ((peak, "peak"), (end, "end")):
        if isinstance(value, Known) and 0 in value.numbers:
            raise ValueError(
                f"[{function}] {name} must not be 0 for tail='exponential', got 0: give a hundredth of the peak."
            )
    if not (isinstance(peak, Known) and isinstance(end, Known)):
        return
    if any(combined_known(lambda a, b: (a > 0) != (b > 0), peak, end).numbers):
        raise ValueError(
            f"[{function}] peak and end must have one sign for tail='exponential', got {described(end.nested())}."
        )
