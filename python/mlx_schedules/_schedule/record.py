"""A schedule as the record of its segments: shown, compared and hashed by them."""

from __future__ import annotations

from typing import Any, NoReturn

import mlx.core as mx

from .._columns.column import Column
from .._columns.columns import Columns
from .._columns.numbers import Nested, nested
from .._columns.values import is_zero


class Record:
    """What :class:`Schedule` is made of, as values that can be read."""

    __slots__ = ()

    _columns: Columns

    @property
    def init(self) -> Nested | mx.array:
        """Of a single cosine decay the value at step 0: a number, a tuple of numbers (one per group), or an
        ``mx.array`` where one was given. Others have :attr:`segments`."""
        return self._cosine("init").init.shown()

    @property
    def decay_steps(self) -> Nested | mx.array:
        """The number of steps from ``init`` to ``end``, likewise."""
        return self._cosine("decay_steps").length.shown()

    @property
    def end(self) -> Nested | mx.array:
        """The value from step ``decay_steps`` on, likewise."""
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
    def segments(self) -> Any:
        """The segments in order, a tuple of named tuples with ``ease``, ``begin``, ``length``, ``init``, ``end``,
        ``lead`` and ``parameter``; with groups a tuple of such tuples, nested as the shape is. Of one that repeats:
        those of the first time.

        Example:
            >>> import mlx_schedules as ms
            >>> rise, fall = ms.cosine_decay(1e-3, 900).warmup(100).segments
            >>> fall.ease, fall.begin, fall.length, fall.init, fall.end
            ('cosine', 100, 900, 0.001, 0.0)
        """
        return nested(self._columns.groups, self.shape)

    @property
    def last_step(self) -> Any:
        """The step from which on it keeps its last value, for each group; None where it changes for ever, or for longer
        than steps can be counted.

        Example:
            >>> import mlx_schedules as ms
            >>> ms.cosine_decay(1e-3, 900).warmup(100).last_step
            1000
        """
        return nested(self._columns.last_steps, self.shape)

    # ---- By value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, mx.array):
            return False
        return self._columns == other._columns if isinstance(other, Record) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._columns)

    def __mlx_array__(self) -> NoReturn:
        """Called where MLX wants an array; MLX's own message would not help."""
        raise TypeError(
            "A schedule is no array: call it with a step. Beside an array it comes first: schedule * array, "
            "schedule == array. Optimizers of MLX take one as learning_rate when they are made, not later; "
            "ms.MultiOptimizer takes one for any hyperparameter, at any time."
        )
