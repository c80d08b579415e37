"""examples/story.ipynb runs from the first cell to the last, and gives the output that is stored in it."""

import ast
import contextlib
import io
import json
import pathlib

import pytest

NOTEBOOK = json.loads((pathlib.Path(__file__).parent.parent / "examples" / "story.ipynb").read_text())
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def shown(source: str, names: dict) -> tuple[str, object]:
    """Run a cell, and return what it prints and the value of its last line."""
    *lines, last = ast.parse(source).body
    lines, value = (lines, last.value) if isinstance(last, ast.Expr) else ([*lines, last], None)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(ast.Module(lines, []), "cell", "exec"), names)
        found = eval(compile(ast.Expression(value), "cell", "eval"), names) if value else None
    return printed.getvalue(), found


def kept(cell: dict, kind: str) -> str:
    parts = (part.get("text") if kind == "text" else part.get("data", {}).get(kind) for part in cell["outputs"])
    return "".join("".join(part) for part in parts if part)


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_every_cell_gives_its_stored_output():
    names: dict = {}
    for cell in CELLS:
        printed, found = shown("".join(cell["source"]), names)
        picture = getattr(found, "_repr_html_", lambda: "")()
        assert printed == kept(cell, "text")
        assert ("" if found is None else repr(found)) == kept(cell, "text/plain")
        assert picture == kept(cell, "text/html")
