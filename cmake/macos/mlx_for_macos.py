"""Fetch MLX's wheels for a macOS release from the package index and unpack them into a folder.

python mlx_for_macos.py 14 FOLDER
"""

import importlib.metadata
import pathlib
import subprocess
import sys
import tempfile
import zipfile

RELEASES = (14, 15, 26)  # what MLX publishes wheels for


def fetch(release: int, folder: pathlib.Path) -> pathlib.Path:
    """The package's folder. Of MLX's version that is installed here; any Python's wheel has the same libmlx."""
    if not (folder / "mlx" / "lib" / "libmlx.dylib").exists():
        version = importlib.metadata.version("mlx")
        with tempfile.TemporaryDirectory() as wheels:
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
                    *("--platform", f"macosx_{release}_0_arm64", "--python-version", "3.12", "--implementation", "cp"),
                    *("--dest", wheels, f"mlx=={version}", f"mlx-metal=={version}"),
                ],
                check=True,
            )
            for wheel in pathlib.Path(wheels).glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(folder)
    return folder / "mlx"


if __name__ == "__main__":
    fetch(int(sys.argv[1]), pathlib.Path(sys.argv[2]))
