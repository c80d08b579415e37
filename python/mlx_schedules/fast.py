"""The op itself, for hyperparameters that change from call to call. Schedules are easier to use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, get_args

import mlx.core as mx

from . import _ext
from ._columns.arithmetic import plus
from ._columns.column import ONE, ZERO, Column, Row, all_values
from ._columns.dtypes import promoting, result_dtype
from ._columns.eases import EASES
from ._columns.held import held_times
from ._columns.numbers import Real, described, real_for
from ._columns.operands import segments, value_dtypes
from ._columns.read import (
    Check,
    check_dtype,
    check_finite,
    check_length,
    check_positive,
    check_span,
    check_steps,
    is_listed,
    read,
    read_step,
    read_times,
    unread,
)
from ._columns.segments import check_geometric
from ._columns.values import Traced, Values, check_broadcast, common_shape

__all__ = ["cosine_decay", "evaluate"]

Stream: TypeAlias = mx.Stream | mx.ThreadLocalStream | mx.Device | mx.DeviceType


def cosine_decay(
    step: Real,
    init: Real,
    decay_steps: Real,
    end: Real = 0.0,
    *,
    stream: Stream | None = None,
) -> mx.array:
    """Evaluate a cosine decay from ``init`` to ``end`` over ``decay_steps`` steps, element by element.

    Formula:
        end + (init - end) · cos²(π/2 · s/T)
        s = clip(step, 0, T), T = decay_steps

    The value is exactly ``init`` for ``step <= 0`` and exactly ``end`` for ``step >= decay_steps``. The largest error
    is 0.51 ULP in float32 (if init and end have the same sign) and 1 ULP in float64. float16 and bfloat16 results are
    rounded once from float32.

    Args:
        step: Steps taken so far; any real dtype (``bool`` counts as 0 and 1). Integers of every width are exact over
            their whole range, fractions interpolate, NaN gives NaN.
        init: The value at step 0.
        decay_steps: Steps from ``init`` to ``end``, above 0; whole or fractional. An ``mx.array`` may hold 0 or less,
            which gives ``end``.
        end: The value from step ``decay_steps`` on.
        stream: Stream or device. Float64 is computed on the CPU only.

    The four broadcast together as in NumPy. ``mx.array`` values of ``decay_steps`` are not checked, since reading them
    would evaluate them.

    Returns:
        array: float32 for integer steps, else the dtype of ``step``. ``init`` and ``end`` promote it if they are
        ``mx.array``; numbers, lists and NumPy arrays don't, as in MLX. Every operand of a float dtype can be
        differentiated, any number of times.

    Raises:
        ValueError: A number or list holds a ``decay_steps`` not above 0 or a value that is not finite; the shapes do
            not broadcast; the result is float64 and ``stream`` is a GPU's.
        TypeError: An operand is complex, a string or ``None``; a hyperparameter is a ``bool``; or ``stream`` is not a
            stream or device.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.fast.cosine_decay(mx.array([0, 500, 1000]), 1.0, 1000)
        array([1, 0.5, 0], dtype=float32)

    Source:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5,
        https://arxiv.org/abs/1608.03983
    """
    _check_stream("cosine_decay", stream)
    a, b = _value("[cosine_decay] init", init), _value("[cosine_decay] end", end)
    time = _time("[cosine_decay] decay_steps", decay_steps, check_length)
    values = frozenset(promoting(a, b))
    if not isinstance(step, mx.array):
        step = read_step("cosine_decay", step, result_dtype(mx.float32, values))
    check_dtype("[cosine_decay] step", step.dtype, booleans=True)
    dtype = result_dtype(step.dtype, values)
    high, rest = held_times([time], real_for(dtype))
    first, last = a.as_array(dtype), b.as_array(dtype)
    try:
        if rest is None:
            return _ext.cosine_decay(step, first, high, last, stream=stream)
        operands = {"init": first, "length": high, "end": last, "length_rest": rest}
        return _ext.evaluate(step, _ext.Segments(["cosine"], operands), stream=stream)
    except ValueError:
        check_broadcast("cosine_decay", step=Traced(step), init=a, decay_steps=time, end=b)
        raise


def evaluate(
    step: Real,
    eases: Sequence[str],
    init: Sequence[Real],
    end: Sequence[Real],
    length: Sequence[Real],
    begin: Sequence[Real] | None = None,
    *,
    lead: Sequence[Real] | None = None,
    parameter: Sequence[Real] | None = None,
    stream: Stream | None = None,
) -> mx.array:
    """Evaluate segments that follow one another, which is what every schedule is made of, element by element.

    Formula:
        init + (end - init) · w((step - begin + lead) / length)
        all of the last segment with begin ≤ step; w is the weight of its ease

    Eases that never end multiply ``init`` by their weight instead. The largest error is that of schedules, 0.51 ULP in
    float32.

    Args:
        step: Steps taken so far, as for :func:`cosine_decay`.
        eases: The ease of each segment: ``hold``, ``linear``, ``cosine``, ``power``, ``reverse_power``, ``geometric``;
            or one that never ends, ``exponential``, ``stairs`` or ``inverse_power``.
        init: For each segment the value that it goes from, a number or an array of any shape.
        end: The value it goes to. Ignored for ``hold`` and the eases that never end.
        length: The number of steps it takes, at least 0.
        begin: The step at which it starts, in ascending order. Default: where the one before ends.
        lead: How many of its steps are already over when it starts. Default: none.
        parameter: The exponent of ``power``, ``reverse_power`` and ``inverse_power``, at most 2**24; the rate of
            ``exponential`` and ``stairs``. Above 0. Default: 1.
        stream: Stream or device. Float64 is computed on the CPU only.

    Steps and the numbers of all segments broadcast together as in NumPy. ``mx.array`` values are not checked.

    Returns:
        array: As from :func:`cosine_decay`.

    Raises:
        ValueError: There is no such ease, the lists are of different lengths, a number is out of its range, or shapes
            do not broadcast.
        TypeError: As for :func:`cosine_decay`.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> peak = mx.array([1.0, 0.5])  # one for each of two parameter groups
        >>> step = mx.array([[0], [10], [60], [110]])
        >>> ms.fast.evaluate(step, ["linear", "cosine"], [0.0, peak], [peak, 0.0], [10, 100])
        array([[0, 0],
               [1, 0.5],
               [0.5, 0.25],
               [0, 0]], dtype=float32)

    Source:
        The eases' headers, ``kernels/ease`` in this package's source.
    """
    _check_stream("evaluate", stream)
    row = _row(eases, init, end, length, begin, lead, parameter)
    if not isinstance(step, mx.array):
        step = read_step("evaluate", step, result_dtype(mx.float32, value_dtypes(row)))
    check_dtype("[evaluate] step", step.dtype, booleans=True)
    shapes = [value.shape for value in all_values(row)]
    if common_shape([*shapes, tuple(step.shape)]) is None:
        listed = ", ".join(map(str, dict.fromkeys(shapes)))
        raise ValueError(f"[evaluate] Shapes do not broadcast: step {tuple(step.shape)}, the segments' {listed}.")
    return _ext.evaluate(step, segments(row, None, step.dtype), stream=stream)


def __dir__() -> list[str]:
    return __all__  # for completion in a prompt


def _row(eases: Sequence[str], *lists: Sequence[Any] | None) -> Row:
    if isinstance(eases, str) or not isinstance(eases, Sequence) or not eases:
        raise TypeError(f"[evaluate] eases must be a list of names, one for each segment, got {described(eases)}.")
    for ease in eases:
        if not isinstance(ease, str) or ease not in EASES:
            raise ValueError(f"[evaluate] eases must be of {', '.join(EASES)}, got {described(ease)}.")
    init, end, lengths, begin, lead, parameter = (
        _each(name, part, len(eases))
        for name, part in zip(("init", "end", "length", "begin", "lead", "parameter"), lists, strict=True)
    )
    columns: list[Column] = []
    following: Values = ZERO
    for k, ease in enumerate(eases):
        first = _value(f"[evaluate] init[{k}]", init[k])
        last = _value(f"[evaluate] end[{k}]", end[k]) if EASES[ease].ends else first
        time = _time(f"[evaluate] length[{k}]", lengths[k], check_span)
        begins = following if begin[k] is None else _time(f"[evaluate] begin[{k}]", begin[k], check_steps)
        leads = ZERO if lead[k] is None else _time(f"[evaluate] lead[{k}]", lead[k], check_steps)
        own = ONE if parameter[k] is None else _value(f"[evaluate] parameter[{k}]", parameter[k], check_positive)
        check_broadcast("evaluate", init=first, end=last, length=time, begin=begins, lead=leads, parameter=own)
        columns.append(Column(ease, first, last, begins, leads, time, own))
        if ease == "geometric":
            check_geometric(f"[evaluate] segment {k}", columns[-1])
        following = plus(begins, time)
    return tuple(columns)


def _each(name: str, part: Sequence[Any] | None, count: int) -> Sequence[Any]:
    if part is None and name in ("begin", "lead", "parameter"):
        return [None] * count
    if not (isinstance(part, (list, tuple, mx.array)) and is_listed(part)) or len(part) != count:
        raise ValueError(
            f"[evaluate] {name} must be a list with an entry for each of {count} segments, got {described(part)}."
        )
    return list(part)


def _check_stream(function: str, stream: object) -> None:
    if not (stream is None or isinstance(stream, get_args(Stream))):
        raise TypeError(
            f"[{function}] stream must be a stream or a device of MLX, such as mx.cpu or "
            f"mx.default_stream(mx.gpu), got {described(stream)}."
        )


# Arrays aren't checked, because reading them would evaluate them.


def _value(label: str, value: Real, check: Check = check_finite) -> Values:
    return unread(label, value) if isinstance(value, mx.array) else read(label, value, check)


def _time(label: str, value: Real, check: Check) -> Values:
    return unread(label, value) if isinstance(value, mx.array) else read_times(label, value, check)
