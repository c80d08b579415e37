"""Writes docs/gallery.md and draws docs/gallery.png: ``python docs/make_gallery.py``.

The picture has a curve for each kind of schedule, and the tables have every schedule of tests/support/corpus.py.
tests/test_corpus.py checks that the page is up to date. Drawing needs the extra plot."""

import argparse
import pathlib
import sys
from itertools import groupby

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))

from support import corpus

HEAD = """\
# Gallery

{served} of {all} schedules from public code that trains with MLX take one line each here, and are evaluated by one op.
The other one follows a metric, which no function of the step can do. The kinds appear in the same proportions as in
a survey of 235 public files. Numbers and structure are those of the originals; if a script reads a rate or the length
of its run from its options or data, a typical value is used. `tests/test_corpus.py` runs each schedule to its end and
compares it with the original arithmetic in float64.

![eight kinds of schedules over a run of 1000 steps](gallery.png)

| Kind | Curve | Code |
|---|---|---|
{kinds}

This page is made by `docs/make_gallery.py` from `tests/support/corpus.py`.
"""
STEPS = 1000
RATE = "ms.warmup_cosine(1.0, 1000, warmup=0.1)"
KINDS: dict[str, dict[str, str]] = {  # a panel for each kind, with its curves by name
    "warmup + cosine": {"": RATE},
    "warmup, stable, decay": {
        f"tail: {tail}": f'ms.warmup_stable_decay(1.0, 1000, warmup=0.1, decay=0.4, tail="{tail}")'
        for tail in ("linear", "cosine", "1-sqrt")
    },
    "restarts": {"": "ms.cosine_decay(1.0, 150).repeat(150, period_factor=2, value_factor=0.7)"},
    "staircase": {"": "ms.step_decay(1.0, 0.5, 250)"},
    "warmup + inverse square root": {"": "ms.inverse_sqrt_decay(1.0, 100).warmup(100)"},
    "one-cycle, rate": {"": "ms.one_cycle(1.0, 1000)"},
    "one-cycle, momentum": {"": "ms.one_cycle(0.85, 1000, init=0.95, end=0.95)"},
    "layer-wise decay": {
        name: f"{RATE} * {factor}" for name, factor in (("top layer", 1.0), ("middle", 0.5), ("bottom", 0.25))
    },
}
LEGENDS = {"warmup, stable, decay": "lower center", "layer-wise decay": "upper right"}


def page() -> str:
    served = sum(entry.ours is not None for entry in corpus.CORPUS)
    kinds = [f"| {kind} | {name} | `{line}` |" for kind, curves in KINDS.items() for name, line in curves.items()]
    parts = [HEAD.format(served=served, all=len(corpus.CORPUS), kinds="\n".join(kinds))]
    for kind, numbered in groupby(enumerate(corpus.CORPUS, 1), lambda pair: pair[1].kind):
        parts += [f"## {kind[0].upper()}{kind[1:]}\n", "| | Found in | Code here | Numbers |\n|---|---|---|---|"]
        parts += [row(number, entry) for number, entry in numbered]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def row(number: int, entry: corpus.Entry) -> str:
    numbers = ", ".join(f"{name}={value!r}" for name, value in entry.numbers.items())
    return f"| {number} | {entry.what} | {f'`{entry.ours}`' if entry.ours else 'not supported'} | `{numbers}` |"


def draw() -> None:
    import mlx.core as mx
    import numpy as np
    from matplotlib.figure import Figure
    from style import BLUE, GREEN, ORANGE, panel, save, style

    import mlx_schedules as ms

    steps = np.arange(STEPS)
    with style():
        figure = Figure(figsize=(8, 4), layout="constrained")
        for axes, (title, curves) in zip(figure.subplots(2, 4).flat, KINDS.items(), strict=True):
            for (name, line), color in zip(curves.items(), (BLUE, ORANGE, GREEN), strict=False):
                axes.plot(
                    steps, np.array(eval(line, {"ms": ms})(mx.array(steps))), color=color, linewidth=1.6, label=name
                )
            axes.set_title(title, loc="left")
            panel(axes, STEPS, 1)
            if title in LEGENDS:
                axes.legend(loc=LEGENDS[title])
            if "momentum" in title:
                axes.set(ylim=(0.8, 1))
        figure.supxlabel("step", fontsize=8)
        save(figure, pathlib.Path(__file__).with_name("gallery"))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    pathlib.Path(__file__).with_name("gallery.md").write_text(page())
    draw()
