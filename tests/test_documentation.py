"""Every example in a docstring or a guide runs and prints what it shows."""

import doctest
import importlib
import pathlib
import pkgutil
import re

import pytest

import mlx_schedules
from support.helpers import needs

REPOSITORY = pathlib.Path(__file__).parent.parent
PACKAGES = pkgutil.walk_packages(mlx_schedules.__path__, "mlx_schedules.")
MODULES = ["mlx_schedules", *(module.name for module in PACKAGES if "__main__" not in module.name)]
ELSEWHERE = ("mlx-lm.md",)  # tested in tests/conformance/test_mlx_lm_page.py
GUIDES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
SLOW = ("groups.md", "pretraining.md")  # they compile training steps
GUIDES = [
    pytest.param(guide, id=guide.name, marks=[pytest.mark.slow] * (guide.name in SLOW))
    for guide in GUIDES
    if guide.name not in ELSEWHERE
]


def needs_for(text):
    if ".plot(" in text:
        needs("matplotlib")


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    if module.__file__.endswith(".py"):
        needs_for(pathlib.Path(module.__file__).read_text())
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_the_public_functions_have_examples():
    finder = doctest.DocTestFinder()
    for function in (mlx_schedules.cosine_decay, mlx_schedules.fast.cosine_decay, mlx_schedules.exporting):
        assert any(test.examples for test in finder.find(function)), function


@pytest.mark.parametrize("guide", GUIDES)
def test_guides(guide, tmp_path, monkeypatch):
    """The Python blocks of a page run in order and share names. Lines after >>> are compared with the output."""
    monkeypatch.chdir(tmp_path)
    needs_for(guide.read_text())
    names = {"__name__": "guide"}
    for block in re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL):
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, guide.name, str(guide), 0)
            result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, clear_globs=False)
            assert result.failed == 0
            names = test.globs
        else:
            exec(compile(block, str(guide), "exec"), names)
