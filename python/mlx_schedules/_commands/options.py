"""The schedule that a command's options describe, made by the public function with these arguments."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .._mlx_lm.forecast import Forecast, forecast, ignores_rate, without_rate
from .._schedule.constructors import cosine_decay
from .._schedule.runs import TAILS
from .._schedule.schedule import Schedule
from .._schedule.updates import updates_of
from .._schedule.warmups import warmup_cosine, warmup_stable_decay

if TYPE_CHECKING:
    from types import ModuleType


class Kind(NamedTuple):
    """A kind of schedule: its name in comparisons, the function, the needed and allowed options, and its usage."""

    name: str
    make: Callable[..., Schedule | Described]
    needed: tuple[str, ...]
    allowed: tuple[str, ...]
    usage: str


class Once(argparse.Action):
    """An action for options that must not be given twice."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        if getattr(namespace, self.dest) is not self.default:
            raise argparse.ArgumentError(self, f"given twice; for several groups write {option} X X")
        setattr(namespace, self.dest, values)


def number(text: str) -> int | float:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number: write 0.001 or 1e-3")


def add_to(parser: Any) -> None:
    option = partial(parser.add_argument, action=Once)
    numbers = partial(option, type=number, nargs="+")
    numbers("--init", metavar="X", help="value at step 0; with --peak where the warmup starts (default 0)")
    numbers("--decay-steps", metavar="T", help="steps from init to end, above 0")
    numbers("--end", metavar="X", help="value from the end on (default 0)")
    numbers("--warmup", metavar="W", help="steps of the warmup; with --total-steps also a fraction of the run, below 1")
    numbers("--peak", metavar="X", help="of a whole run: the value after the warmup")
    numbers("--total-steps", metavar="T", help="of a whole run: all its steps, warmup included")
    parser.add_argument("--wsd", action="store_const", const=True, help="of a whole run: keep the peak, then decay")
    numbers(
        "--decay", metavar="D", help="with --wsd: steps of the decay, or below 1 a fraction of the run (default 0.2)"
    )
    option("--tail", metavar="TAIL", help=f"with --wsd: {', '.join(TAILS)} (default linear)", choices=tuple(TAILS))
    option("--config", metavar="FILE", help="YAML or JSON: mlx-lm's config, or of Schedule.to_dict", type=Path)


def asked(args: argparse.Namespace) -> tuple[dict[str, Schedule], dict[str, Forecast]]:
    """Return the schedule described, or two for comparison, by name; and forecasts of their runs."""
    first = described_by(args)
    if args.compare is None:
        return _named([first], [""])
    parser = argparse.ArgumentParser(f"{args.parser.prog} --compare", add_help=False, allow_abbrev=False)
    add_to(parser)
    other, rest = parser.parse_known_args(args.compare)
    if rest:
        raise ValueError(f"{rest[0]} comes after --compare, which takes another schedule's options: write it before.")
    second = described_by(other)
    same = first.name == second.name
    return _named([first, second], [f"{x.name} {i}" if same else x.name for i, x in enumerate((first, second), 1)])


def _named(found: list[Described], names: list[str]) -> tuple[dict[str, Schedule], dict[str, Forecast]]:
    pairs = list(zip(names, found, strict=True))
    return {name: x.schedule for name, x in pairs}, {name: x.forecast for name, x in pairs if x.forecast}


class Described(NamedTuple):
    name: str
    schedule: Schedule
    forecast: Forecast | None = None  # for a config that says how long its run is


def described_by(args: argparse.Namespace) -> Described:
    given = {name: value for name in _NAMES if (value := getattr(args, name)) is not None}
    kind = next(kind for sign, kind in _KINDS.items() if sign in given or not sign)
    for name in ("decay", "tail"):
        if name in given and not ("wsd" in given or "config" in given):
            raise ValueError(
                f"{flag(name)}{_written(given[name])} needs --wsd, which keeps the peak until then: {_RUN}."
            )
    for name in kind.needed:
        if name not in given:
            raise ValueError(f"{flag(name)} is missing: {kind.usage}.")
    for name, value in given.items():
        if name not in (*kind.needed, *kind.allowed):
            raise ValueError(f"{flag(name)}{_written(value)} does not go with these: {kind.usage}.")
    arguments = {name: x[0] if isinstance(x, list) and len(x) == 1 else x for name, x in given.items()}
    with _noted():
        made = kind.make(**arguments)
    return made if isinstance(made, Described) else Described(kind.name, made)


