"""Schedules of columns on the emulated Metal device against the CPU, bit for bit.

PYTHONPATH=tests MLXS_KERNELS=kernels.so python tests/metal/column_cases.py path/to/emulated/_ext.abi3.so [elements]
"""

import os
import sys
from typing import Any

import mlx.core as mx
import numpy as np
from metal_cases import load

from helpers import FLOATS, STEP_TYPES, differing
from mlx_schedules import _ext as cpu
from random_schedules import random_columns, steps_for

LEAST = float(os.environ.get("MLXS_LEAST", 0))  # results below it count as 0, for a device that flushes subnormals
GROUPS: tuple[tuple[int, ...], ...] = ((), (), (3,), (17,), (2, 3))


def compare(module: Any, seed: int) -> int:
    """How many elements of one random schedule were compared, all of them equal."""
    random = np.random.default_rng(seed)
    dtype = STEP_TYPES[seed % len(STEP_TYPES)]
    out = dtype if dtype in FLOATS else "float32"
    groups = GROUPS[random.integers(len(GROUPS))]
    columns = random_columns(seed, out, groups)
    if dtype == "bool_":
        step = mx.array(random.integers(0, 2, 40).astype(bool))
    else:
        count = int(random.choice([1, 37, 400] if groups else [1, 700, 5000]))
        if seed % 20 == 0 and not groups:
            count = 140_000  # more than have a thread each: these stay in their columns
        step = steps_for(random, dtype, (count,), columns.reach, columns.operands["begin"])
    step = mx.expand_dims(step, tuple(range(-len(groups), 0))) if groups else step
    segments = cpu.Segments(columns.eases, columns.operands, columns.repeat)
    results = [each.evaluate(step, segments, stream=mx.cpu) for each in (module, cpu)]
    results = [mx.where(mx.abs(y) < LEAST, 0, y) for y in results] if LEAST else results
    mx.eval(results)
    count = differing(*results)
    assert count == 0, f"seed {seed}, {dtype} steps, groups {groups}: {count} of {results[0].size} differ\n{columns}"
    return results[0].size


def compare_many(module: Any, elements: int, schedules: int = 0, first: int = 0) -> None:
    """Compare so many elements of so many schedules, or more, from seed `first` on."""
    compared, seed = 0, first
    while compared < elements or seed < first + schedules:
        compared += compare(module, seed)
        seed += 1


if __name__ == "__main__":
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    try:
        compare_many(load(sys.argv[1]), wanted)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(f"0 differing bits of {wanted} elements")
