"""Draws docs/schedule.png, the picture in the README: ``python docs/schedule.py``. Needs the extra plot."""

import argparse

import mlx.core as mx
import numpy as np
from matplotlib.figure import Figure
from style import BLUE, GREEN, ORANGE, panel, save, style

import mlx_schedules as ms

argparse.ArgumentParser(description=__doc__).parse_args()

SCHEDULES = (
    "ms.warmup_cosine(\n    1e-3, 1000, warmup=0.1)",
    "ms.warmup_stable_decay(1.0, 1000,\n    warmup=0.1) * [1e-3, 6e-4, 2e-4]",
    "ms.cosine_decay(1e-3, 250).repeat(\n    250, times=4, value_factor=0.6)",
)
GROUPS = ("hidden layers", "embeddings", "norms")  # typical names for such groups
STEPS = np.arange(1001)

with style():
    figure = Figure(figsize=(8, 2.3), layout="constrained")
    for axes, line in zip(figure.subplots(1, 3), SCHEDULES, strict=True):
        schedule = eval(line.replace("\n", ""), {"ms": ms})
        values = np.array(schedule(mx.array(STEPS))).reshape(len(STEPS), -1)
        for column, color, name in zip(values.T, (BLUE, ORANGE, GREEN), GROUPS, strict=False):
            axes.plot(STEPS, column, color=color, linewidth=1.8)
            if values.shape[1] > 1:
                axes.text(500, column[500] + 2e-5, name, color=color, ha="center", va="bottom", fontsize=7)
        axes.set_title(line, family="monospace", loc="left", fontsize=7.4)
        axes.set(xlabel="step")
        panel(axes, 1000, values.max())
    figure.axes[0].set_ylabel("learning rate")
    save(figure, __file__)
