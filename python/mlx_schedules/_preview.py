"""``python -m mlx_schedules preview``: a schedule as a table, a curve and a picture, before anything is trained."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ._curves import Curve, check_steps, curves, default_steps

if TYPE_CHECKING:
    from ._schedule import CosineDecay

_WIDTH, _HEIGHT = 72, 14
_MARKS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BLOCK = 1 << 14  # rows of CSV computed at a time

DESCRIPTION = """\
Show a cosine decay schedule: the table of its key steps, its curve in the terminal and, with --out, a picture.

Cosine decay starts at --init, falls slowly, then fast, then slowly again, reaches --end at step --decay-steps
and stays there:

    value(step) = end + (init - end) * cos(pi/2 * step/T)^2,    step held between 0 and T = decay steps

Give several numbers to one option for several parameter groups; one number counts for all groups.
"""

EXAMPLES = """\
examples:
  A rate of 0.001 that decays to 0 over 1000 steps:
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000

  Two parameter groups, a fast one and a slow one that never quite stops:
    python -m mlx_schedules preview --init 1e-3 1e-4 --decay-steps 1000 2000 --end 0 1e-6

  A picture (needs the extra: pip install 'mlx-schedules[plot]'), and every step's value for other tools:
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000 --out lr.png
    python -m mlx_schedules preview --init 1e-3 --decay-steps 1000 --csv > lr.csv

how many decay steps?
  As many as there are optimizer updates: epochs * ceil(examples / batch size). Too few, and training ends at
  --end long before its last step; too many, and the rate never comes down.
"""


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "preview",
        help="show a schedule: key steps, a curve in the terminal, a picture",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--init", type=number, nargs="+", required=True, metavar="X", help="value at step 0")
    parser.add_argument(
        "--decay-steps", type=number, nargs="+", required=True, metavar="T", help="steps from init to end, at least 1"
    )
    parser.add_argument("--end", type=number, nargs="+", default=[0.0], metavar="X", help="value from T on (default 0)")
    parser.add_argument("--steps", type=int, metavar="N", help="last step to show (default: a tenth past the last T)")
    parser.add_argument("--out", metavar="FILE", help="also draw the curves into FILE (.png, .svg, .pdf)")
    parser.add_argument("--csv", action="store_true", help="print step,value,... for every step up to N, nothing else")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    from ._schedule import CosineDecay

    try:
        schedule = CosineDecay(*(x if len(x) > 1 else x[0] for x in (args.init, args.decay_steps, args.end)))
        steps = default_steps(schedule) if args.steps is None else check_steps(args.steps)
        if args.out:
            _draw(schedule, steps, args.out)
    except (ValueError, TypeError, ImportError, OSError) as error:
        args.parser.error(str(error))
    if args.csv:
        _write_csv(schedule, steps)
    else:
        print(schedule, end="\n\n")
        print("\n".join(_table(schedule, steps)), end="\n\n")
        print("\n".join(_chart(schedule, steps)))
        if args.out:
            print(f"\nThe picture is in {args.out}.")
    return 0


def number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _draw(schedule: CosineDecay, steps: int, path: str) -> None:
    try:
        from matplotlib.figure import Figure  # no pyplot: no display is needed
    except ImportError as error:
        raise ImportError("--out needs matplotlib. Run: pip install 'mlx-schedules[plot]'") from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    schedule.plot(steps, ax=figure.subplots())
    figure.savefig(path, dpi=150)


def _table(schedule: CosineDecay, steps: int) -> list[str]:
    """The start, the quarters of the longest decay, the last step that still decays, and every group's end."""
    totals = [int(curve.decay_steps) for curve in curves(schedule, [0])]
    last = max(totals)
    keys = sorted(
        {k for k in (0, last // 4, last // 2, 3 * last // 4, last - 1, *sorted(set(totals))[:10], steps) if k <= steps}
    )
    rows = curves(schedule, keys)
    head = ["step", *(f"group {', '.join(map(str, c.group))}" if c.group else "value" for c in rows)]
    body = [[str(key), *(f"{c.values[i]:.7g}" for c in rows)] for i, key in enumerate(keys)]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *body)]


def _chart(schedule: CosineDecay, steps: int) -> list[str]:
    """The curves in plain characters, one digit or letter per group."""
    at = [i * steps // (_WIDTH - 1) for i in range(_WIDTH)]
    lines: list[Curve] = curves(schedule, at)
    values = [v for curve in lines for v in curve.values]
    low, high = min(0.0, *values), max(0.0, *values)
    span = high - low or 1.0
    grid = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    for i, curve in reversed(list(enumerate(lines))):  # the first group on top
        for column, value in enumerate(curve.values):
            mark = _MARKS[i % len(_MARKS)] if curve.group else "*"
            grid[round((high - value) / span * (_HEIGHT - 1))][column] = mark
    labels = [f"{high:.4g}", *[""] * (_HEIGHT - 2), f"{low:.4g}"]
    margin = max(map(len, labels))
    chart = [f"{label:>{margin}} |{''.join(row).rstrip()}" for label, row in zip(labels, grid, strict=True)]
    last = str(steps)
    return [*chart, f"{'':>{margin}} +{'-' * _WIDTH}", f"{'':>{margin}}  0{last:>{_WIDTH - 1}}"]


def _write_csv(schedule: CosineDecay, steps: int) -> None:
    columns = [f"group {' '.join(map(str, c.group))}" if c.group else "value" for c in curves(schedule, [0])]
    print(",".join(["step", *columns]))
    for start in range(0, steps + 1, _BLOCK):
        at = list(range(start, min(start + _BLOCK, steps + 1)))
        rows = zip(at, *(curve.values for curve in curves(schedule, at)), strict=True)
        sys.stdout.writelines(f"{step},{','.join(f'{v:.9g}' for v in values)}\n" for step, *values in rows)
