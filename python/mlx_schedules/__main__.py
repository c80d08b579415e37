"""``python -m mlx_schedules``."""

import argparse

from . import __version__, _preview


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mlx_schedules",
        description="Exact, fused learning-rate schedules for MLX. '<command> --help' explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"mlx-schedules {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="command", required=True)
    for command in (_preview,):
        command.add_parser(subparsers)
    args = parser.parse_args(arguments)
    status: int = args.run(args)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
