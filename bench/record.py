"""The run as one JSON object: what was measured, on which hardware, with which versions. No host names or paths."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import platform
import subprocess
from typing import Any

import mlx.core as mx

import mlx_schedules._ext as ext

from .case import Case, Number
from .contenders import OURS
from .measure import ratios, spread

PACKAGES = ["mlx", "mlx-schedules", "numpy", "optax", "jax", "torch", "transformers"]


def ask(*command: str) -> str:
    """Return what a program prints, or an empty string if it fails or doesn't exist."""
    here = pathlib.Path(__file__).parent
    try:
        return subprocess.run(command, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    changes = "+changes" if ask("git", "status", "--porcelain", "--untracked-files=no") else ""
    return os.environ.get("COMMIT") or (ask("git", "rev-parse", "HEAD") or "unknown") + changes


def machine() -> dict[str, Any]:
    found = {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": mx.device_info(mx.cpu)["device_name"],
        "cores": os.cpu_count(),
        "device": str(mx.default_device()),
        "instruction set": ext.instruction_set(),
        "threads": os.environ.get("MLX_SCHEDULES_THREADS", "as many as there are cores, at most 8"),
    }
    if gpu := ask("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"):
        found["gpu"], found["driver"] = gpu.splitlines()[0].split(", ")
    return found


def header(quick: bool) -> dict[str, Any]:
    return {"machine": machine(), "versions": versions(), "commit": commit(), "quick": quick}


def timed(case: Case, times: dict[str, list[float]]) -> dict[str, Any]:
    """Return the quartiles of each contender's seconds, and of its ratios to ours (above 1: ours is faster)."""
    return {
        "case": case.name,
        "mode": case.mode,
        "elements": case.elements,
        "rounds": len(times[OURS]),
        "contenders": {
            name: {"seconds": spread(sample)}
            | ({} if name == OURS else {"ratio": ratios(times[OURS], sample)})
            | ({"bar": case.bars[name]} if name in case.bars else {})
            for name, sample in times.items()
        },
    }


def counted(number: Number) -> dict[str, Any]:
    value = number.value() if callable(number.value) else number.value
    return {"number": number.name, "contender": number.contender, "value": value, "unit": number.unit} | (
        {} if number.most is None else {"most": number.most}
    )
