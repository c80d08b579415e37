"""Draws docs/last_steps.png, the picture in docs/guide.md: ``python docs/last_steps.py``. Needs the extra plot."""

import argparse
import pathlib

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from matplotlib.figure import Figure

import mlx_schedules as ms

argparse.ArgumentParser(description=__doc__).parse_args()

TOTAL, LAST = 1_000_000, 400

left = np.arange(1, LAST)  # steps left until the end
steps = mx.array(TOTAL - left)
exact = np.sin(np.pi / 2 * left / TOTAL) ** 2
closure = np.array(optim.cosine_decay(1.0, TOTAL)(steps), np.float64)
fused = np.array(ms.cosine_decay(1.0, TOTAL)(steps), np.float64)

figure = Figure(figsize=(9, 3.6), layout="constrained")
values, errors = figure.subplots(1, 2)
values.plot(left, closure, color="#D55E00", linewidth=1, label="mlx.optimizers.cosine_decay")
values.plot(left, fused, color="#0072B2", linewidth=1.6, label="mlx_schedules.cosine_decay")
values.set_ylabel("value (init 1, end 0)")
values.ticklabel_format(axis="y", scilimits=(0, 0))
values.set_ylim(0)
values.legend(frameon=False)
errors.semilogy(left, np.abs(closure / exact - 1), color="#D55E00", linewidth=1)
errors.semilogy(left, np.maximum(np.abs(fused / exact - 1), 1e-10), color="#0072B2", linewidth=1)
errors.set_ylabel("relative error")
errors.set_ylim(1e-10, 3)
for axes in (values, errors):
    axes.set_xlabel(f"steps left of {TOTAL:,}")
    axes.set_xlim(LAST, 0)
figure.savefig(pathlib.Path(__file__).with_suffix(".png"), dpi=120)
