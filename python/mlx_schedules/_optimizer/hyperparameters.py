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

from .. import _ext
from .._columns.numbers import bracketed, described
from .._schedule.schedule import Schedule
from .._schedule.stack import stack
from .arguments import as_array, is_sequence, name_of
from .complement import complement
from .scalar import Scalar


class Slot(NamedTuple):
    """One number of one optimizer: its rate, an attribute, or an element of an attribute such as betas."""

    group: int
    name: str
    element: int | None = None


class Followed(NamedTuple):
    """A function of the step, and which of its values a slot has."""

    function: Any
    which: int | None = None


Place: TypeAlias = "tuple[Slot, bool]"  # where a value goes: as it is, or as what the slot's value lacks to 1


class Job(NamedTuple):
    """One evaluation: a function of the step, and the places of its values; None for one that nothing follows."""

    function: Callable[[mx.array], Any]
    places: list[Any]


class Hyperparameters:
    """What the optimizers' hyperparameters follow, or the numbers that were given for them."""

    def __init__(self, optimizers: Sequence[optim.Optimizer]) -> None:
        self.optimizers = optimizers
        self.given: dict[Slot, Any] = {}
        self._jobs: list[Job] = []

    def set(self, hyperparameters: dict[str, Any]) -> None:
        """All of them or, with an error, none. Numbers are put in place once, as if optimizers were made with them."""
        read = {}
        for name, value in hyperparameters.items():
            read.update(_read(name, value, self.optimizers))
        given = {**self.given, **read}
        self._jobs = _jobs(given, len(self.optimizers))
        self.given = given
        for slot, value in read.items():
            if not isinstance(value, Followed):
                _put(self.optimizers[slot.group], slot, value)

    def hold(self, names: Sequence[str], step: mx.array) -> None:
        """End the schedules of these names: the values at `step` hold from now on."""
        for name in names:
            if not any(slot.name == name and isinstance(value, Followed) for slot, value in self.given.items()):
                followed = sorted({slot.name for slot, value in self.given.items() if isinstance(value, Followed)})
                raise ValueError(
                    f"[MultiOptimizer] hold takes the names of what follows a schedule ({', '.join(followed) or 'none'}"
                    f" does), got {described(name)}."
                )
        numbers = {
            slot: mx.array(value).item()
            for values in self(step)
            for slot, value in values.items()
            if slot.name in names
        }
        self.given.update(numbers)
        self._jobs = _jobs(self.given, len(self.optimizers))
        for slot, number in numbers.items():
            _put(self.optimizers[slot.group], slot, number)

    def put_rates(self, step: mx.array) -> None:
        """The rates at `step` into the states, so that they are this run's, whatever the states were saved with."""
        for optimizer, values in zip(self.optimizers, self(step), strict=True):
            optimizer.state.update({slot.name: value for slot, value in values.items() if slot.name == "learning_rate"})
        for slot, value in self.given.items():
            if slot.name == "learning_rate" and not isinstance(value, Followed):
                _put(self.optimizers[slot.group], slot, value)

    def replace_rate(self, group: int, rate: mx.array) -> None:
        """A number in place of one that was given; where a schedule is followed it holds until the next update."""
        slot = Slot(group, "learning_rate")
        _put(self.optimizers[group], slot, rate)
        if not isinstance(self.given.get(slot), (Followed, type(None))):
            self.given[slot] = rate

    @property
    def driven(self) -> bool:
        return bool(self._jobs)

    def __call__(self, step: mx.array) -> list[dict[Slot, mx.array]]:
        """The values of each optimizer at `step`, all schedules of this package by one op."""
        found: dict[Place, mx.array] = {}
        for job in self._jobs:
            name = next(place[0].name for place in job.places if place)
            for place, value in zip(job.places, _parts(job.function(step), name), strict=True):
                if place:
                    found[place] = value
        values: list[dict[Slot, mx.array]] = [{} for _ in self.optimizers]
        for (slot, lacking), value in found.items():
            if not lacking:
                is_rate = slot.name == "learning_rate"
                values[slot.group][slot] = value if is_rate else Scalar(value, found.get((slot, True)))
        return values

    def shown(self, group: int) -> dict[str, str]:
        """Every number of an optimizer by name: what it follows, or what it is."""
        optimizer = self.optimizers[group]
        found: dict[str, Any] = {"learning_rate": f"{rate_of(optimizer).item():.7g}"}
        for name, own in vars(optimizer).items():
            if not name.startswith("_") and (_is_number(own) or (isinstance(own, (list, tuple)) and own)):
                found[name] = list(map(bracketed, own)) if isinstance(own, (list, tuple)) else bracketed(own)
        found.update({name: name_of(of) for name, of in optimizer._schedulers.items()})
        for slot, value in self.given.items():
            if slot.group == group and isinstance(value, Followed):
                text = bracketed(_single(value)) if isinstance(value.function, Schedule) else name_of(value.function)
                if slot.element is None:
                    found[slot.name] = text
                else:
                    found[slot.name][slot.element] = text
        return {name: f"[{', '.join(of)}]" if isinstance(of, list) else of for name, of in found.items()}

    def reported(self, step: mx.array) -> list[dict[str, Any]]:
        """Each optimizer's values by name: of the step what is driven, and what else it has under these names."""
        names = dict.fromkeys(slot.name for slot in self.given)
        report = []
        for optimizer, values in zip(self.optimizers, self(step), strict=True):
            with in_force(optimizer, {slot: value for slot, value in values.items() if slot.name != "learning_rate"}):
                found = {name: getattr(optimizer, name) for name in names if name in vars(optimizer)}
            report.append({"learning_rate": rate_of(optimizer), **tree_map(mx.array, found)})
        return report


