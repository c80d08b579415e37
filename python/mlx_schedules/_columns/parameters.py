"""The parameters of eases as arrays for the compiled module: exponents, and rates in forms that keep their digits.

A rate r of at least 1/2 is stored as r - 1, which keeps its digits over the many steps of a run, so that 0.9999 means
0.9999. A smaller known rate is stored as -2**126 r (in float64 -2**1022 r), because r - 1 would lose its last digits,
or all of them. A traced rate is stored as r - 1 and a rest, which is exact as well and keeps derivatives in range.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import mlx.core as mx

from .held import Parts, held_exactly, stack_rows
from .numbers import Number, described, dtype_name, exactly
from .values import Known, Traced, Values, common_shape

_STEEPEST = 2**24  # for exponents from 2**26.3 on, the weight of step 0 is NaN in float32


def held_parameters(values: Sequence[Values], rates: Sequence[bool], real: mx.Dtype) -> Parts:
    """Return the parameters of all columns, of which `rates` tells the rates, and their rests."""
    kinds = zip(values, rates, strict=True)
    known = [_held_rate(value, real) if rate else _held_exponent(value) for value, rate in kinds]
    if all(isinstance(value, Known) for value in known):
        return held_exactly(known, real)
    pairs = [_traced_pair(value, rate, real) for value, rate in zip(known, rates, strict=True)]
    shape = common_shape([tuple(high.shape) for high, _ in pairs])
    assert shape is not None
    if len(pairs) == 1:
        return pairs[0]
    high, rest = (stack_rows([mx.broadcast_to(part, shape) for part in parts]) for parts in zip(*pairs, strict=True))
    return high, rest


def _held_rate(value: Values, real: mx.Dtype) -> Values:
    if isinstance(value, Traced):
        return value
    doublings = 1022 if real == mx.float64 else 126

    def held(rate: Number) -> Number:
        if not Fraction(2) ** (1 - doublings) <= rate <= 2**doublings:
            raise ValueError(
                f"{value.label} must be between 2**{1 - doublings} and 2**{doublings} in {dtype_name(real)}, got "
                f"{described(rate)}."
            )
        return exactly(lambda r: r - 1 if 2 * r >= 1 else -r * 2**doublings, rate)

    return value.map(held)


def _held_exponent(value: Values) -> Values:
    if isinstance(value, Known) and (steep := [x for x in value.numbers if x > _STEEPEST]):
        raise ValueError(f"{value.label} must be at most 2**24, got {described(steep[0])}.")
    return value


def _traced_pair(value: Values, rate: bool, real: mx.Dtype) -> tuple[mx.array, mx.array]:
    if isinstance(value, Known):
        high, rest = held_exactly([value], real)
        return high, mx.zeros_like(high) if rest is None else rest
    array = value.array.astype(real)
    if not rate:
        return array, mx.zeros_like(array)
    less_one = array - 1
    return less_one, mx.stop_gradient(array - (less_one + 1))
