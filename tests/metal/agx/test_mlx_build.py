"""How MLX's own Metal kernels are compiled, read from the metallib in MLX's wheel for macOS.

Division and fma follow IEEE 754, fast math is off, and subnormals are flushed. If a new MLX changes this, it must be
noticed.
"""

import importlib.metadata
import pathlib
import struct
import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def metallib(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("wheel")
    wanted = f"mlx-metal=={importlib.metadata.version('mlx')}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
    subprocess.run([*command, "--platform=macosx_14_0_arm64", wanted], check=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).read("mlx/lib/mlx.metallib")


def functions(metallib: bytes) -> dict[str, bytes]:
    """Return the LLVM bitcode of each function. The header names tables, whose entries are tag, length and value."""
    assert metallib[:4] == b"MTLB"
    table, *_, code, _ = struct.unpack_from("<8Q", metallib, 24)
    (count,) = struct.unpack_from("<I", metallib, table)
    found, start = {}, table + 4
    for _ in range(count):
        (size,) = struct.unpack_from("<I", metallib, start)
        values, at = {}, start + 4
        while (tag := metallib[at : at + 4]) != b"ENDT":
            (length,) = struct.unpack_from("<H", metallib, at + 4)
            values[tag] = metallib[at + 6 : at + 6 + length]
            at += 6 + length
        offset, length = code + struct.unpack("<3Q", values[b"OFFT"])[2], struct.unpack("<Q", values[b"MDSZ"])[0]
        found[values[b"NAME"].rstrip(b"\0").decode()] = metallib[offset : offset + length]
        start += size
    return found


def assembly(bitcode: bytes, folder: pathlib.Path) -> str:
    (folder / "function.air").write_bytes(bitcode)
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "clang",
        "-target",
        "aarch64-macos",
        "-w",
        "-x",
        "ir",
        "-S",
        "-emit-llvm",
    ]
    command += ["-Xclang", "-disable-llvm-passes", str(folder / "function.air"), "-o", "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_what_mlx_assumes_of_arithmetic(metallib: bytes, tmp_path: pathlib.Path) -> None:
    found = functions(metallib)
    assert len(found) > 10_000
    for name, instruction in (
        ("vv_Dividefloat32", "= fdiv float "),
        ("v_Expm1float32float32", "call float @llvm.fma.f32("),
    ):
        text = assembly(found[name], tmp_path)
        assert instruction in text or instruction.replace("llvm.fma", "air.fma") in text, text
        assert '!"air.compile.fast_math_disable"' in text
        assert '!"air.compile.denorms_disable"' in text
        assert "air.fast_" not in text
