"""The hyperparameters of several optimizers, which are evaluated together and set during an update."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple, TypeAlias

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_map

from .. import _ext
from .._columns.numbers import described, rounded
from .._schedule.schedule import Schedule
from .._schedule.stack import stack
from .arguments import as_array
from .complement import complement
from .given import Followed, Held, Slot, read_given, single
from .scalar import Scalar
from .state import dtypes_kept

Place: TypeAlias = "tuple[Slot, bool]"  # where a value goes, and whether it is 1 minus the slot's value


class Job(NamedTuple):
    """A function of the step to evaluate, and the places of each of its values."""

    function: Callable[[mx.array], Any]
    places: list[list[Place]]


class Hyperparameters:
    """What the optimizers' hyperparameters follow, or the numbers given for them."""

    def __init__(self, optimizers: Sequence[optim.Optimizer]) -> None:
        self.optimizers = optimizers
        self.given: dict[Slot, Any] = {}
        self._jobs: list[Job] = []

    def set(self, hyperparameters: dict[str, Any]) -> list[Slot]:
        """Set all hyperparameters or, if there is an error, none, and return their slots. Numbers are set at once."""
        read = {}
        for name, value in hyperparameters.items():
            read.update(read_given(name, value, self.optimizers))
        given = {**self.given, **read}
        self._jobs = _jobs(given, len(self.optimizers))
        self.given = given
        for slot, value in read.items():
            if not isinstance(value, Followed):
                self.optimizers[slot.group]._schedulers.pop(slot.name, None)
                _put(self.optimizers[slot.group], slot, value)
        return list(read)

    def hold(self, names: Sequence[str], step: mx.array) -> None:
        """End the schedules of these names: the values at `step` hold from now on."""
        own = [optimizer._schedulers for optimizer in self.optimizers]  # their values are in the states
        given = {slot.name for slot, value in self.given.items() if isinstance(value, Followed)}
        followed = sorted(given.union(*own))
        for name in names:
            if name not in followed:
                raise ValueError(
                    "[MultiOptimizer] hold takes the names of hyperparameters that follow a schedule "
                    f"({', '.join(followed) or 'none does'}), got {described(name)}."
                )
        values = {slot: value for one in self(step) for slot, value in one.items() if slot.name in names}
        self.given.update({slot: _held(value) for slot, value in values.items()})
        self._jobs = _jobs(self.given, len(self.optimizers))
        for slot, value in values.items():
            _put(self.optimizers[slot.group], slot, _number(value))
        for schedulers in own:
            for name in names:
                schedulers.pop(name, None)

    def put_rates(self, step: mx.array, slots: Iterable[Slot] | None = None) -> None:
        """Put the rates at `step` into the states: all that were given, or those of `slots` alone."""
        rates = [slot for slot in (self.given if slots is None else slots) if slot.name == "learning_rate"]
        values = self(step) if rates else []
        for slot in rates:
            _put(self.optimizers[slot.group], slot, values[slot.group].get(slot, self.given[slot]))

    def replace_rate(self, group: int, rate: mx.array) -> None:
        """Set a rate in place of the one that was given. If there is a schedule, it lasts until the next update.

        A traced rate is kept in the state alone, since it has no value after the trace.
        """
        slot = Slot(group, "learning_rate")
        _put(self.optimizers[group], slot, rate)
        if not isinstance(self.given.get(slot), (Followed, type(None))):
            self.given[slot] = rate
            if _ext.is_tracer(rate):
                del self.given[slot]

    @property
    def driven(self) -> bool:
        return bool(self._jobs)

    def __call__(self, step: mx.array) -> list[dict[Slot, mx.array]]:
        """Return the values of each optimizer at `step`. One op evaluates all schedules of this package."""
        found: dict[Place, mx.array] = {}
        for job in self._jobs:
            name = next(places[0][0].name for places in job.places if places)
            for places, value in zip(job.places, _parts(job.function(step), name), strict=True):
                found.update(dict.fromkeys(places, value))
        values: list[dict[Slot, mx.array]] = [{} for _ in self.optimizers]
        for (slot, lacking), value in found.items():
            if not lacking:
                is_rate = slot.name == "learning_rate"
                values[slot.group][slot] = value if is_rate else Scalar(value, found.get((slot, True)))
        for slot, value in self.given.items():
            if isinstance(value, Held):
                values[slot.group][slot] = Scalar(*value)
        return values

    def reported(self, step: mx.array) -> list[dict[str, Any]]:
        """Return each optimizer's values by name: those that follow schedules at `step`, and others that were given."""
        names = dict.fromkeys(slot.name for slot in self.given)
        report = []
        for optimizer, values in zip(self.optimizers, self(step), strict=True):
            with in_force(optimizer, {slot: value for slot, value in values.items() if slot.name != "learning_rate"}):
                found = {name: getattr(optimizer, name) for name in names if name in vars(optimizer)}
            report.append({"learning_rate": rate_of(optimizer), **tree_map(mx.array, found)})
        return report


