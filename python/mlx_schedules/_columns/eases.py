"""The eases of kernels/ease/list.h, and what each needs. The formulas are in kernels/ease/."""

from __future__ import annotations

from typing import NamedTuple

from .. import _ext


class Ease(NamedTuple):
    ends: bool  # whether it ends at its length, with the value `end`
    parameter: str  # "exponent", "rate" or "none"

    @property
    def has_parameter(self) -> bool:
        return self.parameter != "none"


# Eases that interpolate with a weight: their value is end + (init - end) w. The others multiply init.
BY_WEIGHT = frozenset({"hold", "linear", "cosine", "power", "reverse_power"})
EASES = {name: Ease(ends, parameter) for name, ends, parameter in _ext.eases()}
