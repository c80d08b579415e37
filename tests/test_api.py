"""docs/api.md is what docs/make_api.py makes of the docstrings, and holds everything that is public."""

import importlib.util
import pathlib

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


def test_a_docstring_becomes_markdown():
    docstring = """A ``head``; see :func:`other`.

.. math::
    x^2

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
        *("A `head`; see `other`.", "", "$$", "x^2", "$$", ""),
        *("**Args**", "", "- `a`: One, which", "  goes on.", ""),
        *("```python", ">>> 1 + 1", "2", "```", "", "And another:", "", "```python", ">>> 2 + 2", "4", "```", ""),
        *("**Source**", "", "Here."),
    ]
