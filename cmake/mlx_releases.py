"""The only list of the MLX releases that this package supports, for building and checking.

    python cmake/mlx_releases.py [FOLDER [PLATFORM]]

prints the versions to build for. These are the versions that the environment variable MLX_VERSIONS names ("all", or
versions separated by spaces, oldest first), otherwise the installed one.

With FOLDER it prints VERSION=PACKAGE;... instead, where PACKAGE is the folder of that release. Releases named by
MLX_VERSIONS are unpacked into FOLDER from MLX's wheels, for this machine or for PLATFORM.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

SUPPORTED = ("0.32.3", "0.32.4")  # have compiled modules; `pip install .` builds for the last one
OLDEST = "0.32.0"  # works without a compiled module, like _compatibility.OLDEST_MLX
REQUIREMENT = f"mlx>={OLDEST}"


def wanted() -> list[str]:
    """Return the versions to build for."""
    given = os.environ.get("MLX_VERSIONS", "").split()
    return list(SUPPORTED) if given == ["all"] else given or [installed()]


def installed() -> str:
    try:
        return importlib.metadata.version("mlx")
    except importlib.metadata.PackageNotFoundError:  # building an sdist doesn't need MLX
        return SUPPORTED[-1]


def fetch(version: str, folder: pathlib.Path, platform: str = "") -> pathlib.Path:
    """Return the folder of MLX's package of that version, after unpacking it into `folder` unless it is there."""
    if not (folder / "mlx" / "lib").exists():
        backend = "mlx-metal" if (platform or sys.platform).startswith(("macosx", "darwin")) else "mlx-cpu"
        other = ("--platform", platform, "--python-version", "3.12", "--implementation", "cp")
        with tempfile.TemporaryDirectory() as wheels:
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
                    *(other if platform else ()),  # the library is the same in the wheels for every Python
                    *("--dest", wheels, f"mlx=={version}", f"{backend}=={version}"),
                ],
                check=True,
                stdout=sys.stderr,
            )
            for wheel in pathlib.Path(wheels).glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(folder)
    return folder / "mlx"


def package(version: str, folder: pathlib.Path, platform: str) -> pathlib.Path:
    """Return the folder of the MLX to build against: the installed one, unless versions were asked for."""
    if os.environ.get("MLX_VERSIONS") or platform:
        return fetch(version, folder / version, platform)
    spec = importlib.util.find_spec("mlx")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"mlx is not installed in {sys.prefix}")
    return pathlib.Path(next(iter(spec.submodule_search_locations)))


# ---- What scikit-build-core calls, as pyproject.toml says ---------------------------------------------------------


def get_requires_for_dynamic_metadata(settings: object) -> list[str]:
    """Return what a build needs to find MLX."""
    return ["pip"] if os.environ.get("MLX_VERSIONS") else [f"mlx[cpu]=={SUPPORTED[-1]}"]


def dynamic_metadata(settings: object, project: object) -> dict[str, list[str]]:
    """Return the requirements of the wheel."""
    linked = sysconfig.get_config_var("Py_GIL_DISABLED")  # into the modules: see csrc/CMakeLists.txt
    return {"dependencies": [REQUIREMENT] if linked else [REQUIREMENT, "nanobind-backend==1.0.*"]}


def dynamic_wheel(settings: object) -> dict[str, bool]:
    """Return which fields an sdist can't fix for the wheels built from it."""
    return {"dependencies": True}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("platform", nargs="?", default="")
    arguments = parser.parse_args()
    if arguments.folder:
        print(";".join(f"{v}={package(v, arguments.folder, arguments.platform)}" for v in wanted()))
    else:
        print(*wanted())
