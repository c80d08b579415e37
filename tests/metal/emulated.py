"""Builds the extension with the emulated Metal device, once for all test processes, and again after changes."""

import fcntl
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import mlx
import nanobind

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
COMPILER = HERE / "emulation" / "compile.py"


@contextmanager
def locked(folder: pathlib.Path) -> Iterator[None]:
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cmake(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "cmake", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]


def build(folder: pathlib.Path, target: str) -> pathlib.Path:
    """Build `target`: "shipped", or "faults", which has an extension for each folder/faults/<name>/<file>."""
    with locked(folder):
        mlx_folder = next(iter(mlx.__path__))
        cmake(
            *("-G", "Ninja", "-S", str(HERE / "emulation"), "-B", str(folder), f"-DFAULTS={folder / 'faults'}"),
            *(f"-DMLX_ROOT={mlx_folder}/share/cmake/MLX", f"-Dnanobind_ROOT={nanobind.cmake_dir()}"),
            f"-DPython_EXECUTABLE={sys.executable}",
        )
        cmake("--build", str(folder), "--target", target)
    return folder / "shipped" / "_ext.abi3.so"


def source(folder: pathlib.Path) -> str:
    """Return the Metal source that is embedded in the extension."""
    output = folder / "embedded.cpp"
    kernels = ROOT / "kernels" / "metal" / "schedule.metal"
    cmake(f"-DSOURCE={kernels}", f"-DOUTPUT={output}", "-P", str(ROOT / "cmake" / "embed.cmake"))
    return output.read_text().split('R"metal(')[1].split(')metal"')[0]


def compile_kernels(text: str, output: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    path = output.with_suffix(".source")
    path.write_text(text)
    command = [sys.executable, str(COMPILER), *options, str(path), str(output)]
    return subprocess.run(command, capture_output=True, text=True)


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a separate process, which a fault may crash, with the tests' modules on its path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent))), **environment}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def run_cases(
    extension: pathlib.Path, kernels: pathlib.Path, sparse: int = 0, script: str = "metal_cases.py", only: str = ""
) -> subprocess.CompletedProcess[str]:
    sparsely = {"MLXS_SPARSE": str(sparse)} if sparse else {}
    return python(str(HERE / script), str(extension), *([only] if only else []), MLXS_KERNELS=str(kernels), **sparsely)


SPECIALISED = """
import sys, column_cases
from support.random_schedules import random_case
extension = column_cases.load(sys.argv[1])
for seed in map(int, sys.argv[2:]):
    column_cases.compare(extension, *random_case(seed))
"""


def run_specialised(
    extension: pathlib.Path, folder: pathlib.Path, *seeds: int, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Compare random schedules for which kernels are compiled one by one, as on a Mac, into `folder`."""
    environment |= {"MLXS_KERNELS": str(folder / "none"), "MLXS_SPECIALISED": "yes"}
    return python("-c", SPECIALISED, str(extension), *map(str, seeds), **environment)
