from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx

from .._columns.numbers import described


class Scalar(mx.array):
    """The current value of a hyperparameter, for optimizers that are written for Python numbers.

    In arithmetic with an array it takes the array's dtype, as a Python number does. A float32 array instead would turn
    bfloat16 weights into float32, and with a bfloat16 array 1 - 0.999 would be 0. In comparisons with 0, by which
    optimizers decide whether there is any momentum or decay, it counts as greater, whatever its value is at the moment,
    because the decision is compiled into the step.

    If `complement` is known, 1 minus this number is the complement. float32 holds 0.9999 with an error of 3e-8, which
    would be 3e-4 of 1 - 0.9999.
    """

    __hash__ = mx.array.__hash__

    def __init__(self, value: mx.array, complement: mx.array | None = None) -> None:
        super().__init__(value)
        self.complement = complement

    def __bool__(self) -> bool:
        return True


def _arithmetic(name: str) -> Callable[[Scalar, Any], mx.array]:
    operation = getattr(mx.array, name)

    def method(self: Scalar, other: Any) -> mx.array:
        if isinstance(other, mx.array) and not isinstance(other, Scalar):
            weak = self.astype(other.dtype) if mx.issubdtype(other.dtype, mx.floating) else self
            result: mx.array = operation(weak, other)
            return result
        return Scalar(operation(self, other))

    return method


def _alone(name: str) -> Callable[[Scalar], Scalar]:
    operation = getattr(mx.array, name)
    return lambda self: Scalar(operation(self))


_subtract_from, _raise_to = _arithmetic("__rsub__"), _arithmetic("__pow__")


def _complement(self: Scalar, other: Any) -> mx.array:
    if self.complement is not None and isinstance(other, (int, float)) and other == 1:
        return Scalar(self.complement, mx.array(self))
    return _subtract_from(self, other)


def _power(self: Scalar, count: Any) -> mx.array:
    """Return beta ** step, which bias corrections use, with its complement."""
    found = _raise_to(self, count)
    if self.complement is None or getattr(count, "shape", ()) != ():
        return found
    return Scalar(found, -mx.expm1(count * mx.log1p(-self.complement)))


def _itself(self: Scalar) -> Scalar:
    return self


def _comparison(with_zero: bool) -> Callable[[Scalar, Any], bool]:
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
        "an array. Or give None for this optimizer in a list, which leaves it its own."
    )


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Scalar, f"__{_name}__", _arithmetic(f"__{_name}__"))
    setattr(Scalar, f"__r{_name}__", _arithmetic(f"__r{_name}__"))
for _name in ("neg", "abs"):
    setattr(Scalar, f"__{_name}__", _alone(f"__{_name}__"))
for _name, _method in {"rsub": _complement, "pow": _power, "pos": _itself, "copy": _itself}.items():
    setattr(Scalar, f"__{_name}__", _method)
for _name, _answer in {"gt": True, "ge": True, "ne": True, "lt": False, "le": False, "eq": False}.items():
    setattr(Scalar, f"__{_name}__", _comparison(_answer))
for _name in ("__float__", "__int__", "__index__", "item", "tolist"):
    setattr(Scalar, _name, _no_number)
