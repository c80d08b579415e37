"""The data of a schedule as one value: a row of columns, whether they repeat, and the shape of its groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import mlx.core as mx

from .. import _ext
from .column import Repeat, Row, all_values, part_of, tidy
from .cycles import written_out
from .dtypes import result_dtype
from .eases import EASES
from .numbers import Number
from .operands import handed_over, segments, value_dtypes
from .segments import Segment, numbers, segments_of
from .values import LAST_STEP, NEVER, Index, Shape, Traced, common_shape, number


@dataclass(frozen=True, eq=False)
class Columns:
    """The data of a schedule, made by :meth:`of`. ``edits.py`` and ``stack.py`` have functions that change it."""

    row: Row
    repeat: Repeat | None
    shape: Shape

    @classmethod
    def of(cls, row: Row, repeat: Repeat | None = None, shape: Shape = ()) -> Columns:
        """Make Columns of a row. The shapes of its values and `shape` broadcast to the shape of the groups."""
        common = common_shape([shape, *(value.shape for value in all_values(row, repeat))])
        if common is None:
            raise ValueError("[schedule] Shapes do not broadcast: those of the groups of its columns.")
        row, repeat = tidy(row, repeat)
        handed = [value.shape for values in handed_over(row, repeat).values() for value in values]
        if common_shape(handed) != common:  # the value with the groups' shape was dropped
            init = row[0].init.broadcast_to(common)
            row = (replace(row[0], init=init, end=row[0].end if EASES[row[0].ease].ends else init), *row[1:])
        return cls(row, repeat, common)

    def of_shape(self, shape: Shape) -> Columns:
        return self if shape == self.shape else Columns.of(self.row, self.repeat, shape)

    @cached_property
    def plain(self) -> Columns:
        """The same schedule with all cycles written out as columns, unless the op can do the repeat."""
        if self.repeat is None or self.repeat.is_plain:
            return self
        return Columns.of(written_out(self.row, self.repeat, self.shape), None, self.shape)

    def __getitem__(self, index: Index) -> Columns:
        """Return the Columns of one group, or of a slice of groups."""
        rows = range(self.shape[0])[index]
        shape = self.shape[1:] if isinstance(rows, int) else (len(rows), *self.shape[1:])
        row = tuple(column.map(lambda value: part_of(value, index, self.shape)) for column in self.row)
        repeat = self.repeat and self.repeat._replace(period=part_of(self.repeat.period, index, self.shape))
        return Columns.of(row, repeat, shape)

    def __iter__(self) -> Iterator[Columns]:
        return (self[i] for i in range(self.shape[0]))

    @property
    def traced(self) -> bool:
        return any(isinstance(value, Traced) for value in all_values(self.row, self.repeat))

    @property
    def dtypes(self) -> frozenset[mx.Dtype]:
        """The dtypes that take part in promotion to the dtype of the result."""
        return value_dtypes(self.plain.row)

    # ---- Evaluated

    def operands(self, step: mx.Dtype) -> _ext.Segments:
        """Return the numbers in the form that the op takes for steps of one dtype."""
        return segments(self.plain.row, self.plain.repeat, step)

    def at(self, step: mx.array) -> mx.array:
        """Return the values at steps of shape S, which have that shape followed by the groups' shape."""
        axes = tuple(range(-len(self.shape), 0)) if step.ndim else ()
        return _ext.evaluate(mx.expand_dims(step, axes), self.operands(step.dtype))

    # ---- Shown and compared

    @cached_property
    def groups(self) -> list[tuple[Segment, ...]]:
        """The segments of every group, in row-major order."""
        return segments_of(self.plain.row, self.shape)

    @property
    def last_steps(self) -> list[Number | None]:
        """For every group, the step from which on it keeps its last value, or None if no run gets there."""
        repeat = self.repeat
        begin = self.row[repeat.first].begin if repeat and repeat.times is None else number(NEVER)
        starts = numbers(begin, self.shape)
        last = [group[-1].last if b == NEVER else None for group, b in zip(self.groups, starts, strict=True)]
        return [step if step is not None and step <= LAST_STEP else None for step in last]

    @property
    def turns(self) -> list[tuple[Number, Number]]:
        """For every group, the begin and the period of its endless repeat, which are NEVER if it has none."""
        plain = self.plain
        if plain.repeat is None:
            return []
        begin, period = plain.row[plain.repeat.first].begin, plain.repeat.period
        found = zip(numbers(begin, self.shape), numbers(period, self.shape), strict=True)
        return [(start, NEVER if start == NEVER else each) for start, each in found]

    def _key(self) -> object:
        if self.traced:
            return id(self)  # its values can't be read
        results = (str(result_dtype(step, self.dtypes)) for step in (mx.float16, mx.bfloat16, mx.float32))
        return (self.shape, tuple(self.groups), *results, *self.turns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Columns) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())
