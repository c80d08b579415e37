"""Links between the pages lead to files and headings that exist, and every page is linked from another."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
FOLDERS = [ROOT, *(ROOT / name for name in ("docs", "bench", "bench/results", "examples", "kernels", "tests/metal"))]
PAGES = sorted(page for folder in FOLDERS for page in folder.glob("*.md"))
HOME = re.search(r'^Repository = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]


def anchors(page: str) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def targets(page: pathlib.Path) -> list[tuple[str, pathlib.Path, str]]:
    """Return each link to a file of this repository, with the file and the heading."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        near = link.removeprefix(f"{HOME}/blob/main/")
        path, _, anchor = near.partition("#")
        if not re.match(r"\w+:", path):
            base = ROOT if near != link else page.parent
            found.append((link, (base / path).resolve() if path else page, anchor))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link, path, anchor in targets(page):
        assert path.exists(), link
        assert not anchor or path.suffix != ".md" or anchor in anchors(path.read_text()), link


def test_every_page_and_picture_of_the_docs_is_linked():
    linked = {path for page in PAGES for _, path, _ in targets(page)}
    pictures = {ROOT / "docs" / name for name in re.findall(r"/main/docs/(\w+\.png)", (ROOT / "README.md").read_text())}
    kept = {*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.png"), *(ROOT / "docs" / "curves").iterdir()}
    assert kept <= linked | pictures


def test_headings_are_found():
    assert anchors("# A b\n## `ms.x_y` — c!\n```\n# no\n```") == {"a-b", "msx_y--c"}
