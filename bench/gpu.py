"""Everything that is claimed of a GPU, measured on one: ``python bench/gpu.py --out bench/results/NAME``.

Runs the bars of the CUDA backend with MLX's default device set to gpu, contenders taking turns round by round within
one process, and writes NAME.json and NAME.md: medians, spreads, the GPU, the driver, MLX's version and the commit.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np

import mlx_schedules as ms

Results = list[dict[str, object]]
INTEGERS = [np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64]


def alternate(contenders: dict[str, Callable[[], object]], rounds: int, repeats: int = 1) -> dict[str, list[float]]:
    """Seconds a call by contender and round; the first two rounds warm up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for i in range(rounds + 2):
        for name, call in contenders.items():
            mx.synchronize()
            begin = time.perf_counter()
            for _ in range(repeats):
                call()
            mx.synchronize()
            if i >= 2:
                times[name].append((time.perf_counter() - begin) / repeats)
    return times


def ratio(times: dict[str, list[float]], slow: str, fast: str) -> tuple[float, str]:
    ratios = sorted(a / b for a, b in zip(times[slow], times[fast], strict=True))
    return statistics.median(ratios), f"{ratios[0]:.3f} to {ratios[-1]:.3f}"


def row(case: str, figure: float, spread: str, bar: str, met: bool, **more: object) -> dict[str, object]:
    print(f"{'ok ' if met else 'MISSED'} {case}: {figure:.4g} ({spread}), bar {bar}", flush=True)
    return {"case": case, "figure": figure, "spread": spread, "bar": bar, "met": met, **more}


