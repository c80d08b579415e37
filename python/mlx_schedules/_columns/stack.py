from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from .._schedule.schedule import Schedule
from .columns import ONE, ZERO, Column, Columns, Repeat
from .eases import EASES
from .held import stacked, stacked_times
from .numbers import described, shortened
from .values import NEVER, Values, number

Names = tuple[str, ...]


def stack(schedules: Iterable[Schedule]) -> Schedule:
    r"""Make one batched schedule of several, so that one op evaluates them all.

    .. math::
        \text{stack}([f_0, \dots, f_{n-1}])(s) = [f_0(s), \dots, f_{n-1}(s)]

    Args:
        schedules: At least one schedule of this package, of any kinds, all with groups of one shape P.

    Returns:
        Schedule: One with groups of shape (n,) + P. Where some schedules were made with ``mx.array`` values and others
        with Python numbers, the arrays' dtype counts for all, as in MLX's arithmetic; no number is rounded to it, and
        the properties show them in a dtype in which none wraps or narrows.

    Raises:
        ValueError: There is no schedule, or their groups differ in shape.
        TypeError: One of them is no schedule of this package.

    Example:
        >>> import mlx_schedules as ms
        >>> backbone, head = ms.cosine_decay(1e-4, 500).warmup(100), ms.cosine_decay(1e-2, 1000, end=1e-3)
        >>> rates = ms.stack([backbone, head])
        >>> rates(600)
        array([0, 0.00410942], dtype=float32)
        >>> rates[1] == head
        True
    """
    if not isinstance(schedules, Iterable) or (isinstance(schedules, Schedule) and not schedules.shape):
        raise TypeError(
            f"[stack] schedules must be a list of schedules, got {described(schedules)}: write [schedule, schedule]."
        )
    schedules = list(schedules)
    if not schedules:
        raise ValueError("[stack] schedules must hold at least one schedule, got [].")
    for i, schedule in enumerate(schedules):
        if not isinstance(schedule, Schedule):
            raise TypeError(
                f"[stack] schedules[{i}] must be a schedule of mlx_schedules, got {described(schedule)}: make it with "
                "ms.cosine_decay, ms.constant or another of its functions."
            )
    shape = schedules[0].shape
    if any(schedule.shape != shape for schedule in schedules):
        shapes = shortened(", ".join(dict.fromkeys(str(schedule.shape) for schedule in schedules)))
        raise ValueError(
            f"[stack] schedules must have groups of one shape, got {shapes}: *rates stands for the groups of rates."
        )
    return _stacked(schedules)


def stacked_groups(parts: Sequence[Schedule], shape: tuple[int, ...]) -> Schedule:
    """Single schedules in the order of rows as one with groups of a shape."""
    if not shape:
        return parts[0]
    size = len(parts) // shape[0]
    return _stacked([stacked_groups(parts[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])])


def _stacked(schedules: Sequence[Schedule]) -> Schedule:
    """What comes before the repeats and what repeats are aligned apart; who repeats nothing has all of it before."""
    shape = schedules[0].shape
    splits = [_split(schedule) for schedule in schedules]
    before, again = (common_sequence([_names(part) for part in parts]) for parts in zip(*splits, strict=True))
    rows = [
        _aligned(first + second, places(before, _names(first)) + places(again, _names(second), len(before)),
                 before + again, shape)
        for first, second in splits
    ]  # fmt: skip
    columns = tuple(map(_one_column, zip(*rows, strict=True)))
    if not again:
        return Schedule._of(columns)
    periods = [schedule._repeat.period if schedule._repeat else ONE for schedule in schedules]
    return Schedule._of(columns, Repeat(len(before), stacked_times([p.broadcast_to(shape) for p in periods])))


def _split(schedule: Schedule) -> tuple[Columns, Columns]:
    columns, repeat = schedule._columns, schedule._repeat
    return (columns[: repeat.first], columns[repeat.first :]) if repeat else (columns, ())


def _names(columns: Columns) -> Names:
    return tuple(column.ease for column in columns)


def _aligned(columns: Columns, at: list[int], names: Names, shape: tuple[int, ...]) -> Columns:
    """A schedule's columns at their places; where it has none, one that begins with the next, or never."""
    own = dict(zip(at, columns, strict=True))
    row: list[Column] = []
    following: Column | None = None
    for k in reversed(range(len(names))):
        column = own.get(k) or _lacking(names[k], following, columns[-1])
        following = column if k in own or following else None
        row.append(column.map(lambda value: value.broadcast_to(shape)))
    return tuple(reversed(row))


def _lacking(ease: str, following: Column | None, last: Column) -> Column:
    """Its value is the first of what follows, which a step before all has."""
    neighbour = following or last
    begin = following.begin if following else number(NEVER)
    return Column(ease, neighbour.init, neighbour.init, begin, ZERO, ZERO, ONE)


def _one_column(rows: Sequence[Column]) -> Column:
    def over(name: str) -> list[Values]:
        return [getattr(row, name) for row in rows]

    times = {name: stacked_times(over(name)) for name in ("begin", "lead", "length")}
    own = stacked(over("shape")) if EASES[rows[0].ease].shape else ONE
    return Column(rows[0].ease, stacked(over("init")), stacked(over("end")), shape=own, **times)


# ---- Alignment


REACH = 64  # names: how far ahead two sequences are compared, so that thousands take milliseconds each


def common_sequence(sequences: Sequence[Names]) -> Names:
    """One that contains all of them: of the first two, then of that and the next."""
    return reduce(_containing, dict.fromkeys(sequences), ())


def _containing(a: Names, b: Names) -> Names:
    """The shortest where neither is longer than REACH; beyond, the shortest of one stretch after the other."""
    found: list[str] = []
    i = j = 0
    while i < len(a) and j < len(b):
        taken, more_of_a, more_of_b = _shortest(a[i : i + REACH], b[j : j + REACH])
        found += taken
        i, j = i + more_of_a, j + more_of_b
    return (*found, *a[i:], *b[j:])


def _shortest(a: Names, b: Names) -> tuple[list[str], int, int]:
    """The shortest sequence that contains both, until one of them ends; and how much of each that takes.

    By the shortest lengths for what is left of both, which dynamic programming finds from the ends.
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
    """Where a sequence lies in one that contains it."""
    found, k = [], 0
    for name in part:
        k = names.index(name, k)
        found.append(start + k)
        k += 1
    return found
