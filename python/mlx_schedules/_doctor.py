"""``python -m mlx_schedules doctor``: is this installation whole, and does the GPU give the CPU's bits?"""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import mlx.core as mx

from . import _build, _compatibility, _ext

Op = Callable[..., mx.array]
Tell = Callable[[str], None]

# Of steps, the most used first; a GPU has no float64.
_TYPES = ["uint32", "uint64", "int32", "float32", "int64", "bfloat16", "float16", "uint16", "int16", "int8", "uint8"]
_BANDWIDTH_STEPS = 2**24  # 64 MiB in and 64 MiB out: beyond every cache but the largest


@dataclass
class Device:
    name: str
    kernels: str  # where they come from
    op: Op
    compiles: bool = False  # each layout with each pair of dtypes at first use, for 1.5 s: CUDA does


@dataclass
class Check:
    device: str
    kernel: str
    elements: int
    differing: int
    error: str = ""

    @property
    def good(self) -> bool:
        return not self.differing and not self.error


def add_to(commands: Any) -> None:
    parser = commands.add_parser("doctor", help="check this installation, every device against the CPU bit for bit")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints as it goes, what is quick first: a GPU may have kernels to compile for most of a minute."""
    facts, found = versions(), devices()
    tell = _silent if arguments.json else _printed
    elsewhere = arguments.json or not sys.stdout.isatty()
    note = _noted if elsewhere and sys.stderr.isatty() else _silent
    width = max(map(len, facts))
    for name, value in facts.items():
        tell(f"{name:<{width}}  {value}")
    speeds: dict[str, float | None] = {}
    checks: list[Check] = []
    for device in found:
        tell(f"\n{device.name}: {device.kernels}")
        speeds[device.name] = bandwidth(device)
        speed = "failed" if speeds[device.name] is None else f"{speeds[device.name]} GB/s"
        tell(f"  {_BANDWIDTH_STEPS} steps, uint32 to float32: {speed}")
        checks += examined(device, tell, note)
    if len(found) == 1:
        tell("\nMLX has no GPU here: the CPU's loops were compared with each other alone.")
    good = all(check.good for check in checks)
    if arguments.json:
        report = {
            "good": good,
            "versions": facts,
            "devices": {device.name: device.kernels for device in found},
            "checks": [asdict(check) for check in checks],
            "gigabytes_per_second": speeds,
        }
        print(json.dumps(report, indent=2))
    return 0 if good else 1


def examined(device: Device, tell: Tell, note: Tell) -> list[Check]:
    start, checks = time.perf_counter(), []
    tell(f"  {'layout, steps':<16} {'elements':>9} {'differing bits in':>18}")
    for check in compare(device):
        tell(f"  {check.kernel:<16} {check.elements:>9} {check.differing:>18}{remark(check)}")
        checks.append(check)
        note(f"{device.name}: {check.kernel}")
    good, elements = sum(check.good for check in checks), sum(check.elements for check in checks)
    verdict = "good" if good == len(checks) else "FAILED"
    tell(f"  {verdict}: {good} of {len(checks)} checks, {elements} elements in {time.perf_counter() - start:.0f} s")
    note("")
    return checks


def remark(check: Check) -> str:
    return "" if check.good else f"  <-- {check.error}"


def _printed(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None:
    pass


def _noted(what: str) -> None:
    """On a line of its own that the next one takes, where the report itself is not seen as it goes."""
    print(f"\r{what:<79.79}\r", end="", file=sys.stderr, flush=True)


def versions() -> dict[str, str]:
    """What is installed, and what the compiled module was built for."""
    return {
        "mlx-schedules": _compatibility.version(),
        "mlx": f"{importlib.metadata.version('mlx')} (built for {', '.join(_build.MLX_VERSIONS)})",
        "nanobind": f"{_build.NANOBIND_VERSION}, internals v{_build.NANOBIND_TAG}, as mlx.core has it",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.mac_ver()[0] or platform.release()} {platform.machine()}",
    }


def devices() -> list[Device]:
    """The CPU, with which the others are compared, and the GPU where MLX has one."""

    def op_on(device: mx.Device) -> Op:
        return lambda *operands: _ext.cosine_decay(*operands, stream=device)

    found = [
        Device(f"CPU ({platform.machine()})", f"instruction set {_ext.instruction_set()}", op_on(mx.Device(mx.cpu)))
    ]
    if mx.is_available(mx.gpu):
        name = str(mx.device_info(mx.gpu).get("device_name", "unnamed"))
        kernels = _ext.gpu_kernels() or "none in this build"
        found.append(Device(f"GPU ({name})", kernels, op_on(mx.Device(mx.gpu)), mx.cuda.is_available()))
    return found


def compare(device: Device) -> Iterator[Check]:
    """Every layout with every dtype on a device against the CPU's answer."""
    for layout, dtype, times in plan(device.compiles):
        check = Check(device.name, f"{layout} {dtype.rstrip('_')}", 0, 0)
        try:
            for operands in _cases(layout, dtype, times):
                expected = _reference(*operands)
                got = device.op(*operands)
                mx.eval(expected, got)
                check.elements += expected.size
                check.differing += _differing(expected, got)
        except Exception as error:
            check.error = f"{type(error).__name__}: {error}"
        yield check


