"""Exact, fused learning-rate schedules for MLX."""

from . import _compatibility

_compatibility.check()  # before the compiled module loads: a mismatch would crash or reject every array

from . import fast  # noqa: E402
from ._export import exporting  # noqa: E402
from ._layerwise import layerwise_decay  # noqa: E402
from ._multi_optimizer import MultiOptimizer  # noqa: E402
from ._schedule import CosineDecay, cosine_decay  # noqa: E402
from ._stack import stack  # noqa: E402

__version__ = _compatibility.version()

__all__ = ["CosineDecay", "MultiOptimizer", "cosine_decay", "exporting", "fast", "layerwise_decay", "stack"]
