"""``python -m mlx_schedules preview``: a schedule as a table, a curve and a picture, before training."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from .._columns.numbers import Number
from .._mlx_lm.forecast import Forecast
from .._pictures.axis import SCALES, value_axis
from .._pictures.colors import MANY
from .._pictures.curves import Named, View, curves, groups, view
from .._pictures.matplotlib import draw
from .._pictures.sampling import borders, counted, written
from .._pictures.terminal import chart
from . import options
from .options import Once, number

_NARROWEST, _WIDEST = 60, 200
_BLOCK = 1 << 14  # rows of CSV computed at a time

DESCRIPTION = """\
Show a schedule: a table of its key steps, its curve in the terminal and, with --out, a picture. It is one of

  --init X --decay-steps T [--end X] [--warmup W]       a cosine decay from init at step 0 to end at step T, held there;
                                                        a warmup of W steps comes before it
  --peak X --total-steps T [--warmup W] [--end X]       a whole run: a linear warmup, then a cosine decay to step T
  --wsd [--decay D] [--tail TAIL], with the same        a whole run: a linear warmup, the peak kept, a decay to step T
  --config FILE                                         what a file describes: mlx-lm's config, or one of
                                                        Schedule.to_dict. For mlx-lm's it also says how many updates
                                                        there are, and the rate of the last one

To compare two schedules, put --compare and the second one at the end. Give several numbers to one option for several
parameter groups; a single number applies to all groups.
"""

EXAMPLES = """\
examples:
  A rate of 0.001 that decays to 0 over 1000 steps:
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000

  Two parameter groups, a fast one and a slow one whose rate never reaches 0:
    python -m mlx_schedules preview --init 1e-3 1e-4 --decay-steps 1000 2000 --end 0 1e-6

  A run of 1000 steps, 5 % of them warmup; and one that stays at its peak until the last fifth:
    python -m mlx_schedules preview --peak 1e-3 --total-steps 1000 --warmup 0.05
    python -m mlx_schedules preview --peak 1e-3 --total-steps 1000 --warmup 0.05 --wsd --decay 0.2

  What mlx-lm makes of a config, compared with a whole run:
    python -m mlx_schedules preview --config lora.yaml --compare --peak 1e-5 --total-steps 1000 --warmup 0.1

  A picture, and every step's value for other tools:
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000 --out lr.png
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000 --csv > lr.csv

  The curve needs plotext and the picture matplotlib: pip install 'plotext>=5.3,<6' matplotlib.
  The curve is as wide as the terminal (60 to 200 columns; COLUMNS=100 sets it), and has no colours in a pipe or if
  NO_COLOR is set.

how many steps?
  As many as there are optimizer updates: epochs * ceil(examples / batch size), divided by the number of batches that
  are accumulated for each (mlx_schedules.total_updates). With too few, the rate is at --end long before training
  ends; with too many, it never comes down.
