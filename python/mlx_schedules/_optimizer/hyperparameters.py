"""The hyperparameters of several optimizers: read from keywords, evaluated together, in force for one update."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from numbers import Real
from typing import Any, NamedTuple, TypeAlias

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_map

from .._columns.numbers import described
from .._schedule.schedule import Schedule
from .._schedule.stack import stack
from .arguments import as_array, name_of
from .scalar import Scalar


class Slot(NamedTuple):
    """One number of one optimizer: its rate, an attribute, or an element of an attribute such as betas."""

    group: int
    name: str
    element: int | None = None


Source: TypeAlias = "tuple[Callable[[mx.array], Any], list[Slot]]"  # a function of the step, and where its values go


class Hyperparameters:
    """What the optimizers' hyperparameters follow, by name."""

    def __init__(self, optimizers: Sequence[optim.Optimizer]) -> None:
        self.optimizers = optimizers
        self.sources: dict[str, list[Source]] = {}
        self._fused: list[Source] = []

    def set(self, hyperparameters: dict[str, Any]) -> None:
        """All of them or, with an error, none. Numbers are put in place once, as if optimizers were made with them."""
        read = {name: _read(name, value, self.optimizers) for name, value in hyperparameters.items()}
        driven = {name: [source for source in found if callable(source[0])] for name, found in read.items()}
        sources = {**self.sources, **driven}
        self._fused = _fused([source for found in sources.values() for source in found])
        self.sources = sources
        for number, (slot, *_) in (source for found in read.values() for source in found):
            if not callable(number):
                _put(self.optimizers[slot.group], slot, number)

    @property
    def driven(self) -> bool:
        return bool(self._fused)

    def __call__(self, step: mx.array) -> list[dict[Slot, mx.array]]:
        """The values of each optimizer at `step`, all schedules of this package by one op."""
        values: list[dict[Slot, mx.array]] = [{} for _ in self.optimizers]
        for source, slots in self._fused:
            for slot, value in zip(slots, _parts(source(step), slots[0].name), strict=True):
                values[slot.group][slot] = value
        return values

    def shown(self, group: int) -> str:
        optimizer = self.optimizers[group]
        found: dict[str, Any] = dict(getattr(optimizer, "_schedulers", {}))
        for source, slots in (source for sources in self.sources.values() for source in sources):
            for i, slot in enumerate(slots):
                if slot.group == group:
                    name = slot.name if slot.element is None else f"{slot.name}[{slot.element}]"
                    found[name] = source[i] if isinstance(source, Schedule) and source.shape else source
        shown = {name: described(of) if isinstance(of, Schedule) else name_of(of) for name, of in found.items()}
        return f"{type(optimizer).__name__}({', '.join(f'{name}={what}' for name, what in shown.items())})"

    def reported(self, step: mx.array) -> list[dict[str, Any]]:
        """Each optimizer's values by name: of the step what is driven, and what else it has under these names."""
        report = []
        for optimizer, values in zip(self.optimizers, self(step), strict=True):
            with in_force(optimizer, {slot: value for slot, value in values.items() if slot.name != "learning_rate"}):
                found = {name: getattr(optimizer, name) for name in self.sources if name in vars(optimizer)}
            report.append({"learning_rate": rate_of(optimizer), **tree_map(mx.array, found)})
        return report


@contextmanager
def in_force(optimizer: optim.Optimizer, values: dict[Slot, mx.array]) -> Iterator[None]:
    """The optimizer with `values`. Its attributes are what they were afterwards: no traced array is left behind."""
    before = {slot.name: getattr(optimizer, slot.name) for slot in values if slot.name != "learning_rate"}
    try:
        for slot, value in values.items():
            _put(optimizer, slot, value if slot.name == "learning_rate" else Scalar(value))
        yield
    finally:
        for name, own in before.items():
            setattr(optimizer, name, own)


def rate_of(optimizer: optim.Optimizer) -> mx.array:
    """Its learning rate; NaN where it has none, as an Adafactor that finds its own."""
    try:
        rate: mx.array = optimizer.learning_rate
    except KeyError:
        return mx.array(math.nan)
    return rate


def _put(optimizer: optim.Optimizer, slot: Slot, value: Any) -> None:
    if slot.name == "learning_rate":
        optimizer.state[slot.name] = as_array(value, slot.name)
    elif slot.element is None:
        setattr(optimizer, slot.name, value)
    else:
        elements = list(getattr(optimizer, slot.name))
        elements[slot.element] = value
        setattr(optimizer, slot.name, elements)


def _parts(value: Any, name: str) -> list[mx.array]:
    value = as_array(value, name)
    return list(mx.unstack(value)) if value.ndim else [value]


