"""A schedule as a record of its segments, by which it is shown, compared and hashed."""

from __future__ import annotations

from typing import Any, NoReturn

import mlx.core as mx

from .._columns.column import Column
from .._columns.columns import Columns
from .._columns.numbers import Nested, Number, nested
from .._columns.segments import Segment
from .._columns.values import is_zero


class Record:
    """The part of :class:`Schedule` that shows what it is made of."""

    __slots__ = ()

    _columns: Columns

    @property
    def init(self) -> Nested | mx.array:
        """The value at step 0 of a single cosine decay: a number, a tuple with one for each group, or the ``mx.array``
        that was given. Other schedules have :attr:`segments` instead."""
        return self._cosine("init").init.shown()

    @property
    def decay_steps(self) -> Nested | mx.array:
        """The number of steps from ``init`` to ``end`` of a single cosine decay."""
        return self._cosine("decay_steps").length.shown()

    @property
    def end(self) -> Nested | mx.array:
        """The value from step ``decay_steps`` on of a single cosine decay."""
        return self._cosine("end").end.shown()

    def _cosine(self, name: str) -> Column:
        column, *others = self._columns.row
        plain = is_zero(column.begin) and is_zero(column.lead) and self._columns.repeat is None
        if others or column.ease != "cosine" or not plain:
            raise AttributeError(
                f"Only a single cosine decay has {name!r}; this schedule has .segments and .last_step."
            )
        return column

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the groups: ``()`` for a single schedule."""
        return self._columns.shape

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments in order: a tuple of named tuples with ``ease``, ``begin``, ``length``, ``init``, ``end``,
        ``lead`` and ``parameter``. With groups it is a tuple of such tuples, nested as the groups are; for type
        checkers take ``schedule[i].segments``. A schedule that repeats has those of its first cycle.

        Example:
            >>> import mlx_schedules as ms
            >>> rise, fall = ms.cosine_decay(1e-3, 900).warmup(100).segments
            >>> fall.ease, fall.begin, fall.length, fall.init, fall.end
            ('cosine', 100, 900, 0.001, 0.0)
        """
        segments: tuple[Segment, ...] = nested(self._columns.groups, self.shape)
        return segments

    @property
    def last_step(self) -> Number | tuple[Any, ...] | None:
        """The step from which on the value stays the same, or ``None`` if it never does, or only after 2**64. With
        groups it is a tuple with one for each.

        Example:
            >>> import mlx_schedules as ms
            >>> ms.cosine_decay(1e-3, 900).warmup(100).last_step
            1000
        """
        last: Number | tuple[Any, ...] | None = nested(self._columns.last_steps, self.shape)
        return last

    # ---- By value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, mx.array):
            return False
        return self._columns == other._columns if isinstance(other, Record) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._columns)

    def __mlx_array__(self) -> NoReturn:
        """MLX calls this if it needs an array. Its own message wouldn't help."""
        raise TypeError(
            "A schedule is not an array: call it with a step. Next to an array, write the schedule first: "
            "schedule * array, schedule == array. Optimizers of MLX take one as learning_rate when they are made, not "
            "later; ms.MultiOptimizer takes one for any hyperparameter, at any time."
        )