def bandwidth(device: Device) -> float | None:
    """Bytes read and written per second, in 10^9; the median of seven calls; None where it fails."""
    step = mx.arange(_BANDWIDTH_STEPS, dtype=mx.uint32, stream=mx.cpu)
    init, decay_steps, end = mx.array(0.1), mx.array(_BANDWIDTH_STEPS, mx.uint32), mx.array(0.0)
    mx.eval(step, init, decay_steps, end)
    seconds = []
    try:
        for _ in range(8):
            start = time.perf_counter()
            mx.eval(device.op(step, init, decay_steps, end))
            seconds.append(time.perf_counter() - start)
    except Exception:
        return None
    return round(2 * step.nbytes / sorted(seconds[1:])[3] / 1e9, 1)


# ---- What is compared --------------------------------------------------------------------------------------------

# The kernels' ways of counting, by the dtype of decay_steps: narrow, its edge, wide in 32 and in 64 bits; and ended.
_TIMES: dict[str, list[float]] = {
    "uint32": [1000, 2**24 + 1, 10**9],
    "float32": [100.5, 2.0**33],
    "int64": [1000, 2**24 + 1, 10**9, 2**40 + 3, -3],
    "uint64": [1000, 2**24 + 1, 10**9, 2**40 + 3],
    "int32": [1000, 2**24 + 1, 10**9, -3],
}
_LAYOUTS = ("uniform", "line", "general", "one")


def plan(sparing: bool) -> Iterator[tuple[str, str, list[str]]]:
    """Layouts with the dtypes of steps and those of decay_steps.

    All of them, 220 kernels, where that costs nothing. Where each is compiled, 24 for most of a minute: no code depends
    on both dtypes, nor does that which reads decay_steps on the layout, and it reads steps as vectors in `uniform`, one
    by one in the others. So every dtype of steps is read in both ways, and every dtype of decay_steps in every layout
    but `one`, another launch of `line`, which has an optimizer's step and a user's.
    """
    times = list(_TIMES)
    for i, dtype in enumerate([*_TYPES, "bool_"]):
        i = min(i, len(_TYPES) - 1)  # bool has uint8's kernels
        for j, layout in enumerate(_LAYOUTS):
            if not sparing:
                yield layout, dtype, times
            elif layout in ("uniform", _LAYOUTS[2 - i % 2]) or (layout == "one" and dtype in ("uint64", "float32")):
                yield layout, dtype, [times[(i - j) % len(times)]]


def _reference(step: mx.array, *hyperparameters: mx.array) -> mx.array:
    """The CPU's answer with hyperparameters of each step's own: on the CPU too another loop than what is checked."""
    with mx.stream(mx.cpu):
        shape = mx.broadcast_arrays(step, *hyperparameters)[0].shape
        own = [mx.contiguous(mx.broadcast_to(a, shape)) for a in (step, *hyperparameters)]
        return _ext.cosine_decay(*own)


def _cases(layout: str, dtype: str, times: list[str]) -> Iterator[tuple[mx.array, ...]]:
    make = {"uniform": _uniform, "line": _line, "general": _general, "one": _one}[layout]
    init, end = _values([0.1, -2.0, 7.0], dtype), _values([0.003], dtype)
    for time_type in times:
        for value in _TIMES[time_type]:
            for step, a, t in make(dtype, init, mx.array([value], getattr(mx, time_type)), value):
                yield step, a, t, end


def _uniform(dtype: str, init: mx.array, time: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    for n in (5_001, 10_007):  # beyond what CUDA takes in a line
        yield _steps(dtype, n, value), init[:1], time


def _one(dtype: str, init: mx.array, time: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    step = _steps(dtype, 7, value)
    for i in range(7):
        yield step[i : i + 1], init[:1], time


def _line(dtype: str, init: mx.array, time: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    step = _steps(dtype, 6_014, value)
    yield step[::-2], init[:1], time
    for i in (0, 2_000, 6_013):  # one step for the groups of an optimizer
        yield step[i : i + 1], init, time


def _general(dtype: str, init: mx.array, time: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    step = _steps(dtype, 6_014, value)
    yield step[:, None], init, time[None]
    yield step.reshape(62, 97).T[:, :, None], init, time[None]


@functools.lru_cache(64)  # the same for every dtype of decay_steps
def _steps(dtype: str, n: int, time: float) -> mx.array:
    """From below 0 to beyond `time`, as far as the dtype goes; for floats with NaN and both infinities."""
    where = [time * (1.3 * i / max(n - 1, 1) - 0.1) for i in range(n)]
    if dtype == "bool_":
        return mx.array([i % 2 == 1 for i in range(n)])
    if dtype.startswith(("float", "bfloat")):
        where[3:6] = [math.nan, math.inf, -math.inf][: max(n - 3, 0)]
        with mx.stream(mx.cpu):
            return mx.array(where).astype(getattr(mx, dtype))
    bits = min(int(dtype.lstrip("uint")), 63)  # mx.array takes numbers up to 2^63
    low, high = (0, 2**bits - 1) if dtype[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return mx.array([min(max(int(x), low), high) for x in where], getattr(mx, dtype))


def _values(numbers: list[float], dtype: str) -> mx.array:
    return mx.array(numbers, getattr(mx, dtype) if dtype.startswith(("float", "bfloat")) else mx.float32)


def _differing(a: mx.array, b: mx.array) -> int:
    """How many elements differ in any bit; NaN has many, which count as one."""
    bits = mx.uint32 if a.dtype == mx.float32 else mx.uint16
    with mx.stream(mx.cpu):
        different = mx.contiguous(a).view(bits) != mx.contiguous(b).view(bits)
        count: Any = mx.sum(different & ~(mx.isnan(a) & mx.isnan(b))).item()
        return int(count)