@contextmanager
def _noted() -> Iterator[None]:
    """Print warnings as notes that name the option that they are about."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        yield
    for note in notes:
        print(f"note: {flagged(str(note.message))}", file=sys.stderr)


def flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def flagged(message: str) -> str:
    """Return a function's message about an argument as a message about the option of that name."""
    names = "|".join((*_NAMES, "steps"))
    found = re.sub(rf"^\[\w+\] ({names})\b", lambda found: flag(found[1]), message)
    return found.removeprefix("[plot] ")


def _written(value: Any) -> str:
    return "" if value is True else f" {' '.join(map(str, value)) if isinstance(value, list) else value}"


# ---- The kinds


def _cosine(init: Any, decay_steps: Any, end: Any = 0.0, warmup: Any = 0) -> Schedule:
    for steps in warmup if isinstance(warmup, list) else [warmup]:
        if steps == 1.0 and isinstance(steps, float):
            raise ValueError("--warmup 1.0 may mean one step or the whole run: write 1 for one step.")
        if 0 < steps < 1:
            raise ValueError(f"--warmup {steps} is a fraction of a whole run: {_RUN}.")
    schedule = cosine_decay(init, decay_steps, end)
    return schedule.warmup(warmup) if warmup else schedule


def _wsd(wsd: bool, **arguments: Any) -> Schedule:
    return warmup_stable_decay(**arguments)


def _config(config: Path) -> Described:
    found, label = _parsed(config), f"--config {config}"
    whole = isinstance(found, dict) and "name" not in found
    asked = _lr_schedule(label, found) if whole else found
    try:
        updates = updates_of(found) if whole else None
        schedule = Schedule.from_dict(asked, updates)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{label}: {error}") from None
    told = None if updates is None else forecast(schedule, updates, asked)
    if told and ignores_rate(found):
        told = told._replace(text=without_rate(told.updates))
    return Described(str(config), schedule, told)


def _lr_schedule(label: str, config: dict[Any, Any]) -> Any:
    if config.get("lr_schedule"):  # as mlx-lm decides
        return config["lr_schedule"]
    if "lr_schedule" in config or "learning_rate" in config:
        rate = config.get("learning_rate")
        return {"name": "constant", "value": _RATE if rate is None else rate}
    raise ValueError(f"{label} has neither mlx-lm's lr_schedule nor the name of a schedule.")


def _parsed(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"--config {path} is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    if not text.strip():
        raise ValueError(f"--config {path} is empty.")
    try:
        return json.loads(text)
    except ValueError as error:
        if path.suffix == ".json":
            raise ValueError(f"--config {path} is not JSON: {error}.") from None
    yaml = _yaml(path)
    try:
        return yaml.load(text, _loader(yaml))
    except yaml.YAMLError as error:
        raise ValueError(f"--config {path} is not YAML: {' '.join(str(error).split())}.") from None


def _yaml(path: Path) -> ModuleType:
    try:
        return importlib.import_module("yaml")
    except ImportError as error:
        raise ImportError(f"--config {path} needs pyyaml, unless it is JSON. Run: pip install pyyaml") from error


def _loader(yaml: Any) -> Any:
    """Return a loader that reads 1e-5 as a number, like mlx-lm's. In YAML 1.1 it is text."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    number = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+.0123456789"))
    return Loader


_RATE = 1e-5  # mlx-lm's default
_COSINE = "a cosine decay is --init X --decay-steps T [--end X] [--warmup W], the warmup before it"
_RUN = "a whole run is --peak X --total-steps T [--warmup W] [--wsd [--decay D] [--tail TAIL]] [--init X] [--end X]"
_PARTS = ("warmup", "init", "end")
_KINDS = {  # by the option that tells them apart; the first one that is given counts
    "config": Kind(
        "", _config, ("config",), (), "--config FILE is a schedule by itself; two are --config FILE --compare ..."
    ),
    "wsd": Kind("warmup_stable_decay", _wsd, ("peak", "total_steps"), ("wsd", "decay", "tail", *_PARTS), _RUN),
    "peak": Kind("warmup_cosine", warmup_cosine, ("peak", "total_steps"), _PARTS, _RUN),
    "total_steps": Kind("warmup_cosine", warmup_cosine, ("peak", "total_steps"), _PARTS, _RUN),
    "": Kind("cosine_decay", _cosine, ("init", "decay_steps"), ("end", "warmup"), f"{_COSINE}; {_RUN}"),
}
_NAMES = tuple(dict.fromkeys(name for kind in _KINDS.values() for name in (*kind.needed, *kind.allowed)))
