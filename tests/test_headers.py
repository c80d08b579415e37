"""Each header of the kernels except CUDA's parses by itself, with the flags that `.clangd` gives an editor."""

import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from support.helpers import needs

needs("ziglang")

ROOT = pathlib.Path(__file__).parents[1]
FRAGMENTS = [part for part in yaml.safe_load_all((ROOT / ".clangd").read_text()) if "If" in part]
FILES = sorted(path for path in (ROOT / "kernels").rglob("*.h") if "cuda" not in path.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_header_parses_by_itself(path: pathlib.Path) -> None:
    matching = [f for f in FRAGMENTS if re.fullmatch(f["If"]["PathMatch"], path.relative_to(ROOT).as_posix())]
    flags = [flag for fragment in matching for flag in fragment["CompileFlags"]["Add"]]
    assert flags, "no fragment of .clangd is for it"
    command = [sys.executable, "-m", "ziglang", "clang", *flags, "-fsyntax-only", "-Wno-unknown-pragmas"]
    done = subprocess.run(
        [*command, "-Wno-pragma-once-outside-header", "-Wno-unknown-attributes", "-Wno-deprecated", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
