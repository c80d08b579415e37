from collections.abc import Iterator
from contextlib import contextmanager

from .. import _ext


@contextmanager
def exporting() -> Iterator[None]:
    r"""Within this context schedules evaluate as MLX's own ops, which ``mx.export_function`` can save.

    A custom primitive can't be serialised. In the context every call on this thread returns the same formula as a graph
    of MLX's ops, exact at both ends, of the same shape and dtype, and differentiable as well. Steps, whole lengths and
    periods are counted exactly, as the primitive counts them. Fractional ones are pairs of floats, which hold 48 bits
    (106 in float64): far from step 0, as after 2^24 steps of a fractional period, they are no longer exact.

    The largest error, in ULP (of the larger end where the ends' signs differ), of values above 2^-94 (what is smaller
    may lack bits of what it is made of, down to the normal numbers up to 8):

    | ease | float32 | float64 |
    | --- | --- | --- |
    | hold | 0 | 0 |
    | linear, power, reverse_power | 3 | 3 |
    | cosine | 7 | 7 |
    | geometric, exponential, stairs, inverse_power | 2 | 2 |

    MLX's own exp and log are less accurate, and no better in float64 than in float32, so these last eases compute
    theirs from pairs of numbers. Their graphs have several hundred ops, those of the other eases a few dozen, and more
    where steps or lengths have fractions.

    With ``shapeless=True`` MLX itself keeps traced shapes in ``mx.jvp`` wherever a constant is broadcast, and in
    ``mx.vmap`` wherever what is not mapped has an axis: so functions that call these, the latter on groups, can be
    exported for one shape alone. ``mx.grad``, ``mx.vjp`` and plain calls follow new shapes.

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
