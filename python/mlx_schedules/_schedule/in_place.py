from __future__ import annotations

from contextlib import ExitStack

import mlx.optimizers as optim
from mlx.optimizers import schedulers

from .constructors import cosine_decay, exponential_decay, linear_schedule, step_decay
from .join import join_schedules

_FIVE = (cosine_decay, exponential_decay, join_schedules, linear_schedule, step_decay)


def in_place_of_mlx() -> ExitStack:
    """Put this package's five functions in the place of MLX's, for code that one does not own.

    From the call on, ``cosine_decay``, ``exponential_decay``, ``join_schedules``, ``linear_schedule`` and
    ``step_decay`` of ``mlx.optimizers`` and of ``mlx.optimizers.schedulers`` are this package's, in the whole process:
    code that looks them up there has its schedules as one op each. Call it before that code is imported: a name that it
    has taken already, as by ``from mlx.optimizers import cosine_decay``, can't be reached and stays MLX's, and so do
    schedules that are made already.

    ``python -m mlx_schedules run -m MODULE`` (or ``run script.py``) runs a program that way.

    Returns:
        contextlib.ExitStack: What undoes it, at the end of a ``with`` or by its ``close()``. If neither is used, it
        stays. If several are in force, the last is to be undone first.

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
