"""Writes docs/api.md and the curves in its table, docs/curves, from the docstrings: ``python docs/make_api.py``.

tests/test_api.py checks that both are up to date."""

import argparse
import ast
import doctest
import inspect
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import mlx.core as mx
import numpy as np

import mlx_schedules as ms

HEAD = """\
# Reference

`ms` is `mlx_schedules`. In formulas `s` is the step: the number of optimizer updates so far, 0 for the first update.
(This page is made from the docstrings by `docs/make_api.py`; edit those.)

## Schedules

| Name | What it makes | Curve | Formula | Paper |
|---|---|---|---|---|
{schedules}

## Everything else

| Name | What it is for |
|---|---|
{others}

## Types in the signatures

- **`Real`** is a real number, or one for each parameter group: a Python `int`, `float` or `Fraction`, a NumPy number or
  array, an `mx.array`, or a list or tuple of these, nested if the groups are. Text such as `"1e-3"` is not a number.
- **`Tail`** is `"linear"`, `"cosine"`, `"1-sqrt"` or `"exponential"`.
- **`EndAt`** is `"total_steps"` or `"last_update"`.
- **`Function`** is any callable that takes a step, an `mx.array`. **`Filter`** is a callable that takes a weight's path
  and the weight, and says whether the weight is in its group.
- **`Stream`** is a stream or a device of MLX.
"""
CURVES = pathlib.Path(__file__).with_name("curves")
WIDTH, HEIGHT, MARGIN, POINTS = 96, 32, 2, 96
COLORS = ("#3D7DD8", "#C26A1B")  # the package's own, visible on white and dark backgrounds


def public() -> Iterator[tuple[str, Any]]:
    for name in sorted(ms.__all__, key=str.lower):
        thing = getattr(ms, name)
        yield from (
            ((f"ms.{name}.{n}", getattr(thing, n)) for n in thing.__all__)
            if inspect.ismodule(thing)
            else ((f"ms.{name}", thing),)
        )


def reference() -> str:
    made, others = schedules(), dict(public())
    rows = [table_row(name, thing) for name, thing in made.items()]
    rest = [f"| {link(name)} | {summary(thing)} |" for name, thing in others.items() if name not in made]
    parts = [HEAD.format(schedules="\n".join(rows), others="\n".join(rest))]
    for name, thing in others.items():
        parts.append(section(name, thing))
        if inspect.isclass(thing):
            short = name.rpartition(".")[2]
            parts += [section(f"{short}.{inner}", member, "###") for inner, member in members(thing)]
    return "\n".join(parts)


# ---- The table


def schedules() -> dict[str, Any]:
    """Return the functions, and then the methods of Schedule, that make a schedule."""
    made = {name: thing for name, thing in public() if makes_schedule(thing)}
    methods = {f"Schedule.{n}": m for n, m in members(ms.Schedule) if inspect.isfunction(m) and makes_schedule(m)}
    return {**made, **{name: method for name, method in methods.items() if "__" not in name}}


def makes_schedule(thing: Any) -> bool:
    return inspect.isfunction(thing) and str(inspect.signature(thing).return_annotation).startswith("Schedule")


def table_row(name: str, thing: Any) -> str:
    short = name.rpartition(".")[2]
    formula = "<br>".join(f"`{line}`" for line in part(thing, "Formula"))
    papers = re.findall(r"https://arxiv\.org/abs/[\d.]+\d", " ".join(part(thing, "Source")))
    linked = ", ".join(f"[{paper.rpartition('/')[2]}]({paper})" for paper in papers)
    curve = f"![its curve](curves/{short}.svg)" if drawn(short, thing) is not None else ""
    return f"| {link(name)} | {summary(thing)} | {curve} | {formula} | {linked} |"


def link(name: str) -> str:
    return f"[`{name}`](#{name.replace('.', '').lower()})"


def summary(thing: Any) -> str:
    first = inspect.getdoc(thing).split("\n\n")[0].replace("\n", " ").replace("``", "`")
    return re.sub(r":\w+:`([^`]*)`", r"`\1`", first).rstrip(".")


def part(thing: Any, head: str) -> list[str]:
    """Return the lines of a section of a docstring."""
    found = re.search(rf"^{head}:\n((?:    .*\n?)+)", inspect.getdoc(thing), re.MULTILINE)
    return [line.strip() for line in found[1].splitlines()] if found else []


def drawn(short: str, thing: Any) -> str | None:
    """Draw the schedule of the docstring's example, up to its end or the last step that it is called with."""
    names: dict[str, Any] = {}
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(thing)):
        tree = ast.parse(example.source)
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == short:
                schedule = evaluated(call, names)
                steps = [c.args[0] for c in ast.walk(tree) if isinstance(c, ast.Call) and c.func is call]
                last = np.max(np.array(evaluated(steps[0], names) if steps else schedule.last_step))
                return svg(schedule, float(last) or 1.0)
        exec(compile(tree, short, "exec"), names)
    return None


def evaluated(node: ast.expr, names: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "docstring", "eval"), names)


def svg(schedule: ms.Schedule, last: float) -> str:
    x = np.linspace(0, last, POINTS)
    curves = np.array(schedule(mx.array(x.astype(np.float32)))).reshape(POINTS, -1).T
    top = curves.max()
    across = MARGIN + x / last * (WIDTH - 2 * MARGIN)
    lines = [
        '<polyline fill="none" stroke="{}" stroke-width="1.5" points="{}"/>'.format(
            color,
            " ".join(
                f"{a:.1f},{HEIGHT - MARGIN - y / top * (HEIGHT - 2 * MARGIN):.1f}"
                for a, y in zip(across, curve, strict=True)
            ),
        )
        for curve, color in zip(curves, COLORS, strict=False)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
    return "\n".join([head, *lines, "</svg>\n"])


def curves() -> dict[str, str]:
    found = {name.rpartition(".")[2]: thing for name, thing in schedules().items()}
    pictures = {f"{short}.svg": drawn(short, thing) for short, thing in found.items()}
    return {name: picture for name, picture in pictures.items() if picture is not None}


# ---- The sections


def members(cls: type) -> list:
    """Return the public methods and properties of a class and its bases in this package, in the order of the source."""
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
    function = getattr(thing, "__func__", thing)  # the function of a class method
    signature = "" if isinstance(thing, property) else re.sub(r"['\"]", "", str(inspect.signature(function)))
    signature = re.sub(r"\((self|cls)(, )?", "(", signature)
    return (
        f"{level} `{title}`\n\n" + (f"`{title}{signature}`\n\n" if signature else "") + markdown(inspect.getdoc(thing))
    )


def markdown(docstring: str) -> str:
    """Turn Google-style sections into bold headings and lists, formulas into text and examples into Python blocks."""
    out, kind = [], ""
    for line in docstring.splitlines():
        indent = len(line) - len(line.lstrip())
        if head := re.fullmatch(r"(Args|Returns|Raises|Formula|Example|Source):", line):
            close(out, kind)
            kind = head[1]
            out += {"Example": ["```python"], "Formula": ["```text"]}.get(kind, [f"**{kind}**", ""])
            continue
        if line and not indent and kind:
            close(out, kind)
            kind = ""
        if kind == "Example":
            text = line[4:]
            if text.endswith(":") and not out[-1] and not text.startswith((">>>", "...")):  # text between two examples
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
    out += ["```", ""] if kind in ("Example", "Formula") else [""]


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    pathlib.Path(__file__).with_name("api.md").write_text(reference())
    CURVES.mkdir(exist_ok=True)
    for file, picture in curves().items():
        (CURVES / file).write_text(picture)
