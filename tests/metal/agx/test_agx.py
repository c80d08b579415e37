"""The shipped Metal kernels as Apple GPU machine code, under the shipped host code: ../README.md says what it proves."""

import json
import pathlib

import emulated
import faults
import machine_code
import pytest
import root

CASES = [("metal_cases.py", 0), ("large_cases.py", 64)]


@pytest.fixture(scope="session")
def prepared() -> None:
    root.prepare()  # a run that can't prepare it has failed


def compiled(text: str, output: pathlib.Path) -> pathlib.Path:
    done = emulated.compile_kernels(text, output, pathlib.Path(machine_code.__file__))
    assert done.returncode == 0, done.stderr[-4000:]
    return output


@pytest.fixture(scope="session")
def kernels(prepared: None, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("agx")
    return compiled(emulated.source(folder), folder / "kernels.so")


def caught(extension: pathlib.Path, kernels: pathlib.Path) -> str:
    """What the cases have to say; empty where they pass."""
    for script, sparse in CASES:
        done = emulated.run_cases(extension, kernels, sparse, script)
        if done.returncode:
            return f"exit status {done.returncode}: {done.stderr[-500:]}"
    return ""


def faulty(fault: str, folder: pathlib.Path) -> pathlib.Path:
    return compiled(faults.seeded(emulated.source(folder), fault), folder / "kernels.so")


@pytest.mark.parametrize("subnormals", ["flushed", "kept"])
def test_same_bits_as_the_cpu(
    extension_path: pathlib.Path, kernels: pathlib.Path, monkeypatch: pytest.MonkeyPatch, subnormals: str
) -> None:
    if subnormals == "kept":
        monkeypatch.setenv("MLXS_AGX_SUBNORMALS", "kept")
    assert caught(extension_path, kernels) == ""


@pytest.mark.parametrize("name", faults.KERNELS)
def test_faults_in_kernels(prepared: None, name: str, extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    message = caught(extension_path, faulty(faults.KERNELS[name], tmp_path))
    assert message
    print(message)


def test_contraction(prepared: None, extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Without the pragma this compiler contracts too."""
    text = emulated.source(tmp_path)
    contracted = text.replace("#pragma METAL fp contract(off)", "")
    assert contracted != text
    assert caught(extension_path, compiled(contracted, tmp_path / "kernels.so"))


PLAIN_RECIPROCAL = """
template <typename R>
MLXS_FN R reciprocal(R quotient, R t) {
  return quotient;
}
"""


@pytest.mark.parametrize("ulps", [1, -1, 64])
def test_reciprocals_need_not_be_exact(
    extension_path: pathlib.Path, kernels: pathlib.Path, monkeypatch: pytest.MonkeyPatch, ulps: int
) -> None:
    monkeypatch.setenv("MLXS_AGX_RCP", str(ulps))
    assert caught(extension_path, kernels) == ""


def test_a_reciprocal_that_is_off_by_one_is_caught(
    prepared: None, extension_path: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = faulty(PLAIN_RECIPROCAL, tmp_path)
    monkeypatch.setenv("MLXS_AGX_RCP", "1")
    assert caught(extension_path, kernels)


def test_full_occupancy_and_no_spills(kernels: pathlib.Path) -> None:
    said = json.loads(kernels.with_suffix(".json").read_text())
    assert said
    assert {name: s for name, s in said.items() if s["threads"] != 1024 or s["spills"] or s["fills"]} == {}
