"""mypy in strict mode and pyright accept a script with all public calls, which also runs, and refuse wrong calls."""

import importlib.util
import inspect
import json
import pathlib
import re
import subprocess
import sys

import pytest

import mlx_schedules as ms

TYPING = pathlib.Path(__file__).parent / "typing"
SCRIPT, WRONG = TYPING / "script.py", TYPING / "wrong.py"
CHECKERS = [name for name in ("mypy", "pyright") if importlib.util.find_spec(name)]
MYPY = ["--strict", "--untyped-calls-exclude", "mlx"]  # MLX's own functions have no types
every_checker = pytest.mark.parametrize("checker", CHECKERS)


def lines_with_errors(checker: str, script: pathlib.Path, folder: pathlib.Path) -> tuple[set[int], str]:
    options = [*MYPY, "--cache-dir", str(folder)] if checker == "mypy" else ["--outputjson"]
    command = [sys.executable, "-m", checker, *options, str(script)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    said = run.stdout + run.stderr
    if checker == "mypy":
        return {int(line) for line in re.findall(rf"{script.name}:(\d+): error", said)}, said
    found = [d for d in json.loads(run.stdout)["generalDiagnostics"] if d["severity"] == "error"]
    return {d["range"]["start"]["line"] + 1 for d in found}, said


@every_checker
def test_a_users_script_has_no_type_errors(checker, tmp_path):
    found, said = lines_with_errors(checker, SCRIPT, tmp_path)
    assert not found, said
    assert "rror: " not in said


@every_checker
def test_every_wrong_call_is_refused(checker, tmp_path):
    wrong = {i for i, line in enumerate(WRONG.read_text().splitlines(), 1) if line.endswith("# wrong")}
    assert len(wrong) >= 10
    found, said = lines_with_errors(checker, WRONG, tmp_path)
    assert found == wrong, said


def test_the_script_calls_everything_that_is_public():
    text = SCRIPT.read_text()
    for name in ms.__all__:
        thing = getattr(ms, name)
        inner = [f"{name}.{n}" for n in thing.__all__] if inspect.ismodule(thing) else [name]
        assert all(f"ms.{n}" in text for n in inner), name
    for cls in (ms.Schedule, ms.MultiOptimizer):
        for name in vars(cls):
            assert name.startswith("_") or f".{name}" in text, f"{cls.__name__}.{name}"


def test_it_runs(tmp_path):
    run = subprocess.run([sys.executable, "-W", "error", str(SCRIPT)], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
