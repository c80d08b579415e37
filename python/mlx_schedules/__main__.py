"""``python -m mlx_schedules``: one subcommand per module."""

import argparse
import os
import sys

from . import __version__
from ._commands import doctor, preview, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mlx_schedules",
        description="Exact, fused learning-rate schedules for MLX. '<command> --help' explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"mlx-schedules {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="command")
    for command in (preview, run, doctor):
        command.add_to(commands)
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["run"]:
        own, rest = run.split(given)
        return run.run(parser.parse_args(own, argparse.Namespace(rest=rest)))
    return printed(parser.parse_args([f" {x}" if is_negative(x) else x for x in given]))


def printed(chosen: argparse.Namespace) -> int:
    try:
        status: int = chosen.run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has had enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains at its end
        return 141  # as the shell says of a program that ends so: 128 + SIGPIPE
    return status


def is_negative(text: str) -> bool:
    """A number, not an option: argparse takes -1 for one, but not -1e-3, unless a space is in front of it."""
    try:
        float(text)
    except ValueError:
        return False
    return text.startswith("-")


if __name__ == "__main__":
    sys.exit(main())
