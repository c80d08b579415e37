"""Schedules of learning rates and other hyperparameters for MLX."""

import sys
from typing import TYPE_CHECKING, Any

from ._compatibility import backend, module_folder, version

if folder := module_folder():
    __path__.append(folder)  # where _ext is; the module for another MLX would crash or reject every array
else:
    from ._graph import module

    sys.modules[f"{__name__}._ext"] = module

from . import fast
from ._optimizer.layerwise import layerwise_decay
from ._optimizer.multi_optimizer import MultiOptimizer
from ._schedule.constructors import (
    constant,
    cosine_decay,
    exponential_decay,
    inverse_sqrt_decay,
    linear_schedule,
    polynomial_decay,
    step_decay,
)
from ._schedule.export import exporting
from ._schedule.in_place import in_place_of_mlx
from ._schedule.join import join_schedules
from ._schedule.schedule import Schedule
from ._schedule.stack import stack
from ._schedule.updates import total_updates
from ._schedule.warmups import one_cycle, warmup_cosine, warmup_linear, warmup_stable_decay

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return version()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


Schedule.__module__ = __name__  # so that pickles stay readable if the class moves to another module

__all__ = [
    "MultiOptimizer",
    "Schedule",
    "backend",
    "constant",
    "cosine_decay",
    "exponential_decay",
    "exporting",
    "fast",
    "in_place_of_mlx",
    "inverse_sqrt_decay",
    "join_schedules",
    "layerwise_decay",
    "linear_schedule",
    "one_cycle",
    "polynomial_decay",
    "stack",
    "step_decay",
    "total_updates",
    "warmup_cosine",
    "warmup_linear",
    "warmup_stable_decay",
]
