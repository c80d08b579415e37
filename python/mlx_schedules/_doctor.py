"""``python -m mlx_schedules doctor``: is this installation whole, and does the GPU give the CPU's bits?"""

from __future__ import annotations

import argparse
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

_INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
_TYPES = ["bool_", *_INTEGERS, "float16", "bfloat16", "float32"]  # a GPU has no float64
_BANDWIDTH_STEPS = 2**24  # 64 MiB in and 64 MiB out: beyond every cache but the largest


@dataclass
class Device:
    name: str
    kernels: str  # where they come from
    op: Op


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
    facts = versions()
    found = devices()
    checks = [check for device in found for check in noted(compare(device))]
    speeds = {device.name: bandwidth(device) for device in found}
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
    else:
        for line in text(facts, found, checks, speeds):
            print(line)
    return 0 if good else 1


def versions() -> dict[str, str]:
    """What is installed, and what the compiled module was built for."""
    return {
        "mlx-schedules": _compatibility.version(),
        "mlx": f"{importlib.metadata.version('mlx')} (built for {_build.MLX_VERSION})",
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
        found.append(Device(f"GPU ({name})", _ext.gpu_kernels() or "none in this build", op_on(mx.Device(mx.gpu))))
    return found


def compare(device: Device) -> Iterator[Check]:
    """Every kernel on a device against the CPU's answer."""
    for dtype in _TYPES:
        for kernel, cases in (("uniform", _uniform), ("general", _general)):
            check = Check(device.name, f"{kernel} {dtype.rstrip('_')}", 0, 0)
            try:
                for operands in cases(dtype):
                    expected = _reference(*operands)
                    got = device.op(*operands)
                    mx.eval(expected, got)
                    check.elements += expected.size
                    check.differing += _differing(expected, got)
            except Exception as error:
                check.error = f"{type(error).__name__}: {error}"
            yield check


def noted(checks: Iterator[Check]) -> Iterator[Check]:
    """The same, named on standard error as they are done: a GPU's kernels are compiled first, for a minute in all."""
    for check in checks:
        if sys.stderr.isatty():
            print(f"\r{check.device}: {check.kernel:<20}", end="", file=sys.stderr, flush=True)
        yield check
    if sys.stderr.isatty():
        print("\r" + " " * 79 + "\r", end="", file=sys.stderr, flush=True)


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


def text(
    facts: dict[str, str], found: list[Device], checks: list[Check], speeds: dict[str, float | None]
) -> Iterator[str]:
    width = max(map(len, facts))
    yield from (f"{name:<{width}}  {value}" for name, value in facts.items())
    for device in found:
        mine = [check for check in checks if check.device == device.name]
        bad = [check for check in mine if not check.good]
        yield ""
        yield f"{device.name}: {device.kernels}"
        yield f"  {'kernel':<16} {'elements':>9} {'differing bits in':>18}"
        for check in mine:
            yield f"  {check.kernel:<16} {check.elements:>9} {check.differing:>18}{remark(check)}"
        speed = speeds[device.name]
        yield f"  {_BANDWIDTH_STEPS} steps, uint32 to float32: {'failed' if speed is None else f'{speed} GB/s'}"
        elements = sum(check.elements for check in mine)
        yield f"  {'FAILED' if bad else 'good'}: {len(mine) - len(bad)} of {len(mine)} kernels, {elements} elements"
    if len(found) == 1:
        yield ""
        yield "MLX has no GPU here: the CPU's loops were compared with each other alone."


def remark(check: Check) -> str:
    return "" if check.good else f"  <-- {check.error}"


# ---- What is compared --------------------------------------------------------------------------------------------

# The kernels' ways of counting: narrow, its edge, wide in 32 and in 64 bits, fractional; and ended.
_TIMES = ((1000, mx.uint32), (2**24 + 1, mx.int64), (10**9, mx.int32), (2**40 + 3, mx.uint64), (-3, mx.int32))
_REAL_TIMES = ((100.5, mx.float32), (2.0**33, mx.float32))


def _times(dtype: str) -> Iterator[tuple[float, mx.Dtype]]:
    """Every type of decay_steps with uint32 steps; two with the others, since CUDA compiles each pair for 1.5 s."""
    for value, time_type in _TIMES + _REAL_TIMES:
        yield value, time_type if dtype == "uint32" or time_type == mx.float32 else mx.int64


def _reference(step: mx.array, *hyperparameters: mx.array) -> mx.array:
    """The CPU's answer with hyperparameters of each step's own: on the CPU too another loop than what is checked."""
    with mx.stream(mx.cpu):
        shape = mx.broadcast_arrays(step, *hyperparameters)[0].shape
        own = [mx.contiguous(mx.broadcast_to(a, shape)) for a in (step, *hyperparameters)]
        return _ext.cosine_decay(*own)


def _uniform(dtype: str) -> Iterator[tuple[mx.array, ...]]:
    for value, time_type in _times(dtype):
        for n in (1, 6, 10_007):
            init, end = _values([0.1], dtype), _values([0.003], dtype)
            yield _steps(dtype, n, value), init, mx.array([value], time_type), end


def _general(dtype: str) -> Iterator[tuple[mx.array, ...]]:
    init, end = _values([0.1, -2.0, 7.0], dtype), _values([0.003], dtype)
    for value, time_type in _times(dtype):
        step = _steps(dtype, 6_014, value)
        times = mx.array([[value]], time_type)
        yield step[:, None], init, times, end
        yield step[::-2], init[:1], times[0], end
        yield step.reshape(62, 97).T[:, :, None], init, times, end


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
