"""``python -m mlx_schedules doctor``, on the CPU and on the emulated device with and without a fault."""

import json
import pathlib
import subprocess
import sys
from types import ModuleType

import emulated
import faults
import mlx.core as mx
import pytest

from mlx_schedules import __main__ as cli
from mlx_schedules import _doctor


def test_on_this_machine() -> None:
    done = subprocess.run([sys.executable, "-m", "mlx_schedules", "doctor"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for expected in ("mlx-schedules", "built for", "internals v", "instruction set", "GB/s", "good: 24 of 24 kernels"):
        assert expected in done.stdout
    done = subprocess.run([sys.executable, "-m", "mlx_schedules", "doctor", "--json"], capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["good"]
    assert len(report["checks"]) >= 24
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
    assert "FAILED: 0 of 24 kernels" in out


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
