"""The run as one JSON object: what was measured, on what, with which versions. No names of machines or paths."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import platform
import subprocess
from typing import Any

import mlx.core as mx

import mlx_schedules._ext as ext

from .cases import Case
from .contenders import OURS
from .measure import Figure, figure, ratios

PACKAGES = ["mlx", "mlx-schedules", "numpy", "optax", "jax", "torch", "transformers"]


def processor() -> str:
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def git(*arguments: str) -> str:
    here = pathlib.Path(__file__).parent
    try:
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
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


def header(quick: bool) -> dict[str, Any]:
    commit = git("rev-parse", "HEAD") or "unknown"
    return {
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "device": str(mx.default_device()),
            "instruction set": ext.instruction_set(),
            "threads": os.environ.get("MLX_SCHEDULES_THREADS", "as many as there are cores, at most 8"),
        },
        "versions": versions(),
        "commit": commit + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else ""),
        "quick": quick,
    }


def spread(f: Figure) -> list[float]:
    return [f.low, f.median, f.high]


def result(case: Case, times: dict[str, list[float]]) -> dict[str, Any]:
    """Quartiles of seconds for each contender, and of the ratios to ours (above 1: ours is faster)."""
    return {
        "case": case.name,
        "mode": case.mode,
        "elements": case.elements,
        "rounds": len(times[OURS]),
        "contenders": {
            name: {"seconds": spread(figure(sample))}
            | ({} if name == OURS else {"ratio": spread(ratios(times[OURS], sample))})
            | ({"bar": case.bars[name]} if name in case.bars else {})
            for name, sample in times.items()
        },
    }
