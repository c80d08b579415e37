"""``python -m bench``: speed and accuracy, compared with what people use instead. README.md says how it is measured."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile
from typing import Any

import mlx.core as mx

from . import compare, contenders, output, record
from .case import Case
from .cases import SUITES
from .measure import alternate


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)} (default: all but gpu)")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller cases, fewer rounds")
    parser.add_argument("--device", choices=["cpu", "gpu"], help="MLX's default device (default: cpu; gpu suite: gpu)")
    parser.add_argument("--rounds", type=int, help="rounds per case (default: 21, quick: 7)")
    parser.add_argument("--threads", type=int, help="threads for a large call (default: one per core, at most 8)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose name or mode contains TEXT")
    parser.add_argument("--out", type=pathlib.Path, metavar="NAME", help="write NAME.json and NAME.md")
    parser.add_argument("--plots", type=pathlib.Path, metavar="FOLDER", help="draw speed.png and error.png")
    parser.add_argument("--compare", type=pathlib.Path, metavar="OLD", help="the JSON file of an earlier run")
    options = parser.parse_args()
    options.suites = options.suites or [suite for suite in SUITES if suite != "gpu"]
    if wrong := set(options.suites) - set(SUITES):
        parser.error(f"no suite {', '.join(sorted(wrong))}: there are {', '.join(SUITES)}")
    return options


def measured(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"results": [], "numbers": []}
    rounds = options.rounds or (7 if options.quick else 21)
    kind = None
    for make in [make for suite in options.suites for make in SUITES[suite]["quick" if options.quick else "full"]]:
        for one in make():
            timed = isinstance(one, Case)
            if options.only not in (f"{one.name}, {one.mode}" if timed else one.name):
                continue
            if kind is not timed:
                print(output.TIMES if timed else output.NUMBERS)
            kind = timed
            if timed:
                times = alternate(one.calls, max(3, round(rounds * one.weight)), one.mode)
                result, rows = record.timed(one, times), output.of_times
            else:
                result, rows = record.counted(one), output.of_number
            found["results" if timed else "numbers"].append(result)
            print(*rows(result), sep="\n", flush=True)
        mx.clear_cache()
    return found


def compared(old: dict[str, Any], new: dict[str, Any]) -> int:
    for line in compare.caveats(old, new):
        print(f"Note: {line}")
    slower = compare.regressions(old, new)
    for line in slower:
        print(f"Slower: {line}")
    print(f"{len(slower)} regressions beyond the spread")
    return 1 if slower else 0


def run(options: argparse.Namespace) -> int:
    found = record.header(options.quick) | measured(options)
    if options.out:
        options.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
        options.out.with_suffix(".md").write_text(output.page(found))
    if options.plots:
        from . import plots

        options.plots.mkdir(exist_ok=True)
        plots.speed(found, options.plots / "speed.png")
        plots.error(options.plots / "error.png")
    return compared(json.loads(options.compare.read_text()), found) if options.compare else 0


def main() -> int:
    options = arguments()
    for line in contenders.missing():
        print(line)
    mx.set_default_device(getattr(mx, options.device or ("gpu" if "gpu" in options.suites else "cpu")))
    if options.threads:
        os.environ["MLX_SCHEDULES_THREADS"] = str(options.threads)  # read at the first large call
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder  # where MLX keeps compiled kernels from one process to the next
        return run(options)


if __name__ == "__main__":
    sys.exit(main())
