"""Corner cases for kernels of columns that random draws hardly reach: schedules, each with its steps."""

from collections.abc import Iterator

import mlx.core as mx
import numpy as np

from mlx_schedules import _ext

Corner = tuple[str, mx.array, _ext.Segments]


def whole(numbers: list[int] | np.ndarray, dtype: str) -> mx.array:
    return mx.array(np.array(numbers, np.uint64).astype(dtype))


def jumps(begins: list[int], dtype: str = "uint64", **more: mx.array) -> dict[str, mx.array]:
    """Return columns with these begins, each of which starts far from the end value of the one before."""
    n = len(begins)
    operands = {"init": mx.arange(n) * 10.0 + 1, "end": mx.arange(n) * 10.0 + 2, "begin": whole(begins, dtype)}
    return operands | {"length": whole([1000] * n, dtype)} | more


def begins_beyond_32_bits() -> Iterator[Corner]:
    for begin in (2**32 - 1, 2**32, 2**32 + 1, 2**33 + 5, 2**53 + 1):
        around = [max(b + i, 0) for b in (0, begin, begin + 1000, begin - 2**32) for i in range(-2, 3)]
        for dtype in ("uint64", "int64", "uint32"):
            steps = whole([s for s in around if dtype != "uint32" or s < 2**32], dtype)
            for ease in ("linear", "exponential"):
                rate = mx.array([0.0, -1e-3, 0.0])
                segments = _ext.Segments(["cosine", ease, "hold"], jumps([0, begin, begin + 1000], parameter=rate))
                yield f"begin {begin}, {ease}, {dtype}", steps, segments


def never() -> Iterator[Corner]:
    """A begin of 2^64 - 1 is never reached."""
    for dtype in ("uint8", "uint32", "uint64", "float32"):
        steps = mx.array([0, 1, 200]).astype(getattr(mx, dtype))
        yield f"never, {dtype}", steps, _ext.Segments(["cosine", "linear"], jumps([0, 2**64 - 1]))
    most = whole([2**64 - 2, 2**64 - 1], "uint64")
    yield "never, the last step", most, _ext.Segments(["cosine", "linear"], jumps([0, 2**64 - 1]))


def repeats() -> Iterator[Corner]:
    """Divide steps from 2^31 to 2^33 by a period. In a public report, 4294967294 % 3 is 4294967295 on Apple's GPUs."""
    steps = [*range(2**31 - 3, 2**31 + 4), *range(2**32 - 5, 2**32 + 5), *range(2**33 - 3, 2**33 + 4), 2**40, 2**63]
    for period in (1, 3, 7, 1000, 2**31 - 1, 2**32 - 1, 2**32 + 1):
        for begin in (0, 5):
            for dtype in ("uint32", "int64", "uint64"):
                some = whole([s for s in steps if s < 2**32 or dtype != "uint32"], dtype)
                numbers = jumps([0, 1, begin + 2], period=mx.array(np.array(period, np.uint64)))
                segments = _ext.Segments(["linear", "cosine", "linear"], numbers, 1)
                yield f"period {period} from {begin}, {dtype}", some, segments


def sizes() -> Iterator[Corner]:
    count = 2**20 + 4097  # more than a row of the grid; each element has its own values
    own = mx.arange(count, dtype=mx.float32)
    ends = {"init": mx.stack([own, own + 1]), "end": mx.stack([own + 2, own + 3])}
    times = {"length": mx.array([[10], [10]]), "begin": mx.array([[0], [10]])}
    yield (
        "values of their own",
        mx.arange(count, dtype=mx.uint32) % 20,
        _ext.Segments(["linear", "cosine"], ends | times),
    )
    groups = mx.arange(7, dtype=mx.float32)  # several steps for each thread
    ends = {"init": mx.stack([groups, groups + 1]), "end": mx.stack([groups + 2, groups + 3])}
    times = {"length": mx.array([[20_000], [20_000]]), "begin": mx.array([[0], [20_000]])}
    for dtype in (mx.uint32, mx.int64, mx.float32):
        steps = mx.arange(40_000).astype(dtype)[:, None]
        yield f"7 groups, {dtype}", steps, _ext.Segments(["linear", "cosine"], ends | times)
    yield "7 groups, backwards", steps[::-1], _ext.Segments(["linear", "cosine"], ends | times)


def many_columns() -> Iterator[Corner]:
    """Use more ease codes than fit the 4096 bytes that Metal takes without a buffer."""
    for columns in (1024, 1025, 1100):
        eases = [("linear", "cosine", "hold")[k % 3] for k in range(columns)]
        numbers = jumps([7 * k for k in range(columns)])
        yield f"{columns} columns", mx.arange(7 * columns + 9, dtype=mx.uint32), _ext.Segments(eases, numbers)


def corners() -> Iterator[Corner]:
    for each in (begins_beyond_32_bits, never, repeats, sizes, many_columns):
        yield from each()
