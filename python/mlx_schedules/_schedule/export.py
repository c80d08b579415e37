from collections.abc import Iterator
from contextlib import contextmanager

from .. import _ext


@contextmanager
def exporting() -> Iterator[None]:
    r"""Within this context, schedules evaluate to MLX's own ops, which ``mx.export_function`` can save.

    A custom primitive can't be serialised. In the context, every call on this thread returns the same formula as a
    graph of MLX's ops. It is exact at both ends, has the same shape and dtype, and can be differentiated. Steps, whole
    lengths and periods are counted exactly, as by the primitive. Fractional lengths and periods are pairs of floats,
    which hold 48 bits (106 in float64), and are rounded down. So three lengths of 10/3 steps are over at step 10. The
    float 1.1 is a little more than 11/10, so for the primitive step 11 is still in its tenth period; as a pair of
    float32 numbers, an endless repeat of it restarts at step 11. Far from step 0, such as after 2^24 steps of a
    fractional period, steps are no longer exact.

    The table has the largest errors of values above 2^-94, in ULP, or in ULP of the larger of ``init`` and ``end`` if
    these have opposite signs. Smaller values, down to the least normal number, have errors of up to 8 ULP.

    | ease | float32 | float64 |
    | --- | --- | --- |
    | hold | 0 | 0 |
    | linear, power, reverse_power | 3 | 3 |
    | cosine | 7 | 7 |
    | geometric, exponential, stairs, inverse_power | 2 | 2 |

    MLX's own exp and log are less accurate, and no better in float64 than in float32, so eases that need these
    compute them with pairs of numbers. Their graphs have several hundred ops. Those of the other eases have a few
    dozen, or more if steps or lengths have fractions.

    With ``shapeless=True``, plain calls, ``mx.grad`` and ``mx.vjp`` follow new shapes. MLX itself keeps traced shapes
    in ``mx.jvp`` wherever it broadcasts a constant, and in ``mx.vmap`` wherever an unmapped argument has an axis.
    Functions that call ``mx.jvp``, or ``mx.vmap`` with groups, can therefore be exported for one shape only.

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
