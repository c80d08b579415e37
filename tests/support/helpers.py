"""What tests share: the types of steps, the same bits, the primitives of a graph."""

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
MOST = 8  # ULP by which MLX's own ops differ from the op, as the warning of an MLX without a module says
INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32"]
STEP_TYPES = ["bool_", *INTEGERS, *FLOATS]
# Those that the Metal kernels' cases take: machine code takes seconds to build for each.
CASE_TYPES = os.environ.get("MLXS_STEP_TYPES", " ".join(STEP_TYPES)).split()
KERNEL_TYPES = [name for name in CASE_TYPES if name != "bool_"]  # which have kernels of their own
# Nothing to compare with where MLX's own MultiOptimizer fails: before 0.32.4, where an optimizer lacks gradients.
MLXS_OWN_FAILS = pytest.mark.xfail(
    Version(importlib.metadata.version("mlx")) < Version("0.32.4"),
    raises=IndexError,
    strict=True,
    reason="MLX's own MultiOptimizer",
)
BITS = {1: mx.uint8, 2: mx.uint16, 4: mx.uint32, 8: mx.uint64}


def needs(name: str) -> ModuleType:
    """A module of the extra `test` that says nothing of a GPU, such as a compiler. Where a GPU is tested it need not be
    there, and its tests are skipped; elsewhere they fail without it."""
    if mx.default_device() == mx.gpu:
        return pytest.importorskip(name, reason=f"{name} is not installed, and what needs it runs on the CPU")
    return importlib.import_module(name)


def on_cuda() -> bool:
    return mx.default_device() == mx.gpu and "NVRTC" in _ext.gpu_kernels()


def least() -> float:
    """Results below it count as 0: Apple's GPUs flush subnormals, and what is made of them (docs/metal.md)."""
    return 2.0**-76 if mx.default_device() == mx.gpu and mx.metal.is_available() else 0.0


def differing(a: mx.array, b: mx.array) -> int:
    """How many elements differ in any bit; any NaN equals any other."""
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    if a.size == 0:
        return 0
    if least() and mx.issubdtype(a.dtype, mx.floating):
        with mx.stream(mx.cpu):  # which tells subnormals from 0
            a, b = (mx.where(mx.abs(y) < least(), mx.array(0, y.dtype), y) for y in (a, b))
    x, y = (mx.contiguous(array).view(BITS[a.itemsize]) for array in (a, b))
    return int(mx.sum((x != y) & ~(mx.isnan(a) & mx.isnan(b))).item())


def same_bits(a: mx.array, b: mx.array) -> bool:
    return (a.dtype, a.shape) == (b.dtype, b.shape) and differing(a, b) == 0


def same(a, b, rtol=2e-5):
    """Of one array or several: the shapes, and the values but for rounding."""
    a, b = (
        [np.array(x) for x in ([a] if isinstance(a, mx.array) else a)],
        [np.array(x) for x in ([b] if isinstance(b, mx.array) else b)],
    )
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-6)


def primitives(*outputs: mx.array) -> list[str]:
    """The primitives in the graph of some outputs, by name."""
    graph = io.StringIO()
    mx.export_to_dot(graph, *outputs)
    return re.findall(r'label ="(\w+)", shape=rectangle', graph.getvalue())


def has_ops(count: int, *outputs: mx.array) -> bool:
    """Whether the graph of some outputs evaluates schedules by so many ops; without the compiled op, by none."""
    return primitives(*outputs).count("Schedule") == (count if COMPILED else 0)


def evaluated(values: Any) -> Any:
    """What a schedule gives where these numbers are right: with the compiled op they themselves; by MLX's own ops what
    is within 8 ULP, each at most 2^-23 of a value."""
    return values if COMPILED else pytest.approx(values, rel=MOST * 2.0**-23, abs=0)


def rounding(rates: np.ndarray) -> np.ndarray:
    """By what a schedule may differ from rates in float64: 0.51 units in float32's last place, without the compiled op
    8, half of one for the numbers given, which are held in float32, and theirs."""
    sizes, units = np.abs(rates), 0.51 if COMPILED else MOST
    return units * np.spacing(sizes.astype(np.float32)) + 2.0**-24 * sizes + 1e-13 * np.max(sizes)
