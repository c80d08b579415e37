"""Seeded faults in the shipped kernels and host code: the cases must catch every one of them."""

import pathlib
import re

import emulated
import faults
import pytest


def folder(name: str) -> str:
    return re.sub(r"\W+", "_", name)


@pytest.fixture(scope="session")
def faulty_hosts(build_folder: pathlib.Path, extension_path: pathlib.Path) -> pathlib.Path:
    """Build the extensions with faults in the host code."""
    csrc = emulated.ROOT / "csrc"
    files = {file.name: file.read_text() for file in (csrc / "metal" / "eval.cpp", csrc / "plan.cpp")}
    wanted = {}
    for name, fault in faults.HOST.items():
        (file,) = [file for file, source in files.items() if faults.target(source, fault)]
        wanted[build_folder / "faults" / folder(name) / file] = faults.seeded(files[file], fault)
    for stale in {*(build_folder / "faults").glob("*/*")} - wanted.keys():
        stale.unlink(missing_ok=True)
    for path, faulty in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != faulty:
            path.write_text(faulty)
    emulated.build(build_folder, "faults")
    return build_folder


def caught(extension: pathlib.Path, kernels: pathlib.Path, columns: bool = False) -> str:
    """Return the output of the first cases that fail, or "" if all pass. `columns` runs only the cases of columns."""
    runs = [{"script": "large_cases.py", "sparse": 64, "only": "columns" if columns else ""}]
    runs += [] if columns else [{}]
    runs += [{"script": "column_cases.py"}]
    for run in runs:
        done = emulated.run_cases(extension, kernels, **run)
        if done.returncode:
            return f"exit status {done.returncode}: {done.stderr[-500:]}"
    return ""


@pytest.mark.slow
def test_without_a_fault_nothing_is_caught(extension_path: pathlib.Path, kernels: pathlib.Path) -> None:
    assert caught(extension_path, kernels) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", faults.KERNELS)
def test_faults_in_kernels(name: str, extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    output = tmp_path / "kernels.so"
    text = faults.seeded(emulated.source(tmp_path), faults.KERNELS[name])
    done = emulated.compile_kernels(text, output, "-O0")  # in 2 s instead of 10, and most are caught within seconds
    assert done.returncode == 0, done.stderr
    message = caught(extension_path, output, name.startswith("columns: "))
    assert message
    print(message)


@pytest.mark.slow
def test_the_pragma_keeps_products_apart(extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The emulation contracts a product that is used once, unless the pragma forbids it."""
    contracted = faults.KERNELS["a product contracted into an addition"]
    apart = contracted.replace("fused(n + n, mul(n, R(0.5)), -q.hi)", "(mul(n + n, mul(n, R(0.5))) - q.hi)")
    assert apart != contracted
    text = faults.seeded(emulated.source(tmp_path), apart)
    for name, source in (("kept", text), ("contracted", text.replace("#pragma METAL fp contract(off)", ""))):
        output = tmp_path / f"{name}.so"
        assert emulated.compile_kernels(source, output).returncode == 0
        assert bool(caught(extension_path, output)) == (name == "contracted")


@pytest.mark.slow
@pytest.mark.parametrize("name", faults.HOST)
def test_faults_in_host_code(name: str, faulty_hosts: pathlib.Path, kernels: pathlib.Path) -> None:
    message = caught(faulty_hosts / folder(name) / "_ext.abi3.so", kernels, name.startswith("columns: "))
    assert message
    print(message)


SOURCE = """
int twice(int x); // declared (
template <typename T> T twice(T x) { return x + x; }
int twice(int x) { return twice<long>(x); }
enum { kOne = 1, kTwo = 2 };
"""


def test_a_fault_takes_the_place_of_one_function_and_no_other() -> None:
    assert faults.seeded(SOURCE, "int twice(int x) {\n  return right_twice(x) + 1;\n}\n") == SOURCE.replace(
        "int twice(int x) { return twice<long>(x); }",
        "int right_twice(int x) { return twice<long>(x); }\nint twice(int x) {\n  return right_twice(x) + 1;\n}\n",
    )
    assert faults.seeded(SOURCE, "enum { kTwo = 3 };") == SOURCE.replace("kTwo = 2", "kTwo = 3")
    for astray in ("int thrice(int x) {}", "int twice(float x) {}", "enum { kThree = 3 };"):
        with pytest.raises(AssertionError, match="0 "):
            faults.seeded(SOURCE, astray)
