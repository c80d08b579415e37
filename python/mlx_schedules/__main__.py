"""``python -m mlx_schedules``: one subcommand per module."""

import argparse
import sys

from . import __version__, _doctor, _preview


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mlx_schedules",
        description="Exact, fused learning-rate schedules for MLX. '<command> --help' explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"mlx-schedules {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="command")
    for command in (_preview, _doctor):
        command.add_to(commands)
    chosen = parser.parse_args(arguments)
    status: int = chosen.run(chosen)
    return status


if __name__ == "__main__":
    sys.exit(main())
