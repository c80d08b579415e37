"""How many files a new ease or constructor needs: each is added to a scratch copy, also with one file left out."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import mlx.core
import pytest

import mlx_schedules
from support.helpers import needs

needs("ziglang")

ROOT = pathlib.Path(__file__).parents[1]
MLX = pathlib.Path(mlx.core.__file__).parent
pytestmark = [pytest.mark.slow, pytest.mark.processes]

HEADER = """// Smoothstep: the weight f^2 (3 - 2 f), f = s/T.
//
// Accuracy, float32 (`tests/numerics/search.py 4_000_000`):
//   ULP bound of Smoothstep: 0.51; of the larger end for opposite signs 0.51; in float64 1
#pragma once

#include "../clock.h"
#include "weight.h"

struct Smoothstep {
  enum { counts = int(Count::Nearer), multiplies = 0 };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R, R) {
    return per_step;
  }

  template <typename R, typename N>
  static MLXS_FN Weight<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    Pair<R> f = product(e.n, rate);
    return {times(product(square(f), horner(Pair<R>{R(-2), R(0)}, f, R(3))), R(2)), R(1), e.first};
  }
};
"""
IN_OPS = """def smoothstep(e: Along[mx.array], ends: Ends, parameter: mx.array) -> mx.array:
    f = e.nearer / e.length
    return interpolated(e.first, f * f * (3.0 - 2.0 * f), ends)


"""
Edits = dict[str, list[tuple[str, str]]]  # by file: new text, and the text that it goes before; "" creates the file
EASE: Edits = {
    "kernels/ease/smoothstep.h": [(HEADER, "")],
    "kernels/eases.h": [('#include "ease/smoothstep.h"\n', '#include "ease/power.h"')],
    "kernels/ease/list.h": [("  X(Smoothstep, smoothstep, true, none) \\\n", "  X(Cosine, cosine, true, none)")],
    "python/mlx_schedules/_graph/eases.py": [
        ('    ("smoothstep", True, "none"),\n', '    ("cosine", True, "none")'),
        (IN_OPS, "def parameter_of("),
    ],
    "tests/numerics/reference.py": [
        (
            '        "smoothstep": lambda: (f * f * (3 - 2 * f), (1 - f) ** 2 * (1 + 2 * f)),\n',
            '        "cosine": lambda: (mp',
        ),
        (
            '    elif ease == "smoothstep":\n'
            "        first, second = ((x / t) ** 2 * (3 - 2 * x / t) for x in (n, left))\n",
            '    elif ease == "cosine":',
        ),
    ],
}
CONSTRUCTOR: Edits = {
    "python/mlx_schedules/_schedule/constructors.py": [
        (
            '@constructor("power", init="init", end="end", steps="length", fixed={"parameter": 2})\n'
            "def quadratic_rise(init: Real, end: Real, steps: Real) -> Schedule:\n"
            '    """Make a rise by the square.\n\n'
            "    Formula:\n"
            "        init + (end - init) · (s/T)²\n\n"
            "    Example:\n"
            "        >>> import mlx_schedules as ms\n"
            "        >>> ms.quadratic_rise(0.0, 1.0, 10)(5)\n"
            "        array(0.25, dtype=float32)\n"
            '    """\n'
            '    return _made("quadratic_rise", init, end, steps)\n\n\n',
            '@constructor("hold"',
        )
    ],
    "python/mlx_schedules/__init__.py": [
        ("    quadratic_rise,\n", "    step_decay,\n)"),
        ('    "quadratic_rise",\n', '    "stack",'),
    ],
}
UNDECLARED = r"undeclared identifier 'Smoothstep'|no type named 'Smoothstep'"
ASKED_FOR = {
    "kernels/ease/smoothstep.h": r"smoothstep\.h' file not found",
    "kernels/eases.h": UNDECLARED,
    "python/mlx_schedules/_graph/eases.py": r"python/mlx_schedules/_graph/eases\.py has no smoothstep",
    "kernels/ease/list.h": r"Smoothstep of kernels/ease/smoothstep\.h is not in kernels/ease/list\.h",
    "tests/numerics/reference.py": r"tests/numerics/reference\.py has no formula for smoothstep",
}
NAMING = ["tests/test_constructors.py", "tests/test_api.py"]


def copied(folder: pathlib.Path, edits: Edits) -> pathlib.Path:
    """Return a copy of the repository with these edits."""
    for part in ("kernels", "csrc", "python", "tests", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.png", "*.gif"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    for name, changes in edits.items():
        path = folder / name
        found = path.read_text() if path.exists() else ""
        for text, before in changes:
            assert before in found, f"{name} has no {before!r} any more: mend this test"
            found = found.replace(before, text + before, 1)
        path.write_text(found)
    return folder


def compiled(folder: pathlib.Path) -> str:
    """Return the compiler's errors in the files that name every ease."""
    said = ""
    for name in ("tests/numerics/ease.cpp", "csrc/op.cpp"):
        command = [
            sys.executable,
            "-m",
            "ziglang",
            "c++",
            "-std=c++20",
            "-c",
            "-o",
            "checked.o",
            "-w",
            "-Ikernels",
            "-Icsrc",
        ]
        done = subprocess.run([*command, f"-I{MLX / 'include'}", name], cwd=folder, capture_output=True, text=True)
        said += "" if done.returncode == 0 else done.stderr
    return said


def failing(folder: pathlib.Path, *arguments: str) -> str:
    """Return which of these tests fail in a copy that uses its own Python files."""
    installed = folder / "installed"
    if not installed.exists():
        shutil.copytree(pathlib.Path(mlx_schedules.__file__).parent, installed / "mlx_schedules")
        shutil.copytree(folder / "python" / "mlx_schedules", installed / "mlx_schedules", dirs_exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def without(edits: Edits, missing: str) -> Edits:
    return {name: changes for name, changes in edits.items() if name != missing}


def test_an_ease_takes_five_files(tmp_path: pathlib.Path) -> None:
    assert len(EASE) <= 5
    folder = copied(tmp_path, EASE)
    assert compiled(folder) == ""
    assert failing(folder, "tests/numerics/test_eases.py", "-k", "smoothstep or listed") == ""


@pytest.mark.parametrize("missing", EASE)
def test_a_missing_file_of_an_ease_is_reported(missing: str, tmp_path: pathlib.Path) -> None:
    folder = copied(tmp_path, without(EASE, missing))
    said = compiled(folder) or failing(folder, "tests/numerics/test_eases.py", "-k", "listed or formula")
    assert re.search(ASKED_FOR[missing], said), said


def test_a_constructor_takes_three_files(tmp_path: pathlib.Path) -> None:
    """The third file is docs/api.md, which docs/make_api.py writes along with a curve."""
    assert len(CONSTRUCTOR) + 1 <= 3
    folder = copied(tmp_path, CONSTRUCTOR)
    assert "run python docs/make_api.py" in failing(folder, *NAMING)
    environment = {**os.environ, "PYTHONPATH": str(folder / "installed")}
    subprocess.run([sys.executable, "docs/make_api.py"], cwd=folder, env=environment, check=True)
    assert failing(folder, *NAMING) == ""


def test_a_constructor_that_is_not_exported_fails_a_test(tmp_path: pathlib.Path) -> None:
    folder = copied(tmp_path, without(CONSTRUCTOR, "python/mlx_schedules/__init__.py"))
    assert "quadratic_rise is not in mlx_schedules.__all__" in failing(folder, *NAMING)
