"""Check that a macOS wheel, wherever it was built, will load on macOS 14 and later with every supported MLX.

python check_wheel.py WHEEL [--mlx FOLDER]

FOLDER keeps MLX's macOS wheels, unpacked, for the next run.
"""

import argparse
import pathlib
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator

import lief
import macho

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from mlx_releases import REQUIREMENT, SUPPORTED, fetch

TAG = "cp310-abi3-macosx_14_0_arm64"
SYSTEMS = (14, 15, 26)  # what MLX publishes wheels for
RPATHS = ["@loader_path/../lib", "@loader_path/../../mlx/lib"]
LIBMLX, SHARED = "@rpath/libmlx.dylib", "@rpath/libmlx_schedules.dylib"
SYSTEM = ("/usr/lib/libSystem.B.dylib", "/usr/lib/libc++.1.dylib", "/usr/lib/libobjc.A.dylib")
LIBRARY = "mlx_schedules/lib/libmlx_schedules.dylib"
MODULE = "mlx_schedules/mlx-{}/_ext.abi3.so"
KERNELS = (b"cosine_contiguous_", b"cosine_general_", b"columns_general_", b"#pragma METAL fp contract(off)")


def findings(wheel: pathlib.Path, mlx: pathlib.Path) -> Iterator[str]:
    """Yield everything that is wrong with the wheel."""
    if not wheel.name.endswith(f"-{TAG}.whl"):
        yield f"the tag is not {TAG}: {wheel.name}"
    with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch)
        folder = pathlib.Path(scratch)
        yield from metadata_findings(folder)
        modules = {version: folder / MODULE.format(version) for version in SUPPORTED}
        binaries = {path for suffix in ("so", "dylib") for path in folder.rglob(f"*.{suffix}")}
        wanted = {folder / LIBRARY, *modules.values()}
        for path in sorted(wanted ^ binaries):
            yield f"{'no' if path in wanted else 'a library of others:'} {path.relative_to(folder)}"
        if wanted <= binaries:
            yield from library_findings(folder / LIBRARY)
            for version, module in modules.items():
                found = [*module_findings(module, folder / LIBRARY), *mlx_findings(module, version, mlx)]
                yield from (f"for mlx {version}: {finding}" for finding in found)


def metadata_findings(folder: pathlib.Path) -> Iterator[str]:
    (info,) = folder.glob("*.dist-info")
    if f"Tag: {TAG}" not in (info / "WHEEL").read_text().splitlines():
        yield f"{info.name}/WHEEL does not say {TAG}"
    required = re.findall(r"^Requires-Dist: (mlx[<>=][^;\n]*)$", (info / "METADATA").read_text(), re.MULTILINE)
    if required != [REQUIREMENT]:
        yield f"it requires {required}, not {REQUIREMENT}"


def binary_findings(path: pathlib.Path, rpaths: list[str], loads: set[str]) -> Iterator[str]:
    binary = macho.read(path)
    if binary.header.cpu_type != lief.MachO.Header.CPU_TYPE.ARM64:
        yield f"built for {binary.header.cpu_type}"
    version = binary.build_version
    if version is None or version.platform != lief.MachO.BuildVersion.PLATFORMS.MACOS or version.minos[:2] != [14, 0]:
        yield f"the minimum system is {version and version.minos}, not macOS 14.0"
    if (found := [str(x.path) for x in binary.rpaths]) != rpaths:
        yield f"rpaths are {found}, not {rpaths}"
    if not binary.has_code_signature:
        yield "not signed, not even ad hoc: arm64 would refuse it"
    others = set(macho.loaded(binary)) - {*loads, *SYSTEM}
    if others := sorted(x for x in others if not x.startswith("/System/Library/Frameworks/")):
        yield f"loads {', '.join(others)}"
    if loose := sorted(x for x in macho.taken(binary)[macho.ANYWHERE] if not x.startswith(("_Py", "__Py"))):
        yield f"unresolved, and not Python's: {', '.join(loose)}"


def library_findings(library: pathlib.Path) -> Iterator[str]:
    yield from binary_findings(library, [], set())
    code = library.read_bytes()
    if lost := [text.decode() for text in KERNELS if text not in code]:
        yield f"the kernels' source is not embedded: no {', '.join(lost)}"
    if b'#include "' in code:
        yield "the embedded source includes files that are not there"


def module_findings(module: pathlib.Path, library: pathlib.Path) -> Iterator[str]:
    yield from binary_findings(module, RPATHS, {LIBMLX, SHARED})
    if lost := sorted(macho.taken(macho.read(module)).get(SHARED, set()) - macho.given(macho.read(library))):
        yield f"{library.name} has no {', '.join(lost)}"


def mlx_findings(module: pathlib.Path, version: str, mlx: pathlib.Path) -> Iterator[str]:
    """Yield which symbols the module needs that MLX's own libraries lack, for each macOS."""
    taken = macho.taken(macho.read(module)).get(LIBMLX)
    if not taken:
        yield f"takes nothing from {LIBMLX}"
        return
    for system in SYSTEMS:
        package = fetch(version, mlx / version / str(system), f"macosx_{system}_0_arm64")
        library = macho.read(package / "lib" / "libmlx.dylib")
        if missing := sorted(taken - macho.given(library)):
            yield f"MLX for macOS {system} has no {', '.join(missing)}"
        if library.build_version is None or library.build_version.minos[0] != system:
            yield f"MLX for macOS {system} is for {library.build_version}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Check a macOS wheel.")
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("--mlx", type=pathlib.Path, help="where to keep MLX's macOS wheels, unpacked")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = list(findings(arguments.wheel, arguments.mlx or pathlib.Path(scratch)))
    for finding in found:
        print(f"{arguments.wheel.name}: {finding}")
    if found:
        raise SystemExit(1)
    print(f"{arguments.wheel.name}: good")


if __name__ == "__main__":
    main()
