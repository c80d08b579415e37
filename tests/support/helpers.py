"""Helpers that tests share: types of steps, comparison of bits, and the primitives of a graph."""

import importlib
import importlib.metadata
import io
import os
import re
from types import ModuleType
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from packaging.version import Version

import mlx_schedules as ms
from mlx_schedules import _ext

COMPILED = ms.backend().name == "compiled"
MOST = 8  # ULP by which MLX's own ops may differ from the op, as the warning for an MLX without a module says
INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32"]
STEP_TYPES = ["bool_", *INTEGERS, *FLOATS]
# The types that the cases of the Metal kernels use. Building machine code takes seconds for each.
CASE_TYPES = os.environ.get("MLXS_STEP_TYPES", " ".join(STEP_TYPES)).split()
KERNEL_TYPES = [name for name in CASE_TYPES if name != "bool_"]  # the types that have their own kernels
# Before MLX 0.32.4, its own MultiOptimizer fails if an optimizer has no gradients, so there is nothing to compare with.
MLXS_OWN_FAILS = pytest.mark.xfail(
    Version(importlib.metadata.version("mlx")) < Version("0.32.4"),
    raises=IndexError,
    strict=True,
    reason="MLX's own MultiOptimizer",
)
BITS = {1: mx.uint8, 2: mx.uint16, 4: mx.uint32, 8: mx.uint64}


def needs(name: str) -> ModuleType:
    """Import a module of the extra `test` that isn't needed on a GPU, such as a compiler.

    If a GPU is tested and the module is missing, the test is skipped. Otherwise it fails.
    """
    if mx.default_device() == mx.gpu:
        return pytest.importorskip(name, reason=f"{name} is not installed, and what needs it runs on the CPU")
    return importlib.import_module(name)


def on_cuda() -> bool:
    return mx.default_device() == mx.gpu and "NVRTC" in _ext.gpu_kernels()


def least() -> float:
    """Return the size below which results count as 0, because Apple's GPUs flush subnormals (docs/metal.md)."""
    return 2.0**-76 if mx.default_device() == mx.gpu and mx.metal.is_available() else 0.0


def differing(a: mx.array, b: mx.array) -> int:
    """Return how many elements differ in any bit. All NaNs are equal."""
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    if a.size == 0:
        return 0
    if least() and mx.issubdtype(a.dtype, mx.floating):
        with mx.stream(mx.cpu):  # the CPU distinguishes subnormals from 0
            a, b = (mx.where(mx.abs(y) < least(), mx.array(0, y.dtype), y) for y in (a, b))
    x, y = (mx.contiguous(array).view(BITS[a.itemsize]) for array in (a, b))
    return int(mx.sum((x != y) & ~(mx.isnan(a) & mx.isnan(b))).item())


def same_bits(a: mx.array, b: mx.array) -> bool:
    return (a.dtype, a.shape) == (b.dtype, b.shape) and differing(a, b) == 0


def same_values(a: mx.array, b: mx.array) -> bool:
    """Whether two ways to evaluate a schedule agree: to the bit with the compiled op, and to 8 ULP with MLX's own ops,
    which some releases of MLX contract when they compile."""
    close = (a.dtype, a.shape) == (b.dtype, b.shape) and mx.allclose(a, b, MOST * 2.0**-23, 0.0, equal_nan=True).item()
    return same_bits(a, b) if COMPILED else bool(close)


def same(a, b, rtol=2e-5):
    """Assert that one or several arrays have equal shapes, and equal values up to rounding."""
    a, b = (
        [np.array(x) for x in ([a] if isinstance(a, mx.array) else a)],
        [np.array(x) for x in ([b] if isinstance(b, mx.array) else b)],
    )
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-6)


def primitives(*outputs: mx.array) -> list[str]:
    """Return the names of the primitives in the graph of some outputs."""
    graph = io.StringIO()
    mx.export_to_dot(graph, *outputs)
    return re.findall(r'label ="(\w+)", shape=rectangle', graph.getvalue())


def has_ops(count: int, *outputs: mx.array) -> bool:
    """Tell whether the graph of some outputs evaluates schedules with `count` ops (none without the compiled op)."""
    return primitives(*outputs).count("Schedule") == (count if COMPILED else 0)


def evaluated(values: Any) -> Any:
    """Return what a schedule's values must equal if these numbers are right.

    With the compiled op these are the numbers themselves. With MLX's own ops they are anything within 8 ULP, of which
    each is at most 2^-23 of a value.
    """
    return values if COMPILED else pytest.approx(values, rel=MOST * 2.0**-23, abs=0)


def rounding(rates: np.ndarray) -> np.ndarray:
    """Return how much a schedule may differ from rates in float64.

    This is 0.51 ULP of float32, or 8 without the compiled op; half an ULP for the schedule's numbers, which are held in
    float32; and the rounding of the rates themselves.
    """
    sizes, units = np.abs(rates), 0.51 if COMPILED else MOST
    return units * np.spacing(sizes.astype(np.float32)) + 2.0**-24 * sizes + 1e-13 * np.max(sizes)
