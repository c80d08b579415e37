"""The eases, as far as Python knows them: what each of them needs. The formulas are in kernels/ease/."""

from __future__ import annotations

from typing import NamedTuple


class Ease(NamedTuple):
    ends: bool = True  # at its length, with a value of its own
    parameter: str | None = None  # what its own number is: an exponent, or a rate, which is held as what it lacks to 1


EASES = {
    "hold": Ease(ends=False),
    "linear": Ease(),
    "cosine": Ease(),
    "power": Ease(parameter="exponent"),
    "reverse_power": Ease(parameter="exponent"),
    "geometric": Ease(),
    "exponential": Ease(ends=False, parameter="rate"),
    "stairs": Ease(ends=False, parameter="rate"),
    "inverse_power": Ease(ends=False, parameter="exponent"),
}
