"""1 minus a schedule as another schedule, for betas: 1 - 0.9999 is not 1 - float32(0.9999)."""

from __future__ import annotations

from dataclasses import replace

from .._columns.columns import Columns
from .._columns.eases import BY_WEIGHT
from .._columns.numbers import exactly
from .._columns.values import Known, Values
from .._schedule.schedule import Schedule


def complement(schedule: Schedule) -> Schedule | None:
    """Return 1 - schedule with as many digits as the schedule.

    None if it isn't needed, because values of at most 1/2 lose nothing, or isn't possible, because an ease multiplies
    or the numbers have already been rounded in arrays.
    """
    columns = schedule._columns
    ends = [value for column in columns.row for value in (column.init, column.end)]
    if not all(isinstance(value, Known) and value.dtype is None for value in ends):
        return None
    if all(x <= 0.5 for value in ends if isinstance(value, Known) for x in value.numbers):
        return None
    if not all(column.ease in BY_WEIGHT for column in columns.row):
        return None
    # 1 - (end + (init - end) w) is (1 - end) + ((1 - init) - (1 - end)) w.
    row = tuple(replace(column, init=_lacking(column.init), end=_lacking(column.end)) for column in columns.row)
    return Schedule._of(Columns.of(row, columns.repeat, columns.shape))


def _lacking(value: Values) -> Values:
    return value.map(lambda x: exactly(lambda number: 1 - number, x)) if isinstance(value, Known) else value
