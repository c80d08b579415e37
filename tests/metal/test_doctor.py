"""``python -m mlx_schedules doctor``, on the CPU, and on the emulated device with and without a fault."""

import itertools
import json
import math
import multiprocessing
import os
import pathlib
import subprocess
import sys
from types import ModuleType
from typing import Any

import emulated
import faults
import mlx.core as mx
import numpy as np
import pytest

from mlx_schedules import __main__ as cli
from mlx_schedules._commands import doctor, doctor_cases


def test_on_this_machine() -> None:
    done = subprocess.run([sys.executable, "-m", "mlx_schedules", "doctor"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for expected in (
        "mlx-schedules",
        "the compiled op on cpu",
        "built for",
        "instruction set",
        "GB/s",
        "good: 63 of 63 checks",
    ):
        assert expected in done.stdout
    done = subprocess.run([sys.executable, "-m", "mlx_schedules", "doctor", "--json"], capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["good"]
    assert len(report["checks"]) >= 63
    assert all(speed > 0 for speed in report["gigabytes_per_second"].values())


def with_device(monkeypatch: pytest.MonkeyPatch, op: doctor.Op) -> None:
    device = doctor.Device("emulated Metal", "run-time compiled", op)
    there = doctor.devices
    monkeypatch.setattr(doctor, "devices", lambda: [*there(), device])
    monkeypatch.setattr(doctor, "_BANDWIDTH_STEPS", 2**10)


@pytest.mark.slow
def test_every_emulated_kernel(
    extension: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_device(monkeypatch, lambda step, *columns: extension.evaluate(step, doctor.segments(*columns)))
    assert cli.main(["doctor"]) == 0
    assert "emulated Metal: run-time compiled" in capsys.readouterr().out


@pytest.mark.parametrize(("columns", "layout"), [(1, "contiguous"), pytest.param(9, "columns", marks=pytest.mark.slow)])
def test_one_bit_in_one_kernel(
    columns: int, layout: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(step: mx.array, eases: list[str], numbers: doctor_cases.Numbers) -> mx.array:
        y = doctor.op_on("cpu")(step, eases, numbers)
        if step.dtype != mx.int16 or step.size != 10_007 or len(eases) != columns:
            return y
        flipped = (mx.arange(y.size) == y.size // 2).astype(mx.uint32)
        return (y.view(mx.uint32) ^ flipped).view(mx.float32)

    with_device(monkeypatch, wrong)
    assert cli.main(["doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    bad = [check for check in checks if check["differing"] or check["error"]]
    assert [(check["device"], check["kernel"]) for check in bad] == [("emulated Metal", f"{layout} int16")]


def test_a_kernel_that_raises(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*operands: object) -> mx.array:
        raise RuntimeError("no such kernel")

    with_device(monkeypatch, fails)
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "<-- contiguous uint32: RuntimeError: no such kernel" in out
    assert "FAILED: 0 of 63 checks" in out


def layout(*operands: mx.array) -> str:
    """Return the layout that csrc/cuda/eval.cpp would see in these operands, after merging axes."""
    arrays = [np.asarray(a) for a in operands]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    if math.prod(shape) == 1:
        return "one"
    if all(a.size == 1 for a in arrays[1:]) and arrays[0].size == math.prod(shape) and arrays[0].flags.c_contiguous:
        return "contiguous"
    strides = zip(*(np.broadcast_to(a, shape).strides for a in arrays), strict=True)
    axes = [(n, np.array(steps)) for n, steps in zip(shape, strides, strict=True) if n > 1]
    merging = [np.array_equal(outer, n * inner) for (_, outer), (n, inner) in itertools.pairwise(axes)]
    return "line" if len(axes) - sum(merging) <= 1 else "general"


def layouts(named: str) -> list[str]:
    item = doctor_cases.Item(named, "uint32", ["uint32", "float32"], doctor_cases.EASES)
    several = named == "columns"
    return [
        layout(step, *(a[0] if several else a for a in numbers.values()))
        for step, _, numbers in doctor_cases.cases(item)
    ]


@pytest.mark.parametrize("named", ["contiguous", "line", "general", "one"])
def test_layouts_are_what_they_are_called(named: str) -> None:
    assert set(layouts(named)) == {named}
    assert len(layouts(named)) >= 10


def test_columns_come_in_every_layout_with_every_ease() -> None:
    assert set(layouts("columns")) == {"contiguous", "line", "general", "one"}
    assert len(doctor_cases.EASES) == len(set(doctor_cases.EASES)) == 9


def kernels(sparing: bool) -> list[tuple[str, str, str]]:
    """Return the kernels that CUDA compiles: one for each layout and pair of dtypes, where bool counts as uint8."""
    return [
        (item.layout, item.dtype.replace("bool_", "uint8"), time)
        for item in doctor_cases.plan(sparing)
        for time in item.lengths
    ]


def test_a_device_that_compiles_each_pair_of_dtypes_gets_few_of_them() -> None:
    others = ("columns", "repeats")
    every, few = ({kernel for kernel in kernels(sparing) if kernel[0] not in others} for sparing in (False, True))
    steps, times = ({kernel[k] for kernel in every} for k in (1, 2))
    assert (len(steps), len(times), len(every)) == (11, 5, 220)
    assert len(few) == 24  # compiled four at once in 1.5 to 2.5 s each, well within a minute
    assert {dtype for layout, dtype, _ in few if layout == "contiguous"} == steps
    assert {dtype for layout, dtype, _ in few if layout in ("line", "general")} == steps
    assert {(layout, time) for layout, _, time in few if layout != "one"} == {
        (layout, time) for layout, _, time in every if layout != "one"
    }
    assert {dtype for layout, dtype, _ in few if layout == "one"} == {"uint64", "float32"}
    assert ("contiguous", "uint32", "uint32") in few  # the doctor measures its bandwidth
    assert {kernel[1] for kernel in kernels(sparing=True) if kernel[0] == "columns"} == {"uint32", "uint64", "float32"}
    assert kernels(sparing=True)[:2] == [("contiguous", "uint32", "uint32"), ("general", "uint32", "uint64")]


def test_where_pairs_are_compiled_a_fault_in_any_dtype_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for broken in ("int8", "bfloat16"):

        def wrong(step: mx.array, *rest: Any, broken: str = broken) -> mx.array:
            y = doctor.op_on("cpu")(step, *rest)
            return y * 2 if step.dtype == getattr(mx, broken) else y

        checks = list(doctor.compare(doctor.Device("CUDA", "", wrong, compiles=True)))
        assert len(checks) == 29
        assert {check.kernel.split()[1] for check in checks if not check.good} == {broken}
        assert sum(not check.good for check in checks) == 2


@pytest.mark.slow
def test_progress_is_printed_while_it_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []

    def op(*operands: Any) -> mx.array:
        told.append(capsys.readouterr().out)
        return doctor.op_on("cpu")(*operands)

    with_device(monkeypatch, op)
    assert cli.main(["doctor"]) == 0
    assert "good: 63 of 63 checks" in told[0]  # the CPU's, before the device is used
    assert "emulated Metal: run-time compiled" in told[0]
    lines = [line.split()[0] for text in told[1:] for line in text.splitlines() if line]
    assert set(doctor_cases.TYPES) <= set(lines)  # a line for each, printed as soon as it is known
    assert all(len(text.splitlines()) <= 3 for text in told[1:])


@pytest.mark.slow
@pytest.mark.parametrize("tty", [False, True], ids=["a file", "the terminal"])
def test_progress_goes_to_the_terminal_while_json_is_printed_at_the_end(
    tty: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: tty)
    monkeypatch.setattr(doctor, "_BANDWIDTH_STEPS", 2**10)
    assert cli.main(["doctor", "--json"]) == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out)["good"]
    assert [line.split(": ")[1].strip() for line in seen.err.split("\r") if ": " in line][:2] == [
        "contiguous uint32",
        "line uint32",
    ]
    assert seen.err.endswith(" " * 79 + "\r")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert cli.main(["doctor", "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_a_fault_seeded_in_the_kernels(
    extension_path: pathlib.Path, build_folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    text = faults.seeded(emulated.source(tmp_path), faults.KERNELS["a product contracted into an addition"])
    kernels = tmp_path / "kernels.so"
    assert emulated.compile_kernels(text, kernels).returncode == 0
    code = (
        "import sys, metal_cases\n"
        "from mlx_schedules import __main__ as cli\n"
        "from mlx_schedules._commands import doctor\n"
        "there, ext = doctor.devices(), metal_cases.load(sys.argv[1])\n"
        "op = lambda step, *columns: ext.evaluate(step, doctor.segments(*columns))\n"
        "doctor.devices = lambda: [*there, doctor.Device('emulated Metal', 'run-time compiled', op)]\n"
        "doctor._BANDWIDTH_STEPS = 2**10\n"
        "sys.exit(cli.main(['doctor']))\n"
    )
    done = emulated.python("-c", code, str(extension_path), MLXS_KERNELS=str(kernels))
    assert done.returncode == 1, done.stderr
    assert "FAILED" in done.stdout


# ---- Kernels compiled by several processes ---------------------------------------------------------------------------


def ends_its_process(step: mx.array, eases: list[str], numbers: doctor_cases.Numbers) -> mx.array:
    if step.dtype == mx.int8 and multiprocessing.parent_process() is not None:
        os._exit(3)
    return doctor.op_on("cpu")(step, eases, numbers)


def raises_in_others(step: mx.array, eases: list[str], numbers: doctor_cases.Numbers) -> mx.array:
    if multiprocessing.parent_process() is not None:
        raise RuntimeError("one process at a time")
    return doctor.op_on("cpu")(step, eases, numbers)


def test_several_processes_give_the_same_checks_as_one() -> None:
    one, two = (list(doctor.compare(doctor.Device("CPU", "", doctor.op_on("cpu"), True, n))) for n in (1, 2))
    assert one == two
    assert all(check.good and check.elements for check in two)


def test_a_device_for_one_process_only_is_checked_by_one() -> None:
    checks = list(doctor.compare(doctor.Device("GPU", "", raises_in_others, True, 2)))
    assert len(checks) == 29
    assert all(check.good for check in checks)


def test_a_kernel_that_ends_its_process_does_not_end_the_doctor() -> None:
    checks = list(doctor.compare(doctor.Device("GPU", "", ends_its_process, True, 2)))
    assert len(checks) == 29
    assert any("its process ended" in check.error for check in checks if check.kernel.endswith("int8"))


@pytest.mark.parametrize("refused", ["__init__", "submit"])
def test_one_process_checks_if_no_others_can_start(refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise OSError("no synchronization primitives")

    monkeypatch.setattr(doctor.ProcessPoolExecutor, refused, missing)
    assert len(list(doctor.compare(doctor.Device("CPU", "", doctor.op_on("cpu"), True, 2)))) == 29


@pytest.mark.slow
def test_a_remainder_that_is_wrong_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(step: mx.array, eases: list[str], numbers: doctor_cases.Numbers) -> mx.array:
        if "period" in numbers and step.dtype == mx.uint32:  # as an Apple GPU was reported to divide
            step = mx.where(step == 2**32 - 2, mx.array(2**32 - 1, mx.uint32), step)
        return doctor.op_on("cpu")(step, eases, numbers)

    with_device(monkeypatch, wrong)
    assert cli.main(["doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [check["kernel"] for check in checks if check["differing"]] == ["repeats uint32"]
