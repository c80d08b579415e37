from collections.abc import Sequence

import mlx.core

class Segments:
    """The numbers of a schedule, made once and passed to every call."""

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
    The dtype of the values of a schedule made of numbers of dtypes ``values``, at steps of dtype ``step``.
    """

def eases() -> list[tuple[str, bool, str]]:
    """
    Every ease in the order of their codes: its name, whether it ends at its length, and what its parameter is.
    """

def is_tracer(a: mlx.core.array) -> bool:
    """
    Whether a transformation is tracing ``a``, so that its value cannot be read.
    """

def fuse(inputs: list[mlx.core.array], outputs: list[mlx.core.array]) -> list[mlx.core.array] | None:
    """
    The outputs, made from the inputs by one kernel inside ``mx.compile``, or None if that is not possible.
    """

def unstack(row: mlx.core.array) -> list[mlx.core.array]:
    """The elements of a row as scalars, which share its memory."""

def set_exporting(on: bool) -> bool:
    """
    Sets whether calls on this thread return a graph of MLX's own ops; returns the previous setting.
    """

def exporting() -> bool:
    """Whether calls on this thread return a graph of MLX's own ops."""

def instruction_set() -> str:
    """The CPU kernels in use: baseline, avx2 or avx512."""

def gpu_kernels() -> str:
    """
    Where the GPU's kernels come from; empty if no GPU backend is built in.
    """
