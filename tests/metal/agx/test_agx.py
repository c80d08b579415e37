"""The shipped Metal kernels as Apple GPU machine code, under the shipped host code: ../README.md says what it proves."""

import json
import pathlib
import sys

import emulated
import faults
import machine_code
import pytest
import root

sys.path.append(str(emulated.ROOT))
from bench import metal

CASES = [("metal_cases.py", 0), ("large_cases.py", 64)]


@pytest.fixture(scope="session")
def prepared(build_folder: pathlib.Path) -> None:
    with emulated.locked(build_folder):
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


# Instructions a step: what was promised of some types, and 5 % above what was counted of the worst, by case.
BARS = {"uint32": 47, "float32": 48, "float16": 48}
MOST = {
    "T <= 2^24": 52.3,
    "T <= 2^24, groups": 75.9,
    "T <= 2^24, groups, few steps": 346,
    "T <= 2^24, large": 228,
    "T < 2^32": 66.9,
    "T < 2^32, groups": 90.4,
    "T < 2^32, groups, few steps": 367,
    "T < 2^32, large": 238.5,
    "T >= 2^32": 88.1,
    "T >= 2^32, groups": 111.7,
    "T >= 2^32, groups, few steps": 392,
    "T >= 2^32, large": 251,
}


def test_no_more_instructions_than_before(extension_path: pathlib.Path, kernels: pathlib.Path) -> None:
    rows = metal.count(extension_path, kernels)
    assert {row["kernel"] for row in rows} == set(json.loads(kernels.with_suffix(".json").read_text()))
    for row in rows:
        limit = 1.05 * MOST[row["case"]]
        if row["case"] == "T <= 2^24":
            limit = BARS.get(row["kernel"].rsplit("_", 1)[1], limit)
        assert row["instructions"] <= limit, row
