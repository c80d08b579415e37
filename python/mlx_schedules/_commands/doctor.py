"""``python -m mlx_schedules doctor``: checks that the installation is complete and the GPU gives the CPU's bits."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from typing import Any

import mlx.core as mx

from .. import _compatibility, _ext
from .doctor_cases import Item, Numbers, cases, differing, plan, reference, segments

Op = Callable[[mx.array, list[str], Numbers], mx.array]
Tell = Callable[[str], None]

_BANDWIDTH_STEPS = 2**24  # 64 MiB in and 64 MiB out, more than all but the largest caches hold


@dataclass
class Device:
    name: str
    kernels: str  # where its kernels come from
    op: Op
    compiles: bool = False  # whether each layout and pair of dtypes takes 1.5 to 2.5 s to compile, as on CUDA
    processes: int = 1  # how many compile at once; within a process, MLX compiles one kernel after the other


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
    parser = commands.add_parser(
        "doctor", help="check this installation, and compare every device with the CPU bit for bit"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Check this machine. Prints results at once, quick ones first, as a GPU may compile for most of a minute."""
    facts, found = versions(), devices()
    tell: Tell = _silent if arguments.json else partial(print, flush=True)
    note = _noted if sys.stderr.isatty() else _silent
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
    if not found:
        tell("\nMLX's own ops evaluate schedules here, so there are no kernels to compare.")
    if len(found) == 1:
        tell("\nMLX has no GPU here, so the CPU's loops were compared with each other.")
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
    """Check a device. Prints a line for each dtype of steps, and one for each check that fails."""
    start, checks = time.perf_counter(), list[Check]()
    tell(f"  {'steps':<16} {'checks':>7} {'results':>9} {'differ from the CPU':>20}")
    for name, found in groupby(compare(device), line_of):
        of_dtype = list(noted(device, found, note))
        elements, different = (sum(getattr(c, n) for c in of_dtype) for n in ("elements", "differing"))
        tell(f"  {name:<16} {len(of_dtype):>7} {elements:>9} {different:>20}")
        for check in of_dtype:
            if not check.good:
                tell(f"    <-- {check.kernel}: {check.error or f'{check.differing} of {check.elements} differ'}")
        checks += of_dtype
    good, elements = sum(check.good for check in checks), sum(check.elements for check in checks)
    verdict = "good" if good == len(checks) else "FAILED"
    tell(f"  {verdict}: {good} of {len(checks)} checks, {elements} results in {time.perf_counter() - start:.0f} s")
    return checks


def line_of(check: Check) -> str:
    layout, dtype = check.kernel.split()
    return f"{dtype}, repeats" if layout == "repeats" else dtype


def noted(device: Device, checks: Iterable[Check], note: Tell) -> Iterator[Check]:
    for check in checks:
        note(f"{device.name}: {check.kernel}")
        yield check
    note("")


def _silent(line: str) -> None:
    pass


def _noted(what: str) -> None:
    """Show the kernel that was checked last, on a line that the next one overwrites."""
    print(f"\r{what:<79.79}\r", end="", file=sys.stderr, flush=True)


def versions() -> dict[str, str]:
    """Return what is installed, and what the compiled module was built for."""
    return {
        "mlx-schedules": _compatibility.version(),
        "mlx": _compatibility.mlx_version(),
        "evaluated by": str(_compatibility.backend()),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.mac_ver()[0] or platform.release()} {platform.machine()}",
    }


def devices() -> list[Device]:
    """Return the CPU, and the GPU if MLX has one, which is compared with it. Without the compiled op there is none."""
    if _compatibility.backend().name == "ops":
        return []
    found = [Device(f"CPU ({platform.machine()})", f"instruction set {_ext.instruction_set()}", op_on("cpu"))]
    if mx.is_available(mx.gpu):
        name = str(mx.device_info(mx.gpu).get("device_name", "unnamed"))
        kernels = _ext.gpu_kernels() or "none in this build"
        compiles = mx.cuda.is_available()
        found.append(
            Device(f"GPU ({name})", kernels, op_on("gpu"), compiles, min(4, os.cpu_count() or 1) if compiles else 1)
        )
    return found


def op_on(device: str) -> Op:
    return partial(_evaluate, device)


def _evaluate(device: str, step: mx.array, eases: list[str], numbers: Numbers) -> mx.array:
    return _ext.evaluate(step, segments(eases, numbers), stream=mx.Device(getattr(mx, device)))


def compare(device: Device) -> Iterator[Check]:
    """Compare a device's results with the CPU's, for every layout and dtype."""
    items = list(plan(device.compiles))
    with ExitStack() as stack:
        checks: list[Future[Check]] = []
        if device.processes > 1:
            with suppress(ImportError, NotImplementedError, OSError):  # no semaphores, or too many processes
                spawned = multiprocessing.get_context("spawn")
                pool = stack.enter_context(ProcessPoolExecutor(device.processes, spawned))
                checks = [pool.submit(compared, device, item) for item in items]
        for i, item in enumerate(items):
            yield gathered(device, item, checks[i]) if checks else compared(device, item)


def gathered(device: Device, item: Item, check: Future[Check]) -> Check:
    try:
        found = check.result()
    except BrokenProcessPool as error:  # evaluating it in this process would end the doctor
        return Check(device.name, item.name, 0, 0, f"its process ended: {error}")
    return compared(device, item) if found.error else found  # it may be due to several processes


def compared(device: Device, item: Item) -> Check:
    check = Check(device.name, item.name, 0, 0)
    try:
        for call in cases(item):
            expected, got = reference(call), device.op(*call)
            mx.eval(expected, got)
            check.elements += expected.size
            check.differing += differing(expected, got)
    except Exception as error:
        check.error = f"{type(error).__name__}: {error}"
    return check


def bandwidth(device: Device) -> float | None:
    """Return the GB read and written per second, as the median of seven calls, or None if evaluating fails."""
    step = mx.arange(_BANDWIDTH_STEPS, dtype=mx.uint32, stream=mx.cpu)
    numbers = {"init": mx.array(0.1), "length": mx.array(_BANDWIDTH_STEPS, mx.uint32), "end": mx.array(0.0)}
    mx.eval(step, numbers)
    seconds = []
    try:
        for _ in range(8):
            start = time.perf_counter()
            mx.eval(device.op(step, ["cosine"], numbers))
            seconds.append(time.perf_counter() - start)
    except Exception:
        return None
    return round(2 * step.nbytes / sorted(seconds[1:])[3] / 1e9, 1)
