from __future__ import annotations

from .._columns.numbers import Real
from .constructor import CONSTRUCTORS, constructor
from .schedule import Schedule


def _made(name: str, *arguments: Real) -> Schedule:
    return Schedule._of(CONSTRUCTORS[name](*arguments))


@constructor("cosine", init="init", decay_steps="length", end="end")
def cosine_decay(init: Real, decay_steps: Real, end: Real = 0.0) -> Schedule:
    r"""Make a cosine decay schedule; a drop-in for ``mlx.optimizers.cosine_decay``.

    .. math::
        \text{end} + (\text{init} - \text{end}) \cos^2\left(\frac{\pi}{2} \frac{s}{T}\right),
        \qquad s = \operatorname{clip}(\text{step}, 0, T),\ T = \text{decay\_steps}

    The value is exactly ``init`` at step 0 and before, exactly ``end`` at step T and after, within 0.51 ULP in between
    (float32, init and end of one sign), and each call is one op. It differs from MLX's closure in one deliberate way:
    negative steps hold ``init``, where the closure mirrors.

    Args:
        init: Initial value.
        decay_steps: Number of steps to decay over, above 0. The value is constant beyond.
        end: Final value to decay to. Default: ``0``.

    Each may be a number, a NumPy or MLX array, or a list of these; they broadcast together to the shape P of the
    parameter groups, ``()`` for numbers.

    Returns:
        Schedule: A callable ``schedule(step)``. A step of shape S (a number, or an array of any real dtype) gives
        an array of shape S + P: float32 for integer steps, else the step's dtype, promoted with the dtypes of ``init``
        and ``end`` where those are ``mx.array``. ``schedule[i]`` is group i's own schedule.

    Raises:
        ValueError: ``decay_steps`` not above 0, a value that is not finite, or shapes that do not broadcast.
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
    return _made("cosine_decay", init, decay_steps, end)


@constructor("linear", init="init", end="end", steps="length")
def linear_schedule(init: Real, end: Real, steps: Real) -> Schedule:
    r"""Make a linear schedule; a drop-in for ``mlx.optimizers.linear_schedule``.

    .. math::
        \text{init} + (\text{end} - \text{init}) \frac{s}{T},
        \qquad s = \operatorname{clip}(\text{step}, 0, T),\ T = \text{steps}

    Exactly ``init`` at step 0 and before, exactly ``end`` at step T and after. Arguments, results and errors are as in
    :func:`cosine_decay`.

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
    r"""Make an exponential decay schedule; a drop-in for ``mlx.optimizers.exponential_decay``.

    .. math::
        \text{init} \cdot \text{decay\_rate}^{\,s}, \qquad s = \max(\text{step}, 0)

    It has no end. A Python number keeps all its digits however many steps there are: 0.9999 means 0.9999.

    Args:
        init: Initial value.
        decay_rate: Multiplicative factor to decay by, above 0.

    Example:
        >>> import mlx_schedules as ms
        >>> ms.exponential_decay(1e-1, 0.9)(4)
        array(0.06561, dtype=float32)
    """
    return _made("exponential_decay", init, decay_rate)


@constructor("stairs", init="init", decay_rate="parameter", step_size="length")
def step_decay(init: Real, decay_rate: Real, step_size: Real) -> Schedule:
    r"""Make a step decay schedule; a drop-in for ``mlx.optimizers.step_decay``.

    .. math::
        \text{init} \cdot \text{decay\_rate}^{\lfloor s / \text{step\_size} \rfloor}, \qquad s = \max(\text{step}, 0)

    Args:
        init: Initial value.
        decay_rate: Multiplicative factor to decay by, above 0.
        step_size: Decay every ``step_size`` steps, above 0.

    Example:
        >>> import mlx_schedules as ms
        >>> ms.step_decay(1e-1, 0.9, 10)(20)
        array(0.081, dtype=float32)
    """
    return _made("step_decay", init, decay_rate, step_size)


@constructor("hold", value="init")
def constant(value: Real) -> Schedule:
    """Make a schedule that always has one value, alone or as a part of :func:`join_schedules`.

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
    r"""Make a polynomial decay schedule.

    .. math::
        \text{end} + (\text{init} - \text{end}) \left(1 - \frac{s}{T}\right)^{\text{power}},
        \qquad s = \operatorname{clip}(\text{step}, 0, T),\ T = \text{decay\_steps}

    Args:
        init: Initial value.
        decay_steps: Number of steps to decay over, above 0. The value is constant beyond.
        end: Final value to decay to.
        power: The exponent, above 0; 1 is linear, 0.5 falls late and steeply.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.polynomial_decay(1.0, 10, power=2)(mx.array([0, 5, 10]))
        array([1, 0.25, 0], dtype=float32)
    """
    return _made("polynomial_decay", init, decay_steps, end, power)


@constructor("inverse_power", init="init", timescale="length", fixed={"parameter": 0.5})
def inverse_sqrt_decay(init: Real, timescale: Real) -> Schedule:
    r"""Make an inverse square root schedule, which has no end.

    .. math::
        \text{init} \sqrt{\frac{t}{t + s}}, \qquad s = \max(\text{step}, 0),\ t = \text{timescale}

    Args:
        init: Initial value.
        timescale: After so many steps it is ``init`` / √2; above 0. Behind a warmup commonly the warmup's steps.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> ms.inverse_sqrt_decay(1.0, 100)(mx.array([0, 300, 9900]))
        array([1, 0.5, 0.1], dtype=float32)

    Source:
        Vaswani and others, "Attention Is All You Need", 2017, section 5.3, https://arxiv.org/abs/1706.03762
    """
    return _made("inverse_sqrt_decay", init, timescale)
