"""Writes docs/gallery.md and draws docs/gallery.png from tests/support/corpus.py: ``python docs/make_gallery.py``.

tests/test_corpus.py checks that the page was written. The picture needs the extra plot."""

import argparse
import pathlib
import sys
import warnings
from itertools import groupby

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))

from support import corpus

HEAD = """\
# Gallery

{served} of {all} schedules, as public code that trains with MLX writes them, are one op here, by one line each; the
other follows a metric. Their kinds are in the proportions of a survey of 235 public files. Parameters and structure are
theirs; where a script takes a rate or the length of its run from its options or data, one of that kind is put in.
`tests/test_corpus.py` runs each to its end against the original arithmetic in float64. Made by `docs/make_gallery.py`
from `tests/support/corpus.py`.

![a curve for each, by its number](gallery.png)
"""
COLUMNS, BLUE = 8, "#0072B2"


def page() -> str:
    served = sum(entry.ours is not None for entry in corpus.CORPUS)
    parts = [HEAD.format(served=served, all=len(corpus.CORPUS))]
    for kind, numbered in groupby(enumerate(corpus.CORPUS, 1), lambda pair: pair[1].kind):
        parts += [f"## {kind[0].upper()}{kind[1:]}\n", "| | | here | with |\n|---|---|---|---|"]
        parts += [row(number, entry) for number, entry in numbered]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def row(number: int, entry: corpus.Entry) -> str:
    numbers = ", ".join(f"{name}={value!r}" for name, value in entry.numbers.items())
    return f"| {number} | {entry.what} | {f'`{entry.ours}`' if entry.ours else 'not to be had'} | `{numbers}` |"


def draw(path: pathlib.Path) -> None:
    import mlx.core as mx
    import numpy as np
    from matplotlib.figure import Figure

    rows = -(-len(corpus.CORPUS) // COLUMNS)
    figure = Figure(figsize=(1.5 * COLUMNS, 1.1 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS).flat
    for number, (entry, panel) in enumerate(zip(corpus.CORPUS, panels, strict=False), 1):
        panel.set_title(number, fontsize=7, loc="left", pad=2)
        panel.tick_params(labelsize=5, length=2)
        panel.yaxis.get_offset_text().set_fontsize(5)
        if entry.ours is not None:
            steps = mx.linspace(0, entry.run, 600)
            values = np.array(corpus.ours(entry)(steps))
            panel.plot(np.array(steps), values, color=BLUE, linewidth=1)
            panel.set_ylim(0, 1.08 * values.max())
    for panel in panels:  # those that are left
        panel.set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    here = pathlib.Path(__file__).parent
    here.joinpath("gallery.md").write_text(page())
    warnings.filterwarnings("ignore", "mlx-lm starts a schedule")
    draw(here / "gallery.png")
