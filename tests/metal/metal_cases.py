"""The cases that compare the emulated Metal backend with the CPU backend, bit for bit.

    PYTHONPATH=tests MLXS_KERNELS=kernels.so python tests/metal/metal_cases.py path/to/emulated/_ext.abi3.so

runs all cases but the large ones, and exits with status 1 at the first difference. It must catch every seeded fault.
MLXS_STEP_TYPES="uint8 float16" restricts it to these types of steps.
"""

import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
import numpy as np

from mlx_schedules import _ext as cpu
from support.helpers import CASE_TYPES, FLOATS, INTEGERS, differing

# Lengths for each way through the kernels: narrow, its limit, wide in 32 and 64 bits, beyond 2^63, fractional, ended.
TIMES = {
    "1": mx.array(1, mx.uint32),
    "1000": mx.array(1000, mx.int32),
    "2^24": mx.array(2**24, mx.uint32),
    "2^24+1": mx.array(2**24 + 1, mx.int64),
    "10^9": mx.array(10**9, mx.int32),
    "2^32-1": mx.array(2**32 - 1, mx.uint32),
    "2^32+3": mx.array(2**32 + 3, mx.int64),
    "2^64-1": mx.array(np.array(2**64 - 1, np.uint64)),
    "100.5": mx.array(100.5, mx.float32),
    "2^40 real": mx.array(2.0**40, mx.float32),
    "0": mx.array(0, mx.uint64),
    "-7": mx.array(-7, mx.int32),
    "-2^63": mx.array(np.array(-(2**63), np.int64)),
    "-0.5": mx.array(-0.5, mx.float32),
    "nan": mx.array(float("nan"), mx.float32),
}

Operands = tuple[mx.array, mx.array, mx.array, mx.array]
Op = Callable[..., mx.array]


