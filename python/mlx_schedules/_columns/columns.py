"""What a schedule is, as a value: a row of columns, whether they repeat, and the shape of its groups."""

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
from .values import LAST_STEP, Index, Shape, Traced, common_shape


@dataclass(frozen=True, eq=False)
class Columns:
    """Made by :meth:`of`. Edits, in ``edits.py`` and ``stack.py``, are functions from Columns to Columns."""

    row: Row
    repeat: Repeat | None
    shape: Shape

    @classmethod
    def of(cls, row: Row, repeat: Repeat | None = None, shape: Shape = ()) -> Columns:
        """Of columns in their order; their values and `shape` broadcast to the shape of the groups."""
        common = common_shape([shape, *(value.shape for value in all_values(row, repeat))])
        if common is None:
            raise ValueError("[schedule] Shapes do not broadcast: those of the groups of its columns.")
        row, repeat = tidy(row, repeat)
        handed = [value.shape for values in handed_over(row, repeat).values() for value in values]
        if common_shape(handed) != common:  # a column that said so is not needed, or its begins are all 0
            init = row[0].init.broadcast_to(common)
            row = (replace(row[0], init=init, end=row[0].end if EASES[row[0].ease].ends else init), *row[1:])
        return cls(row, repeat, common)

    def of_shape(self, shape: Shape) -> Columns:
        return self if shape == self.shape else Columns.of(self.row, self.repeat, shape)

    @cached_property
    def plain(self) -> Columns:
        """The same with all columns written out, but for a repeat that the op does by itself."""
        if self.repeat is None or self.repeat.is_plain:
            return self
        return Columns.of(written_out(self.row, self.repeat, self.shape), None, self.shape)

    def __getitem__(self, index: Index) -> Columns:
        """Of one group, or of a slice of groups."""
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
        """Those that count when the dtype of the values is found."""
        return value_dtypes(self.plain.row)

    # ---- Evaluated

    def operands(self, step: mx.Dtype) -> _ext.Segments:
        """The numbers as the op takes them for steps of one dtype."""
        return segments(self.plain.row, self.plain.repeat, step)

    def at(self, step: mx.array) -> mx.array:
        """The values at steps of shape S, of shape S + the groups'."""
        axes = tuple(range(-len(self.shape), 0)) if step.ndim else ()
        return _ext.evaluate(mx.expand_dims(step, axes), self.operands(step.dtype))

    # ---- Shown and compared

    @cached_property
    def groups(self) -> list[tuple[Segment, ...]]:
        """The segments of every group, in the order of rows."""
        return segments_of(self.plain.row, self.shape)

    @property
    def last_steps(self) -> list[Number | None]:
        """Of every group, from which step on it keeps its last value; None where no run gets there."""
        if self.repeat and self.repeat.times is None:
            return [None] * len(self.groups)
        last = [group[-1].last for group in self.groups]
        return [step if step is not None and step <= LAST_STEP else None for step in last]

    @property
    def turns(self) -> list[tuple[Number, Number]]:
        """Of every group, where its endless repeat begins, and its period."""
        plain = self.plain
        if plain.repeat is None:
            return []
        begin, period = plain.row[plain.repeat.first].begin, plain.repeat.period
        return list(zip(numbers(begin, self.shape), numbers(period, self.shape), strict=True))

    def _key(self) -> object:
        if self.traced:
            return id(self)  # its values cannot be read
        results = (str(result_dtype(step, self.dtypes)) for step in (mx.float16, mx.bfloat16, mx.float32))
        return (self.shape, tuple(self.groups), *results, *self.turns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Columns) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())
