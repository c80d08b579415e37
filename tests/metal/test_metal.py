"""The shipped Metal kernels and host code, run on an emulated device. README.md says what that proves."""

import ctypes
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import column_cases
import emulated
import metal_cases
import mlx.core as mx
import pytest

from support.helpers import STEP_TYPES


def launches(extension: ModuleType) -> list[str]:
    """Return the kernels launched since the last call."""
    library = ctypes.CDLL(extension.__file__)
    library.take_launches.restype = ctypes.c_char_p
    return library.take_launches().decode().splitlines()


@pytest.mark.parametrize("dtype", STEP_TYPES)
@pytest.mark.parametrize("cases", metal_cases.SETS)
def test_same_bits_as_the_cpu(extension: ModuleType, dtype: str, cases: str) -> None:
    launches(extension)
    compared = 0
    for name, operands in metal_cases.SETS[cases](dtype):
        try:
            compared += metal_cases.compare(extension.cosine_decay, operands)
        except AssertionError as error:
            raise AssertionError(f"{dtype}, {name}: {error}") from error
    names = {line.split()[0] for line in launches(extension)}
    kernel = dtype if dtype != "bool_" else "uint8"
    variants = ["general"] if cases == "groups" else ["general", "contiguous"]
    assert names == {f"cosine_{variant}_{kernel}" for variant in variants}
    if cases == "large":
        assert compared >= 10**7 / len(STEP_TYPES)  # 10^7 elements in all for these


@pytest.mark.parametrize("part", range(6))
def test_columns_give_the_cpus_bits(extension: ModuleType, part: int) -> None:
    launches(extension)
    column_cases.compare_many(extension, elements=5 * 10**5, schedules=120, first=1000 * part)
    names = {line.split()[0] for line in launches(extension)}
    kernels = {f"columns_general_{dtype}" for dtype in STEP_TYPES if dtype != "bool_"}
    assert kernels <= names  # some schedules are a single cosine


def test_corners_give_the_cpus_bits(extension: ModuleType) -> None:
    column_cases.compare_corners(extension)


def test_every_kernel_is_compared(build_folder: pathlib.Path) -> None:
    """There are no kernels besides those above and the large ones of `large_cases.py`."""
    text = emulated.source(build_folder)
    types = re.findall(r"^#define MLXS_OF_(\w+)", text, re.MULTILINE)
    assert set(types) | {"bool_"} == set(STEP_TYPES)
    kernels = {
        "cosine_contiguous_",
        *(f"{kind}_general_{large}" for kind in ("cosine", "columns") for large in ("", "large_")),
    }
    assert set(re.findall(r'INSTANTIATE\("(\w+_)" type', text)) == kernels


@pytest.mark.slow
def test_beyond_32_bits(extension_path: pathlib.Path, kernels: pathlib.Path) -> None:
    done = emulated.run_cases(extension_path, kernels, sparse=64, script="large_cases.py")
    assert done.returncode == 0, done.stderr


def test_nothing_is_launched_for_size_0(extension: ModuleType) -> None:
    launches(extension)
    for shape in [(0,), (3, 0, 2)]:
        y = extension.cosine_decay(mx.zeros(shape), mx.array(0.1), mx.array(10), mx.array(0.0))
        mx.eval(y)
        assert y.shape == shape
    assert launches(extension) == []


def test_the_step_buffer_is_donated_when_it_can_be(extension: ModuleType) -> None:
    init, time, end = mx.array([0.1]), mx.array([10]), mx.array([0.0])
    groups = mx.array([[0.1], [0.2]])
    one = mx.array(1.0)
    base = mx.arange(12.0).reshape(2, 6)
    mx.eval(init, time, end, groups, base, one)
    launches(extension)

    def donated(step: Callable[[], mx.array], first: mx.array = init) -> bool:
        mx.eval(extension.cosine_decay(step(), first, time, end))
        (launch,) = launches(extension)
        return launch.endswith(" donated")

    assert donated(lambda: base + one)
    assert donated(lambda: (base + one).T)  # without gaps, in another order
    assert donated(lambda: base + one, groups)
    assert not donated(lambda: base)  # it has another reference
    assert not donated(lambda: (base + one).astype(mx.int8))  # too small
    assert not donated(lambda: (base + one)[:, ::2])  # gaps
    assert not donated(lambda: (base + one)[:1], groups)  # grows


def test_the_callers_stream(extension: ModuleType) -> None:
    operands = mx.arange(5), mx.array(0.1), mx.array(10), mx.array(0.0)
    mx.eval(*operands)
    for stream in (mx.new_stream(mx.cpu), mx.new_stream(mx.cpu)):
        launches(extension)
        mx.eval(extension.cosine_decay(*operands, stream=stream))
        (launch,) = launches(extension)
        assert f" stream {re.findall(r'[0-9]+', str(stream))[-1]}" in launch


def test_grids(extension: ModuleType) -> None:
    init, time, end = mx.array(0.1), mx.array(10), mx.array(0.0)
    launches(extension)
    mx.eval(extension.cosine_decay(mx.arange(33), init, time, end))
    assert launches(extension)[0].split()[1] == "3x1"  # 16 steps per thread
    mx.eval(extension.cosine_decay(mx.zeros((2**20 + 1, 2))[:, 0], init, time, end))
    assert launches(extension)[0].split()[1] == "65536x1"  # the same
    mx.eval(extension.cosine_decay(mx.zeros(2**20 + 1), mx.ones(2**20 + 1), time, end))
    assert launches(extension)[0].split()[1] == "1048576x2"


