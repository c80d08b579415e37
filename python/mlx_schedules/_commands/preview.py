"""``python -m mlx_schedules preview``: a schedule as a table, a curve and a picture, before anything is trained."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._pictures.axis import SCALES, value_axis
from .._pictures.colors import MANY
from .._pictures.curves import borders, check_steps, curves, default_steps, sampled, segments, spread
from .._pictures.terminal import chart
from . import options
from .options import Once, number

if TYPE_CHECKING:
    from .._schedule.schedule import Schedule

_NARROWEST, _WIDEST = 60, 200
_BLOCK = 1 << 14  # rows of CSV computed at a time

DESCRIPTION = """\
Show a schedule: the table of its key steps, its curve in the terminal and, with --out, a picture. It is one of

  --init X --decay-steps T [--end X] [--warmup W]       a cosine decay from init at step 0 to end at step T, held there;
                                                        a warmup of W steps comes before it
  --peak X --total-steps T [--warmup W] [--end X]       a whole run: a linear rise, then a cosine decay to step T
  --wsd [--decay D] [--tail TAIL], with the same        a whole run: a linear rise, the peak kept, a decay to step T
  --config FILE                                         what is in a file: mlx-lm's config, or one of Schedule.to_dict

and after it, last of all, --compare and another one. Give several numbers to one option for several parameter groups;
one number counts for all groups.
"""

EXAMPLES = """\
examples:
  A rate of 0.001 that decays to 0 over 1000 steps:
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000

  Two parameter groups, a fast one and a slow one that never quite stops:
    python -m mlx_schedules preview --init 1e-3 1e-4 --decay-steps 1000 2000 --end 0 1e-6

  A run of 1000 steps, 5 % of them warmup; one that keeps its peak until the last fifth:
    python -m mlx_schedules preview --peak 1e-3 --total-steps 1000 --warmup 0.05
    python -m mlx_schedules preview --peak 1e-3 --total-steps 1000 --warmup 0.05 --wsd --decay 0.2

  What mlx-lm makes of a config, beside a whole run in its place:
    python -m mlx_schedules preview --config lora.yaml --compare --peak 1e-5 --total-steps 1000 --warmup 0.1

  A picture, and every step's value for other tools:
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000 --out lr.png
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000 --csv > lr.csv

  The curve and the picture need the extra: pip install 'mlx-schedules[plot]'. The curve is as wide as the terminal
  (60 to 200 columns; COLUMNS=100 sets it) and has no colours in a pipe or where NO_COLOR is set.

how many steps?
  As many as there are optimizer updates: epochs * ceil(examples / batch size), divided by the batches that are
  accumulated for one (mlx_schedules.total_updates). Too few, and training ends at --end long before its last step;
  too many, and the rate never comes down.
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
    option("--steps", metavar="N", help="last step to show (default: a tenth past the end)", type=whole)
    option("--scale", metavar="SCALE", help="linear or log (default: what shows most)", choices=SCALES)
    option("--out", metavar="FILE", help="also draw the curves into FILE (.png, .svg, .pdf)", type=Path)
    parser.add_argument("--csv", action="store_true", help="print step,value,... for every step up to N, nothing else")
    parser.add_argument("--compare", nargs=argparse.REMAINDER, metavar="", help="last: another schedule's options")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    try:
        schedule = options.asked(args)
        steps = default_steps(schedule) if args.steps is None else check_steps(args.steps)
        lines = [] if args.csv else _text(schedule, steps, args.scale)
        path = _draw(schedule, steps, args.out, args.scale) if args.out else None
    except (ValueError, TypeError, ImportError, OSError) as error:
        args.parser.error(options.flagged(str(error)))
    if args.csv:
        _write_csv(schedule, steps)
    else:
        print("\n".join(lines))
    if path:
        print(f"The picture is in {path}.", file=sys.stderr if args.csv else sys.stdout)
    return 0


def whole(text: str) -> int | float:
    """Of 1e3 too; what isn't whole is refused where steps are checked."""
    x = number(text)
    return int(x) if isinstance(x, float) and x.is_integer() else x


def _draw(schedule: Schedule, steps: int, path: Path, scale: str | None) -> Path:
    try:
        from matplotlib.figure import Figure  # no pyplot: no display is needed
    except ImportError as error:
        raise ImportError("--out needs matplotlib. Run: pip install 'mlx-schedules[plot]'") from error
    from .._pictures.matplotlib import plot

    figure = Figure(figsize=(7, 4), layout="constrained")
    plot(schedule, steps, figure.subplots(), scale)
    path = path if path.suffix else path.with_name(f"{path.name}.png")  # as matplotlib does, but it doesn't say so
    figure.savefig(path, dpi=150)
    return path


def _text(schedule: Schedule, steps: int, scale: str | None) -> list[str]:
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
    count = len(segments(schedule))
    groups, at = spread(count, MANY), sampled(schedule, steps, 2 * width)
    shown = curves(schedule, at, groups)
    out = [*textwrap.wrap(repr(schedule), width), "", *_table(schedule, steps, groups, width), ""]
    out += chart(shown, at, borders(schedule), value_axis(shown, scale), width, _look())
    if len(groups) < count:
        out.append(f"{len(groups)} of {count} groups, evenly spread; --csv prints all.")
    return out


def _look() -> str:
    """What the output can show."""
    if "UTF" not in (sys.stdout.encoding or "").upper():
        return "ascii"
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return "plain" if plain else "color"


def _table(schedule: Schedule, steps: int, groups: list[int], width: int) -> list[str]:
    """The start, the quarters, the last step that still changes, and the ends; columns side by side as they fit."""
    ends = borders(schedule)
    last = ends[-1]
    keys = sorted({k for k in (0, last // 4, last // 2, 3 * last // 4, last - 1, *ends[:10], steps) if k <= steps})
    columns = [[c.name or "value", *(f"{v:.7g}" for v in c.values)] for c in curves(schedule, keys, groups)]
    first = ["step", *map(str, keys)]
    columns = [[cell.rjust(max(map(len, column))) for cell in column] for column in (first, *columns)]
    fits = max(1, (width - len(columns[0][0])) // (2 + max(len(column[0]) for column in columns[1:])))
    out: list[str] = []
    for i in range(1, len(columns), fits):
        out += [*([""] if out else []), *map("  ".join, zip(columns[0], *columns[i : i + fits], strict=True))]
    return out


def _write_csv(schedule: Schedule, steps: int) -> None:
    print(",".join(["step", *(c.name or "value" for c in curves(schedule, [0]))]))
    for start in range(0, steps + 1, _BLOCK):
        at = list(range(start, min(start + _BLOCK, steps + 1)))
        rows = zip(at, *(curve.values for curve in curves(schedule, at)), strict=True)
        sys.stdout.writelines(f"{step},{','.join(f'{v:.9g}' for v in values)}\n" for step, *values in rows)
