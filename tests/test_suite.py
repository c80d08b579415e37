"""The tests themselves: where they are, and that none depends on how busy the machine is."""

import ast
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
MODULES = sorted(HERE.rglob("*.py"))


def test_the_root_of_the_folder_has_only_tests():
    others = [path.name for path in HERE.glob("*.py") if not path.name.startswith("test_")]
    assert others == ["conftest.py"], "what tests share is in support/, formulas and searches in numerics/"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HERE)))
def test_no_test_has_a_time_limit(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    limited = [call.lineno for call in calls if any(word.arg in ("timeout", "deadline") for word in call.keywords)]
    assert limited == [] or path == HERE / "conftest.py", "a busy machine would fail it; faulthandler_timeout is enough"


def test_the_default_run_is_all_but_what_is_slow(pytestconfig):
    conftest = pytestconfig.pluginmanager.get_plugin(str(HERE / "conftest.py"))
    assert pytestconfig.getini("addopts")[-2:] == ["-m", conftest.DEFAULT]


@pytest.mark.parametrize("script", ["quick", "run"])
def test_scripts_leave_tests_out_by_markers_alone(script):
    assert "--ignore" not in (HERE.parent / ".ci" / script).read_text()
