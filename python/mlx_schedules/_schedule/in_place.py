from __future__ import annotations

from contextlib import ExitStack

import mlx.optimizers as optim
from mlx.optimizers import schedulers

from .constructors import cosine_decay, exponential_decay, linear_schedule, step_decay
from .join import join_schedules

_FIVE = (cosine_decay, exponential_decay, join_schedules, linear_schedule, step_decay)


def in_place_of_mlx() -> ExitStack:
    """Replace MLX's five schedulers with this package's, for code that you can't edit.

    From now on ``cosine_decay``, ``exponential_decay``, ``join_schedules``, ``linear_schedule`` and ``step_decay`` of
    ``mlx.optimizers`` and ``mlx.optimizers.schedulers`` are this package's, in the whole process. Call this before the
    other code is imported: a name that it has imported already (``from mlx.optimizers import cosine_decay``) stays
    MLX's, and so do schedules that it has already made.

    ``python -m mlx_schedules run -m MODULE`` (or ``run script.py``) runs a program that way.

    Returns:
        contextlib.ExitStack: It restores MLX's functions at the end of a ``with`` block, or by its ``close()``. If you
        use neither, they stay replaced. If there are several, undo the last one first.

    Example:
        >>> import mlx.optimizers as optim
        >>> import mlx_schedules as ms
        >>> with ms.in_place_of_mlx():
        ...     optim.cosine_decay(1e-3, 1000)
        cosine_decay(init=0.001, decay_steps=1000, end=0.0)
        >>> isinstance(optim.cosine_decay(1e-3, 1000), ms.Schedule)
        False
    """
    undo = ExitStack()
    for module in (optim, schedulers):
        for function in _FIVE:
            name = function.__name__
            undo.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, function)
    return undo
