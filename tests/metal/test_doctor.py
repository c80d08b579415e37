"""``python -m mlx_schedules doctor``, on the CPU and on the emulated device with and without a fault."""

import itertools
import json
import math
import pathlib
import subprocess
import sys
from types import ModuleType

import emulated
import faults
import mlx.core as mx
import numpy as np
import pytest

from mlx_schedules import __main__ as cli
from mlx_schedules import _doctor


def test_on_this_machine() -> None:
    done = subprocess.run([sys.executable, "-m", "mlx_schedules", "doctor"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for expected in ("mlx-schedules", "built for", "internals v", "instruction set", "GB/s", "good: 48 of 48 checks"):
        assert expected in done.stdout
    done = subprocess.run([sys.executable, "-m", "mlx_schedules", "doctor", "--json"], capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["good"]
    assert len(report["checks"]) >= 48
    assert all(speed > 0 for speed in report["gigabytes_per_second"].values())


def with_device(monkeypatch: pytest.MonkeyPatch, op: _doctor.Op) -> None:
    device = _doctor.Device("emulated Metal", "run-time compiled", op)
    there = _doctor.devices
    monkeypatch.setattr(_doctor, "devices", lambda: [*there(), device])
    monkeypatch.setattr(_doctor, "_BANDWIDTH_STEPS", 2**10)


def test_every_emulated_kernel(
    extension: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_device(monkeypatch, extension.cosine_decay)
    assert cli.main(["doctor"]) == 0
    assert "emulated Metal: run-time compiled" in capsys.readouterr().out


def test_one_bit_in_one_kernel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(step: mx.array, *rest: mx.array) -> mx.array:
        y = _doctor._ext.cosine_decay(step, *rest)
        if step.dtype != mx.int16 or step.size != 10_007:
            return y
        flipped = (mx.arange(y.size) == y.size // 2).astype(mx.uint32)
        return (y.view(mx.uint32) ^ flipped).view(mx.float32)

    with_device(monkeypatch, wrong)
    assert cli.main(["doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    bad = [check for check in checks if check["differing"] or check["error"]]
    assert [(check["device"], check["kernel"]) for check in bad] == [("emulated Metal", "uniform int16")]


def test_a_kernel_that_raises(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*operands: mx.array) -> mx.array:
        raise RuntimeError("no such kernel")

    with_device(monkeypatch, fails)
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "<-- RuntimeError: no such kernel" in out
    assert "FAILED: 0 of 48 checks" in out


def layout(*operands: mx.array) -> str:
    """What csrc/cuda/eval.cpp takes these for: axes that merge count as one."""
    arrays = [np.asarray(a) for a in operands]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    if math.prod(shape) == 1:
        return "one"
    if all(a.size == 1 for a in arrays[1:]) and arrays[0].size == math.prod(shape) and arrays[0].flags.c_contiguous:
        return "uniform"
    strides = zip(*(np.broadcast_to(a, shape).strides for a in arrays), strict=True)
    axes = [(n, np.array(steps)) for n, steps in zip(shape, strides, strict=True) if n > 1]
    merging = [np.array_equal(outer, n * inner) for (_, outer), (n, inner) in itertools.pairwise(axes)]
    return "line" if len(axes) - sum(merging) <= 1 else "general"


@pytest.mark.parametrize("named", _doctor._LAYOUTS)
def test_layouts_are_what_they_are_called(named: str) -> None:
    layouts = [layout(*operands) for operands in _doctor._cases(named, "uint32", ["uint32", "float32"])]
    assert set(layouts) == {named}
    assert len(layouts) >= 10


def kernels(sparing: bool) -> list[tuple[str, str, str]]:
    """What CUDA compiles, one for each layout and pair of dtypes: csrc/cuda/eval.cpp reads bool as uint8."""
    return [
        (layout, dtype.replace("bool_", "uint8"), time)
        for layout, dtype, times in _doctor.plan(sparing)
        for time in times
    ]


def test_where_every_pair_of_dtypes_is_compiled_few_are_and_each_is_read_in_every_way() -> None:
    every, few = set(kernels(sparing=False)), set(kernels(sparing=True))
    steps, times = ({kernel[k] for kernel in every} for k in (1, 2))
    assert (len(steps), len(times), len(every)) == (11, 5, 220)
    assert len(few) == 24  # at 1.5 s each, and 2 s at most, well within a minute
    assert {dtype for layout, dtype, _ in few if layout == "uniform"} == steps
    assert {dtype for layout, dtype, _ in few if layout in ("line", "general")} == steps
    assert {(layout, time) for layout, _, time in few if layout != "one"} == {
        (layout, time) for layout, _, time in every if layout != "one"
    }
    assert {dtype for layout, dtype, _ in few if layout == "one"} == {"uint64", "float32"}
    assert ("uniform", "uint32", "uint32") in few  # whose bandwidth is measured
    assert kernels(sparing=True)[:2] == [("uniform", "uint32", "uint32"), ("general", "uint32", "uint64")]


def test_where_pairs_are_compiled_a_fault_in_any_dtype_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for broken in ("int8", "bfloat16"):

        def wrong(step: mx.array, *rest: mx.array, broken: str = broken) -> mx.array:
            y = _doctor._ext.cosine_decay(step, *rest)
            return y * 2 if step.dtype == getattr(mx, broken) else y

        checks = list(_doctor.compare(_doctor.Device("CUDA", "", wrong, compiles=True)))
        assert len(checks) == 26
        assert {check.kernel.split()[1] for check in checks if not check.good} == {broken}
        assert sum(not check.good for check in checks) == 2


def test_it_is_told_as_it_goes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []

    def op(*operands: mx.array) -> mx.array:
        told.append(capsys.readouterr().out)
        return _doctor._ext.cosine_decay(*operands)

    with_device(monkeypatch, op)
    assert cli.main(["doctor"]) == 0
    assert "good: 48 of 48 checks" in told[0]  # of the CPU, before the device is touched
    assert "emulated Metal: run-time compiled" in told[0]
    assert sum("  uniform " in text for text in told[1:]) == 12
    assert all(len(text.splitlines()) <= 3 for text in told[1:])


@pytest.mark.parametrize("tty", [False, True], ids=["a file", "the terminal"])
def test_progress_is_on_the_terminal_where_json_tells_nothing_until_the_end(
    tty: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: tty)
    monkeypatch.setattr(_doctor, "_BANDWIDTH_STEPS", 2**10)
    assert cli.main(["doctor", "--json"]) == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out)["good"]
    assert [line.split(": ")[1].strip() for line in seen.err.split("\r") if ": " in line][:2] == [
        "uniform uint32",
        "line uint32",
    ]
    assert seen.err.endswith(" " * 79 + "\r")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert cli.main(["doctor", "--json"]) == 0
    assert capsys.readouterr().err == ""


def test_a_fault_seeded_in_the_kernels(
    extension_path: pathlib.Path, build_folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    text = faults.seeded(emulated.source(tmp_path), faults.KERNELS["a product contracted into an addition"])
    kernels = tmp_path / "kernels.so"
    assert emulated.compile_kernels(text, kernels).returncode == 0
    code = (
        "import sys, metal_cases\n"
        "from mlx_schedules import __main__ as cli, _doctor\n"
        "there, op = _doctor.devices(), metal_cases.load(sys.argv[1]).cosine_decay\n"
        "_doctor.devices = lambda: [*there, _doctor.Device('emulated Metal', 'run-time compiled', op)]\n"
        "_doctor._BANDWIDTH_STEPS = 2**10\n"
        "sys.exit(cli.main(['doctor']))\n"
    )
    done = emulated.python("-c", code, str(extension_path), MLXS_KERNELS=str(kernels))
    assert done.returncode == 1, done.stderr
    assert "FAILED" in done.stdout
