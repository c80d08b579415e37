"""docs/api.md is what docs/make_api.py generates from the docstrings, and contains everything public."""

import importlib.util
import inspect
import pathlib
import re

import mlx_schedules as ms

DOCS = pathlib.Path(__file__).parent.parent / "docs"


def make_api():
    spec = importlib.util.spec_from_file_location("make_api", DOCS / "make_api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date():
    assert (DOCS / "api.md").read_text() == make_api().reference(), "run python docs/make_api.py"


def test_the_reference_has_every_public_name():
    text = make_api().reference()
    for name in ("ms.cosine_decay", "ms.fast.cosine_decay", "ms.Schedule", "ms.exporting", "Schedule.from_dict"):
        assert f"`{name}`" in text
    assert all(f"`ms.{name}" in text for name in ms.__all__)


def test_the_curves_are_up_to_date():
    curves = make_api().curves()
    assert {path.name: path.read_text() for path in (DOCS / "curves").iterdir()} == curves, (
        "run python docs/make_api.py"
    )


def test_the_table_has_every_constructor_with_its_curve_and_formula():
    rows = re.findall(r"^\| \[`ms\.(\w+)`\].*$", make_api().reference().split("## Everything else")[0], re.MULTILINE)
    for name in ms.__all__:
        thing = getattr(ms, name)
        if inspect.isfunction(thing) and "-> Schedule" in str(inspect.signature(thing)):
            assert name in rows
            assert make_api().part(thing, "Formula"), f"the docstring of {name} has no Formula"
            assert (DOCS / "curves" / f"{name}.svg").exists()


def test_help_has_no_markup_for_formulas():
    for name in ms.__all__:
        assert "math:" not in (inspect.getdoc(getattr(ms, name)) or "")
        assert "\\" not in (inspect.getdoc(getattr(ms, name)) or "")


def test_a_prompt_completes_what_is_public():
    assert dir(ms.fast) == ms.fast.__all__


def test_a_docstring_becomes_markdown():
    docstring = """A ``head``; see :func:`other`.

Formula:
    x²

Args:
    a: One, which
        goes on.

Example:
    >>> 1 + 1
    2

    And another:

    >>> 2 + 2
    4

Source:
    Here."""
    assert make_api().markdown(docstring).splitlines() == [
        *("A `head`; see `other`.", "", "```text", "x²", "```", ""),
        *("**Args**", "", "- `a`: One, which", "  goes on.", ""),
        *("```python", ">>> 1 + 1", "2", "```", "", "And another:", "", "```python", ">>> 2 + 2", "4", "```", ""),
        *("**Source**", "", "Here."),
    ]
