"""The constructors of one ease, each declared once: its name, its arguments, and the fields of a column that they set.

The declaration determines how arguments are read and checked, how a column is printed as a call, what ``from_dict``
accepts, and what the package exports.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .._columns.column import Column
from .._columns.columns import Columns
from .._columns.eases import EASES
from .._columns.names import explained
from .._columns.read import Check, check_finite, check_length, check_positive, read, read_times
from .._columns.values import Known, Values, check_broadcast, number

Function = TypeVar("Function", bound=Callable[..., Any])


# How the argument for a field of a column is read, and its check.
_FIELDS: dict[str, tuple[Callable[[str, Any, Check], Values], Check]] = {
    "init": (read, check_finite),
    "end": (read, check_finite),
    "length": (read_times, check_length),
    "parameter": (read, check_positive),
}


@dataclass(frozen=True)
class Constructor:
    """Makes the columns of a schedule of one segment from the arguments of its public function."""

    ease: str
    name: str
    __signature__: inspect.Signature
    fields: Mapping[str, str]  # by argument
    fixed: Mapping[str, float]  # values of fields without an argument

    def __call__(self, *given: Any, **named: Any) -> Columns:
        bound = self.__signature__.bind(*given, **named)
        bound.apply_defaults()
        found: dict[str, Values] = {}
        for name, value in bound.arguments.items():
            reader, check = _FIELDS[self.fields[name]]
            found[name] = reader(f"[{self.name}] {name}", value, check)
        check_broadcast(self.name, **found)
        fields: dict[str, Values] = {field: number(x) for field, x in self.fixed.items()}
        fields |= {self.fields[name]: value for name, value in found.items()}
        return Columns.of((Column(self.ease, **{"end": fields["init"], **fields}),))

    def arguments(self, column: Column) -> dict[str, Values] | None:
        """Return the arguments with which it makes the column, or None if it can't."""
        usual = {"parameter": 1, "length": 1} if EASES[self.ease].ends else {"length": 1}
        free = {field: x for field, x in {**usual, **self.fixed}.items() if field not in self.fields.values()}
        if column.ease != self.ease or not all(_is(getattr(column, field), x) for field, x in free.items()):
            return None
        if isinstance(column.length, Known) and 0 in column.length.numbers:  # of some groups
            return None
        return {name: getattr(column, field) for name, field in self.fields.items()}


def _is(value: Values, x: float) -> bool:
    return isinstance(value, Known) and all(y == x for y in value.numbers)


CONSTRUCTORS: dict[str, Constructor] = {}  # by name, in the order of declaration


def constructor(
    ease: str, *, fixed: Mapping[str, float] | None = None, **fields: str
) -> Callable[[Function], Function]:
    """Declare that a function makes a column of `ease`. The keywords say which field each argument sets."""

    def declared(function: Function) -> Function:
        name, signature = function.__name__, inspect.signature(function)
        missing = [argument for argument in signature.parameters if argument not in fields]
        assert not missing, f"constructor({ease!r}) of {name} does not say what {missing} are"
        CONSTRUCTORS[name] = Constructor(ease, name, signature, fields, fixed or {})
        made: Function = explained(function)  # type: ignore[assignment]
        return made

    return declared