def load(path: str) -> Any:
    """Load the compiled module at `path`, even if another one is loaded already."""
    spec = importlib.util.spec_from_file_location("_ext", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():  # both modules register the same class Segments
        warnings.filterwarnings("ignore", "nanobind: type 'Segments' was already registered")
        spec.loader.exec_module(module)
    return module


def steps(dtype: str, shape: tuple[int, ...], time: mx.array) -> mx.array:
    """Return steps below and above 0 and `time`, as far as the dtype reaches, including its extremes."""
    random = np.random.default_rng(0)
    if dtype == "bool_":
        return mx.array(random.integers(0, 2, shape).astype(bool))
    numbers = [
        float(x) for x in np.array(time.astype(mx.float32)).ravel()
    ]  # MLX converts uint64 to float64 on the CPU only
    reach = max([x for x in numbers if x > 0] or [100.0])
    values = np.asarray(random.uniform(-0.1 * reach, 1.2 * reach, shape))
    if dtype in INTEGERS:
        limits = np.iinfo(dtype)
        wide = values.clip(float(limits.min), float(limits.max) * (1 - 1e-15))
        result = np.asarray(wide.astype(dtype))
        special = [limits.min, limits.max, 0, 1, *(int(x) for x in numbers if limits.min <= x < limits.max)]
        result.flat[: len(special)] = special[: result.size]
        return mx.array(result)
    result = np.asarray(values.astype(np.float32))
    special = [np.nan, np.inf, -np.inf, -0.0, 0.5, reach, np.nextafter(np.float32(reach), np.float32(0))]
    result.flat[: len(special)] = special[: result.size]
    return mx.array(result).astype(getattr(mx, dtype))


def operand(value: Any, dtype: str) -> mx.array:
    return mx.array(value, getattr(mx, dtype) if dtype in FLOATS else mx.float32)


def scalars(dtype: str, time: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    return operand(0.1, dtype), time, operand(3e-4, dtype)


def sizes(dtype: str) -> Iterator[tuple[str, Operands]]:
    for n in (0, 1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1023, 4097):
        init, time, end = scalars(dtype, TIMES["1000"])
        s = steps(dtype, (n,), time)
        yield f"{n} steps", (s, init, time, end)
        yield f"{n} steps, groups", (s[:, None], operand([0.1, 7.0, -3.0], dtype), time, end)
    yield "no axes", (steps(dtype, (), time), init, time, end)
    yield "no groups", (steps(dtype, (3, 1), time), operand([], dtype), time, end)


def times(dtype: str) -> Iterator[tuple[str, Operands]]:
    for name, time in TIMES.items():
        s = steps(dtype, (501,), time)
        init, _, end = scalars(dtype, time)
        yield f"T = {name}", (s, init, time, end)
        yield f"T = {name}, groups", (s[:, None], operand([0.1, -2.0, 5.0], dtype), mx.stack([time] * 3), end)


def groups(dtype: str) -> Iterator[tuple[str, Operands]]:
    """Yield cases with hyperparameters of all sizes, which differ from step to step."""
    random = np.random.default_rng(1)
    init, end = (operand(random.normal(size=20_000) * 10.0 ** random.integers(-4, 4, 20_000), dtype) for _ in range(2))
    times = np.exp2(random.uniform(0, 63, 20_000))
    for name, time in {
        "small": mx.array((times % 2**20).astype(np.uint32)),
        "uint64": mx.array(times.astype(np.uint64)),
        "real": mx.array(times.astype(np.float32)),
    }.items():
        scale = time.astype(mx.float32) * mx.array(random.uniform(-0.1, 1.1, 20_000).astype(np.float32))
        limits = np.iinfo(dtype) if dtype in INTEGERS else None
        if limits:
            scale = mx.clip(scale, float(limits.min) * 0.99, float(limits.max) * 0.99)
        yield f"{name} groups", (scale.astype(getattr(mx, dtype)), init, time, end)


def layouts(dtype: str) -> Iterator[tuple[str, Operands]]:
    init, time, end = scalars(dtype, TIMES["1000"])
    many = steps(dtype, (24, 35, 6), time)
    inits, ends = operand(np.linspace(-1, 1, 6), dtype), operand(np.linspace(2, 3, 35)[:, None], dtype)
    whole = mx.arange(900, 935, dtype=mx.int32)
    yield "strided", (many[::2, 1::3, ::5], init, time, end)
    yield "reversed", (many[::-1, :, ::-1], init, time, end)
    yield "transposed", (many.transpose(2, 0, 1), init, time, end)
    yield "transposed groups", (many.transpose(2, 0, 1), init, whole, end)
    yield "begins off a vector", (many.reshape(-1)[1:], init, time, end)
    yield "begins off a vector, transposed", (many.reshape(-1)[1:4801].reshape(60, 80).T, init, time, end)
    yield "begins on a vector", (many.reshape(-1)[16:], init, time, end)
    yield "broadcast steps", (mx.broadcast_to(many[:, :1, :], (24, 35, 6)), inits, time, ends)
    yield "broadcast scalar", (mx.broadcast_to(steps(dtype, (), time), (7, 9)), init, time, end)
    yield "every operand", (many, inits, whole[:, None], ends)
    yield "hyperparameters only", (steps(dtype, (), time), inits, whole[:, None], ends)
    yield "reversed times", (many[:, :, :1], init, whole[::-1][:, None], inits)
    yield "real times", (many, inits, whole[:, None].astype(mx.float32) + 0.25, end)
    yield "sliced scalars", (many, operand([3.0, 0.5, 7.0], dtype)[1], whole[3], operand([3.0, 0.125], dtype)[1])
    half_words = operand([3.0, 0.5, 7.0, 0.125], dtype)
    yield "scalars within a word", (many, half_words[1:2], whole[3:4], half_words[3:4])
    yield "five axes", (many.reshape(4, 6, 5, 7, 6)[::2, ::3, ::2, ::3, ::2], init, time, end)


def large(dtype: str) -> Iterator[tuple[str, Operands]]:
    """Yield cases with more threads than a row of the grid has, and with more steps than get a thread each."""
    init, time, end = scalars(dtype, TIMES["1000"])
    s = steps(dtype, (600_001,), time)
    inits, times, ends = operand([0.1, 1e-3], dtype), mx.array([1000, 90_000], mx.uint32), operand([0.0, -1.0], dtype)
    yield "600 001 steps", (s, init, time, end)
    yield "600 001 steps, 2 groups", (s[:, None], inits, times, end)
    yield "every other of 600 001 steps, reversed, 2 groups", (s[::-2, None], inits, times, ends)
    yield "2 groups, 600 001 steps", (s, inits[:, None], times[:, None], end)
    part = s[:70_001]
    yield "rows that differ in init alone", (part, inits[:, None], time, end)
    yield "rows that differ in T alone", (part, init, times[:, None], end)
    yield "rows that differ in end alone", (part, init, time, ends[:, None])


SETS = {"sizes": sizes, "times": times, "groups": groups, "layouts": layouts, "large": large}


def compare(emulated: Op, operands: Operands) -> int:
    """Compare the op's values, with and without a step buffer to donate, and return how many there were."""
    step, *rest = operands
    expected = cpu.cosine_decay(step, *rest, stream=mx.cpu)
    kept = emulated(step, *rest)
    mx.eval(expected, kept)
    assert differing(kept, expected) == 0
    if step.dtype == mx.bool_:
        return expected.size
    donated = emulated(mx.contiguous(step) + mx.array(0, step.dtype), *rest)  # the sum has no other reference
    mx.eval(donated)
    assert differing(donated, expected) == 0
    return 2 * expected.size


if __name__ == "__main__":
    module = load(sys.argv[1])
    for dtype in CASE_TYPES:
        for cases in SETS.values():
            if cases is large and dtype not in ("float32", "uint8"):
                continue
            for name, operands in cases(dtype):
                try:
                    compare(module.cosine_decay, operands)
                except Exception as error:
                    sys.exit(f"{dtype}, {name}: {type(error).__name__}: {error}")
