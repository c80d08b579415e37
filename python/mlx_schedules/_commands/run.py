"""``python -m mlx_schedules run``: an unchanged program, with this package's schedules instead of MLX's."""

from __future__ import annotations

import argparse
import io
import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from pkgutil import get_importer
from types import ModuleType
from typing import Any

from .._mlx_lm.trainer import Trainer
from .._schedule.in_place import in_place_of_mlx

DESCRIPTION = """\
Run a program as 'python -m MODULE ...' or 'python SCRIPT ...' does, but with this package's cosine_decay,
linear_schedule, exponential_decay, step_decay and join_schedules instead of those of mlx.optimizers. Arguments after
MODULE or SCRIPT are passed to the program. Processes that it starts use MLX's own schedules again.

If the program trains with mlx-lm, its config may name any schedule of this package (such as warmup_cosine, with
total_steps: auto). The number of updates and the rate of the last one are printed before training begins.
"""

EXAMPLES = """\
examples:
  mlx-lm's LoRA trainer, with the lr_schedule of its config:
    python -m mlx_schedules run -m mlx_lm lora --config lora.yaml

  The same, saving the whole training state beside the adapters; and continuing after an interruption:
    python -m mlx_schedules run --save-state -m mlx_lm lora --config lora.yaml
    python -m mlx_schedules run --resume-from adapters -m mlx_lm lora --config lora.yaml

  A script with its own option:
    python -m mlx_schedules run train.py --epochs 3
"""


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="run a program with these schedules instead of MLX's",
        usage="%(prog)s [-h] [--save-state] [--resume-from DIR] (-m MODULE | SCRIPT) [...]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    saving = "for mlx-lm: save the whole training state whenever adapters are saved"
    parser.add_argument("--save-state", action="store_true", help=saving)
    resuming = "for mlx-lm: continue from the state in DIR, and go on saving it"
    parser.add_argument("--resume-from", metavar="DIR", type=Path, help=resuming)
    parser.add_argument("-m", dest="module", metavar="MODULE", help="a module or a package, as for python -m")
    parser.add_argument("script", nargs="?", metavar="SCRIPT", help="a file, or a folder or zip with a __main__.py")
    parser.set_defaults(run=run, parser=parser)


def split(given: list[str]) -> tuple[list[str], list[str]]:
    """Split the arguments into those of this command and those of the program."""
    own = 1
    while own < len(given) and given[own].startswith("--"):
        if given[own] == "--":
            return [*given[:own], *given[own + 1 : own + 2]], given[own + 2 :]
        own += 2 if given[own] == "--resume-from" else 1
    own += 2 if given[own : own + 1] == ["-m"] else 1
    return given[:own], given[own:]


def run(args: argparse.Namespace) -> int:
    """Run the program, and raise whatever it raises."""
    if not (args.module or args.script):
        args.parser.error(
            "what to run is missing: write a module, as in 'run -m mlx_lm lora --config lora.yaml', or a script, as in "
            "'run train.py', and after it the program's own arguments"
        )
    trainer = Trainer(args.save_state, args.resume_from)
    in_place_of_mlx()
    trainer.install()
    sys.argv = [args.module or args.script, *args.rest]
    _run(args)
    if trainer.save and not trainer.calls:
        print("note: mlx-lm's train() was not called, so no state was saved.", file=sys.stderr)
    return 0


def _run(args: argparse.Namespace) -> None:
    if args.module:
        if not _is_program(args.module):
            args.parser.error(f"there is no module {args.module!r} that can be run")
        runpy.run_module(args.module, run_name="__main__", alter_sys=True)
    elif _has_main(args.script):
        _forget_own_path()
        runpy.run_path(args.script, run_name="__main__")
    elif os.path.isfile(args.script):
        _run_script(args.script)
    else:
        there = os.path.isdir(args.script)
        args.parser.error(f"there is no {'__main__.py in the folder' if there else 'file'} {args.script!r}")


def _forget_own_path() -> bool:
    """Remove the current folder, which `python -m` puts on the path. Returns False if Python didn't put it there."""
    put = not getattr(sys.flags, "safe_path", False)
    if put:
        del sys.path[0]
    return put


def _has_main(path: str) -> bool:
    """Tell whether a path is a folder or a zip file with a ``__main__``, which Python can run."""
    finder = get_importer(path)
    return finder is not None and hasattr(finder, "find_spec") and finder.find_spec("__main__") is not None


def _run_script(path: str) -> None:
    """Run a script as Python does. runpy would give ``sys.argv[0]`` and ``__file__`` the same value."""
    if _forget_own_path():
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
    main = sys.modules["__main__"] = ModuleType("__main__")
    main.__file__ = os.path.abspath(path)
    with io.open_code(main.__file__) as file:
        code = compile(file.read(), main.__file__, "exec", dont_inherit=True)
    exec(code, vars(main))


def _is_program(module: str) -> bool:
    try:
        spec = find_spec(module)
        package = spec is not None and spec.submodule_search_locations is not None
        return find_spec(f"{module}.__main__") is not None if package else spec is not None
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            return False
        raise  # the package was found, but one of its own imports wasn't
