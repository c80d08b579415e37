from collections.abc import Iterator
from contextlib import contextmanager

from .. import _ext


@contextmanager
def exporting() -> Iterator[None]:
    r"""Within this context schedules evaluate as MLX's own ops, which ``mx.export_function`` can save.

    A custom primitive can't be serialised. In the context every call on this thread returns the same formula as a graph
    of MLX's ops: the same value to 6 ULP, in float32 and in float64, exact at both ends, of the same shape and dtype,
    and differentiable as well.

    Example:
        >>> import mlx.core as mx
        >>> import mlx_schedules as ms
        >>> schedule = ms.cosine_decay(1e-1, 1000)
        >>> with ms.exporting():
        ...     mx.export_function("rate.mlxfn", schedule, mx.array(0))
        >>> rate = mx.import_function("rate.mlxfn")
        >>> rate(mx.array(500))[0]
        array(0.05, dtype=float32)

    Source:
        https://ml-explore.github.io/mlx/build/html/usage/export.html
    """
    before = _ext.set_exporting(True)
    try:
        yield
    finally:
        _ext.set_exporting(before)
