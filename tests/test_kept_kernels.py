"""Kernels that the CUDA backend keeps for later calls."""

import pathlib
import subprocess
import sys

import mlx.core as mx
import pytest

ROOT = pathlib.Path(__file__).parents[1]
MLX = pathlib.Path(mx.__file__).parent


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the CUDA backend is built on Linux only")
def test_a_kept_kernel_is_never_used_for_another_schedule(tmp_path):
    """The host's code, linked with MLX, chooses kernels for 200 000 random schedules, without a GPU."""
    program, library = tmp_path / "kept_kernels", MLX / "lib"
    includes = [f"-I{folder}" for folder in (ROOT / "csrc", ROOT / "kernels", MLX / "include")]
    libraries = [f"-L{library}", "-lmlx", f"-Wl,-rpath,{library}"]
    source = ROOT / "tests" / "cuda" / "kept_kernels.cpp"
    subprocess.run(["c++", "-std=c++20", "-O1", *includes, source, "-o", program, *libraries], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    kernels, used_again = map(int, done.stdout.split())
    assert min(kernels, used_again) > 10_000
