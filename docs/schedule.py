"""Draws docs/schedule.png, the picture in the README: ``python docs/schedule.py``. Needs the extra plot."""

import argparse
import pathlib

from matplotlib.figure import Figure

import mlx_schedules as ms

argparse.ArgumentParser(description=__doc__).parse_args()

rates = ms.warmup_stable_decay(1.0, 1000, warmup=0.1, decay=0.3, tail="1-sqrt") * [0.02, 3e-3, 3e-4]
figure = Figure(figsize=(8, 3), layout="constrained")
rates.plot(ax=figure.gca())
figure.savefig(pathlib.Path(__file__).with_suffix(".png"), dpi=110)
