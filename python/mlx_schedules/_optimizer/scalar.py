from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx

from .._columns.numbers import described


class Scalar(mx.array):
    """A hyperparameter of the moment, for optimizers that were written for Python numbers.

    In arithmetic it takes the dtype of the array that it meets, as a Python number does: with a float32 array in their
    place bfloat16 weights would become float32, and with a bfloat16 one 1 - 0.999 would be 0. Compared with 0, where
    optimizers decide whether there is any momentum or decay at all, it counts as above it, whatever it is now: the
    answer is compiled into the step.
    """

    __hash__ = mx.array.__hash__

    def __bool__(self) -> bool:
        return True

    def __neg__(self) -> Scalar:
        return Scalar(super().__neg__())


def _arithmetic(name: str) -> Callable[[Scalar, Any], mx.array]:
    operation = getattr(mx.array, name)

    def method(self: Scalar, other: Any) -> mx.array:
        if isinstance(other, mx.array) and not isinstance(other, Scalar):
            weak = self.astype(other.dtype) if mx.issubdtype(other.dtype, mx.floating) else self
            result: mx.array = operation(weak, other)
            return result
        return Scalar(operation(self, other))

    return method


def _comparison(name: str, with_zero: bool) -> Callable[[Scalar, Any], bool]:
    def method(self: Scalar, other: Any) -> bool:
        if isinstance(other, (int, float)) and other == 0:
            return with_zero
        raise TypeError(
            f"[MultiOptimizer] A scheduled hyperparameter can be compared with 0 alone, got {described(other)}."
        )

    return method


def _no_number(self: Scalar) -> Any:
    raise TypeError(
        "[MultiOptimizer] A scheduled hyperparameter has no Python value: the optimizer must compute with it as with "
        "an array. Give this optimizer None in a list, to leave its own."
    )


for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Scalar, f"__{_name}__", _arithmetic(f"__{_name}__"))
    setattr(Scalar, f"__r{_name}__", _arithmetic(f"__r{_name}__"))
for _name, _answer in {"gt": True, "ge": True, "ne": True, "lt": False, "le": False, "eq": False}.items():
    setattr(Scalar, f"__{_name}__", _comparison(_name, _answer))
for _name in ("__float__", "__int__", "__index__", "item", "tolist"):
    setattr(Scalar, _name, _no_number)
