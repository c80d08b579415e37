"""Exact, fused learning-rate schedules for MLX."""

from . import _compatibility

_compatibility.check()  # before the compiled module loads: a mismatch would crash or reject every array

from . import fast  # noqa: E402
from ._constructors import (  # noqa: E402
    constant,
    cosine_decay,
    exponential_decay,
    inverse_sqrt_decay,
    linear_schedule,
    polynomial_decay,
    step_decay,
)
from ._export import exporting  # noqa: E402
from ._in_place import in_place_of_mlx  # noqa: E402
from ._join import join_schedules  # noqa: E402
from ._layerwise import layerwise_decay  # noqa: E402
from ._multi_optimizer import MultiOptimizer  # noqa: E402
from ._runs import warmup_cosine, warmup_linear, warmup_stable_decay  # noqa: E402
from ._schedule import Schedule  # noqa: E402
from ._stack import stack  # noqa: E402

__version__ = _compatibility.version()

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
    "warmup_cosine",
    "warmup_linear",
    "warmup_stable_decay",
]
