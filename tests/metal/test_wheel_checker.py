"""The checker of macOS wheels passes a good wheel and names what is wrong with others, made of stand-ins."""

import pathlib
import subprocess
import sys
import zipfile

import emulated
import pytest

sys.path.insert(0, str(emulated.ROOT / "cmake" / "macos"))
import check_wheel

OLDEST, NEWEST = check_wheel.SUPPORTED[0], check_wheel.SUPPORTED[-1]
LIBRARY = """
const char source[] = "cosine_contiguous_ cosine_general_ columns_general_ #pragma METAL fp contract(off)";
const char* shared(void) { return source; }
"""
MODULE = """
extern int mlx_function(void);
extern int PyLong_FromLong(long);
extern const char* shared(void);
%s
const char* PyInit__ext(void) { return shared() + mlx_function() + PyLong_FromLong(1) + more(); }
"""
NOTHING_MORE = "static int more(void) { return 0; }"


def compile_c(source: str, output: pathlib.Path, target: str, *flags: str) -> None:
    path = output.with_suffix(".c")
    path.write_text(source)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-dynamiclib", str(path), "-o", str(output)]
    subprocess.run([*command, *flags], check=True, capture_output=True)


@pytest.fixture(scope="module")
def mlx_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Make a libmlx for every version and system, with two functions that some of them lack."""
    folder = tmp_path_factory.mktemp("mlx")
    for version in check_wheel.SUPPORTED:
        for system in check_wheel.SYSTEMS:
            library = folder / version / str(system) / "mlx" / "lib" / "libmlx.dylib"
            library.parent.mkdir(parents=True)
            source = "int mlx_function(void) { return 0; }"
            source += " int gone_in_26(void) { return 0; }" if system != 26 else ""
            source += " int new(void) { return 0; }" if version != OLDEST else ""
            compile_c(source, library, f"aarch64-macos.{system}.0", "-Wl,-install_name,@rpath/libmlx.dylib")
    return folder


def wheel(
    mlx_folder: pathlib.Path,
    folder: pathlib.Path,
    *,
    more: str = NOTHING_MORE,
    library: str = LIBRARY,
    target: str = "aarch64-macos.14.0",
    rpaths: tuple[str, ...] = tuple(check_wheel.RPATHS),
    tag: str = check_wheel.TAG,
    without: str = "",
    requires: str = check_wheel.REQUIREMENT,
) -> list[str]:
    """Make a wheel, and return what the checker finds wrong with it."""
    shared, module = folder / "libmlx_schedules.dylib", folder / "_ext.abi3.so"
    compile_c(library, shared, target, f"-Wl,-install_name,{check_wheel.SHARED}")
    libraries = (str(shared), str(mlx_folder / NEWEST / "14" / "mlx" / "lib" / "libmlx.dylib"))
    flags = [f"-Wl,-rpath,{rpath}" for rpath in rpaths]
    compile_c(MODULE % more, module, target, *libraries, "-Wl,-undefined,dynamic_lookup", *flags)
    files = {check_wheel.LIBRARY: shared, **{check_wheel.MODULE.format(v): module for v in check_wheel.SUPPORTED}}
    path = folder / f"mlx_schedules-0.1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in files.items():
            if not without or without not in name:
                archive.write(file, name)
        archive.writestr("mlx_schedules-0.1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr("mlx_schedules-0.1.0.dist-info/METADATA", f"Requires-Dist: {requires}\n")
    return list(check_wheel.findings(path, mlx_folder))


def test_a_good_wheel_has_no_findings(mlx_folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert wheel(mlx_folder, tmp_path) == []


@pytest.mark.parametrize(
    ("finding", "wrong"),
    [
        ("the tag is not", {"tag": "cp312-cp312-macosx_14_0_arm64"}),
        ("the minimum system is", {"target": "aarch64-macos.15.0"}),
        ("rpaths are", {"rpaths": ()}),
        ("rpaths are", {"rpaths": (*check_wheel.RPATHS, "/somewhere/else")}),
        ("not Python's: _nowhere", {"more": "int nowhere(void); int more(void) { return nowhere(); }"}),
        (
            f"for mlx {NEWEST}: MLX for macOS 26 has no _gone_in_26",
            {"more": "int gone_in_26(void); int more(void) { return gone_in_26(); }"},
        ),
        (
            f"for mlx {OLDEST}: MLX for macOS 14 has no _new",
            {"more": "int new(void); int more(void) { return new(); }"},
        ),
        (f"no mlx_schedules/mlx-{OLDEST}/_ext.abi3.so", {"without": OLDEST}),
        ("no mlx_schedules/lib/libmlx_schedules.dylib", {"without": "dylib"}),
        ("it requires", {"requires": f"mlx=={NEWEST}"}),
        ("source is not embedded", {"library": LIBRARY.replace("columns_general", "columns")}),
        ("includes files", {"library": LIBRARY.replace("#pragma", '#include \\"x.h\\" #pragma')}),
    ],
)
def test_each_fault_of_a_wheel_is_found(
    mlx_folder: pathlib.Path, tmp_path: pathlib.Path, finding: str, wrong: dict[str, object]
) -> None:
    found = wheel(mlx_folder, tmp_path, **wrong)  # type: ignore[arg-type]
    assert any(finding in line for line in found), found
