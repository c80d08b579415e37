"""Check that a macOS wheel will load on macOS 14 and later, wherever it was built.

python check_wheel.py WHEEL [--mlx FOLDER]

FOLDER keeps MLX's macOS wheels for the next time, unpacked by release.
"""

import argparse
import pathlib
import tempfile
import zipfile
from collections.abc import Iterator

import lief
import macho
from mlx_for_macos import RELEASES, fetch

TAG = "cp310-abi3-macosx_14_0_arm64"
RPATH = "@loader_path/../mlx/lib"
LIBMLX = "@rpath/libmlx.dylib"
SYSTEM = ("/usr/lib/libSystem.B.dylib", "/usr/lib/libc++.1.dylib", "/usr/lib/libobjc.A.dylib")
MODULE = "mlx_schedules/_ext.abi3.so"
KERNELS = (b"cosine_decay_uniform_", b"cosine_decay_general_", b"twice_weight", b"#pragma METAL fp contract(off)")


def findings(wheel: pathlib.Path, mlx: pathlib.Path) -> Iterator[str]:
    """What is wrong."""
    if not wheel.name.endswith(f"-{TAG}.whl"):
        yield f"the tag is not {TAG}: {wheel.name}"
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        if MODULE not in names:
            yield f"no {MODULE}"
            return
        for name in names:
            if name.endswith(".dist-info/WHEEL") and f"Tag: {TAG}" not in archive.read(name).decode().splitlines():
                yield f"{name} does not say {TAG}"
        if extra := [name for name in names if name.endswith((".so", ".dylib")) and name != MODULE]:
            yield f"libraries of others: {', '.join(extra)}"
        yield from module_findings(pathlib.Path(archive.extract(MODULE, folder)), mlx)


def module_findings(module: pathlib.Path, mlx: pathlib.Path) -> Iterator[str]:
    binary = macho.read(module)
    if binary.header.cpu_type != lief.MachO.Header.CPU_TYPE.ARM64:
        yield f"built for {binary.header.cpu_type}"
    version = binary.build_version
    if version is None or version.platform != lief.MachO.BuildVersion.PLATFORMS.MACOS or version.minos[:2] != [14, 0]:
        yield f"the minimum system is {version and version.minos}, not macOS 14.0"
    if (rpaths := [str(x.path) for x in binary.rpaths]) != [RPATH]:
        yield f"rpaths are {rpaths}, not {RPATH} alone"
    if not binary.has_code_signature:
        yield "not signed, not even ad hoc: arm64 would refuse it"

    taken = macho.taken(binary)
    if LIBMLX not in taken:
        yield f"takes nothing from {LIBMLX}"
    others = set(macho.loaded(binary)) - {LIBMLX, *SYSTEM}
    if others := sorted(x for x in others if not x.startswith("/System/Library/Frameworks/")):
        yield f"loads {', '.join(others)}"
    if loose := sorted(x for x in taken[macho.ANYWHERE] if not x.startswith(("_Py", "__Py"))):
        yield f"unresolved, and not Python's: {', '.join(loose)}"
    for release in RELEASES:
        library = macho.read(fetch(release, mlx / str(release)) / "lib" / "libmlx.dylib")
        if missing := sorted(taken.get(LIBMLX, set()) - macho.given(library)):
            yield f"MLX for macOS {release} has no {', '.join(missing)}"
        if library.build_version is None or library.build_version.minos[0] != release:
            yield f"MLX for macOS {release} is for {library.build_version}"

    code = module.read_bytes()
    if lost := [text.decode() for text in KERNELS if text not in code]:
        yield f"the kernels' source is not embedded: no {', '.join(lost)}"
    if b'#include "' in code:
        yield "the embedded source includes files that are not there"


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