"""


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "preview",
        help="show a schedule: key steps, a curve in the terminal, a picture",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_to(parser)
    option = partial(parser.add_argument, action=Once)
    option("--steps", metavar="N", help="last step to show (default: a tenth past the end)", type=number)
    option("--scale", metavar="SCALE", help="linear or log (default: what shows most)", choices=SCALES)
    option("--out", metavar="FILE", help="also draw the curves into FILE (.png, .svg, .pdf)", type=_picture)
    parser.add_argument("--csv", action="store_true", help="print step,value,... for every step up to N, nothing else")
    parser.add_argument("--compare", nargs=argparse.REMAINDER, metavar="", help="last: another schedule's options")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    try:
        schedules, forecasts = options.asked(args)
        ends = [found.last_update for found in forecasts.values()]
        lines = [] if args.csv else [*_text(schedules, args.steps, args.scale, ends), *_told(forecasts)]
        path = _draw(schedules, args.steps, args.out, args.scale, ends) if args.out else None
        shown = view(schedules, args.steps) if args.csv else None
    except (ValueError, TypeError, ImportError, OSError) as error:
        args.parser.error(options.flagged(str(error)))
    if shown:
        _write_csv(schedules, shown)
    else:
        print("\n".join(lines))
    if path:
        print(f"The picture is in {path}.", file=sys.stderr if args.csv else sys.stdout)
    return 0


def _picture(text: str) -> Path:
    path = Path(text)
    if not path.name:
        raise argparse.ArgumentTypeError(f"{text!r} is not a file name: write lr.png")
    return path if path.suffix else path.with_name(f"{path.name}.png")  # as matplotlib does, but without telling


def _draw(schedules: Named, steps: Number | None, path: Path, scale: str | None, ends: list[int]) -> Path:
    try:
        from matplotlib.figure import Figure  # unlike pyplot, this needs no display
    except ImportError as error:
        raise ImportError("--out needs matplotlib. Run: pip install matplotlib") from error

    figure = Figure(figsize=(7, 4), layout="constrained")
    draw(schedules, steps, figure.subplots(), scale, ends)
    figure.savefig(path, dpi=150)
    return path


def _text(schedules: Named, steps: Number | None, scale: str | None, ends: list[int]) -> list[str]:
    width = _width()
    shown = view(schedules, steps, 2 * width, MANY, ends)
    out: list[str] = []
    for name, schedule in schedules.items():
        out += [*([f"{name}:"] if name else []), *textwrap.wrap(repr(schedule), width)]
    out += ["", *_table(schedules, shown, width), ""]
    out += chart(shown, value_axis(shown.curves, scale), width, _look())
    if len(shown.curves) < (count := groups(schedules)):
        out.append(f"{len(shown.curves)} of {count} groups, evenly spread; --csv prints all.")
    return out


def _told(forecasts: dict[str, Forecast]) -> list[str]:
    """Return lines that tell what will be trained, with a paragraph for each schedule."""
    texts = [f"{name}: {found.text}" if name else found.text for name, found in forecasts.items()]
    return [line for text in texts for line in ("", *textwrap.wrap(text, _width()))]


def _width() -> int:
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)


def _look() -> str:
    """Return how much the output can show: "ascii", "plain" or "color"."""
    if "UTF" not in (sys.stdout.encoding or "").upper():
        return "ascii"
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return "plain" if plain else "color"


def _table(schedules: Named, shown: View, width: int) -> list[str]:
    """Return a table of the start, the quarters, the last step that still changes, and the ends, within `width`."""
    keys = _keys(borders(schedules.values()), shown)
    columns = [[c.name or "value", *(f"{v:.7g}" for v in c.values)] for c in curves(schedules, keys, MANY)]
    first = ["step", *map(written, keys)]
    columns = [[cell.rjust(max(map(len, column))) for cell in column] for column in (first, *columns)]
    fits = max(1, (width - len(columns[0][0])) // (2 + max(len(column[0]) for column in columns[1:])))
    out: list[str] = []
    for i in range(1, len(columns), fits):
        out += [*([""] if out else []), *map("  ".join, zip(columns[0], *columns[i : i + fits], strict=True))]
    return out


def _keys(ends: list[Number], shown: View) -> list[Number]:
    last = ends[-1]
    quarters: list[Number]
    if counted(ends):
        quarters = [int(last) // 4, int(last) // 2, 3 * int(last) // 4, int(last) - 1]
    else:
        quarters = [part * float(last) / 4 for part in (1, 2, 3)]
    keys = {0, *quarters, *ends[:10], *shown.last_updates, shown.steps}
    return sorted(key for key in keys if 0 <= key <= shown.steps)


def _write_csv(schedules: Named, shown: View) -> None:
    """Print CSV with every step or, for a schedule of progress from 0 to 1, with the steps of the picture."""
    print(",".join(["step", *(c.name or "value" for c in curves(schedules, [0]))]))
    progress = 0 < max(borders(schedules.values()), default=0) <= 1
    for at in [shown.at] if progress else _blocks(int(shown.steps) + 1):
        rows = zip(at, *(curve.values for curve in curves(schedules, at)), strict=True)
        sys.stdout.writelines(f"{step},{','.join(f'{v:.9g}' for v in values)}\n" for step, *values in rows)


def _blocks(end: int) -> Iterator[list[Number]]:
    for start in range(0, end, _BLOCK):  # an end of 2**63 is more than the length of a range can be
        yield list(range(start, min(start + _BLOCK, end)))
