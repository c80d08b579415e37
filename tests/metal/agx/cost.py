"""``python tests/metal/agx/cost.py``: the cost of the Metal kernels, counted while their machine code is executed.

Needs what `tests/metal/agx/root.py` prepares, but no Mac. Instructions a step are counted by kind, for SIMD groups of
32 threads. The driver tells the registers, the threads that fit at once (1024 is full occupancy) and the spills. The
cycles of an instruction, the cores, the clock and the bandwidth are assumptions from public measurements of M1 and M2
and Apple's figures. Apple's own compiler, latency and caches are left out, so the roofline is not a measurement.
"""

import argparse
import collections
import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import mlx.core as mx

sys.path[:0] = [str(folder) for folder in pathlib.Path(__file__).parents[1:3]]  # tests/metal and tests
import emulated  # noqa: E402
import machine_code  # noqa: E402
import metal_cases  # noqa: E402
import root  # noqa: E402

from mlx_schedules import _ext  # noqa: E402
from support.helpers import KERNEL_TYPES  # noqa: E402

THREADS = 64  # how many threads at each end of a grid the emulated device runs in its sparse mode
FREE = {"wait", "ldimm"}  # ldimm loads constants; the driver usually moves these out of loops, into uniforms
CYCLES = dict.fromkeys(["shl", "shr", "asr", "extr", "bfeil", "imul", "imadd", "ffs", "trunc", "exp2"], 4) | {"rcp": 6}
CYCLES |= dict.fromkeys([f"{s}{bits}_to_f" for s in "us" for bits in (8, 16, 32)] + ["f_to_u32"], 4)  # others: 1

# Cores of 128 lanes, GHz, GB/s. These are Apple's figures, and clocks measured by others.
GPUS = {
    "M1": (8, 1.278, 68),
    "M1 Max": (32, 1.296, 400),
    "M2": (10, 1.398, 100),
    "M2 Max": (38, 1.398, 400),
    "M3": (10, 1.398, 100),
    "M3 Max": (40, 1.398, 400),
    "M4": (10, 1.578, 120),
    "M4 Max": (40, 1.578, 546),
}
TIMES = {"T <= 2^24": 1000, "T < 2^32": 10**9, "T >= 2^32": 2**32 + 3}


def machine_counts(folder: pathlib.Path) -> Iterator[tuple[str, dict, str, int]]:
    """Yield each instruction since the last call: its kernel, the driver's report on that, its name and its count."""
    for file in folder.glob("*.so"):
        if not file.with_suffix("").is_dir():
            continue
        library = ctypes.CDLL(str(file))
        library.machine_counts.restype = ctypes.c_char_p
        for line in library.machine_counts().decode().splitlines():
            kernel, kind, number = line.split()
            yield kernel, json.loads((file.with_suffix("") / f"{kernel}.json").read_text()), kind, int(number)


def launches(module: Any) -> Iterator[tuple[str, mx.array, mx.array]]:
    """Yield what is counted: a name, steps, and an output, which launch every kernel in each way."""
    rows, columns = 2**16 + 16, 2**15  # more than 2^31 steps, of which only both ends are accessed
    for dtype in KERNEL_TYPES:
        t = getattr(mx, dtype)
        scalar = t if mx.issubdtype(t, mx.floating) else mx.float32
        init, end, groups = mx.array(0.1, scalar), mx.array(0.0, scalar), mx.full((64,), 0.1, scalar)
        steps = (mx.arange(2**18) // 2622).astype(t)  # 0 to 99; 16 steps for each thread
        for name, time in TIMES.items():
            decay_steps = mx.array(time, mx.int64)
            for case, step, many in (
                ("", steps, init),
                (", groups", steps[:, None], groups),
                (", groups, few steps", steps[:1000, None], groups),
                (", large", steps[:columns], mx.full((rows, 1), 0.1, scalar)),
            ):
                yield name + case, step, module.cosine_decay(step, many, decay_steps, end)
        whole = {"length": mx.array([10, 90]), "begin": mx.array([0, 10])}
        ends = {"init": mx.array([0.0, 0.1], scalar), "end": mx.array([0.1, 0.0], scalar)}
        schedule = _ext.Segments(["linear", "cosine"], ends | whole, None)
        yield "warmup and cosine", steps, module.evaluate(steps, schedule)
        yield "warmup and cosine, one step", steps[-1], module.evaluate(steps[-1], schedule)


def counted(extension: pathlib.Path, folder: pathlib.Path) -> list[dict]:
    """Return a row for each launch. Runs in the process that `count` starts."""
    module = metal_cases.load(str(extension))
    device = ctypes.CDLL(str(extension))
    device.take_launches.restype = ctypes.c_char_p
    rows = []
    for name, step, out in launches(module):
        mx.eval(out)
        kernel, grid = device.take_launches().decode().split()[:2]
        width, height = map(int, grid.split("x"))
        threads = min(2 * THREADS, width * height)
        steps = threads * max(1, round(out.size / (width * height)))
        issued, said = collections.Counter(), {}
        for name_of, said_of, kind, number in machine_counts(folder):
            if name_of == kernel:
                issued[kind] += number * max(1, min(32, threads)) / steps
                said = said_of
        instructions = sum(n for kind, n in issued.items() if kind not in FREE)
        cycles = sum(n * CYCLES.get(kind, 1) for kind, n in issued.items() if kind not in FREE)
        traffic = out.itemsize + (0 if "groups" in name or "large" in name else step.itemsize)
        row = {"kernel": kernel, "case": name, "instructions": instructions, "constants": issued["ldimm"]}
        rows.append(
            row
            | {
                "lane_cycles": cycles,
                "bytes": traffic,
                **said,
            }
        )
    return rows


def count(extension: pathlib.Path, folder: pathlib.Path) -> list[dict]:
    """Run `counted` in a process that compiles each kernel into `folder` when it is launched, for its schedule."""
    environment = {**os.environ, "MLXS_SPARSE": str(THREADS), "MLXS_KERNELS": str(folder / "none")}
    environment |= {"MLXS_SPECIALISED": "yes", "MLXS_COMPILER": machine_code.__file__}
    command = [sys.executable, __file__, "--count", str(extension), str(folder)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def show(rows: list[dict]) -> None:
    print(__doc__.split("\n\n", 1)[1])
    print(f"{'kernel':36} {'case':28} instr. const. cycles  regs  threads spills")
    for r in rows:
        print(
            f"{r['kernel']:36} {r['case']:28} {r['instructions']:6.1f} {r['constants']:6.1f} {r['lane_cycles']:6.1f}"
            f" {r['gprs']:5} {r['threads']:8} {r['spills']:6}"
        )
    print("\nRoofline: 10^9 steps a second by arithmetic / by bandwidth")
    print(f"{'kernel':36} {'case':28}" + "".join(f"{gpu:>13}" for gpu in GPUS))
    for r in rows:
        cells = (
            f"{cores * 128 * clock / r['lane_cycles']:6.0f}/{bandwidth / r['bytes']:<6.0f}"
            for cores, clock, bandwidth in GPUS.values()
        )
        print(f"{r['kernel']:36} {r['case']:28}" + "".join(f"{cell:>13}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write what was counted")
    parser.add_argument("--count", nargs=2, type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.count:
        print(json.dumps(counted(*options.count)))
        return
    root.prepare()
    with tempfile.TemporaryDirectory() as folder:
        kernels = pathlib.Path(folder) / "kernels"
        kernels.mkdir()
        rows = count(emulated.build(pathlib.Path(folder), "shipped"), kernels)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    show(rows)


if __name__ == "__main__":
    main()
