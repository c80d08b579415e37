"""Writes docs/api.md from the docstrings: ``python docs/make_api.py``. tests/test_api.py checks that it was run."""

import argparse
import inspect
import pathlib
import re

import mlx_schedules as ms

HEAD = """\
# Reference

Made from the docstrings by `docs/make_api.py`; edit those. `ms` is `mlx_schedules`.
"""


def reference() -> str:
    parts = [HEAD]
    for name in sorted(ms.__all__, key=str.lower):
        thing = getattr(ms, name)
        if inspect.ismodule(thing):
            parts += [section(f"ms.{name}.{inner}", getattr(thing, inner)) for inner in thing.__all__]
        else:
            parts.append(section(f"ms.{name}", thing))
        if inspect.isclass(thing):
            parts += [section(f"{name}.{inner}", member, "###") for inner, member in members(thing)]
    return "\n".join(parts)


def members(cls: type) -> list:
    """Its public methods and properties, in the order of the source, and those of bases in this package."""
    ours = [base for base in cls.__mro__ if base.__module__.partition(".")[0] == ms.__name__]
    return [
        (n, m)
        for base in ours
        for n, m in vars(base).items()
        if n == "__call__" or (not n.startswith("_") and documented(m))
    ]


def documented(member) -> bool:
    return isinstance(member, (property, classmethod, staticmethod)) or inspect.isfunction(member)


def section(title: str, thing, level: str = "##") -> str:
    function = getattr(thing, "__func__", thing)  # of a class method
    signature = "" if isinstance(thing, property) else re.sub(r"['\"]", "", str(inspect.signature(function)))
    signature = re.sub(r"\((self|cls)(, )?", "(", signature)
    return (
        f"{level} `{title}`\n\n" + (f"`{title}{signature}`\n\n" if signature else "") + markdown(inspect.getdoc(thing))
    )


def markdown(docstring: str) -> str:
    """Google-style sections as bold heads and lists, formulas as $$, examples as Python blocks."""
    out, kind = [], ""
    for line in docstring.splitlines():
        indent = len(line) - len(line.lstrip())
        if head := re.fullmatch(r"(Args|Returns|Raises|Example|Source):", line):
            close(out, kind)
            kind = head[1]
            out += ["```python"] if kind == "Example" else [f"**{kind}**", ""]
            continue
        if line == ".. math::":
            kind = "math"
            out.append("$$")
            continue
        if line and not indent and kind:
            close(out, kind)
            kind = ""
        if kind == "Example":
            text = line[4:]
            if text.endswith(":") and not out[-1] and not text.startswith((">>>", "...")):  # words between two examples
                close(out, kind)
                out += [text, "", "```python"]
            elif text or out[-1] != "```python":
                out.append(text)
            continue
        text = re.sub(r":\w+:`([^`]*)`", r"`\1`", line).replace("``", "`").strip()
        if kind in ("Args", "Raises") and indent == 4:
            text = re.sub(r"^([\w*]+): ", r"- `\1`: ", text)
        elif kind in ("Args", "Raises") and text:
            text = f"  {text}"
        out.append(text)
    close(out, kind)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip() + "\n"


def close(out: list, kind: str) -> None:
    while out and not out[-1]:
        out.pop()
    out += {"Example": ["```", ""], "math": ["$$", ""]}.get(kind, [""])


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    pathlib.Path(__file__).with_name("api.md").write_text(reference())
