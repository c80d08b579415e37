from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import mlx.core as mx

from .. import _ext
from .._columns.columns import Columns
from .._columns.dtypes import result_dtype
from .._columns.edits import divided, moved, multiplied, repeated, warmed
from .._columns.names import explained
from .._columns.numbers import Real, amount, described
from .._columns.read import check_dtype, read_step
from .._pictures import html, matplotlib
from .by_name import from_dict
from .code import code
from .config import to_dict
from .record import Record

_array = mx.array
_evaluate = _ext.evaluate


class Schedule(Record):
    """A function of the step, made of segments: what all of this package's constructors return.

    A schedule never changes. It compares, hashes, prints and pickles by value, and is always true, so that
    ``schedule or 1e-3`` works. Each call is one op. A schedule with groups is also a sequence: ``schedule[i]`` is the
    schedule of group i.

    Give schedules with groups to :class:`MultiOptimizer`. An ordinary optimizer would broadcast the rates along the
    last axis of every weight, as it does with any array.

    Example:
        >>> import mlx_schedules as ms
        >>> schedule = ms.cosine_decay(1e-3, 900).warmup(100)
        >>> schedule
        warmup_cosine(peak=0.001, total_steps=1000, warmup=100, init=0.0, end=0.0)
        >>> schedule(100), schedule(1000)
        (array(0.001, dtype=float32), array(0, dtype=float32))
    """

    __slots__ = ("__weakref__", "_axes", "_columns", "_made", "_real")
    __array_ufunc__ = None  # makes NumPy's arrays leave multiplication to the schedule

    _axes: tuple[int, ...]
    _made: dict[mx.Dtype, _ext.Segments]
    _real: mx.Dtype

    def __init__(self, *_: NoReturn, **__: NoReturn) -> None:
        raise TypeError("A schedule is made by a function: ms.cosine_decay, ms.join_schedules, ms.warmup_cosine, ...")

    @classmethod
    def _of(cls, columns: Columns) -> Schedule:
        schedule = object.__new__(cls)
        schedule._columns = columns
        schedule._axes = tuple(range(-len(columns.shape), 0))  # the groups' axes, appended to the step's
        schedule._real = result_dtype(mx.float32, columns.dtypes)  # the dtype of fractional steps from Python and NumPy
        schedule._made = {}  # operands by step dtype
        schedule._operands_for(mx.uint64)  # optimizers count in uint64; raises errors now if numbers can't be held
        return schedule

    def __call__(self, step: Real) -> mx.array:
        """The value at ``step``, a number or an array. Of shape S it gives an array of shape S + the groups' shape."""
        if not isinstance(step, _array):
            step = read_step("schedule", step, self._real)
        made = self._made.get(step.dtype) or self._operands_for(step.dtype)
        if self._axes and step.ndim:
            step = mx.expand_dims(step, self._axes)
        return _evaluate(step, made)

    def _operands_for(self, step: mx.Dtype) -> _ext.Segments:
        check_dtype("[schedule] step", step, booleans=True)
        made = self._made[step] = self._columns.operands(step)
        return made

    # ---- Groups

    def __bool__(self) -> bool:
        return True  # like any function, so that `schedule or 1e-3` works with and without groups

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("This schedule has no groups: it was made of numbers. Give lists, or ms.stack schedules.")
        return self.shape[0]

    def __getitem__(self, index: int | slice) -> Schedule:
        """The schedule of one group, or of a slice of groups."""
        n = len(self)
        if not isinstance(index, slice):
            try:
                position = index.__index__()
            except (AttributeError, TypeError):  # NumPy arrays with several elements raise these
                raise TypeError(f"A group is chosen by an integer or a slice, got {described(index)}.") from None
            if not -n <= position < n:
                raise IndexError(f"Group {described(position)} of a schedule of {amount(n, 'group')}: the first is 0.")
            index = position % n
        return Schedule._of(self._columns[index])

    def __iter__(self) -> Iterator[Schedule]:
        return (self[i] for i in range(len(self)))

    # ---- Schedules made from this one

    @explained
    def warmup(self, steps: Real, init: Real = 0.0) -> Schedule:
        """This schedule with a linear warmup in front of it. Its own steps are counted from the end of the warmup.

        Formula:
            init + (schedule(0) - init) · s/W for s < W = steps
            schedule(s - W) after

        At step W the value is exactly the schedule's first value. The first update uses ``init``; with a rate of 0 it
        changes nothing, so pass ``init=peak / W`` to make it count.

        Args:
            steps: The length of the warmup, whole or fractional; 0 for none.
            init: The value at step 0.

        Raises:
            ValueError: ``steps`` is below 0 or not below 2**64, a value is not finite, or the shapes do not broadcast.
            TypeError: A value that is a ``bool``, complex, a string or ``None``.

        Example:
            >>> import mlx.core as mx
            >>> import mlx_schedules as ms
            >>> ms.cosine_decay(1e-3, 900).warmup(100)(mx.array([0, 50, 100, 550, 1000]))
            array([0, 0.0005, 0.001, 0.0005, 0], dtype=float32)
        """
        return Schedule._of(warmed(self._columns, steps, init))

    @explained
    def repeat(
        self, period: Real, times: int | None = None, *, period_factor: int = 1, value_factor: float = 1.0
    ) -> Schedule:
        """This schedule again and again: restarts.

        Formula:
            last + (schedule(s_c / period_factor^c) - last) · value_factor^c in cycle c = 0, 1, 2, ...
            s_c = steps since the cycle began, last = the schedule's last value

        Cycle c takes ``period · period_factor^c`` steps, and starts when the one before is over. If the schedule is
        shorter than the period, its last value is kept until the next cycle starts; if it is longer, it is cut off.
        Restarts are at whole steps if ``period`` is whole.

        Args:
            period: Steps of the first cycle, above 0; whole or fractional.
            times: The number of cycles. The last one is not cut off. ``None``: no limit.
            period_factor: How many times as long each cycle is as the one before, a whole number.
            value_factor: What the distance from the last value is multiplied by from one cycle to the next.

        Raises:
            ValueError: ``period`` or ``times`` is not above 0, ``period_factor`` is below 1, there would be more than
                65536 segments, a power of ``value_factor`` is too large for a float, or ``value_factor`` is not 1 and
                the cycles are endless and of one length, or the schedule has no last value or has ratios in it (an
                exponential decay, ...).
            TypeError: An argument is of another type, the schedule's steps are being traced, or ``value_factor`` is not
                1 and its values are being traced.

        Example:
            >>> import mlx.core as mx
            >>> import mlx_schedules as ms
            >>> ms.cosine_decay(1.0, 10).repeat(10, period_factor=2)(mx.array([0, 5, 10, 20, 30, 50]))
            array([1, 0.5, 1, 0.5, 1, 0.5], dtype=float32)

        Source:
            Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017,
            https://arxiv.org/abs/1608.03983
        """
        return Schedule._of(repeated(self._columns, period, times, period_factor, value_factor))

    @explained
    def shift(self, steps: Real) -> Schedule:
        """This schedule entered later, or with negative ``steps`` started later.

        Formula:
            schedule(s + steps)

        ``shift(600)`` starts at step 600 of the schedule; ``shift(-100)`` keeps its first value for 100 steps before it
        starts.

        Raises:
            ValueError: ``steps`` is not finite, or 2**64 or beyond.
            TypeError: ``steps`` is not a number, or the schedule's own lengths are being traced.

        Example:
            >>> import mlx_schedules as ms
            >>> import mlx.core as mx
            >>> ms.cosine_decay(1.0, 10).shift(5)(mx.array([0, 5]))
            array([0.5, 0], dtype=float32)
        """
        return Schedule._of(moved(self._columns, steps))

    def __mul__(self, factor: Real) -> Schedule:
        """All values times a number. A list or an array multiplies each group by its own, or makes groups."""
        return Schedule._of(multiplied(self._columns, factor))

    def __truediv__(self, divisor: Real) -> Schedule:
        """All values times 1 / divisor."""
        return Schedule._of(divided(self._columns, divisor))

    def __neg__(self) -> Schedule:
        return self * -1

    def __rmul__(self, factor: Real) -> Schedule:
        return self * factor

    # ---- Text, copies and configs

    def __repr__(self) -> str:
        return code(self._columns)

    def __reduce__(self) -> tuple[object, ...]:
        if self._columns.traced:
            raise TypeError("A schedule made of arrays that are being traced can't be pickled or copied.")
        return type(self).from_dict, (self.to_dict(),)

    def __copy__(self) -> Schedule:
        return self  # immutable

    def __deepcopy__(self, memo: dict[int, object]) -> Schedule:
        return self

    def to_dict(self) -> dict[str, Any]:
        """The schedule as numbers, strings, lists and dicts, for JSON, YAML or TOML. :meth:`from_dict` reads it back.

        Nothing is rounded: a format that keeps numbers exactly, as JSON does, gives an equal schedule back. A key that
        is left out has its default: ``begin`` and ``lead`` are 0, ``length`` and ``parameter`` 1, ``end`` is ``init``.

        Raises:
            TypeError: The schedule is made of arrays that are being traced.

        Example:
            >>> import mlx_schedules as ms
            >>> ms.cosine_decay([1e-3, 1e-4], [1000, 2000]).to_dict()
            {'name': 'schedule', 'version': 1, 'segments': [{'ease': 'cosine', 'init': [0.001, 0.0001],
             'end': 0.0, 'length': [1000, 2000]}]}
        """
        return to_dict(self._columns)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any], updates: int | None = None) -> Schedule:
        """Make the schedule that :meth:`to_dict` wrote or a config describes, mlx-lm's or your own.

        Args:
            config: One of: what :meth:`to_dict` returned; a constructor's name with its arguments by name,
                ``{"name": "warmup_cosine", "peak": 1e-5, "total_steps": 250, "warmup": 0.05}``, where those of
                ``join_schedules`` and ``stack`` are such dicts themselves; an ``lr_schedule`` of mlx-lm,
                ``{"name": "cosine_decay", "arguments": [0.1, 1000], "warmup": 100, "warmup_init": 1e-7}``; or the
                whole config of mlx-lm.
            updates: The number of updates in the run, for configs that say ``total_steps: auto``. The end is then at
                the last update. Default: what mlx-lm's whole config says, ``iters`` divided by
                ``grad_accumulation_steps``.

        In mlx-lm's form ``warmup`` is a number of steps. The curve is exactly mlx-lm's, which has its peak twice, at
        steps W and W + 1; a warning says so. Numbers may be text, since that is how YAML reads ``1e-7``.

        Raises:
            ValueError: A key is missing or unknown, there is no such ``name`` or ``version``, a constructor refuses a
                value, or ``total_steps`` is ``auto`` and the number of updates is not known.
            TypeError: ``config`` is not a dict, or a value is not a number.

        Example:
            >>> import json
            >>> import mlx_schedules as ms
            >>> schedule = ms.cosine_decay(0.1, 1000, end=1e-3)
            >>> ms.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule
            True
            >>> ms.Schedule.from_dict({"name": "cosine_decay", "arguments": [1e-5, 1000, 1e-7]})
            cosine_decay(init=1e-05, decay_steps=1000, end=1e-07)
            >>> lr_schedule = {"name": "warmup_cosine", "peak": 1e-5, "total_steps": "auto", "warmup": 0.1}
            >>> ms.Schedule.from_dict({"iters": 1000, "lr_schedule": lr_schedule}).last_step
            999

        Source:
            https://github.com/ml-explore/mlx-lm/blob/main/mlx_lm/examples/lora_config.yaml
        """
        return cls._of(from_dict(config, updates))

    # ---- Pictures

    def plot(self, steps: float | None = None, ax: Any = None) -> Any:
        """Draw the schedule with matplotlib, one labelled curve per group.

        Args:
            steps: The last step to show. Default: a tenth past the end of the longest group.
            ax: The ``matplotlib.axes.Axes`` to draw into. Default: those of a new figure.

        Returns:
            matplotlib.axes.Axes: The axes. The schedule is evaluated at up to 513 steps: whole ones, or fractions of a
            step if its own lengths are fractions or it is driven by progress from 0 to 1.

        Raises:
            ImportError: matplotlib is not installed (the extra ``plot``).
            ValueError: ``steps`` is not above 0, or 2**63 and above.
            TypeError: ``steps`` is not a number, or the schedule is made of arrays that are being traced.

        Example:
            >>> import matplotlib
            >>> matplotlib.use("agg")  # no display
            >>> import mlx_schedules as ms
            >>> axes = ms.cosine_decay([1e-3, 1e-4], [1000, 2000]).plot()
            >>> [line.get_label() for line in axes.lines]
            ['group 0: 0.001 to 0 in 1000', 'group 1: 0.0001 to 0 in 2000']
            >>> axes.figure.savefig("rates.png")
        """
        return matplotlib.plot(self, steps, ax)

    def _repr_html_(self) -> str:
        """What notebooks display: the curves as an inline SVG, and a table of the hyperparameters."""
        return html.html(self)
