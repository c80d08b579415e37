"""Write text stubs of macOS's libc++ and libobjc, with the symbols that MLX's macOS build uses.

python link_stubs.py OUTPUT_FOLDER MLX_PACKAGE ...
"""

import pathlib
import sys

import macho

SYSTEM = ("/usr/lib/libc++.1.dylib", "/usr/lib/libobjc.A.dylib")


def main(output: pathlib.Path, packages: list[pathlib.Path]) -> None:
    found: dict[str, set[str]] = {}
    for binary in [b for package in packages for b in (*package.glob("lib/*.dylib"), *package.glob("core.*.so"))]:
        for library, symbols in macho.taken(macho.read(binary)).items():
            found.setdefault(library, set()).update(symbols)
    output.mkdir(parents=True, exist_ok=True)
    for library in SYSTEM:
        listed = ",\n      ".join(f"'{symbol}'" for symbol in sorted(found[library]))
        (output / pathlib.Path(library).with_suffix(".tbd").name).write_text(
            "--- !tapi-tbd\n"
            "tbd-version: 4\n"
            "targets: [ arm64-macos ]\n"
            f"install-name: '{library}'\n"
            "exports:\n"
            f"  - targets: [ arm64-macos ]\n    symbols: [ {listed} ]\n"
            "...\n"
        )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), [pathlib.Path(package) for package in sys.argv[2:]])
