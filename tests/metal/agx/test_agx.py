"""The shipped Metal kernels as Apple GPU machine code, run by the shipped host code; see ../README.md."""

import hashlib
import json
import pathlib
import re
from collections.abc import Iterator

import cost
import emulated
import faults
import machine_code
import pytest
import root

from support.helpers import KERNEL_TYPES

CANNOT_EXECUTE = 86  # the executor's exit status; 1 means that a difference was found, and negative ones a crash
SCRIPTS = {"metal_cases.py": 0, "column_cases.py": 0, "large_cases.py": 64}


@pytest.fixture(scope="session")
def prepared(build_folder: pathlib.Path) -> None:
    with emulated.locked(build_folder):
        root.prepare()  # the run fails if this does


@pytest.fixture(scope="session")
def kernels(prepared: None, build_folder: pathlib.Path) -> pathlib.Path:
    """Build every shipped kernel (or those of MLXS_STEP_TYPES), once for this source and these tools."""
    text = emulated.source(build_folder)
    tools = [*machine_code.HERE.glob("*.*"), pathlib.Path(machine_code.emulation.__file__)]
    digest = hashlib.sha256(text.encode() + b"".join(tool.read_bytes() for tool in sorted(tools)))
    output = build_folder / "agx" / digest.hexdigest()[:16] / "kernels.so"
    output.parent.mkdir(parents=True, exist_ok=True)
    with emulated.locked(output.parent):
        names = machine_code.compile_metal(text, output)
        names = [name for name in names if name.removesuffix("_large").rsplit("_", 1)[1] in KERNEL_TYPES]
        missing = [name for name in names if not output.with_suffix("").joinpath(f"{name}.main").exists()]
        machine_code.build_all(output.with_suffix(""), missing)
    return output


@pytest.fixture(autouse=True)
def no_promise_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLXS_LEAST", str(2.0**-94))  # for flushed subnormals, see docs/metal.md


def caught(extension: pathlib.Path, kernels: pathlib.Path, *scripts: str) -> str:
    """Return the output of the first cases that fail, or "" if all pass."""
    for script in scripts or SCRIPTS:
        done = emulated.run_cases(extension, kernels, SCRIPTS[script], script)
        assert done.returncode != CANNOT_EXECUTE, done.stderr
        if done.returncode:
            return f"{script}, exit status {done.returncode}: {done.stderr[-500:]}"
    return ""


def faulty(text: str, folder: pathlib.Path) -> pathlib.Path:
    machine_code.compile_metal(text, folder / "kernels.so")
    return folder / "kernels.so"


FEW_TYPES = ["uint64", "float16"]
SOME_TYPES = ["uint8", "uint32", "int64", "uint64", "float16", "float32"]


@pytest.fixture
def some_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use some types only, as each kernel takes up to 3 s to build. The emulated device uses all types."""
    monkeypatch.setenv("MLXS_STEP_TYPES", " ".join(SOME_TYPES))


def attempts(name: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield types of steps and scripts: first those that catch most faults of this kind, then all.

    Each type's kernel of columns takes 3 s of CPU time to build, and a script that catches nothing takes 15 s or more.
    With all types and scripts at once, the faults take 750 s of CPU time instead of 330.
    """
    if "overflow" in name or "index" in name:
        yield FEW_TYPES, ["large_cases.py"]
    elif name.startswith("columns: "):
        yield FEW_TYPES, ["column_cases.py"]
    yield SOME_TYPES, list(SCRIPTS)


def caught_in_some_type(
    monkeypatch: pytest.MonkeyPatch, extension: pathlib.Path, kernels: pathlib.Path, name: str
) -> str:
    """Do as `caught`, without the types for which Mesa's compiler gives up, as on some faults in the columns."""
    for types, scripts in attempts(name):
        while types:
            monkeypatch.setenv("MLXS_STEP_TYPES", " ".join(types))
            try:
                if message := caught(extension, kernels, *scripts):
                    return message
                break
            except AssertionError as error:
                gave_up = re.search(r"columns_general_(?:large_)?(\w+): does not build", str(error))
                if not gave_up or gave_up[1] not in types:
                    raise
                print(error)
                types = [dtype for dtype in types if dtype != gave_up[1]]
    return ""


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("subnormals", ["flushed", "kept"])
def test_same_bits_as_the_cpu(
    extension_path: pathlib.Path, kernels: pathlib.Path, monkeypatch: pytest.MonkeyPatch, subnormals: str, script: str
) -> None:
    if subnormals == "kept":
        monkeypatch.setenv("MLXS_AGX_SUBNORMALS", "kept")
        monkeypatch.delenv("MLXS_LEAST")
    assert caught(extension_path, kernels, script) == ""