def test_kernels_say_where_they_come_from(extension: ModuleType) -> None:
    assert extension.gpu_kernels() == "Metal, compiled at first use"


def test_the_source_has_no_remainders(tmp_path: pathlib.Path) -> None:
    """Apple's GPUs compute `%` of 64-bit integers slowly and, according to a public report, wrongly: cursor.h."""
    assert "%" not in re.sub(r"//.*", "", emulated.source(tmp_path))


ONE_COSINE = (
    "import sys, metal_cases, mlx.core as mx\n"
    "ext = metal_cases.load(sys.argv[1])\n"
    "print(ext.gpu_kernels())\n"
    "mx.eval(ext.cosine_decay(mx.arange(3), mx.array(0.1), mx.array(10), mx.array(0.0)))\n"
    "print(ext.gpu_kernels())\n"
)


def test_the_first_call_compiles_the_one_kernel_that_it_launches(
    extension_path: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    done = emulated.python("-c", ONE_COSINE, str(extension_path), MLXS_KERNELS=str(tmp_path / "none"))
    assert done.returncode == 0, done.stderr
    (library,) = tmp_path.glob("*.so")
    assert library.name == "mlx_schedules_cosine_contiguous_int32.so"
    names = re.findall(r"\bvoid run_(\w+)\(__global const ulong\* buffers", library.with_suffix(".clcpp").read_text())
    assert names == ["cosine_contiguous_int32"]


@pytest.mark.slow
def test_kernels_that_know_a_schedule(extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert emulated.run_specialised(extension_path, tmp_path, *range(200, 224)).stderr == ""
    assert len(list(tmp_path.glob("columns_general_*_*_*.so"))) >= 20


def test_a_metallib_that_does_not_load_leaves_the_source(extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    beside = tmp_path / "lib" / extension_path.name
    beside.parent.mkdir()
    beside.write_bytes(extension_path.read_bytes())
    metallib = tmp_path / "mlx_schedules.metallib"
    metallib.write_bytes(b"")  # the emulated device doesn't read metallibs
    done = emulated.python("-c", ONE_COSINE, str(beside), MLXS_KERNELS=str(tmp_path / "none"))
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.splitlines()
    assert before == f"Metal, {metallib}"
    assert after.startswith(f"Metal, compiled at first use, since {metallib} did not load: ")


def test_names_of_ours_may_be_in_apples_library(tmp_path: pathlib.Path) -> None:
    """A later release of Apple's library may define these names, and a published wheel must still compile with it."""
    text = emulated.source(tmp_path)
    ours = set(re.findall(r"^(?:struct|enum class) (\w+)", text, re.MULTILINE))
    functions = set(re.findall(r"^(?:MLXS_FN|inline) .*?\b(\w+)\(", text, re.MULTILINE))
    assert {"Cursor", "Span"} <= ours
    assert {"difference", "span"} <= functions
    ours_only = {"ease_of", "value_of", "time_of", "real_of"}  # cursor.h calls these before a backend declares them
    theirs = [f"struct {name} {{}};" for name in sorted((ours | functions) - ours_only)]
    include = "#include <metal_stdlib>\n"
    assert include in text
    text = text.replace(include, f"{include}namespace metal {{\n" + "\n".join(theirs) + "\n}\n")
    text = (
        "#define MLXS_KERNEL MLXS_OF_uint32(columns_general) MLXS_OF_half(cosine_general)\n".replace("half", "float16")
        + text
    )
    done = emulated.compile_kernels(text, tmp_path / "kernels.so")
    assert done.returncode == 0, done.stderr


# What is appended to the source, and the compiler's error.
MISTAKES = {
    "a device pointer where a constant one is wanted": (
        "inline int f(constant int* p) { return *p; }\ninline int g(const device int* p) { return f(p); }",
        "address space",
    ),
    "a pointer without an address space": ("inline int f(int* p) { return *p; }", "without an address space"),
    "a const pointer without one": ("inline uchar f(const uchar* p) { return *p; }", "without an address space"),
    "a constant argument that is written": ("inline int f(constant Extent& e) { return e.axes = 1; }", "read-only"),
    "double": ("inline double f() { return 1; }", "double"),
    "a float cast to double": ("inline float f(float x) { return (double)x; }", "double"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_that_do_not_compile(mistake: str, tmp_path: pathlib.Path) -> None:
    wrong, message = MISTAKES[mistake]
    done = emulated.compile_kernels(f"{emulated.source(tmp_path)}\n{wrong}\n", tmp_path / "kernels.so")
    assert done.returncode != 0
    assert message in done.stderr


def test_the_source_is_cpp14(tmp_path: pathlib.Path) -> None:
    """Metal 3 is based on C++14. A second front end reads all instantiations, without Metal's attributes."""
    path = tmp_path / "kernels.cpp"
    path.write_text(emulated.source(tmp_path).replace("[[host_name(name)]] [[kernel]]", ""))
    clang = [sys.executable, "-m", "ziglang", "clang", "-x", "c++", "-std=c++14", "-fsyntax-only", "-nostdinc"]
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unknown-attributes", "-Wno-unknown-pragmas"]
    stdlib = str(pathlib.Path(__file__).parent / "cpp14")
    done = subprocess.run([*clang, *warnings, "-I", stdlib, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:4000]
