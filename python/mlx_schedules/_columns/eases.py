"""The eases, as kernels/ease/list.h has them: what each of them needs. The formulas are in kernels/ease/."""

from __future__ import annotations

from typing import NamedTuple

from .. import _ext


class Ease(NamedTuple):
    ends: bool  # at its length, with a value of its own
    parameter: str  # "exponent", "rate" or, without one, "none"

    @property
    def has_parameter(self) -> bool:
        return self.parameter != "none"


EASES = {name: Ease(ends, parameter) for name, ends, parameter in _ext.eases()}
