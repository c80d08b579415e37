"""What has to agree wherever it is written: pins, extras, the commands of the guides."""

import importlib.metadata
import pathlib
import re

from mlx_schedules import _build

REPOSITORY = pathlib.Path(__file__).parent.parent
PROJECT = (REPOSITORY / "pyproject.toml").read_text()
DOCS = {path.name: path.read_text() for path in [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]}


def pins(package: str, text: str) -> set[str]:
    return set(re.findall(rf"\b{package}(?:\[\w+\])?==([\d.]+\d)", text))


def test_mlx_and_nanobind_are_pinned_to_one_version_everywhere():
    assert pins("mlx", PROJECT) == {_build.MLX_VERSION}
    assert pins("nanobind", PROJECT) == {_build.NANOBIND_VERSION}
    for name, text in DOCS.items():
        assert pins("mlx", text) <= {_build.MLX_VERSION}, name
        assert pins("nanobind", text) <= {_build.NANOBIND_VERSION}, name


def test_the_extras_that_the_documentation_names_exist():
    extras = set(importlib.metadata.metadata("mlx-schedules").get_all("Provides-Extra"))
    assert {"cpu", "cuda13", "plot", "examples", "test", "bench", "conformance"} <= extras
    for name, text in DOCS.items():
        named = {e for group in re.findall(r"(?:mlx-schedules|'\.)\[([\w,]+)\]", text) for e in group.split(",")}
        assert named <= extras, name
    assert pins("torch", PROJECT) == {"2.13.0"}  # has a CPU build of moderate size
    test = next(block for block in re.findall(r"^test = \[.*?\]", PROJECT, re.DOTALL | re.MULTILINE))
    assert not re.search("torch|keras|transformers|timm|optax|mlx-lm", test)  # heavy


def test_links_between_the_pages_lead_somewhere():
    for name, text in DOCS.items():
        folder = REPOSITORY if name == "README.md" else REPOSITORY / "docs"
        prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", prose):
            assert (folder / target).exists(), f"{name}: {target}"
