"""README.md is short and plain, and reads the same on a package page as in the repository."""

import json
import pathlib
import re
import statistics

import pytest

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PROJECT = (ROOT / "pyproject.toml").read_text()
USERS = ("mlx-lm.md", "pretraining.md", "coming-from.md", "depending.md")


def prose(text: str) -> str:
    """Return the text without code, tables and pictures, and with links replaced by their words."""
    text = re.sub(r"```.*?```|^\|.*?$|!\[.*?\]\(.*?\)", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("**", "")


def sentences(text: str) -> list[str]:
    parts = re.split(r"(?<=[.!?])\s+|\n\s*\n|^#+ .*$|^- ", prose(text), flags=re.MULTILINE)
    return [" ".join(part.split()) for part in parts if part.strip()]


def code(text: str) -> list[str]:
    return [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def test_it_is_short():
    assert len(prose(README).split()) <= 550
    long = [s for s in sentences(README) if len(s.split()) > 30]
    assert not long
    assert README[: README.index("```python")].count("\n") < 20


def test_its_code_fits_the_page():
    assert not [line for line in code(README) if len(line) > 88]


def test_sentences_are_found():
    text = "# Head\n\nOne two. Three (`a.b`):\n\n- **Four.** Five\n  six\n\n"
    text += "```\nx y z\n```\n| a | b |\n![p](q) [Seven](r)\n"
    assert sentences(text) == ["One two.", "Three (`a.b`):", "Four.", "Five six", "Seven"]


def test_links_are_absolute_and_lead_to_files_of_this_repository():
    (home,) = re.findall(r'^Repository = "https://github.com/(.*)"', PROJECT, re.MULTILINE)
    bases = (f"https://github.com/{home}/blob/main/", f"https://raw.githubusercontent.com/{home}/main/")
    targets = re.findall(r"\]\(([^)]+)\)", README)
    ours = [target for target in targets if home in target]
    assert len(ours) > 10
    for target in targets:
        assert target.startswith("https://"), target
    for target in ours:
        assert target.startswith(bases), target
        assert (ROOT / target.split("/main/")[1].partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", USERS)
def test_each_kind_of_user_has_a_page_one_click_away(page):
    assert f"/blob/main/docs/{page})" in README


def ratio(name: str, case: str, contender: str) -> float:
    results = json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text())["results"]
    (found,) = (r["contenders"][contender] for r in results if f"{r['case']}, {r['mode']}" == case)
    return statistics.median(found["ratio"])


def test_its_speeds_are_those_of_the_results():
    table = README[README.index("## Speed") : README.index("[All measurements")]
    h100 = ("h100-cd43b29-again", "h100-cd43b29")
    low, high = sorted(ratio(name, "rates of 64 groups, warmup and cosine each, eager", "join, eager") for name in h100)
    assert f"| {low:.0f} to {high:.0f} |" in table
    low, high = sorted(ratio(name, "one step, eager", "closure, eager") for name in h100)
    assert f"| {ratio('cpu', 'one step, eager', 'closure, eager'):.1f} | {low:.1f} to {high:.1f} |" in table
    first = ratio("h100-cd43b29-fresh", "rates of 8 groups, warmup and cosine each, fresh process", "join, compiled")
    assert f"in a new process | not measured | {first:.0f} |" in table
    steps = {mode: ratio("cpu-64-groups", f"AdamW, 64 groups, 3 hyperparameters, {mode}", "closure, eager")
             for mode in ("fresh process", "training step")}  # fmt: skip
    assert f"first compiled step in a new process | {steps['fresh process']:.0f} |" in table
    assert f"each compiled step after that | {steps['training step']:.1f} |" in table