@contextmanager
def in_force(optimizer: optim.Optimizer, values: dict[Slot, mx.array]) -> Iterator[None]:
    """Set `values` within this context. Attributes are restored afterwards, so that no traced array is left behind."""
    before = {slot.name: getattr(optimizer, slot.name) for slot in values if slot.name != "learning_rate"}
    try:
        for slot, value in values.items():
            _put(optimizer, slot, value)
        with dtypes_kept(optimizer.state) if before else nullcontext():
            yield
    finally:
        for name, own in before.items():
            setattr(optimizer, name, own)


def rate_of(optimizer: optim.Optimizer) -> mx.array:
    """Return the learning rate, or NaN if the optimizer has none, like an Adafactor that computes its own."""
    try:
        rate: mx.array = optimizer.learning_rate
    except KeyError:
        return mx.array(math.nan)
    return rate


def _held(value: mx.array) -> Any:
    """Return what is given once a schedule has ended at a value: a number, unless its complement has more digits."""
    complement = getattr(value, "complement", None)
    if complement is None:
        return _number(value)
    held = Held(mx.array(value), complement)
    mx.eval(*held)  # a compiled step takes them for constants
    return held


def _number(value: mx.array) -> float:
    """Return a value as a Python number, with the digits of its complement if it then still rounds to the value."""
    own: Any = mx.array(value).item()
    complement = getattr(value, "complement", None)
    closer: float = own if complement is None else 1 - complement.item()
    return closer if rounded(closer, value.dtype) == own else own


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
    return _ext.unstack(value) if value.ndim else [value]


def _jobs(given: dict[Slot, Any], n: int) -> list[Job]:
    """Return the jobs: one for all schedules of this package with results of the same dtype, and one per function."""
    jobs: dict[int, Job] = {}
    kinds: dict[mx.Dtype, list[tuple[Followed, Place]]] = {}
    for slot, value in given.items():
        if not isinstance(value, Followed):
            continue
        function, i = value
        if isinstance(function, Schedule):
            kinds.setdefault(function(mx.array(0, mx.uint64)).dtype, []).append((value, (slot, False)))
        else:
            empty: list[list[Place]] = [[] for _ in range(1 if i is None else n)]
            jobs.setdefault(id(function), Job(function, empty)).places[i or 0].append((slot, False))
    return [_together(kind) for kind in kinds.values()] + list(jobs.values())


def _together(kind: list[tuple[Followed, Place]]) -> Job:
    lacking = [(complement(single(of)), (slot, True)) for of, (slot, _) in kind if slot.name != "learning_rate"]
    extra = [(schedule, place) for schedule, place in lacking if schedule is not None]
    first, places = kind[0][0].function, [[place] for _, place in kind]
    whole = [Followed(first, i) for i in range(len(first))] if first.shape else [Followed(first)]
    if not extra and [of for of, _ in kind] == whole:
        return Job(first, places)
    return Job(stack([single(of) for of, _ in kind] + [one for one, _ in extra]), places + [[at] for _, at in extra])
