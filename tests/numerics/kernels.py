"""The eases' headers in kernels/ as a shared library without MLX, for values at any points and at consecutive steps."""

import ctypes
import functools
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

import numpy as np

from numerics import reference

HERE = pathlib.Path(__file__).parent
KERNELS = HERE.parents[1] / "kernels"
WIDE, FLUSH, EXACT = 4, 8, 16
OPTIMIZED = ("-O3",)  # zig compiles for this processor by default
PLAIN = ("-O0", "-mcpu=baseline", "-fno-sanitize=all")


class Points(NamedTuple):
    step: np.ndarray  # uint64 or float
    length: np.ndarray
    init: np.ndarray
    end: np.ndarray
    high: np.ndarray  # the two parts of the parameter
    low: np.ndarray


class _Arrays(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in (*Points._fields, "out")]


@functools.cache
def library(flags: tuple[str, ...] = OPTIMIZED) -> ctypes.CDLL:
    folder = tempfile.TemporaryDirectory()
    path = pathlib.Path(folder.name) / "ease.so"
    compiler = [sys.executable, "-m", "ziglang", "c++", "-std=c++17", "-shared", "-fPIC", f"-I{KERNELS}"]
    language = ["-nostdlib++", "-fno-exceptions", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
    subprocess.run([*compiler, *language, *flags, HERE / "ease.cpp", "-o", path], check=True)
    loaded = ctypes.CDLL(str(path))
    loaded.wrong_reciprocals.restype = ctypes.c_int64
    loaded.folder = folder  # deleted along with the library
    return loaded


def _call(function, ease: str, n: int, points: Points, dtype: type, how: int) -> np.ndarray:
    real = [x.dtype.kind == "f" for x in points[:2]]
    arrays = [
        np.ascontiguousarray(x, dtype if r else np.uint64) for x, r in zip(points, [*real, *[True] * 4], strict=True)
    ]
    out = np.empty(n, dtype)
    pointers = _Arrays(*[x.ctypes.data for x in (*arrays, out)])
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, _Arrays]
    function(reference.NAMES.index(ease), how | real[0] | real[1] * 2, n, pointers)
    return out


def evaluate(ease: str, points: Points, dtype: type = np.float32, how: int = 0, flags: tuple[str, ...] = OPTIMIZED):
    function = getattr(library(flags), "evaluate32" if dtype is np.float32 else "evaluate64")
    return _call(function, ease, len(points.step), points, dtype, how)


def run(ease: str, point: Points, n: int) -> np.ndarray:
    """Evaluate n consecutive steps of one segment. The arrays of `point` have one entry."""
    return _call(library().run32, ease, n, point, np.float32, 0)