def _fused(sources: list[Source]) -> list[Source]:
    """The schedules of this package as one, or as one for each dtype of their results; other functions as they are."""
    kinds: dict[Any, list[Source]] = {}
    for i, (source, slots) in enumerate(sources):
        kind = source(mx.array(0, mx.uint64)).dtype if isinstance(source, Schedule) else i
        kinds.setdefault(kind, []).append((source, slots))
    return [together[0] if len(together) == 1 else _stacked(together) for together in kinds.values()]


def _stacked(sources: list[tuple[Any, list[Slot]]]) -> Source:
    singles = [one for schedule, _ in sources for one in (schedule if schedule.shape else [schedule])]
    return stack(singles), [slot for _, slots in sources for slot in slots]


def _read(name: str, value: Any, optimizers: Sequence[optim.Optimizer]) -> list[tuple[Any, list[Slot]]]:
    """Functions and numbers, each with its slots; checked."""
    n = len(optimizers)
    if callable(value):
        shape = _shape(value, name)
        if shape != (n,) and (shape, n) != ((), 1):
            raise ValueError(
                f"[MultiOptimizer] {name} must have groups of shape ({n},), one for each optimizer, got {shape}: "
                f"multiply one schedule by {n} base rates, schedule * ([1] * {n})."
            )
        found = [(value, [Slot(i, name) for i in range(n)])]
    elif isinstance(value, (list, tuple)):
        if len(value) != n:
            raise ValueError(
                f"[MultiOptimizer] {name} must hold one value for each of {n} optimizers, got {len(value)}: None "
                "leaves one as it is."
            )
        found = [pair for i, item in enumerate(value) for pair in _read_item(Slot(i, name), item)]
    else:
        raise TypeError(
            f"[MultiOptimizer] {name} must be a schedule with {n} groups, a list of {n} schedules or numbers (None "
            f"leaves one as it is), or a function of the step that gives {n} values, got {described(value)}."
        )
    for source, slots in found:
        for slot in slots:
            _check(slot, optimizers[slot.group], driven=callable(source))
    return found


def _read_item(slot: Slot, item: Any) -> list[tuple[Any, list[Slot]]]:
    where = f"{slot.name}[{slot.group}]" + ("" if slot.element is None else f"[{slot.element}]")
    if item is None:
        return []
    if isinstance(item, (list, tuple)) and slot.element is None:
        return [pair for i, part in enumerate(item) for pair in _read_item(slot._replace(element=i), part)]
    if callable(item):
        if shape := _shape(item, where):
            raise ValueError(f"[MultiOptimizer] {where} must give one value, got the shape {shape}.")
    elif not isinstance(item, Real) or isinstance(item, bool):
        raise TypeError(f"[MultiOptimizer] {where} must be a schedule, a number or None, got {described(item)}.")
    else:
        as_array(item, where)  # MLX can hold it
    return [(item, [slot])]


def _is_number(own: Any) -> bool:
    return isinstance(own, (Real, mx.array)) and not isinstance(own, bool)


def _is_computed(optimizer: optim.Optimizer, name: str) -> bool:
    """As `step` is, which can't be set."""
    return isinstance(getattr(type(optimizer), name, None), property)


def _shape(source: Any, where: str) -> tuple[int, ...]:
    if isinstance(source, Schedule):
        return source.shape
    return tuple(as_array(source(mx.array(0, mx.uint64)), f"what {where} gives").shape)


def _check(slot: Slot, optimizer: optim.Optimizer, driven: bool) -> None:
    """That the optimizer has such a number, and nothing else sets it."""
    kind, where = type(optimizer).__name__, f"optimizers[{slot.group}]"
    if driven and slot.name in optimizer._schedulers:
        raise ValueError(
            f"[MultiOptimizer] {where} has a schedule of its own, and {slot.name} gives it another: make the optimizer "
            "with a number."
        )
    if slot.name == "learning_rate":
        if slot.element is not None:
            raise TypeError(f"[MultiOptimizer] learning_rate of {where} is one number, and not a list.")
        if getattr(optimizer, "relative_step", False):
            raise ValueError(
                f"[MultiOptimizer] {where} is an {kind} that ignores its rate: make it with relative_step=False, or "
                "give None for it in a list."
            )
        return
    if not hasattr(optimizer, slot.name):
        close = get_close_matches(slot.name, vars(optimizer), 1)
        meant = f", or did you mean {close[0]!r}?" if close else "."
        raise TypeError(f"[MultiOptimizer] {where}, {kind}, has no {slot.name!r}: give None for it in a list{meant}")
    own = getattr(optimizer, slot.name)
    if isinstance(own, (list, tuple)):
        if slot.element is None or slot.element >= len(own):
            raise TypeError(
                f"[MultiOptimizer] {slot.name} of {where} is {described(own)}: give a tuple of {len(own)} schedules, "
                "numbers or None for it in a list."
            )
    elif not _is_number(own) or _is_computed(optimizer, slot.name) or slot.element is not None:
        raise TypeError(
            f"[MultiOptimizer] {slot.name} of {where} is {described(own)}, which takes no schedule or list: make "
            "the optimizer with it."
        )
