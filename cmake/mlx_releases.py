"""The releases of MLX that this package supports: the one list of them. Building and checking ask here.

    python cmake/mlx_releases.py [FOLDER [PLATFORM]]

prints the versions to build for: those that MLX_VERSIONS names ("all", or versions with spaces between, oldest first),
else the one that is installed. With FOLDER as VERSION=PACKAGE;..., what MLX_VERSIONS names unpacked into it from MLX's
wheels for this machine or for PLATFORM.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

SUPPORTED = ("0.32.3", "0.32.4")  # that there are compiled modules for; the last is what `pip install .` builds for
OLDEST = "0.32.0"  # that the Python files serve without one: _compatibility.OLDEST_MLX
REQUIREMENT = f"mlx>={OLDEST}"


def wanted() -> list[str]:
    """The versions to build for."""
    given = os.environ.get("MLX_VERSIONS", "").split()
    return list(SUPPORTED) if given == ["all"] else given or [installed()]


def installed() -> str:
    try:
        return importlib.metadata.version("mlx")
    except importlib.metadata.PackageNotFoundError:  # an sdist needs none
        return SUPPORTED[-1]


def fetch(version: str, folder: pathlib.Path, platform: str = "") -> pathlib.Path:
    """MLX's package of that version, unpacked into the folder unless it is there already."""
    if not (folder / "mlx" / "lib").exists():
        backend = "mlx-metal" if (platform or sys.platform).startswith(("macosx", "darwin")) else "mlx-cpu"
        other = ("--platform", platform, "--python-version", "3.12", "--implementation", "cp")
        with tempfile.TemporaryDirectory() as wheels:
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
                    *(other if platform else ()),  # any Python's wheel has the same library
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
    """What to build against: what is installed, unless versions were asked for."""
    if os.environ.get("MLX_VERSIONS") or platform:
        return fetch(version, folder / version, platform)
    spec = importlib.util.find_spec("mlx")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"mlx is not installed in {sys.prefix}")
    return pathlib.Path(next(iter(spec.submodule_search_locations)))


# ---- What scikit-build-core asks: pyproject.toml ------------------------------------------------------------------


def get_requires_for_dynamic_metadata(settings: object) -> list[str]:
    """What a build needs of MLX."""
    return ["pip"] if os.environ.get("MLX_VERSIONS") else [f"mlx[cpu]=={SUPPORTED[-1]}"]


def dynamic_metadata(settings: object, project: object) -> dict[str, list[str]]:
    """What the wheel needs."""
    return {"dependencies": [REQUIREMENT, "nanobind-backend==1.0.*"]}


def dynamic_wheel(settings: object) -> dict[str, bool]:
    """What an sdist can't say for its wheels."""
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
