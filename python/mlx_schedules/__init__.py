"""Schedules of learning rates and other hyperparameters for MLX."""

from . import _compatibility

__path__.append(_compatibility.module_folder())  # of _ext: with another MLX it would crash or reject every array

from . import fast  # noqa: E402
from ._optimizer.layerwise import layerwise_decay  # noqa: E402
from ._optimizer.multi_optimizer import MultiOptimizer  # noqa: E402
from ._schedule.constructors import (  # noqa: E402
    constant,
    cosine_decay,
    exponential_decay,
    inverse_sqrt_decay,
    linear_schedule,
    polynomial_decay,
    step_decay,
)
from ._schedule.export import exporting  # noqa: E402
from ._schedule.in_place import in_place_of_mlx  # noqa: E402
from ._schedule.join import join_schedules  # noqa: E402
from ._schedule.schedule import Schedule  # noqa: E402
from ._schedule.stack import stack  # noqa: E402
from ._schedule.updates import total_updates  # noqa: E402
from ._schedule.warmups import warmup_cosine, warmup_linear, warmup_stable_decay  # noqa: E402

__version__ = _compatibility.version()
Schedule.__module__ = __name__  # in pickles, which are to be read wherever the class will lie

__all__ = [
    "MultiOptimizer",
    "Schedule",
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
    "polynomial_decay",
    "stack",
    "step_decay",
    "total_updates",
    "warmup_cosine",
    "warmup_linear",
    "warmup_stable_decay",
]
