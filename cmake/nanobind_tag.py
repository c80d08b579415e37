"""Print two nanobind internals versions: that of mlx.core, and that of the nanobind to build with; then its release.

nanobind modules exchange types only if these versions agree. Otherwise every call of the extension would fail with
"incompatible function arguments". CMake calls this script and stops if they differ, while that can still be explained.
"""

import importlib.metadata
import importlib.util
import pathlib
import re
import sys


def tag_in_mlx(core: pathlib.Path) -> str:
    found = re.search(rb"nanobind_system_[!-~]*?_v(\d+)|\0v(\d+)_system_", core.read_bytes())
    if not found:
        raise SystemExit(f"no nanobind internals tag found in {core}")
    return next(group for group in found.groups() if group).decode()


def tag_in_nanobind(package: pathlib.Path) -> str:
    for header in sorted((package / "src").glob("nb_*.h")):
        if found := re.search(r"define NB_INTERNALS_VERSION (\d+)", header.read_text()):
            return found[1]
    raise SystemExit(f"no NB_INTERNALS_VERSION found in {package / 'src'}")


def package(name: str) -> pathlib.Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{name} is not installed in {sys.prefix}")
    return pathlib.Path(next(iter(spec.submodule_search_locations)))


if __name__ == "__main__":
    mlx = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else package("mlx")
    core = next(mlx.glob("core.*.so"))
    print(f"{tag_in_mlx(core)};{tag_in_nanobind(package('nanobind'))};{importlib.metadata.version('nanobind')}")
