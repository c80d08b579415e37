"""The op itself, for steps and hyperparameters that are arrays of the moment."""

from __future__ import annotations

from typing import TypeAlias

import mlx.core as mx

from . import _ext
from ._numbers import Real, described
from ._read import check_dtype, length, read, read_step, read_times, unread
from ._values import Traced, Values, check_broadcast, held_exactly, promoting, result_dtype

__all__ = ["cosine_decay"]

_STREAMS = (mx.Stream, mx.ThreadLocalStream, mx.Device, mx.DeviceType)
Stream: TypeAlias = mx.Stream | mx.ThreadLocalStream | mx.Device | mx.DeviceType


def cosine_decay(
    step: Real,
    init: Real,
    decay_steps: Real,
    end: Real = 0.0,
    *,
    stream: Stream | None = None,
) -> mx.array:
    r"""Cosine decay from ``init`` to ``end`` over ``decay_steps`` steps, element by element.

    .. math::
        \text{end} + (\text{init} - \text{end}) \cos^2\left(\frac{\pi}{2} \frac{s}{T}\right),
        \qquad s = \operatorname{clip}(\text{step}, 0, T),\ T = \text{decay\_steps}

    Exactly ``init`` at ``step <= 0`` and exactly ``end`` at ``step >= decay_steps``. The largest error is 0.51 ULP
    in float32 (init and end of one sign) and 1 ULP in float64; float16 and bfloat16 are rounded once from float32.

    Args:
        step: Steps taken so far; any real dtype (``bool`` counts as 0 and 1). Integers of every width are exact over
            their whole range, fractions interpolate, NaN gives NaN.
        init: The value at step 0.
        decay_steps: Steps from ``init`` to ``end``, above 0; whole or fractional. Where an array's values are at most
            0, the decay has ended: ``end``.
        end: The value from step ``decay_steps`` on.
        stream: Stream or device. Float64 is computed on the CPU only.

    The four broadcast together as in NumPy. ``mx.array`` values of ``decay_steps`` are not checked, since reading them
    would evaluate them.

    Returns:
        array: float32 for integer steps, else the dtype of ``step``, promoted with that of ``init`` and ``end`` where
        those are ``mx.array``; numbers, lists and NumPy arrays are weak, as in MLX. Differentiable in every operand of
        a float dtype, any number of times.

    Raises:
        ValueError: A number or list holds a ``decay_steps`` not above 0 or a value that is not finite; the shapes do
            not broadcast; the result is float64 and ``stream`` is a GPU's.
        TypeError: An operand is complex, a string or ``None``; a hyperparameter is a ``bool``; or ``stream`` is no
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
    if not (stream is None or isinstance(stream, _STREAMS)):
        raise TypeError(
            "[cosine_decay] stream must be a stream or a device of MLX, such as mx.cpu or "
            f"mx.default_stream(mx.gpu), got {described(stream)}."
        )
    a, b = _operand("init", init), _operand("end", end)
    time = _operand("decay_steps", decay_steps, times=True)
    values = frozenset(promoting(a, b))
    if not isinstance(step, mx.array):
        step = read_step("cosine_decay", step, result_dtype(mx.float32, values))
    check_dtype("[cosine_decay] step", step.dtype, booleans=True)
    dtype = result_dtype(step.dtype, values)
    high, rest = held_exactly([time], mx.float64 if dtype == mx.float64 else mx.float32)
    first, last = a.as_array(dtype), b.as_array(dtype)
    try:
        if rest is None:
            return _ext.cosine_decay(step, first, high, last, stream=stream)
        operands = {"from": first, "length": high, "to": last, "length_rest": rest}
        return _ext.evaluate(step, _ext.Segments(["cosine"], operands), stream=stream)
    except ValueError:
        check_broadcast("cosine_decay", step=Traced(step), init=a, decay_steps=time, end=b)
        raise


def _operand(name: str, value: Real, times: bool = False) -> Values:
    """An array is taken as it is: reading it would evaluate it."""
    label = f"[cosine_decay] {name}"
    if isinstance(value, mx.array):
        return unread(label, value)
    return read_times(label, value, length) if times else read(label, value)
