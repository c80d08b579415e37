"""Reads and checks what is given for hyperparameters, and assigns it to numbers of the optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import mlx.core as mx
import mlx.optimizers as optim

from .. import _ext
from .._columns.names import meant
from .._columns.numbers import described, unboxed
from .._schedule.schedule import Schedule
from .arguments import as_array, is_sequence


class Slot(NamedTuple):
    """A number of an optimizer: its rate, an attribute, or an element of an attribute such as betas."""

    group: int
    name: str
    element: int | None = None


class Followed(NamedTuple):
    """A function of the step, and the index of its value for a slot."""

    function: Any
    which: int | None = None


class Held(NamedTuple):
    """The last value of a schedule that has ended, and 1 minus it, which has more digits than the value gives."""

    value: mx.array
    complement: mx.array


def single(followed: Followed) -> Schedule:
    schedule: Schedule = followed.function
    return schedule if followed.which is None else schedule[followed.which]


def read_given(name: str, value: Any, optimizers: Sequence[optim.Optimizer]) -> dict[Slot, Any]:
    """Return what each slot follows, or its number, after checking it."""
    n = len(optimizers)
    if not any(_has(optimizer, name) for optimizer in optimizers):
        raise _lacking(Slot(0, name), optimizers[0])
    if callable(value):
        shape = _shape(value, name)
        if shape != (n,) and (shape, n) != ((), 1):
            raise ValueError(
                f"[MultiOptimizer] {name} must have groups of shape ({n},), one for each optimizer, got {shape}: "
                f"multiply one schedule by {n} base rates, schedule * ([1] * {n})."
            )
        found = {Slot(i, name): Followed(value, i if shape else None) for i in range(n)}
    elif is_sequence(value):
        if len(value) != n:
            raise ValueError(
                f"[MultiOptimizer] {name} must hold one value for each of {n} optimizers, got {len(value)}: None "
                "leaves one as it is."
            )
        found = {slot: it for i, item in enumerate(value) for slot, it in _read_item(Slot(i, name), item)}
    else:
        raise TypeError(
            f"[MultiOptimizer] {name} must be a schedule, or a function of the step, with a value for each optimizer, "
            f"or a list with a schedule, a number or None for each, got {described(value)}: write a list of {n}."
        )
    for slot, it in found.items():
        check(slot, optimizers[slot.group], driven=isinstance(it, Followed))
    return found


def _read_item(slot: Slot, item: Any) -> list[tuple[Slot, Any]]:
    where = f"{slot.name}[{slot.group}]" + ("" if slot.element is None else f"[{slot.element}]")
    if item is None:
        return []
    if is_sequence(item) and slot.element is None:
        return [pair for i, part in enumerate(item) for pair in _read_item(slot._replace(element=i), part)]
    if callable(item):
        if shape := _shape(item, where):
            raise ValueError(f"[MultiOptimizer] {where} must give one value, got the shape {shape}.")
        return [(slot, Followed(item))]
    return [(slot, _number(item, where))]


def _number(item: Any, where: str) -> Any:
    if isinstance(item, mx.array) and item.shape == () and _ext.is_tracer(item):
        return item
    item = unboxed(item)
    if not isinstance(item, Real) or isinstance(item, bool):
        raise TypeError(f"[MultiOptimizer] {where} must be a schedule, a number or None, got {described(item)}.")
    if not mx.isfinite(as_array(item, where)).item():
        raise ValueError(f"[MultiOptimizer] {where} must be finite, got {described(item)}.")
    return item


def is_number(own: Any) -> bool:
    return isinstance(own, (Real, mx.array)) and not isinstance(own, bool)


def _is_computed(optimizer: optim.Optimizer, name: str) -> bool:
    """Tell whether an attribute is computed, like `step`, and so can't be set."""
    return isinstance(getattr(type(optimizer), name, None), property)


def _has(optimizer: optim.Optimizer, name: str) -> bool:
    return name == "learning_rate" or hasattr(optimizer, name)


def _lacking(slot: Slot, optimizer: optim.Optimizer) -> TypeError:
    name, where = meant(slot.name, ["learning_rate", *vars(optimizer)]), f"optimizers[{slot.group}]"
    remedy = f"did you mean {name!r}?" if name else "give None for it in a list."
    return TypeError(f"[MultiOptimizer] {where}, {type(optimizer).__name__}, has no {slot.name!r}: {remedy}")


def _shape(source: Any, where: str) -> tuple[int, ...]:
    if isinstance(source, Schedule):
        return source.shape
    return tuple(as_array(source(mx.array(0, mx.uint64)), f"what {where} gives").shape)


def ignores_its_rate(optimizer: optim.Optimizer) -> bool:
    """Tell whether an optimizer computes its own rate, as an Adafactor does by default."""
    return bool(getattr(optimizer, "relative_step", False))


def check(slot: Slot, optimizer: optim.Optimizer, driven: bool) -> None:
    """Check that the optimizer has such a number, and that nothing else sets it."""
    kind, where = type(optimizer).__name__, f"optimizers[{slot.group}]"
    if driven and slot.name in optimizer._schedulers:
        raise ValueError(
            f"[MultiOptimizer] {where} has a schedule of its own, and {slot.name} gives it another: make the optimizer "
            "with a number."
        )
    if slot.name == "learning_rate":
        if slot.element is not None:
            raise TypeError(f"[MultiOptimizer] learning_rate of {where} is one number, not a list.")
        if ignores_its_rate(optimizer):
            raise ValueError(
                f"[MultiOptimizer] {where} is an {kind} that ignores its rate: make it with relative_step=False, or "
                "give None for it in a list."
            )
        return
    if not _has(optimizer, slot.name):
        raise _lacking(slot, optimizer)
    own = getattr(optimizer, slot.name)
    if isinstance(own, (list, tuple)):
        if slot.element is None or slot.element >= len(own):
            raise TypeError(
                f"[MultiOptimizer] {slot.name} of {where} is {described(own)}: give a tuple of {len(own)} schedules, "
                "numbers or None for it in a list."
            )
    elif not is_number(own) or _is_computed(optimizer, slot.name) or slot.element is not None:
        raise TypeError(
            f"[MultiOptimizer] {slot.name} of {where} is {described(own)}, which takes no schedule or list: make "
            "the optimizer with it."
        )
