"""The style of the pictures of these pages. They have no background, so that they suit white and dark pages."""

import pathlib
from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mlx_schedules._pictures.colors import colors

GREY = "#747d88"  # text and frames: a contrast of 4.2 with white and of 4.5 with GitHub's dark pages
BLUE, ORANGE, GREEN = colors(3)  # the package's own, visible on white and dark backgrounds
SIZES = {"font.size": 8, "axes.titlesize": 8, "legend.fontsize": 7, "xtick.labelsize": 7, "ytick.labelsize": 7}
COLORS = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY)
FRAME = {"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}


def style() -> AbstractContextManager[None]:
    return mpl.rc_context({**SIZES, **COLORS, **FRAME})


def panel(axes: Axes, total: float, top: float) -> None:
    """Set both axes from 0, to the run's end and a little above the largest value, with few ticks."""
    axes.set(xlim=(0, total), ylim=(0, 1.08 * top))
    axes.set_xticks([0, total / 2, total])
    axes.locator_params(axis="y", nbins=4)
    axes.ticklabel_format(axis="y", scilimits=(-2, 3))


def save(figure: Figure, script: str | pathlib.Path) -> None:
    """Save the picture beside the script, under its name, and twice as wide as the 800 pixels in which it is shown."""
    figure.savefig(pathlib.Path(script).with_suffix(".png"), dpi=200, transparent=True)