@pytest.mark.usefixtures("prepared", "some_types")
@pytest.mark.parametrize("name", faults.KERNELS)
def test_faults_in_kernels(
    name: str, extension_path: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = faults.KERNELS[name]
    kernels = faulty(faults.seeded(emulated.source(tmp_path), fault), tmp_path)
    message = caught_in_some_type(monkeypatch, extension_path, kernels, name)
    assert message
    print(message)


@pytest.mark.usefixtures("prepared", "some_types")
def test_contraction(extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Without the pragma, this compiler contracts as well, and the cases notice."""
    text = emulated.source(tmp_path)
    contracted = text.replace("#pragma METAL fp contract(off)", "")
    assert contracted != text
    assert caught(extension_path, faulty(contracted, tmp_path))


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
    assert caught(extension_path, kernels, "metal_cases.py", "column_cases.py") == ""


@pytest.mark.usefixtures("prepared", "some_types")
def test_a_reciprocal_that_is_off_by_one_is_caught(
    extension_path: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = faulty(faults.seeded(emulated.source(tmp_path), PLAIN_RECIPROCAL), tmp_path)
    monkeypatch.setenv("MLXS_AGX_RCP", "1")
    assert caught_in_some_type(monkeypatch, extension_path, kernels, "columns: a reciprocal")


def test_occupancy_and_spills(kernels: pathlib.Path) -> None:
    said = {file.stem: json.loads(file.read_text()) for file in kernels.with_suffix("").glob("*.json")}
    assert len(said) >= 5 * len(KERNEL_TYPES)
    for name, s in said.items():
        if "columns" not in name:  # these aren't compiled for a schedule here, only in tests; see the next two
            assert (s["spills"], s["fills"], s["threads"]) == (0, 0, 1024), (name, s)


# Instructions a step: the limit promised for some types, and for each case 5 % more than the worst count.
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
    "warmup and cosine": 129,
    "warmup and cosine, one step": 380,
}


@pytest.mark.usefixtures("prepared")
def test_kernels_that_know_a_schedule(extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = emulated.run_specialised(extension_path, tmp_path, *range(200, 206), MLXS_COMPILER=machine_code.__file__)
    assert done.stderr == ""


@pytest.mark.usefixtures("prepared")
def test_no_more_instructions_than_before(
    extension_path: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLXS_STEP_TYPES", "uint32 int64 uint64 float16 float32")
    rows = cost.count(extension_path, tmp_path)
    assert {row["kernel"].rsplit("_", 1)[1] for row in rows} >= BARS.keys()
    for row in rows:
        assert row["spills"] == 0, row
        limit = 1.05 * MOST[row["case"]]
        if row["case"] == "T <= 2^24":
            limit = BARS.get(row["kernel"].rsplit("_", 1)[1], limit)
        assert row["instructions"] <= limit, row
    on_the_page(rows)
    cost.show(rows)
    printed = capsys.readouterr().out.splitlines()
    for row in rows:  # once in the table and once in the roofline
        assert sum(line.startswith(f"{row['kernel']:36} {row['case']:28} ") for line in printed) == 2


def on_the_page(rows: list[dict]) -> None:
    page = " ".join((emulated.ROOT / "docs" / "metal.md").read_text().split())
    said = re.search(r"take (\d+) instructions a step for (\w+), (\d+) for (\w+) and (\d+) for (\w+)", page)
    assert said
    counted = {row["kernel"].rsplit("_", 1)[1]: row for row in rows if row["case"] == "warmup and cosine"}
    for figure, dtype in zip(said.groups()[::2], said.groups()[1::2], strict=True):
        assert counted[dtype]["instructions"] == pytest.approx(int(figure), rel=0.05)
    assert f"at most {MOST['warmup and cosine, one step']} for one step alone" in page
