from __future__ import annotations

from .._columns.numbers import Real
from .constructor import CONSTRUCTORS, constructor
from .schedule import Schedule


def _made(name: str, *arguments: Real) -> Schedule:
    return Schedule._of(CONSTRUCTORS[name](*arguments))


@constructor("cosine", init="init", decay_steps="length", end="end")
def cosine_decay(init: Real, decay_steps: Real, end: Real = 0.0) -> Schedule:
    """Make a cosine decay schedule; a drop-in for ``mlx.optimizers.cosine_decay``.

    Formula:
        end + (init - end) · cos²(π/2 · s/T)
        s = clip(step, 0, T), T = decay_steps

    The value is exactly ``init`` up to step 0 and exactly ``end`` from step T on. In between it is within 0.51 ULP (in
    float32, where init and end have the same sign). Each call is one op. One difference from MLX's closure is
    deliberate: negative steps give ``init``, where the closure mirrors the curve.

    Args:
        init: Initial value.
        decay_steps: Number of steps to decay over, above 0. The value is constant beyond.
        end: Final value to decay to. Default: ``0``.

    Each may be a number, a NumPy or MLX array, or a list of these, with one entry for each parameter group. They
    broadcast together to the shape P of the groups, which is ``()`` for numbers.

    Returns:
        Schedule: A callable ``schedule(step)``. A step of shape S (a number, or an array of any real dtype) gives
        an array of shape S + P: float32 for integer steps, else the step's dtype, promoted with the dtypes of ``init``
        and ``end`` where those are ``mx.array``. ``schedule[i]`` is group i's own schedule.

    Raises:
        ValueError: ``decay_steps`` not above 0, a value that is not finite, or shapes that do not broadcast.
        TypeError: A value that is a ``bool``, complex, a string or ``None``.

    Arrays that are traced, by ``mx.compile``, ``mx.grad`` or ``mx.vmap``, have no values yet, so nothing is checked.
    A ``decay_steps`` that turns out to be 0 or less then gives ``end``.

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
    return _made("cosine_decay", init, decay_steps, end)


@constructor("linear", init="init", end="end", steps="length")
def linear_schedule(init: Real, end: Real, steps: Real) -> Schedule:
    """Make a linear schedule; a drop-in for ``mlx.optimizers.linear_schedule``.

    Formula:
        init + (end - init) · s/T
        s = clip(step, 0, T), T = steps

    The value is exactly ``init`` up to step 0 and exactly ``end`` from step T on. Arguments, results and errors are as
    in :func:`cosine_decay`.

    Args:
        init: Initial value.
        end: Final value.
        steps: Number of steps to apply the schedule over, above 0. The value is ``end`` for any steps beyond.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.linear_schedule(0, 1e-1, 100)(mx.array([0, 50, 101]))
        array([0, 0.05, 0.1], dtype=float32)
    """
    return _made("linear_schedule", init, end, steps)


@constructor("exponential", init="init", decay_rate="parameter")
def exponential_decay(init: Real, decay_rate: Real) -> Schedule:
    """Make an exponential decay schedule; a drop-in for ``mlx.optimizers.exponential_decay``.

    Formula:
        init · decay_rate^s
        s = max(step, 0)

    It goes on for ever. A Python number as ``decay_rate`` keeps all its digits, so that long runs don't drift.

    Args:
        init: Initial value.
        decay_rate: Multiplicative factor to decay by, above 0.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.exponential_decay(1e-1, 0.9)(mx.array([0, 4, 30]))
        array([0.1, 0.06561, 0.00423912], dtype=float32)
    """
    return _made("exponential_decay", init, decay_rate)


@constructor("stairs", init="init", decay_rate="parameter", step_size="length")
def step_decay(init: Real, decay_rate: Real, step_size: Real) -> Schedule:
    """Make a step decay schedule; a drop-in for ``mlx.optimizers.step_decay``.

    Formula:
        init · decay_rate^⌊s/step_size⌋
        s = max(step, 0)

    Args:
        init: Initial value.
        decay_rate: Multiplicative factor to decay by, above 0.
        step_size: Decay every ``step_size`` steps, above 0.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.step_decay(1e-1, 0.5, 10)(mx.array([0, 9, 10, 20, 39]))
        array([0.1, 0.1, 0.05, 0.025, 0.0125], dtype=float32)

    Source:
        He and others, "Deep Residual Learning for Image Recognition", 2015, https://arxiv.org/abs/1512.03385
    """
    return _made("step_decay", init, decay_rate, step_size)


@constructor("hold", value="init")
def constant(value: Real) -> Schedule:
    """Make a schedule that always has the same value.

    Formula:
        value

    It is useful as a part of :func:`join_schedules`, behind a warmup, or as one group of :func:`stack`.

    Args:
        value: A number, or one for each group.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.constant(1e-3).warmup(10)(mx.array([0, 5, 10, 1000]))
        array([0, 0.0005, 0.001, 0.001], dtype=float32)
    """
    return _made("constant", value)


@constructor("reverse_power", init="init", decay_steps="length", end="end", power="parameter")
def polynomial_decay(init: Real, decay_steps: Real, end: Real = 0.0, power: Real = 1.0) -> Schedule:
    """Make a polynomial decay schedule.

    Formula:
        end + (init - end) · (1 - s/T)^power
        s = clip(step, 0, T), T = decay_steps

    A schedule that moves as (s/T)^power, slowly at first, is made by the ease's name:
    ``Schedule.from_dict({"name": "schedule", "segments": [{"ease": "power", "init": 1.0, "end": 0.0, "length": 10,
    "parameter": 2}]})``.

    Args:
        init: Initial value.
        decay_steps: Number of steps to decay over, above 0. The value is constant beyond.
        end: Final value to decay to.
        power: The exponent, above 0 and at most 2**24. With 1 the decay is linear, with 2 it is steep at first, and
            with 0.5 it is steep at the end.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.polynomial_decay(1.0, 10, power=2)(mx.array([0, 5, 10]))
        array([1, 0.25, 0], dtype=float32)

    Source:
        Chen and others, "DeepLab", 2016, section 4.3.1, the "poly" policy, https://arxiv.org/abs/1606.00915
    """
    return _made("polynomial_decay", init, decay_steps, end, power)


@constructor("inverse_power", init="init", timescale="length", fixed={"parameter": 0.5})
def inverse_sqrt_decay(init: Real, timescale: Real) -> Schedule:
    """Make an inverse square root schedule, which goes on for ever.

    Formula:
        init · √(t / (t + s))
        s = max(step, 0), t = timescale

    Args:
        init: Initial value.
        timescale: The number of steps after which the value is ``init`` / √2, above 0. After a warmup it is usually
            the number of the warmup's steps.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.inverse_sqrt_decay(1.0, 100)(mx.array([0, 300, 9900]))
        array([1, 0.5, 0.1], dtype=float32)

    Source:
        Vaswani and others, "Attention Is All You Need", 2017, section 5.3, https://arxiv.org/abs/1706.03762
    """
    return _made("inverse_sqrt_decay", init, timescale)
