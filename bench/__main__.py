"""``python -m bench``: how fast and how exact, against what people use instead. README.md says how it is measured."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile

import mlx.core as mx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import accuracy, cases, compare, contenders, memory, output, record
from .measure import alternate


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds: under a minute on two cores")
    parser.add_argument("--rounds", type=int, help="rounds per case (default: 21, quick: 7)")
    parser.add_argument("--threads", type=int, help="threads that share a large call (default: one a core, at most 8)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose name or mode contains TEXT")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write what was measured")
    parser.add_argument("--plots", type=pathlib.Path, metavar="FOLDER", help="draw speed.png and error.png")
    parser.add_argument("--compare", type=pathlib.Path, metavar="OLD", help="a JSON file of an earlier run")
    return parser.parse_args()


def measured(options: argparse.Namespace, console: Console) -> list[dict]:
    makers = cases.quick() if options.quick else cases.full()
    rounds = options.rounds or (7 if options.quick else 21)
    results = []
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(makers))
        for make in makers:
            for case in make():
                if options.only in f"{case.name}, {case.mode}":
                    progress.update(task, description=f"{case.name}, {case.mode}")
                    cold = case.mode == "first call"
                    times = alternate(case.calls, max(3, round(rounds * case.weight)), cold=cold)
                    results.append(record.result(case, times))
            mx.clear_cache()
            progress.advance(task)
    return results


def main() -> int:
    options, console = arguments(), Console()
    for line in contenders.missing():
        console.print(line)
    mx.set_default_device(mx.cpu)
    if options.threads:
        os.environ["MLX_SCHEDULES_THREADS"] = str(options.threads)  # read at the first large call
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder  # where MLX keeps compiled kernels from one process to the next
        run = record.header(options.quick) | {"results": measured(options, console)}
    output.speed(console, run["results"])
    if not options.only:
        times = [100_000] if options.quick else [100_000, 1_000_000, 10_000_000]
        run["accuracy"] = [row for total in times for row in accuracy.compared(total, 500 if options.quick else 2000)]
        run["memory"] = memory.peak()
        output.accuracy(console, run["accuracy"])
        output.memory(console, run["memory"])
    if options.json:
        options.json.write_text(json.dumps(run, indent=1) + "\n")
    if options.plots:
        from . import plots

        options.plots.mkdir(exist_ok=True)
        plots.speed(run, options.plots / "speed.png")
        plots.error(options.plots / "error.png")
    if options.compare:
        old = json.loads(options.compare.read_text())
        for line in compare.caveats(old, run):
            console.print(f"Note: {line}")
        slower = compare.regressions(old, run)
        for line in slower:
            console.print(f"[red]Slower:[/] {line}")
        console.print(f"{len(slower)} regressions beyond the spread")
        return 1 if slower else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
