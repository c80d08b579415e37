"""Schedules of columns on the emulated Metal device, compared with the CPU bit for bit.

PYTHONPATH=tests MLXS_KERNELS=kernels.so python tests/metal/column_cases.py path/to/emulated/_ext.abi3.so [elements]
"""

import os
import sys
from typing import Any

import mlx.core as mx
from metal_cases import load

from mlx_schedules import _ext as cpu
from support.column_corners import corners
from support.helpers import CASE_TYPES, STEP_TYPES, differing
from support.random_schedules import random_case

LEAST = float(os.environ.get("MLXS_LEAST", 0))  # smaller results count as 0, for a device that flushes subnormals


def compare(module: Any, name: str, step: mx.array, segments: Any) -> int:
    """Compare a schedule's values, with and without a step buffer to donate, and return how many there were."""
    results = [each.evaluate(step, segments, stream=mx.cpu) for each in (cpu, module)]
    if step.dtype != mx.bool_:
        given = mx.contiguous(step) + mx.array(0, step.dtype)  # the sum has no other reference
        mx.eval(results, given)
        results.append(module.evaluate(given, segments, stream=mx.cpu))
        del given
    results = [mx.where(mx.abs(y) < LEAST, 0, y) for y in results] if LEAST else results
    mx.eval(results)
    for each in results[1:]:
        count = differing(each, results[0])
        assert count == 0, f"{name}: {count} of {each.size} differ"
    return results[0].size


def compare_corners(module: Any) -> None:
    for name, step, segments in corners():
        if str(step.dtype).removeprefix("mlx.core.") in CASE_TYPES:
            compare(module, name, step, segments)


def compare_many(module: Any, elements: int, schedules: int = 0, first: int = 0) -> None:
    """Compare at least this many elements and schedules, from seed `first` on."""
    compared, seed = 0, first
    while compared < elements or seed < first + schedules:
        if STEP_TYPES[seed % len(STEP_TYPES)] in CASE_TYPES:
            compared += compare(module, *random_case(seed))
        seed += 1


if __name__ == "__main__":
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    try:
        extension = load(sys.argv[1])
        compare_corners(extension)
        compare_many(extension, wanted)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(f"0 differing bits of {wanted} elements")
