"""docs/troubleshooting.md explains every message that this package raises."""

import ast
import pathlib
import re

import pytest

REPOSITORY = pathlib.Path(__file__).parent.parent
PAGE = " ".join((REPOSITORY / "docs" / "troubleshooting.md").read_text().split())
PYTHON = sorted((REPOSITORY / "python" / "mlx_schedules").rglob("*.py"))
CPP = sorted((REPOSITORY / "csrc").rglob("*.cpp"))


def template(message: ast.expr) -> str:
    """Return a message with … in place of its values."""
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


def raised(source: str) -> list[str]:
    """Return the beginning of every message raised: its first sentence, at most 60 characters."""
    calls = (node.exc for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Raise))
    messages = (call.args[0] for call in calls if isinstance(call, ast.Call) and call.args)
    texts = (template(message) for message in messages if isinstance(message, (ast.JoinedStr, ast.Constant)))
    return [text.split(". ")[0].rstrip(".…")[:60].strip() for text in texts]


def thrown(source: str) -> list[str]:
    return [
        message[:40]
        for message in re.findall(r'(?:throw[^;"]*|message << )"(\[(?:cosine_decay|schedule)\] \w[^"]*)"', source)
    ]


def explained(message: str) -> bool:
    return bool(re.search(re.escape(message).replace("…", ".{1,30}?"), PAGE))


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: p.name)
def test_every_message_of_the_package_is_explained(path):
    for message in raised(path.read_text()):
        assert explained(message), message


@pytest.mark.parametrize("path", CPP, ids=lambda p: p.name)
def test_every_message_of_the_extension_is_explained(path):
    for message in thrown(path.read_text()):
        assert explained(message), message


def test_messages_are_found():
    assert raised('raise ValueError(f"[x] {name} must be good, got {x!r}. Or not.")\nraise\nraise f(x)') == [
        "[x] … must be good, got"
    ]
    assert thrown('throw std::runtime_error("[cosine_decay] Bad."); message << "[cosine_decay] Shapes:";') == [
        "[cosine_decay] Bad.",
        "[cosine_decay] Shapes:",
    ]
    assert explained("[cosine_decay] … must be above 0, got")
    assert not explained("[cosine_decay] … must be above 2, got")
    assert sum(len(raised(path.read_text())) for path in PYTHON) >= 25
    assert sum(len(thrown(path.read_text())) for path in CPP) >= 4
