from collections.abc import Sequence

import mlx.core

class Segments:
    """The numbers of a schedule, made once and handed over at each call."""

    def __init__(
        self, eases: Sequence[str], operands: dict[str, mlx.core.array], repeat: int | None = None
    ) -> None: ...

def evaluate(
    step: mlx.core.array,
    segments: Segments,
    *,
    stream: mlx.core.Stream | mlx.core.ThreadLocalStream | mlx.core.Device | mlx.core.DeviceType | None = None,
) -> mlx.core.array:
    """The op on a schedule; ``mlx_schedules.fast.evaluate`` documents it."""

def cosine_decay(
    step: mlx.core.array,
    init: mlx.core.array,
    decay_steps: mlx.core.array,
    end: mlx.core.array,
    *,
    stream: mlx.core.Stream | mlx.core.ThreadLocalStream | mlx.core.Device | mlx.core.DeviceType | None = None,
) -> mlx.core.array:
    """The op on arrays; ``mlx_schedules.fast.cosine_decay`` documents it."""

def result_dtype(step: mlx.core.Dtype, *values: mlx.core.Dtype) -> mlx.core.Dtype:
    """
    The dtype of a schedule's values at steps of dtype ``step``, where those it was made with have ``values``.
    """

def eases() -> list[tuple[str, bool, str]]:
    """
    Every ease in the order of its codes: its name, whether it has an end of its own, and what its parameter is.
    """

def is_tracer(a: mlx.core.array) -> bool:
    """
    Whether a transformation is tracing ``a``, so that its value cannot be read.
    """

def set_exporting(on: bool) -> bool:
    """
    Makes this thread's calls return a graph of MLX's own ops, or no longer; returns what it was.
    """

def instruction_set() -> str:
    """The CPU kernels in use: baseline, avx2 or avx512."""

def gpu_kernels() -> str:
    """
    Where the GPU's kernels come from; empty where no GPU backend is built in.
    """