def differing_bits(scale: int) -> Results:
    """Uniform and general kernels against the CPU, step type by step type."""
    rng = np.random.default_rng(1)
    wrong = compared = 0
    for dtype in [*INTEGERS, np.float32, mx.float16, mx.bfloat16]:
        is_numpy = not isinstance(dtype, mx.Dtype)
        for total in (1, 1000, 2**24, 2**24 + 1, 2**32 - 1, 2**40, 1000.25):
            integer = is_numpy and np.issubdtype(dtype, np.integer)
            top = min(int(total * 1.05) + 2, np.iinfo(dtype).max) if integer else min(total * 1.05, 60_000)
            low = np.iinfo(dtype).min if integer and total < 2000 else 0
            n = scale
            numbers = rng.integers(max(low, -1000), top, n) if integer else rng.uniform(-5, top, n)
            steps = mx.array(numbers.astype(dtype if is_numpy else np.float32))
            steps = steps if is_numpy else steps.astype(dtype)
            groups = mx.array(rng.uniform(0, 1, (3,)).astype(np.float32)).astype(mx.float32 if is_numpy else dtype)
            end = mx.array(0.125, groups.dtype)
            for init, s in ((groups[0], steps), (groups, steps[: n // 3, None]), (groups[1], steps[::2])):
                a = ms.fast.cosine_decay(s, init, total, end, stream=mx.gpu)
                b = ms.fast.cosine_decay(s, init, total, end, stream=mx.cpu)
                mx.eval(a, b)
                bits = mx.uint16 if a.itemsize == 2 else mx.uint32
                wrong += int(mx.sum(a.view(bits) != b.view(bits), stream=mx.cpu).item())
                compared += a.size
    return [row(f"results differing from the CPU's, of {compared}", wrong, "all counted", "0", wrong == 0)]


def bandwidth(rounds: int) -> Results:
    return [one_bandwidth(log2, total, bar, rounds) for log2 in (28, 30, 24, 20) for total, bar in WIDTHS]


WIDTHS = [(1_000_000, 0.95), (2**24 + 12345, 0.85)]


def one_bandwidth(log2: int, total: int, bar: float, rounds: int) -> dict[str, object]:
    steps = mx.arange(2**log2).astype(mx.uint32) % 30_000_000
    schedule, closure = ms.cosine_decay(0.1, total, 0.001), optim.cosine_decay(0.1, total, 0.001)
    compiled = mx.compile(closure)
    mx.eval(steps)
    times = alternate(
        {
            "schedule": lambda: mx.eval(schedule(steps)),
            "steps + 1": lambda: mx.eval(steps + 1),
            "eager closure": lambda: mx.eval(closure(steps)),
            "compiled closure": lambda: mx.eval(compiled(steps)),
        },
        rounds,
        repeats=max(1, min(20, 2**30 >> log2)),
    )
    figure, spread = ratio(times, "steps + 1", "schedule")
    more = {name: round(ratio(times, "steps + 1", name)[0], 3) for name in ("eager closure", "compiled closure")}
    speed = 8 * 2**log2 / statistics.median(times["schedule"]) / 1e12
    print("    ", more, f"{speed:.2f} TB/s")
    large = log2 >= 28
    case = f"2^{log2} uint32 steps, T = {total}, speed as a part of that of steps + 1"
    met = figure >= bar or not large
    return row(case, figure, spread, f">= {bar}" if large else "none", met, **more, terabytes_per_second=speed)


def grids(rounds: int) -> Results:
    return [one_grid(groups, rounds) for groups in (3, 64, 1000)]


def one_grid(groups: int, rounds: int) -> dict[str, object]:
    """Steps for parameter groups, against the cheapest op that writes as much: their outer sum."""
    steps = (mx.arange(2**28 // groups) % 3000).astype(mx.uint32)
    schedule, column = ms.cosine_decay([0.1] * groups, list(range(1000, 1000 + groups))), steps[:, None]
    ones = mx.ones((groups,), mx.uint32)
    mx.eval(steps, column, ones)
    calls = {"schedule": lambda: mx.eval(schedule(steps)), "sum": lambda: mx.eval(column + ones)}
    figure, spread = ratio(alternate(calls, rounds, repeats=4), "sum", "schedule")
    case = f"({steps.size}, {groups}) grid of uint32 steps, speed as a part of that of their outer sum"
    return row(case, figure, spread, "none", True)


FLOOR = "one addition"  # an op, a launch and a wait: nothing evaluates in less


def scalar(rounds: int) -> Results:
    schedule, closure = ms.cosine_decay(0.1, 1000), optim.cosine_decay(0.1, 1000)
    compiled, step, zeros = mx.compile(closure), mx.array(5, mx.uint64), mx.zeros(64)
    mx.eval(step, zeros)
    times = alternate(
        {
            "schedule": lambda: mx.eval(schedule(step)),
            "eager closure": lambda: mx.eval(closure(step)),
            "compiled closure": lambda: mx.eval(compiled(step)),
            FLOOR: lambda: mx.eval(step + step),
        },
        4 * rounds,
        repeats=300,
    )
    microseconds = {name: statistics.median(t) * 1e6 for name, t in times.items()}
    print("     microseconds:", {k: round(v, 2) for k, v in microseconds.items()})
    eager, compiled_ = ratio(times, "eager closure", "schedule"), ratio(times, "compiled closure", "schedule")
    groups = ms.cosine_decay([0.1] * 64, [1000 + i for i in range(64)])
    closures = [optim.cosine_decay(0.1, 1000 + i) for i in range(64)]
    many = alternate(
        {
            "schedule": lambda: mx.eval(groups(step)),
            "closures": lambda: mx.eval([c(step) for c in closures]),
            FLOOR: lambda: mx.eval(zeros + zeros),
        },
        rounds,
        repeats=100,
    )
    batch, most = ratio(many, "closures", "schedule"), ratio(many, "closures", FLOOR)
    many_microseconds = {name: statistics.median(t) * 1e6 for name, t in many.items()}
    print("     microseconds:", {k: round(v, 2) for k, v in many_microseconds.items()})
    above = [ratio(t, "schedule", FLOOR) for t in (times, many)]
    return [
        row("one scalar step with eval, times faster than eager", *eager, ">= 2.5", eager[0] >= 2.5, us=microseconds),
        row("the same, than compiled", *compiled_, ">= 0.95", compiled_[0] >= 0.95),
        row("the same, times as long as one addition of MLX's own", *above[0], "none", True),
        row(
            *("64 groups, one step, times faster than 64 eager closures", *batch, ">= 50", batch[0] >= 50),
            us=many_microseconds,
        ),
        row("the same, of one addition of 64 numbers in place of the schedule", *most, "none", True),
        row("64 groups, one step, times as long as that addition", *above[1], "none", True),
    ]


FIRST = """
import sys, time
import mlx.core as mx, mlx.optimizers as optim, mlx_schedules as ms
mx.eval(mx.array(1.0) + 1)
step = mx.array(5, mx.uint64)
mx.eval(step)
begin = time.perf_counter()
if sys.argv[1] == "schedule":
    mx.eval(ms.cosine_decay([0.1] * 8, [1000 + i for i in range(8)])(step))
else:
    mx.eval([mx.compile(optim.cosine_decay(0.1, 1000 + i))(step) for i in range(8)])
print(time.perf_counter() - begin)
"""


def first_call(rounds: int) -> Results:
    times: dict[str, list[float]] = {"schedule": [], "closures": []}
    for _ in range(rounds):
        for name, seconds in times.items():
            with tempfile.TemporaryDirectory() as empty:
                environment = {**os.environ, "MLX_PTX_CACHE_DIR": empty}
                command = [sys.executable, "-c", FIRST, name]
                run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                seconds.append(float(run.stdout))
    figure, spread = ratio(times, "closures", "schedule")
    medians = {name: statistics.median(t) for name, t in times.items()}
    print("     seconds:", medians)
    return [
        row("first call, 8 groups, fresh process, times faster", figure, spread, ">= 5", figure >= 5, seconds=medians)
    ]


def beyond_2_to_32() -> Results:
    rows = 2**24 + 5  # of 256 steps each
    steps = mx.contiguous(mx.broadcast_to(mx.arange(256).astype(mx.uint8), (rows, 256)))
    schedule = ms.cosine_decay(1.0, 200)
    table = schedule(mx.arange(256))
    uniform = schedule(steps)
    wrong = int(mx.sum((uniform != table).any(axis=1)).item())
    del uniform
    general = ms.fast.cosine_decay(steps[:, ::-1], mx.full((256,), 1.0), 200, 0.0)
    wrong += int(mx.sum((general != table[::-1]).any(axis=1)).item())
    return [
        row("wrong rows of 256, in 2^32 + 1280 uint8 steps, uniform and general", wrong, "all counted", "0", wrong == 0)
    ]


def machine() -> dict[str, str]:
    def ask(*command: str) -> str:
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return "unknown"

    gpu = ask("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader").split(", ")
    return {
        "gpu": gpu[0],
        "driver": gpu[-1],
        "mlx": mx.__version__,
        "mlx-schedules": ms.__version__,
        "commit": os.environ.get("COMMIT") or ask("git", "rev-parse", "--short", "HEAD"),
        "python": platform.python_version(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--elements", type=int, default=600_000, help="per case of the comparison with the CPU")
    parser.add_argument("--cases", nargs="*", help="scalar bandwidth grids beyond bits first; all unless given")
    arguments = parser.parse_args()
    mx.set_default_device(mx.gpu)
    cases = {
        "scalar": lambda: scalar(arguments.rounds),
        "bandwidth": lambda: bandwidth(arguments.rounds),
        "grids": lambda: grids(arguments.rounds),
        "beyond": beyond_2_to_32,
        "bits": lambda: differing_bits(arguments.elements),
        "first": lambda: first_call(2),
    }
    results = [r for name, case in cases.items() if name in (arguments.cases or cases) for r in case()]
    where = machine()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.with_suffix(".json").write_text(json.dumps({"machine": where, "results": results}, indent=1) + "\n")
    lines = [
        ", ".join(f"{k} {v}" for k, v in where.items()),
        "",
        "| case | median | spread | bar | met |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['case']} | {r['figure']:.4g} | {r['spread']} | {r['bar']} | {'yes' if r['met'] else 'no'} |"
        for r in results
    ]
    arguments.out.with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
