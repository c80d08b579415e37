"""Schedules of columns on the emulated Metal device against the CPU, bit for bit.

PYTHONPATH=tests MLXS_KERNELS=kernels.so python tests/metal/column_cases.py path/to/emulated/_ext.abi3.so [elements]
"""

import os
import sys
from typing import Any

import mlx.core as mx
from metal_cases import load

from mlx_schedules import _ext as cpu
from support.helpers import CASE_TYPES, STEP_TYPES, differing
from support.random_schedules import random_case

LEAST = float(os.environ.get("MLXS_LEAST", 0))  # results below it count as 0, for a device that flushes subnormals


def compare(module: Any, seed: int) -> int:
    """How many elements of one random schedule were compared, all of them equal."""
    name, step, segments = random_case(seed)
    results = [each.evaluate(step, segments, stream=mx.cpu) for each in (module, cpu)]
    results = [mx.where(mx.abs(y) < LEAST, 0, y) for y in results] if LEAST else results
    mx.eval(results)
    count = differing(*results)
    assert count == 0, f"{name}: {count} of {results[0].size} differ"
    return results[0].size


def compare_many(module: Any, elements: int, schedules: int = 0, first: int = 0) -> None:
    """Compare so many elements of so many schedules, or more, from seed `first` on."""
    compared, seed = 0, first
    while compared < elements or seed < first + schedules:
        if STEP_TYPES[seed % len(STEP_TYPES)] in CASE_TYPES:
            compared += compare(module, seed)
        seed += 1


if __name__ == "__main__":
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    try:
        compare_many(load(sys.argv[1]), wanted)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(f"0 differing bits of {wanted} elements")
