"""The macOS wheel checker passes what is right and names what is wrong, on a small stand-in for module and libmlx."""

import pathlib
import subprocess
import sys
import zipfile

import emulated
import pytest

sys.path.insert(0, str(emulated.ROOT / "cmake" / "macos"))
import check_wheel

MODULE = """
extern int mlx_function(void);
extern int PyLong_FromLong(long);
%s
const char source[] = "cosine_decay_uniform_ cosine_decay_general_ twice_weight #pragma METAL fp contract(off)";
const char* PyInit__ext(void) { return source + mlx_function() + PyLong_FromLong(1) + more(); }
"""
NOTHING_MORE = "static int more(void) { return 0; }"


def compile_c(source: str, output: pathlib.Path, target: str, *flags: str) -> None:
    path = output.with_suffix(".c")
    path.write_text(source)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-dynamiclib", str(path), "-o", str(output)]
    subprocess.run([*command, *flags], check=True, capture_output=True)


@pytest.fixture(scope="module")
def mlx_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("mlx")
    for release in check_wheel.RELEASES:
        library = folder / str(release) / "mlx" / "lib" / "libmlx.dylib"
        library.parent.mkdir(parents=True)
        source = "int mlx_function(void) { return 0; }"
        if release != 26:
            source += " int gone_in_26(void) { return 0; }"
        compile_c(source, library, f"aarch64-macos.{release}.0", "-Wl,-install_name,@rpath/libmlx.dylib")
    return folder


def wheel(
    mlx_folder: pathlib.Path,
    folder: pathlib.Path,
    *,
    more: str = NOTHING_MORE,
    target: str = "aarch64-macos.14.0",
    rpaths: tuple[str, ...] = (check_wheel.RPATH,),
    tag: str = check_wheel.TAG,
    replace: tuple[str, str] = ("", ""),
) -> list[str]:
    """What the checker says of a wheel."""
    module = folder / "_ext.abi3.so"
    source = (MODULE % more).replace(*replace)
    flags = [f"-Wl,-rpath,{rpath}" for rpath in rpaths]
    library = mlx_folder / "14" / "mlx" / "lib" / "libmlx.dylib"
    compile_c(source, module, target, str(library), "-Wl,-undefined,dynamic_lookup", *flags)
    path = folder / f"mlx_schedules-0.1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(module, check_wheel.MODULE)
        archive.writestr("mlx_schedules-0.1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
    return list(check_wheel.findings(path, mlx_folder))


def test_right(mlx_folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert wheel(mlx_folder, tmp_path) == []


@pytest.mark.parametrize(
    ("finding", "wrong"),
    [
        ("the tag is not", {"tag": "cp312-cp312-macosx_14_0_arm64"}),
        ("the minimum system is", {"target": "aarch64-macos.15.0"}),
        ("rpaths are", {"rpaths": ()}),
        ("rpaths are", {"rpaths": (check_wheel.RPATH, "/somewhere/else")}),
        ("not Python's: _nowhere", {"more": "int nowhere(void); int more(void) { return nowhere(); }"}),
        (
            "MLX for macOS 26 has no _gone_in_26",
            {"more": "int gone_in_26(void); int more(void) { return gone_in_26(); }"},
        ),
        ("source is not embedded", {"replace": ("twice_weight", "twice")}),
        ("includes files", {"replace": ("twice_weight", 'twice_weight #include \\"x.h\\"')}),
    ],
)
def test_wrong(mlx_folder: pathlib.Path, tmp_path: pathlib.Path, finding: str, wrong: dict[str, object]) -> None:
    found = wheel(mlx_folder, tmp_path, **wrong)  # type: ignore[arg-type]
    assert any(finding in line for line in found), found
