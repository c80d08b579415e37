"""tests/typing/script.py is accepted by mypy, and by pyright where it is installed, and runs."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parent / "typing" / "script.py"
CHECKERS = [name for name in ("mypy", "pyright") if importlib.util.find_spec(name)]


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_users_script_has_no_type_errors(checker, tmp_path):
    options = ["--cache-dir", str(tmp_path)] if checker == "mypy" else []
    run = subprocess.run(
        [sys.executable, "-m", checker, *options, str(SCRIPT)], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_it_runs(tmp_path):
    run = subprocess.run([sys.executable, "-W", "error", str(SCRIPT)], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
