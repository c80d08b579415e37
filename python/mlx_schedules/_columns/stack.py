"""Stacks several Columns along a new axis of groups. Segments with the same ease share a column where possible."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from .column import ONE, ZERO, Column, Repeat, Row
from .columns import Columns
from .eases import EASES
from .held import stacked as stacked_values
from .held import stacked_times
from .numbers import shortened
from .values import NEVER, Shape, Values, number

Names = tuple[str, ...]


def stacked_alike(schedules: Sequence[Columns]) -> Columns:
    """Stack schedules, after checking that their groups have the same shape."""
    if not schedules:
        raise ValueError("[stack] schedules must hold at least one schedule, got [].")
    shapes = dict.fromkeys(str(part.shape) for part in schedules)
    if len(shapes) > 1:
        raise ValueError(
            f"[stack] schedules must have groups of one shape, got {shortened(', '.join(shapes))}: write *rates for "
            "the groups of rates."
        )
    return stacked(schedules)


def stacked(parts: Sequence[Columns]) -> Columns:
    """Stack parts of one shape.

    The columns before a repeat and those that repeat are aligned separately. A part without a repeat only has the
    former.
    """
    shape = parts[0].shape
    again = _kept(parts)
    parts = parts if again else [part.plain for part in parts]
    splits = [_split(part) for part in parts]
    first, second = (common_sequence([_names(part) for part in halves]) for halves in zip(*splits, strict=True))
    rows = [
        _aligned(before + cycle, places(first, _names(before)) + places(second, _names(cycle), len(first)),
                 first + second, shape)
        for before, cycle in splits
    ]  # fmt: skip
    row = tuple(map(_one_column, zip(*rows, strict=True)))
    repeat = None
    if second:
        periods = [part.repeat.period if part.repeat else ONE for part in parts]
        period = stacked_times([p.broadcast_to(shape) for p in periods])
        repeat = again._replace(first=len(first), period=period) if again else Repeat(len(first), period)
    return Columns.of(row, repeat, (len(parts), *shape))


def _kept(parts: Sequence[Columns]) -> Repeat | None:
    """Return the repeat if all parts have the same one of the same columns, apart from its period."""
    forms = {(_names(part.row), part.repeat and part.repeat._replace(period=ONE)) for part in parts}
    return forms.pop()[1] if len(forms) == 1 else None


def _split(columns: Columns) -> tuple[Row, Row]:
    row, repeat = columns.row, columns.repeat
    return (row[: repeat.first], row[repeat.first :]) if repeat else (row, ())


def _names(row: Row) -> Names:
    return tuple(column.ease for column in row)


def _aligned(columns: Row, at: list[int], names: Names, shape: Shape) -> Row:
    """Put a schedule's columns at their places, and at the others columns that begin with the next one, or never."""
    own = dict(zip(at, columns, strict=True))
    row: list[Column] = []
    following: Column | None = None
    for k in reversed(range(len(names))):
        column = own.get(k) or _lacking(names[k], following, columns[-1])
        following = column if k in own or following else None
        row.append(column.map(lambda value: value.broadcast_to(shape)))
    return tuple(reversed(row))


def _lacking(ease: str, following: Column | None, last: Column) -> Column:
    """Return a column that a schedule lacks. It has the first value of the next one, which steps before it have."""
    neighbour = following or last
    begin = following.begin if following else number(NEVER)
    return Column(ease, neighbour.init, neighbour.init, begin, ZERO, ZERO, ONE)


def _one_column(rows: Sequence[Column]) -> Column:
    def over(name: str) -> list[Values]:
        return [getattr(row, name) for row in rows]

    times = {name: stacked_times(over(name)) for name in ("begin", "lead", "length")}
    own = stacked_values(over("parameter")) if EASES[rows[0].ease].has_parameter else ONE
    return Column(rows[0].ease, stacked_values(over("init")), stacked_values(over("end")), parameter=own, **times)


# ---- Alignment


REACH = 64  # how many names two sequences are compared ahead, so that thousands take milliseconds each


def common_sequence(sequences: Sequence[Names]) -> Names:
    """Return a sequence that contains all sequences, made by merging them one after another."""
    return reduce(_containing, dict.fromkeys(sequences), ())


def _containing(a: Names, b: Names) -> Names:
    """Return a sequence that contains both. It is the shortest for each stretch of at most REACH names."""
    found: list[str] = []
    i = j = 0
    while i < len(a) and j < len(b):
        taken, more_of_a, more_of_b = _shortest(a[i : i + REACH], b[j : j + REACH])
        found += taken
        i, j = i + more_of_a, j + more_of_b
    return (*found, *a[i:], *b[j:])


def _shortest(a: Names, b: Names) -> tuple[list[str], int, int]:
    """Return the shortest sequence that contains both, up to the end of one of them, and how much of each it uses.

    Dynamic programming finds the shortest length for every pair of remainders, starting from the ends.
    """
    length = [[len(a) - i + len(b) - j for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            both = a[i] == b[j]
            length[i][j] = 1 + (length[i + 1][j + 1] if both else min(length[i + 1][j], length[i][j + 1]))
    found, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        both = a[i] == b[j]
        first = both or length[i + 1][j] <= length[i][j + 1]
        found.append(a[i] if first else b[j])
        i, j = i + first, j + (both or not first)
    return found, i, j


def places(names: Names, part: Names, start: int = 0) -> list[int]:
    """Return the places of a sequence in another one that contains it."""
    found, k = [], 0
    for name in part:
        k = names.index(name, k)
        found.append(start + k)
        k += 1
    return found