@contextmanager
def in_force(optimizer: optim.Optimizer, values: dict[Slot, mx.array]) -> Iterator[None]:
    """The optimizer with `values`. Its attributes are what they were afterwards: no traced array is left behind."""
    before = {slot.name: getattr(optimizer, slot.name) for slot in values if slot.name != "learning_rate"}
    try:
        for slot, value in values.items():
            _put(optimizer, slot, value)
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


def _jobs(given: dict[Slot, Any], n: int) -> list[Job]:
    """The schedules of this package as one, or as one for each dtype of their results; other functions as they are."""
    jobs: dict[int, Job] = {}
    kinds: dict[mx.Dtype, list[tuple[Followed, Place]]] = {}
    for slot, value in given.items():
        if not isinstance(value, Followed):
            continue
        function, i = value
        if isinstance(function, Schedule):
            kinds.setdefault(function(mx.array(0, mx.uint64)).dtype, []).append((value, (slot, False)))
        else:
            empty: list[Place | None] = [None] * (1 if i is None else n)
            jobs.setdefault(id(function), Job(function, empty)).places[i or 0] = (slot, False)
    return [_together(kind) for kind in kinds.values()] + list(jobs.values())


def _together(kind: list[tuple[Followed, Place]]) -> Job:
    lacking = [(complement(_single(of)), (slot, True)) for of, (slot, _) in kind if slot.name != "learning_rate"]
    extra = [(schedule, place) for schedule, place in lacking if schedule is not None]
    first, places = kind[0][0].function, [place for _, place in kind]
    whole = [Followed(first, i) for i in range(len(first))] if first.shape else [Followed(first)]
    if not extra and [of for of, _ in kind] == whole:
        return Job(first, places)
    return Job(stack([_single(of) for of, _ in kind] + [one for one, _ in extra]), places + [at for _, at in extra])


def _single(followed: Followed) -> Schedule:
    schedule: Schedule = followed.function
    return schedule if followed.which is None else schedule[followed.which]


def _read(name: str, value: Any, optimizers: Sequence[optim.Optimizer]) -> dict[Slot, Any]:
    """What each slot follows, or its number; checked."""
    n = len(optimizers)
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
            f"[MultiOptimizer] {name} must be a schedule with {n} groups, a list of {n} schedules or numbers (None "
            f"leaves one as it is), or a function of the step that gives {n} values, got {described(value)}."
        )
    for slot, it in found.items():
        _check(slot, optimizers[slot.group], driven=isinstance(it, Followed))
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
    if getattr(item, "shape", None) == () and hasattr(item, "item"):  # a scalar of NumPy's, or an array without axes
        item = item.item()
    if not isinstance(item, Real) or isinstance(item, bool):
        raise TypeError(f"[MultiOptimizer] {where} must be a schedule, a number or None, got {described(item)}.")
    if not mx.isfinite(as_array(item, where)).item():
        raise ValueError(f"[MultiOptimizer] {where} must be finite, got {described(item)}.")
    return item


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
