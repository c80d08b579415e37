"""The operands of one column, and arithmetic of numbers of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import mlx.core as mx

from .._columns.numbers import natural
from .pairs import like, select

MOST = 2.0**64  # larger steps and lengths, and infinity, count as this


def is_integer(a: mx.array) -> bool:
    return not mx.issubdtype(a.dtype, mx.floating)


def positive(a: mx.array) -> mx.array:
    """Replace negative numbers by 0. NaN passes through."""
    return select(a < 0.0, like(a, 0.0), a)


def difference(a: mx.array, b: mx.array, real: mx.Dtype) -> mx.array:
    """Return a - b, which is rounded once if both are integers."""
    if not (is_integer(a) and is_integer(b)):
        return a.astype(real) - b.astype(real)
    x, y = natural(a), natural(b)
    most = mx.maximum(x, y)
    return (most - y).astype(real) - (most - x).astype(real)


def at_most(a: mx.array, most: float) -> mx.array:
    """Replace larger numbers by `most`. NaN passes through."""
    return select(a > most, like(a, most), a)


@dataclass
class Column:
    """The operands of one column. Those that are left out are 0."""

    operands: dict[str, mx.array]
    real: mx.Dtype
    # For a step that was folded: its fraction, or the part that a single real can't hold.
    step_rest: mx.array = field(default_factory=lambda: mx.array(0, mx.uint32))
    folded: bool = False

    def of(self, name: str) -> mx.array:
        a = self.operands.get(name, mx.array(0, mx.uint32))
        if name in ("step", "begin", "lead", "length") and not is_integer(a):
            a = positive(a.astype(self.real))  # negative numbers count as 0
        if name == "length" and not is_integer(a):
            return at_most(a, MOST)
        return a

    def real_of(self, name: str) -> mx.array:
        return self.of(name).astype(self.real)

    def is_fraction(self, name: str) -> bool:
        """Tell whether an operand is the fraction of an integer, in units of 2^-64."""
        return name in self.operands and self.operands[name].dtype == mx.uint64

    def rest(self, name: str) -> mx.array:
        """Return the rest of an operand."""
        a = self.real_of(f"{name}_rest")
        return a * 2.0**-64 if self.is_fraction(f"{name}_rest") else a

    def whole(self, name: str) -> mx.array:
        return natural(self.of(name))

    @property
    def all_whole(self) -> bool:
        rests = self.folded or {"begin_rest", "length_rest", "lead_rest"} & self.operands.keys()
        return not rests and all(is_integer(self.of(name)) for name in ("step", "begin", "length", "lead"))


def cut(a: mx.array, index: int) -> mx.array:
    """Return one column of an array with several, as the sum of the column and zeros, which is exact.

    In shapeless compilation, a slice can't infer its shape, and a gather keeps the traced one.
    """
    if a.shape[0] == 1:
        return mx.squeeze(a, 0)
    condition = mx.array([k == index for k in range(a.shape[0])]).reshape(-1, *[1] * (a.ndim - 1))
    return mx.where(condition, a, mx.array(0, a.dtype)).sum(0)


def columns_of(inputs: Mapping[str, mx.array], count: int, real: mx.Dtype) -> list[Column]:
    """Return the columns. If there are several, they are the first axis of all inputs but the step and the period."""

    def part(name: str, a: mx.array, index: int) -> mx.array:
        whole = count == 1 or a.ndim == 0 or name in ("step", "period", "period_rest")
        return a if whole else cut(a, index)

    return [Column({name: part(name, a, k) for name, a in inputs.items()}, real) for k in range(count)]
