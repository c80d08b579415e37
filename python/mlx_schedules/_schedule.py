from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim

from . import _ext
from ._numbers import Nested, Real, described, dtype_name
from ._values import Value, check_broadcast, check_dtype, read, read_step, result_dtype

_array = mx.array
_op = _ext.cosine_decay
_ordinary = optim.Optimizer._maybe_schedule.__code__  # where every optimizer of MLX first calls its schedule


class CosineDecay:
    """What :func:`cosine_decay` returns; see there. Immutable; compares, hashes, prints and pickles by value."""

    __slots__ = ("__weakref__", "_axes", "_decay_steps", "_end", "_init", "_operands", "_real", "_shape")

    def __init__(self, init: Real, decay_steps: Real, end: Real = 0.0) -> None:
        self._set(read("init", init), read("decay_steps", decay_steps), read("end", end))

    @classmethod
    def _of(cls, init: Value, decay_steps: Value, end: Value) -> CosineDecay:
        schedule = object.__new__(cls)
        schedule._set(init, decay_steps, end)
        return schedule

    def _set(self, init: Value, decay_steps: Value, end: Value) -> None:
        self._init, self._decay_steps, self._end = init, decay_steps, end
        self._shape = check_broadcast(init, decay_steps, end)
        self._axes = tuple(range(-len(self._shape), 0))  # appended to the step's, for the groups
        self._real = result_dtype(mx.float32, init, end)  # of Python's and NumPy's fractional steps
        self._operands: dict[mx.Dtype, tuple[mx.array, mx.array, mx.array]] = {}  # by step dtype
        self._operands_for(mx.uint64)  # what optimizers count in; raises what cannot be held

    def __call__(self, step: Real) -> mx.array:
        """The value at ``step``: a number or an array of any shape S, giving S + the shape of the groups."""
        if not isinstance(step, _array):
            step = read_step(step, self._real)
        init, decay_steps, end = self._operands.get(step.dtype) or self._operands_for(step.dtype)
        if self._axes:
            if step.ndim:
                step = mx.expand_dims(step, self._axes)
            elif (caller := sys._getframe().f_back) is not None and caller.f_code is _ordinary:
                raise ValueError(_vector_of_rates(self._shape))
        return _op(step, init, decay_steps, end)  # *operands would cost a tenth of the call

    def _operands_for(self, step: mx.Dtype) -> tuple[mx.array, mx.array, mx.array]:
        check_dtype("step", step)
        dtype = result_dtype(step, self._init, self._end)
        operands = (self._init.as_array(dtype), self._decay_steps.as_time(dtype), self._end.as_array(dtype))
        self._operands[step] = operands
        return operands

    @property
    def init(self) -> Any:
        """The value at step 0: a number, a tuple of numbers (one per group), or an ``mx.array`` where one was given."""
        return self._init.as_given()

    @property
    def decay_steps(self) -> Any:
        """The number of steps from ``init`` to ``end``, likewise."""
        return self._decay_steps.as_given()

    @property
    def end(self) -> Any:
        """The value from step ``decay_steps`` on, likewise."""
        return self._end.as_given()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the groups: ``()`` for a single schedule."""
        return self._shape

    def __bool__(self) -> bool:
        return True  # as a closure is, with groups or without: `schedule or 1e-3`

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("This schedule has no groups: init, decay_steps and end are numbers.")
        return self._shape[0]

    def __getitem__(self, index: int | slice) -> CosineDecay:
        """The schedule of one group, or of a slice of groups."""
        n = len(self)
        if not isinstance(index, slice):
            try:
                position = index.__index__()
            except (AttributeError, TypeError):  # what a NumPy array of several raises
                raise TypeError(f"A group is chosen by an integer or a slice, got {described(index)}.") from None
            if not -n <= position < n:
                raise IndexError(f"Group {described(position)} of a schedule of {n} groups.")
            index = position % n
        rank = len(self._shape)

        def part(value: Value) -> Value:
            if len(value.shape) < rank:
                return value
            if value.shape[0] == 1 and n != 1:  # broadcast over the groups
                return value if isinstance(index, slice) else value[0]
            return value[index]

        return CosineDecay._of(part(self._init), part(self._decay_steps), part(self._end))

    def __iter__(self) -> Iterator[CosineDecay]:
        return (self[i] for i in range(len(self)))

    def _values(self) -> tuple[Value, Value, Value]:
        return self._init, self._decay_steps, self._end

    def _key(self) -> Any:
        if any(value.unread is not None for value in self._values()):
            return id(self)  # its values cannot be read
        values = ((value.broadcast_to(self._shape).numbers, str(value.dtype)) for value in self._values())
        dtypes = (str(result_dtype(step, self._init, self._end)) for step in (mx.float16, mx.bfloat16, mx.float32))
        return (self._shape, *values, *dtypes)  # a weak 0 and 0.0 can promote differently

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, CosineDecay) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"CosineDecay({', '.join(f'{value.name}={_code(value)}' for value in self._values())})"

    def __reduce__(self) -> Any:
        if any(value.unread is not None for value in self._values()):
            raise TypeError("A schedule made of arrays that are being traced can't be pickled or copied.")
        return _rebuild, tuple(
            (value.name, value.numbers, value.shape, value.dtype and dtype_name(value.dtype))
            for value in self._values()
        )

    def plot(self, steps: int | None = None, ax: Any = None) -> Any:
        """Draw the schedule with matplotlib, one labelled curve per group.

        Args:
            steps: The last step to show. Default: a tenth past the longest ``decay_steps``.
            ax: The ``matplotlib.axes.Axes`` to draw into. Default: those of a new figure.

        Returns:
            matplotlib.axes.Axes: The axes. The values come from the schedule itself, at up to 513 whole steps.

        Raises:
            ImportError: matplotlib is not installed (the extra ``plot``).
            ValueError: ``steps`` is below 1, or 2**63 and above.
            TypeError: ``steps`` is no integer, or the schedule is made of arrays that are being traced.

        Example:
            >>> import matplotlib
            >>> matplotlib.use("agg")  # no display
            >>> import mlx_schedules as ms
            >>> axes = ms.cosine_decay([1e-3, 1e-4], [1000, 2000]).plot()
            >>> [line.get_label() for line in axes.lines]
            ['group 0: 0.001 to 0 in 1000', 'group 1: 0.0001 to 0 in 2000']
            >>> axes.figure.savefig("rates.png")
        """
        from ._plot import plot

        return plot(self, steps, ax)

    def _repr_html_(self) -> str:
        """What notebooks display: the curves as an inline SVG, and a table of the hyperparameters."""
        from ._plot import html

        return html(self)

    def to_dict(self) -> dict[str, Any]:
        """The schedule as numbers, strings, lists and dicts, for JSON, YAML or TOML; :meth:`from_dict` reads it back.

        Nothing is rounded: equal, with the same dtypes, after any format that keeps numbers (JSON does).

        Raises:
            TypeError: The schedule is made of arrays that are being traced.

        Example:
            >>> import mlx_schedules as ms
            >>> ms.cosine_decay([1e-3, 1e-4], [1000, 2000]).to_dict()
            {'name': 'cosine_decay', 'version': 1, 'init': [0.001, 0.0001], 'decay_steps': [1000, 2000], 'end': 0.0}
        """
        from ._config import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> CosineDecay:
        """Make the schedule that :meth:`to_dict` wrote, or that mlx-lm's ``lr_schedule`` describes.

        Args:
            config: What :meth:`to_dict` returned, or mlx-lm's form
                ``{"name": "cosine_decay", "arguments": [init, decay_steps, end]}``, where ``end`` may be left out.

        Raises:
            ValueError: A key is missing or unknown, ``name`` or ``version`` is another, ``warmup`` is given (the
                message says how to put one before the schedule), or :func:`cosine_decay` refuses a value.
            TypeError: ``config`` is no dict, or a value is no number.

        Example:
            >>> import json
            >>> import mlx_schedules as ms
            >>> schedule = ms.cosine_decay(0.1, 1000, end=1e-3)
            >>> ms.CosineDecay.from_dict(json.loads(json.dumps(schedule.to_dict()))) == schedule
            True
            >>> ms.CosineDecay.from_dict({"name": "cosine_decay", "arguments": [1e-5, 1000, 1e-7]})
            CosineDecay(init=1e-05, decay_steps=1000, end=1e-07)

        Source:
            https://github.com/ml-explore/mlx-lm/blob/main/mlx_lm/examples/lora_config.yaml
        """
        from ._config import from_dict

        return cls._of(*from_dict(config))

    def __copy__(self) -> CosineDecay:
        return self  # immutable

    def __deepcopy__(self, memo: dict[int, Any]) -> CosineDecay:
        return self


def cosine_decay(init: Real, decay_steps: Real, end: Real = 0.0) -> CosineDecay:
    r"""Make a cosine decay schedule; a drop-in for ``mlx.optimizers.cosine_decay``.

    .. math::
        \text{end} + (\text{init} - \text{end}) \cos^2\left(\frac{\pi}{2} \frac{s}{T}\right),
        \qquad s = \operatorname{clip}(\text{step}, 0, T),\ T = \text{decay\_steps}

    The value is exactly ``init`` at step 0 and before, exactly ``end`` at step T and after, within 0.51 ULP in between
    (float32, init and end of one sign), and each call is one op. It differs from MLX's closure in one deliberate way:
    negative steps hold ``init``, where the closure mirrors.

    Args:
        init: Initial value.
        decay_steps: Number of steps to decay over, at least 1. The value is constant beyond.
        end: Final value to decay to. Default: ``0``.

    Each may be a number, a NumPy or MLX array, or a list of these; they broadcast together to the shape P of the
    parameter groups, ``()`` for numbers.

    Returns:
        CosineDecay: A callable ``schedule(step)``. A step of shape S (a number, or an array of any real dtype) gives
        an array of shape S + P: float32 for integer steps, else the step's dtype, promoted with the dtypes of ``init``
        and ``end`` where those are ``mx.array``. ``schedule[i]`` is group i's own schedule.

    Raises:
        ValueError: ``decay_steps`` below 1, a value that is not finite, or shapes that do not broadcast. Also, when it
            has groups, from an ordinary optimizer that is given it: the rates would broadcast along the last axis of
            every weight. :class:`MultiOptimizer` is for parameter groups.
        TypeError: A value that is a ``bool``, complex, a string or ``None``.

    Inside ``mx.compile``, ``mx.grad`` and ``mx.vmap`` the values of traced arrays can't be read and are not checked;
    ``decay_steps <= 0`` then gives ``end``.

    Example:
        >>> import mlx.optimizers as optim
        >>> import mlx_schedules as ms
        >>> optimizer = optim.SGD(learning_rate=ms.cosine_decay(1e-1, 1000))
        >>> optimizer.learning_rate
        array(0.1, dtype=float32)
        >>>
        >>> for _ in range(5): optimizer.update({}, {})
        ...
        >>> optimizer.learning_rate
        array(0.0999961, dtype=float32)

        Two parameter groups in one schedule:

        >>> rates = ms.cosine_decay([1e-3, 1e-4], [1000, 2000], end=[0.0, 1e-6])
        >>> rates(1000)
        array([0, 5.05e-05], dtype=float32)

    Source:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5,
        https://arxiv.org/abs/1608.03983
    """
    return CosineDecay(init, decay_steps, end)


def _rebuild(*values: tuple[str, Nested, tuple[int, ...], str | None]) -> CosineDecay:
    parts = (
        Value(name, numbers, shape, getattr(mx, dtype) if dtype else None) for name, numbers, shape, dtype in values
    )
    return CosineDecay._of(*parts)


def _vector_of_rates(shape: tuple[int, ...]) -> str:
    return (
        f"[cosine_decay] An ordinary optimizer takes one rate, and this schedule has groups of shape {shape}: they "
        "would broadcast along the last axis of every weight. Use ms.MultiOptimizer(optimizers, filters, "
        "learning_rate=schedule) for parameter groups, or schedule[i] for group i alone. (Where broadcasting is meant: "
        "lambda step: schedule(step).)"
    )


def _code(value: Value) -> str:
    if value.unread is not None:
        return f"<traced array of shape {value.shape}>"
    numbers = repr(value.numbers) if not isinstance(value.numbers, tuple) else _listed(value.numbers)
    dtype = value.shown_dtype()
    return numbers if dtype is None else f"mx.array({numbers}, dtype=mx.{dtype_name(dtype)})"


def _listed(numbers: Nested) -> str:
    return f"[{', '.join(map(_listed, numbers))}]" if isinstance(numbers, tuple) else repr(numbers)
