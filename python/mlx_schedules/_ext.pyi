import mlx.core

def cosine_decay(
    step: mlx.core.array,
    init: mlx.core.array,
    decay_steps: mlx.core.array,
    end: mlx.core.array,
    *,
    stream: mlx.core.Stream | mlx.core.Device | None = None,
) -> mlx.core.array:
    """The op on arrays; ``mlx_schedules.fast.cosine_decay`` documents it."""

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
