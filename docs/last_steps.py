"""Draws docs/last_steps.png, the picture in docs/guide.md: ``python docs/last_steps.py``. Needs the extra plot."""

import argparse

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from matplotlib.figure import Figure
from style import BLUE, ORANGE, save, style

import mlx_schedules as ms

argparse.ArgumentParser(description=__doc__).parse_args()

TOTAL, LAST = 1_000_000, 400

left = np.arange(1, LAST)  # steps left until the end
steps = mx.array(TOTAL - left)
exact = np.sin(np.pi / 2 * left / TOTAL) ** 2
closure = np.array(optim.cosine_decay(1.0, TOTAL)(steps), np.float64)
fused = np.array(ms.cosine_decay(1.0, TOTAL)(steps), np.float64)

with style():
    figure = Figure(figsize=(8, 3), layout="constrained")
    values, errors = figure.subplots(1, 2)
    for name, rates, color in (("mlx.optimizers", closure, ORANGE), ("mlx_schedules", fused, BLUE)):
        values.plot(left, rates, color=color, linewidth=1.4, label=name)
        errors.semilogy(left, np.maximum(np.abs(rates / exact - 1), 1e-10), color=color, linewidth=1.2)
    values.set_title("Rate, of a cosine from 1 to 0", loc="left")
    values.ticklabel_format(axis="y", scilimits=(0, 0))
    values.set_ylim(0)
    values.legend()
    errors.set_title("Relative error", loc="left")
    errors.set_ylim(1e-10, 3)
    for axes in (values, errors):
        axes.set_xlabel(f"steps left of {TOTAL:,}")
        axes.set_xlim(LAST, 0)
    save(figure, __file__)
