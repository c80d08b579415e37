"""The text of a MultiOptimizer: a line for each group, and a line for each of its numbers."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
import mlx.optimizers as optim

from .. import _ext
from .._columns.numbers import amount, bracketed
from .._schedule.schedule import Schedule
from .arguments import name_of
from .given import Followed, Slot, is_number, single
from .hyperparameters import rate_of
from .masters import bytes_a_weight
from .state import every_single
from .trees import count


def group_lines(group: int, optimizer: optim.Optimizer, name: str, which: str, given: dict[Slot, Any]) -> list[str]:
    counts = [count(one.state) for one in every_single([optimizer])]
    weights = "" if None in counts else f"{amount(sum(filter(None, counts)), 'weight')}, "
    head = f"  {name}: {type(optimizer).__name__}, {weights}{which}"
    own = {slot: value for slot, value in given.items() if slot.group == group}
    lines = [head, *(f"    {number}: {what}" for number, what in _numbers(optimizer, own).items())]
    if cost := bytes_a_weight(optimizer.state):
        masters, whole, half = (f"{number:.4g}" for number in cost)
        lines.append(
            f"    master weights: {masters} bytes a weight with its gradient and state ({whole} in float32, {half} in "
            "half precision without masters)"
        )
    return lines


def _numbers(optimizer: optim.Optimizer, given: dict[Slot, Any]) -> dict[str, str]:
    """Return every number of an optimizer by name, as text: what it follows, or its value."""
    rate = rate_of(optimizer)
    found: dict[str, Any] = {"learning_rate": "traced" if _ext.is_tracer(rate) else f"{rate.item():.7g}"}
    for name, own in vars(optimizer).items():
        if not name.startswith("_") and (is_number(own) or (isinstance(own, (list, tuple)) and own)):
            found[name] = list(map(_text, own)) if isinstance(own, (list, tuple)) else _text(own)
    found.update({name: name_of(of) for name, of in optimizer._schedulers.items()})
    for slot, value in given.items():
        if isinstance(value, Followed):
            text = bracketed(single(value)) if isinstance(value.function, Schedule) else name_of(value.function)
            if slot.element is None:
                found[slot.name] = text
            else:
                found[slot.name][slot.element] = text
    return {name: f"[{', '.join(of)}]" if isinstance(of, list) else of for name, of in found.items()}


def _text(own: Any) -> str:
    return "traced" if isinstance(own, mx.array) and _ext.is_tracer(own) else bracketed(own)
