"""A schedule's values at the steps worth looking at, for every picture of it."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import mlx.core as mx

from ._numbers import flatten

if TYPE_CHECKING:
    from ._schedule import CosineDecay

_POINTS = 512  # more than a picture is wide
_LAST = 2**63 - 1  # steps are counted in int64 here


class Curve(NamedTuple):
    """One group: its index (empty where there are no groups), its hyperparameters and its values."""

    group: tuple[int, ...]
    init: float
    decay_steps: float
    end: float
    values: list[float]

    @property
    def label(self) -> str:
        name = f"group {', '.join(map(str, self.group))}: " if self.group else ""
        return f"{name}{self.init:g} to {self.end:g} in {self.decay_steps:.12g}"


def default_steps(schedule: CosineDecay) -> int:
    """A tenth past the end of the longest decay, so that what follows can be seen."""
    longest = max(flatten(numbers(schedule)[1]), default=1)
    return min(max(2, math.ceil(1.1 * longest)), _LAST)


def check_steps(steps: Any) -> int:
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"[plot] steps must be an integer, got {steps!r}.")
    count = int(steps.__index__())
    if not 1 <= count <= _LAST:
        raise ValueError(f"[plot] steps must be at least 1 and below 2**63, got {count}.")
    return count


def sampled(steps: int) -> list[int]:
    """Whole steps from 0 to `steps`, all of them or evenly spaced."""
    return sorted({i * steps // _POINTS for i in range(_POINTS + 1)})


def curves(schedule: CosineDecay, at: list[int]) -> list[Curve]:
    """Every group's values at the steps `at`, computed by the schedule itself, on the CPU."""
    init, decay_steps, end = numbers(schedule)
    with mx.stream(mx.cpu):  # float64 is there alone, and a picture needs no GPU
        values: Any = schedule(mx.array(at, mx.int64)).astype(mx.float64).reshape(len(at), -1).T.tolist()
    shape = schedule.shape
    return [
        Curve(index, _at(init, index, shape), _at(decay_steps, index, shape), _at(end, index, shape), row)
        for index, row in zip(product(*map(range, shape)), values, strict=True)
    ]


def numbers(schedule: CosineDecay) -> tuple[Any, Any, Any]:
    values = schedule._values()
    if any(value.unread is not None for value in values):
        raise TypeError("A schedule made of arrays that are being traced has no values to show.")
    init, decay_steps, end = (value.numbers for value in values)
    return init, decay_steps, end


def _at(part: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """The number that broadcasts to `index`."""
    rank, inner = 0, part
    while isinstance(inner, tuple):
        rank, inner = rank + 1, inner[0]
    for i in index[len(shape) - rank :]:
        part = part[i if len(part) > 1 else 0]
    return part
