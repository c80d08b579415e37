"""What must agree wherever it is written: pins, extras, and the commands and files that the pages name."""

import importlib.metadata
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from mlx_schedules import _build, _compatibility

REPOSITORY = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "cmake"))
import mlx_releases  # noqa: E402

SUPPORTED = mlx_releases.SUPPORTED
PROJECT = (REPOSITORY / "pyproject.toml").read_text()
DOCS = {path.name: path.read_text() for path in [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]}
PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "bench" / "README.md"]
PAGES += [REPOSITORY / "tests" / "metal" / "README.md"]


def pins(package: str, text: str) -> set[str]:
    return set(re.findall(rf"\b{package}(?:\[\w+\])?==([\d.]+\d)", text))


def test_the_supported_mlx_stand_in_one_place():
    oldest, newest = SUPPORTED[0], SUPPORTED[-1]
    assert set(_build.MLX_VERSIONS) <= set(SUPPORTED) or len(_build.MLX_VERSIONS) == 1  # a release that is being tried
    assert not pins("mlx", PROJECT)
    for name, text in DOCS.items():
        assert pins("mlx", text) <= {newest}, name
        assert set(re.findall(r"mlx ([\d.]+ to [\d.]*\d)", text)) <= {f"{oldest} to {newest}"}, name
    for name in ("README.md", "guide.md"):
        assert f"mlx {oldest} to {newest}" in DOCS[name]
        assert f"from {mlx_releases.OLDEST} on" in DOCS[name]
    assert f"`mlx` {mlx_releases.OLDEST} or later" in DOCS["depending.md"]


def test_the_package_requires_the_oldest_mlx_that_its_python_files_serve():
    requires = importlib.metadata.requires("mlx-schedules")
    (mlx,) = [r for r in requires if re.match(r"mlx\b(?![-\[])", r) and "extra" not in r]
    assert mlx == mlx_releases.REQUIREMENT
    assert ".".join(map(str, _compatibility.OLDEST_MLX)) == mlx_releases.OLDEST


def test_the_tests_run_with_an_mlx_that_there_is_a_module_for():
    (test,) = re.findall(r"^test = \[.*?\]$", PROJECT, re.DOTALL | re.MULTILINE)
    assert f'"mlx<={SUPPORTED[-1]}"' in test


def test_nanobind_is_pinned_to_one_version_everywhere():
    assert pins("nanobind", PROJECT) == {_build.NANOBIND_VERSION}
    for name, text in DOCS.items():
        assert pins("nanobind", text) <= {_build.NANOBIND_VERSION}, name


@pytest.mark.parametrize(
    ("given", "versions"),
    [
        ("all", list(SUPPORTED)),
        ("0.40.1", ["0.40.1"]),
        ("0.40.1 0.40.2", ["0.40.1", "0.40.2"]),
        ("", [importlib.metadata.version("mlx")]),
    ],
)
def test_what_a_wheel_is_built_for(given, versions, monkeypatch):
    monkeypatch.setenv("MLX_VERSIONS", given)
    assert mlx_releases.wanted() == versions
    assert mlx_releases.dynamic_metadata({}, {})["dependencies"][0] == mlx_releases.REQUIREMENT


@pytest.mark.parametrize(("free_threaded", "needed"), [(0, True), (1, False)])
def test_free_threaded_python_needs_no_backend_for_its_modules_hold_nanobind(free_threaded, needed, monkeypatch):
    monkeypatch.setattr(mlx_releases.sysconfig, "get_config_var", {"Py_GIL_DISABLED": free_threaded}.get)
    assert any("nanobind-backend" in one for one in mlx_releases.dynamic_metadata({}, {})["dependencies"]) == needed


def test_no_file_asks_for_mlx_s_version():
    """Where MLX's headers differ between releases, a single adapter must handle that."""
    for path in [*(REPOSITORY / "csrc").rglob("*.*"), *(REPOSITORY / "kernels").rglob("*.*")]:
        assert path.name == "mlx_adapter.h" or "MLX_VERSION_" not in path.read_text(), path


def test_the_extras_that_the_documentation_names_exist():
    extras = set(importlib.metadata.metadata("mlx-schedules").get_all("Provides-Extra"))
    assert {"cpu", "cuda13", "plot", "examples", "test", "bench", "conformance", "dev"} <= extras
    for name, text in DOCS.items():
        named = {e for group in re.findall(r"(?:mlx-schedules|'\.)\[([\w,]+)\]", text) for e in group.split(",")}
        assert named <= extras, name
    assert pins("torch", PROJECT) == {"2.13.0"}  # the release whose CPU build is of moderate size
    test = next(block for block in re.findall(r"^test = \[.*?\]", PROJECT, re.DOTALL | re.MULTILINE))
    assert not re.search("torch|keras|transformers|timm|optax|mlx-lm", test)  # these are large


RUNS = r"(?:[A-Z_]+=\S+ )*(?:python3? |pytest|cmake --|\.ci/|tests/\S+\.sh|cmake/\S+\.sh)"
OTHERS = {"venv", "build"}  # modules of Python and of packages that docs/releasing.md installs


def commands() -> list[str]:
    """Return the commands of this project that the pages name, in code blocks or in running text."""
    found = []
    for page in PAGES:
        text = page.read_text()
        blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
        lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
        inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        found += [part for line in lines + inline for part in line.split(" && ") if re.match(RUNS, part)]
    return sorted(set(found))


def test_the_pages_name_commands():
    assert len(commands()) > 20


@pytest.mark.parametrize("command", commands())
def test_commands_that_the_pages_name_run(command):
    """The scripts exist and have the options, according to their own --help."""
    words = shlex.split(re.sub(r"^([A-Z_]+=\S+ )+", "", command))
    program, *arguments = words
    if program == "pytest":
        for argument in arguments:
            path, _, test = argument.partition("::")
            assert argument.startswith("-") or argument in ("auto", "gpu") or (REPOSITORY / path).exists()
            assert not test or f"def {test}(" in (REPOSITORY / path).read_text()
    elif program == "cmake":
        presets = json.loads((REPOSITORY / "CMakePresets.json").read_text())["configurePresets"]
        assert arguments[0] == "--preset"
        assert arguments[1] in [preset["name"] for preset in presets]
    elif not program.startswith("python"):
        assert os.access(REPOSITORY / program, os.X_OK)
        assert subprocess.run(["bash", "-n", REPOSITORY / program]).returncode == 0
    elif arguments[:1] != ["-m"] or arguments[1] not in OTHERS:
        words = [word for word in arguments if word == "-m" or not word.startswith("-")]
        target = words[: 3 if words[1:2] == ["mlx_schedules"] else 2 if words[0] == "-m" else 1]
        help_ = subprocess.run([sys.executable, *target, "--help"], capture_output=True, text=True, cwd=REPOSITORY)
        assert help_.returncode == 0, help_.stderr
        assert help_.stdout.startswith("usage:")
        own = command.split(" -m mlx_lm")[0]  # the rest is for the program that is run
        for option in re.findall(r"--[a-z][\w-]*", own):
            assert option in help_.stdout


def test_files_that_the_pages_name_are_there():
    for page in PAGES:
        for name in re.findall(
            r"`((?:bench|cmake|csrc|docs|examples|kernels|python|tests)/[\w./-]+)`", page.read_text()
        ):
            assert (REPOSITORY / name).exists(), f"{page.name}: {name}"
