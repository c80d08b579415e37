"""``python -m mlx_schedules``: one subcommand per module."""

import argparse
import sys

from . import _doctor


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mlx_schedules")
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in (_doctor,):
        command.add_to(commands)
    chosen = parser.parse_args(arguments)
    status: int = chosen.run(chosen)
    return status


if __name__ == "__main__":
    sys.exit(main())
