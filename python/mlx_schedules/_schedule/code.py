"""A schedule as code: the calls that make it, where there are any, else the config that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from .._columns.arithmetic import minus
from .._columns.columns import Column, Columns, lacked, traced
from .._columns.numbers import Nested, dtype_name
from .._columns.values import Known, Traced, Values, is_zero

if TYPE_CHECKING:
    from .schedule import Schedule

Code: TypeAlias = "str | None"  # None: no call makes it


def code(schedule: Schedule) -> str:
    if traced(schedule._columns, schedule._repeat):
        return _sequence(schedule) or f"<schedule of traced arrays, {len(schedule._columns)} segments>"
    if schedule.shape and not _alike(schedule._columns):
        return f"stack([{', '.join(map(code, schedule))}])"
    return _sequence(schedule) or f"Schedule.from_dict({schedule.to_dict()!r})"


def _alike(columns: Columns) -> bool:
    """Whether all groups have all columns."""
    following = (*columns[1:], None)
    return not any(any(absent.numbers) for pair in zip(columns, following, strict=True) if (absent := lacked(*pair)))


def _sequence(schedule: Schedule) -> Code:
    calls = [_segment(column) for column in schedule._columns]
    begins = [_code(column.begin) for column in schedule._columns]
    repeat = schedule._repeat
    if repeat:
        k, period = repeat.first, _code(repeat.period)
        first = schedule._columns[k].begin
        cycle = _joined(calls[k:], [_code(minus(column.begin, first)) for column in schedule._columns[k:]])
        calls, begins = [*calls[:k], cycle and f"{cycle}.repeat({period})"], begins[: k + 1]
    return _joined(calls, begins)


def _joined(calls: list[Code], begins: list[str]) -> Code:
    written = [call for call in calls if call is not None]
    if len(written) < len(calls):
        return None
    return written[0] if len(calls) == 1 else f"join_schedules([{', '.join(written)}], [{', '.join(begins[1:])}])"


def _segment(column: Column) -> Code:
    call = _CALLS[column.ease](column)
    return call if call is None or is_zero(column.lead) else f"{call}.shift({_code(column.lead)})"


def _call(name: str, **arguments: Values) -> str:
    return f"{name}({', '.join(f'{name}={_code(value)}' for name, value in arguments.items())})"


def _all(value: Values, x: float) -> bool:
    return isinstance(value, Known) and all(y == x for y in value.numbers)


def _tail(kind: str) -> Callable[[Column], Code]:
    """As a run that is all tail; which can't be less than a step, or its decay would be a fraction."""

    def call(column: Column) -> Code:
        short = not isinstance(column.length, Known) or any(x < 1 for x in column.length.numbers)
        if short or not _all(column.shape, 0.5 if kind == "1-sqrt" else 1):
            return None
        steps = {"total_steps": column.length, "decay": column.length}
        return f"{_call('warmup_stable_decay', peak=column.init, **steps, end=column.end)[:-1]}, tail={kind!r})"

    return call


_CALLS: dict[str, Callable[[Column], Code]] = {
    "hold": lambda c: _call("constant", value=c.init),
    "linear": lambda c: _call("linear_schedule", init=c.init, end=c.end, steps=c.length),
    "cosine": lambda c: _call("cosine_decay", init=c.init, decay_steps=c.length, end=c.end),
    "power": _tail("1-sqrt"),
    "reverse_power": lambda c: _call("polynomial_decay", init=c.init, decay_steps=c.length, end=c.end, power=c.shape),
    "geometric": _tail("exponential"),
    "exponential": lambda c: _call("exponential_decay", init=c.init, decay_rate=c.shape) if _all(c.length, 1) else None,
    "stairs": lambda c: _call("step_decay", init=c.init, decay_rate=c.shape, step_size=c.length),
    "inverse_power": lambda c: (
        _call("inverse_sqrt_decay", init=c.init, timescale=c.length) if _all(c.shape, 0.5) else None
    ),
}


def _code(value: Values) -> str:
    if isinstance(value, Traced):
        return f"<traced array of shape {value.shape}>"
    numbers, dtype = _listed(value.nested()), value.shown_dtype()
    return numbers if dtype is None else f"mx.array({numbers}, dtype=mx.{dtype_name(dtype)})"


def _listed(numbers: Nested) -> str:
    return f"[{', '.join(map(_listed, numbers))}]" if isinstance(numbers, tuple) else repr(numbers)
