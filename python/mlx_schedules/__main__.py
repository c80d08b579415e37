"""``python -m mlx_schedules``, with a module for each subcommand."""

import argparse
import os
import sys

from . import _compatibility
from ._columns.names import hint, meant
from ._commands import doctor, preview, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mlx_schedules",
        description="Schedules of learning rates and other hyperparameters for MLX. '<command> --help' explains one.",
    )
    parser.add_argument("--version", action="version", version=_compatibility.described())
    commands = parser.add_subparsers(title="commands", required=True, metavar="command")
    for command in (preview, run, doctor):
        command.add_to(commands)
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["run"]:
        own, rest = run.split(given)
        return run.run(parser.parse_args(own, argparse.Namespace(rest=rest)))
    chosen, unknown = parser.parse_known_args([f" {x}" if is_negative(x) else x for x in given])
    if unknown:
        chosen.parser.error(f"{unknown[0].strip()} is not known here{_meant(unknown[0], chosen, given)}")
    return printed(chosen)


def _meant(option: str, chosen: argparse.Namespace, given: list[str]) -> str:
    options = [name for action in chosen.parser._actions for name in action.option_strings if name.startswith("--")]
    known = [name[2:].replace("-", "_") for name in options]
    if "--decay-steps" in given:  # a single decay starts at init; a whole run has a peak
        known = [name for name in known if name != "peak"]
    name = meant(option.partition("=")[0].strip().lstrip("-"), known)
    return f": write --{name.replace('_', '-')}{hint(name)}." if name else ": --help lists the options."


def printed(chosen: argparse.Namespace) -> int:
    if sys.stdout is None:
        return _refused("it is closed")
    try:
        status: int = chosen.run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has closed the pipe, as head does
        _discard_output()
        return 141  # the shell's exit status for this: 128 + SIGPIPE
    except OSError as error:  # such as a full disk; commands handle errors of their own files
        _discard_output()
        return _refused(str(error.strerror))
    return status


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise the interpreter complains when it exits


def _refused(reason: str) -> int:
    print(f"python -m mlx_schedules: error: Nothing can be written to the standard output: {reason}.", file=sys.stderr)
    return 1


def is_negative(text: str) -> bool:
    """Tell whether a text is a negative number. argparse takes -1e-3 for an option unless a space precedes it."""
    try:
        float(text)
    except ValueError:
        return False
    return text.startswith("-")


if __name__ == "__main__":
    sys.exit(main())
