"""CUDA's kernels without a GPU, as far as a host compiler takes them."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the CUDA backend is built on Linux only")
def test_contiguous_steps_of_one_segment(tmp_path):
    """For every ease, whole and real lengths of up to 2^64 steps, and integer steps of all sizes."""
    kernels, program = tmp_path / "kernels", tmp_path / "segment"
    shutil.copytree(ROOT / "kernels", kernels)
    shutil.copy(kernels / "cpu" / "prelude.h", kernels / "cuda")  # what the shared headers need, from the CPU
    source = ROOT / "tests" / "cuda" / "segment.cpp"
    subprocess.run(["c++", "-std=c++20", "-O1", "-ffp-contract=off", f"-I{kernels}", source, "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 2_000_000
