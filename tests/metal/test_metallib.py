"""How CMake chooses between a metallib and kernels compiled at first use, with a stand-in for Xcode's compiler."""

import os
import pathlib
import subprocess
import sys

import pytest
from emulated import ROOT

# Stands in for xcrun: records its arguments, and writes its output file.
XCRUN = """#!/bin/sh
echo "$@" >> "$XCRUN_CALLS"
test "$XCRUN_WORKS" != no || { echo 'xcrun: error: unable to find utility "metal"' >&2; exit 72; }
case "$XCRUN_WORKS $*" in
  "badly "*" -o "*) echo "schedule.metal:1:1: error: the stand-in dislikes it" >&2; exit 1 ;;
esac
previous=
for argument; do
  test "$previous" = -o && echo "made by the stand-in" > "$argument"
  test "$previous" = -MF && : > "$argument"
  previous=$argument
done
exit 0
"""


class Project:
    """This project, configured as on a Mac."""

    def __init__(self, folder: pathlib.Path, works: bool | str) -> None:
        self.build = folder / "build"
        self.calls = folder / "calls"
        tools = folder / "tools"
        tools.mkdir()
        (tools / "xcrun").write_text(XCRUN)
        (tools / "xcrun").chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "XCRUN_CALLS": str(self.calls),
            "XCRUN_WORKS": works if isinstance(works, str) else "yes" if works else "no",
        }

    def cmake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cmake", *arguments], capture_output=True, text=True, env=self.environment
        )

    def configure(self, option: str | None, *more: str) -> subprocess.CompletedProcess[str]:
        given = [*more, *([f"-DMLXS_METALLIB={option}"] if option else [])]
        return self.cmake(
            *("-G", "Ninja", "-S", str(ROOT), "-B", str(self.build), "-DMLX_BUILD_METAL=ON"),
            *(f"-DPython_EXECUTABLE={sys.executable}", *given),
        )


@pytest.mark.parametrize(
    ("option", "works", "ahead"),
    [(None, True, True), ("AUTO", False, False), ("ON", True, True), ("OFF", True, False), ("OFF", False, False)],
)
def test_the_option_decides_whether_kernels_are_compiled_ahead(
    tmp_path: pathlib.Path, option: str | None, works: bool, ahead: bool
) -> None:
    project = Project(tmp_path, works)
    done = project.configure(option)
    assert done.returncode == 0, done.stderr
    assert ("Metal kernels: compiled ahead of time" in done.stdout) == ahead
    assert ("Metal kernels: compiled at first use" in done.stdout) == (not ahead)
    assert project.calls.exists() == (option != "OFF")  # OFF doesn't call xcrun
    # Either way the source is embedded. If there is a metallib, it is installed beside the module.
    install = (project.build / "cmake_install.cmake").read_text()
    assert ("mlx_schedules.metallib" in install) == ahead
    rules = (project.build / "build.ninja").read_text()
    assert "csrc/metal/eval.cpp" in rules
    assert "cmake/embed.cmake" in rules


def test_on_without_a_compiler_stops(tmp_path: pathlib.Path) -> None:
    done = Project(tmp_path, works=False).configure("ON")
    assert done.returncode != 0
    assert "MLXS_METALLIB is ON, but" in done.stderr


def test_kernels_that_do_not_compile_warn_and_are_compiled_at_first_use(tmp_path: pathlib.Path) -> None:
    project = Project(tmp_path, works="badly")
    done = project.configure("AUTO")
    assert done.returncode == 0, done.stderr
    assert "CMake Warning" in done.stderr
    assert "the stand-in dislikes it" in done.stderr
    assert "Metal kernels: compiled at first use" in done.stdout
    assert "mlx_schedules.metallib" not in (project.build / "cmake_install.cmake").read_text()
    done = project.configure("ON")
    assert done.returncode != 0
    assert "the stand-in dislikes it" in done.stderr


@pytest.mark.parametrize(("target", "least"), [(None, "14.0"), ("11.0", "14.0"), ("15.2", "15.2")])
def test_the_options_of_the_metal_compiler(tmp_path: pathlib.Path, target: str | None, least: str) -> None:
    project = Project(tmp_path, works=True)
    given = [f"-DCMAKE_OSX_DEPLOYMENT_TARGET={target}"] if target else []
    assert project.configure("ON", *given).returncode == 0
    project.calls.unlink()
    (project.build / "mlx_schedules.metallib").unlink()  # written when CMake tried the compiler
    done = project.cmake("--build", str(project.build), "--target", "metal_kernels")
    assert done.returncode == 0, done.stdout
    assert (project.build / "mlx_schedules.metallib").read_text() == "made by the stand-in\n"
    (compile_call,) = [call for call in project.calls.read_text().splitlines() if " -o " in call]
    assert f"-mmacosx-version-min={least} " in compile_call
    for expected in (
        "-sdk macosx metal -std=metal3.1",
        "-fno-fast-math -ffp-contract=off",
        "kernels/metal/schedule.metal",
    ):
        assert expected in compile_call
    everything = project.cmake("--build", str(project.build), "--", "-t", "commands", "all").stdout
    assert "-o mlx_schedules.metallib" in everything or f"-o {project.build}/mlx_schedules.metallib" in everything


def test_without_metal_there_is_no_gpu_backend(tmp_path: pathlib.Path) -> None:
    project = Project(tmp_path, works=True)
    done = project.cmake(
        *("-G", "Ninja", "-S", str(ROOT), "-B", str(project.build)),
        f"-DPython_EXECUTABLE={sys.executable}",
    )
    assert done.returncode == 0, done.stderr
    assert "csrc/metal" not in (project.build / "build.ninja").read_text()
    assert not project.calls.exists()
