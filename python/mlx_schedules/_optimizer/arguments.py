"""Checks of MultiOptimizer's arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import mlx.core as mx
import mlx.optimizers as optim

from .._columns.numbers import described, shortened
from .._columns.read import is_listed
from .._schedule.schedule import Schedule

Filter: TypeAlias = Callable[[str, mx.array], bool]


def as_array(value: Any, what: str) -> mx.array:
    if isinstance(value, mx.array):
        return value  # mx.array would copy it, which is another op
    try:
        return mx.array(value)
    except (TypeError, ValueError, RuntimeError):  # RuntimeError if no dtype holds an integer
        raise TypeError(f"[MultiOptimizer] {what} must be a number or an array, got {described(value)}.") from None


def is_sequence(value: Any) -> bool:
    """Tell whether a value is a list, a tuple or another sequence, but not a schedule with groups."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and not callable(value)


def name_of(function: Any) -> str:
    name = getattr(function, "__name__", None)
    return shortened(name) if isinstance(name, str) and name else described(function)


def read_optimizers(optimizers: Any) -> list[optim.Optimizer]:
    found = _listed("optimizers", optimizers, "optimizers", "write [optimizer]")
    if not found:
        raise ValueError("[MultiOptimizer] optimizers must hold at least one optimizer, got [].")
    for i, optimizer in enumerate(found):
        if not isinstance(optimizer, optim.Optimizer):
            raise TypeError(f"[MultiOptimizer] optimizers[{i}] must be an optimizer, got {described(optimizer)}.")
        for name, value in vars(optimizer).items():
            if isinstance(value, Schedule):
                raise TypeError(
                    f"[MultiOptimizer] optimizers[{i}].{name} is a schedule, which MLX takes for the rate alone: make "
                    f"the optimizer with a number, and give {name}=[...] here."
                )
    return found


def read_filters(filters: Any, n: int) -> list[Filter]:
    found = _listed("filters", filters, "functions of a path and a weight", "write [function]")
    for i, one in enumerate(found):
        if not callable(one):
            raise TypeError(
                f"[MultiOptimizer] filters[{i}] must be a function of a path and a weight, got {described(one)}: write "
                "lambda path, weight: path.startswith(...)."
            )
    if len(found) != n - 1:
        raise ValueError(
            f"[MultiOptimizer] Given {len(found)} filters but {n - 1} needed: one for each optimizer but "
            "the last, which takes the weights that no filter does."
        )
    return found


def read_names(names: Any, n: int) -> list[str]:
    if names is None:
        return [str(i) for i in range(n)]
    found = _listed("names", names, "strings", "one for each optimizer")
    strings = all(isinstance(name, str) and name for name in found)
    if not strings or len(found) != n or len(set(found)) != n:
        raise ValueError(f"[MultiOptimizer] names must be {n} strings, all different, got {described(found)}.")
    return found


def _listed(name: str, value: Any, what: str, remedy: str) -> list[Any]:
    if not is_listed(value):
        raise TypeError(f"[MultiOptimizer] {name} must be a list of {what}, got {described(value)}: {remedy}.")
    return list(value)


def check_separate(optimizers: list[optim.Optimizer]) -> None:
    """Check that optimizers are separate ones of one rate, as schedules need. MLX's own class doesn't check this."""
    for i, optimizer in enumerate(optimizers):
        if isinstance(optimizer, optim.MultiOptimizer):
            raise TypeError(
                f"[MultiOptimizer] optimizers[{i}] must be an optimizer of one rate, got {described(optimizer)}."
            )
        if any(optimizer is other for other in optimizers[:i]):
            raise ValueError(f"[MultiOptimizer] optimizers[{i}] is in the list already: every group needs its own.")
