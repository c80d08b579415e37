"""Schedules from configs that name a constructor, with keywords or in mlx-lm's form."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from .._columns.arithmetic import plus
from .._columns.column import Column
from .._columns.columns import Columns
from .._columns.edits import joined, joined_at
from .._columns.names import asked
from .._columns.numbers import described
from .._columns.read import check_length, read, read_times, whole
from .._columns.stack import stacked_alike
from .._columns.values import Known, number
from .config import VERSION, from_segments, only, value_of
from .constructor import CONSTRUCTORS
from .runs import RUNS
from .updates import updates_of
from .warn import warn

_MLX = ("cosine_decay", "linear_schedule", "exponential_decay", "step_decay")  # the names that mlx-lm itself reads
AUTO = "auto"  # as total_steps, means the number of updates in the run, with the end at the last one


def makers() -> dict[str, Callable[..., Columns]]:
    return {**CONSTRUCTORS, **RUNS, "join_schedules": joined_at, "stack": stacked_alike}


def parameters_of(name: str) -> tuple[str, ...]:
    return tuple(inspect.signature(makers()[name]).parameters)


def _usage(name: str) -> str:
    return f"{name}({', '.join(parameters_of(name))})"


def from_dict(config: Any, updates: Any = None) -> Columns:
    if not isinstance(config, Mapping):
        raise TypeError(f"[from_dict] config must be a dict, got {described(config)}: parse its JSON or YAML first.")
    if "name" not in config and "lr_schedule" in config:
        return from_dict(_lr_schedule(config), updates_of(config) if updates is None else updates)
    name, version = _name(config, ("schedule", *makers())), config.get("version", VERSION)
    if not isinstance(version, (int, float)) or version != VERSION:
        raise ValueError(
            f"[from_dict] version must be {VERSION}, the one this mlx-schedules reads and writes, "
            f"got {described(version)}."
        )
    return from_segments(config) if name == "schedule" else _by_name(config, name, updates)


def _lr_schedule(config: Mapping[str, Any]) -> Any:
    if not config["lr_schedule"]:  # as mlx-lm decides
        rate = f" {config['learning_rate']}" if "learning_rate" in config else ""
        raise ValueError(f"[from_dict] config has no lr_schedule, so its learning_rate{rate} is constant.")
    return config["lr_schedule"]


def _name(config: Mapping[str, Any], known: tuple[str, ...]) -> str:
    name = config.get("name")
    if not isinstance(name, str) or name not in known:
        raise ValueError(
            "[from_dict] name must be that of a constructor, such as 'warmup_cosine', or 'schedule', got "
            f"{described(name)}{asked(name, known)}"
        )
    return name


def _by_name(config: Mapping[str, Any], name: str, updates: Any) -> Columns:
    if is_mlx_lms(config):
        return _from_mlx_lm(config, name)
    parameters = parameters_of(name)
    given = {key: value for key, value in config.items() if key not in ("name", "version", "arguments")}
    if unknown := [key for key in given if key not in parameters]:
        listed = f"{_usage(name)}, or 'arguments', a list of them"
        close = asked(unknown[0], (*parameters, "arguments"))
        raise ValueError(f"[from_dict] {described(unknown[0])} is not a key of {listed}{close}")
    placed = dict(zip(parameters, _arguments(config, name), strict=False)) if "arguments" in config else {}
    if _is_auto(placed.get("total_steps")) or _is_auto(given.get("total_steps")):
        given = {"end_at": "last_update", **given}
    arguments = [_plain(key, value, updates) for key, value in placed.items()]
    keywords = {key: _plain(key, value, updates) for key, value in given.items()}
    return _called(name, arguments, keywords)


def is_mlx_lms(config: Any) -> bool:
    """Tell whether a config has the form that mlx-lm itself reads."""
    return isinstance(config, Mapping) and "arguments" in config and config.get("name") in _MLX


def _arguments(config: Mapping[str, Any], name: str) -> list[Any]:
    arguments, most = config["arguments"], len(parameters_of(name))
    if not isinstance(arguments, (list, tuple)):
        raise ValueError(f"[from_dict] arguments must be a list of numbers, got {described(arguments)}.")
    if len(arguments) > most:
        raise ValueError(
            f"[from_dict] arguments must be those of {_usage(name)}: at most {most}, got {described(arguments)}."
        )
    return list(arguments)


def _plain(key: str, value: Any, updates: Any) -> Any:
    if key == "schedules":
        return _schedules(value, updates)
    if isinstance(value, (list, tuple)):
        return [_plain(key, part, updates) for part in value]
    if isinstance(value, Mapping) and "name" in value:
        raise TypeError(
            f"[from_dict] {key} must not be a schedule, got {described(value)}: only join_schedules and stack are made "
            "of schedules."
        )
    if isinstance(value, Mapping):
        return value_of(key, value)
    return _updates(key, updates) if _is_auto(value) else numeric(value)


def _schedules(value: Any, updates: Any) -> list[Columns]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"[from_dict] schedules must be a list of dicts, got {described(value)}: write [...].")
    for i, part in enumerate(value):
        if not isinstance(part, Mapping):
            raise TypeError(
                f"[from_dict] schedules[{i}] must be a schedule, got {described(part)}: write it as a dict, as "
                "schedule.to_dict() does."
            )
    return [from_dict(part, updates) for part in value]


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == AUTO


def _updates(key: str, updates: Any) -> int:
    if key != "total_steps":
        raise ValueError(f"[from_dict] {key} must be a number, got 'auto', which is for total_steps.")
    if updates is None:
        raise ValueError(
            "[from_dict] total_steps is 'auto', the updates of the run, which are not known here: give updates=N, or "
            "mlx-lm's whole config, with its iters."
        )
    return max(whole("[from_dict] updates", updates), 2)  # a run of one update has the first step of a run of two


def numeric(value: Any) -> Any:
    """Convert text to a number if it is one. Most YAML readers take 1e-7 for text, and 1/3 is text always."""
    if not isinstance(value, str):
        return value
    for kind in (int, float, Fraction):
        try:
            return kind(value)
        except (ValueError, ZeroDivisionError):
            pass
    return value


def _from_mlx_lm(config: Mapping[str, Any], name: str) -> Columns:
    """Read mlx-lm's ``lr_schedule``: positional arguments of MLX's function, and a warmup that ends one step late."""
    only(config, {"name", "version", "arguments", "warmup", "warmup_init"})
    arguments = [numeric(value) for value in _arguments(config, name)]
    if any(map(_is_auto, arguments)):
        raise ValueError(
            f"[from_dict] arguments must be numbers, got {described(arguments)}: 'auto' is for the total_steps of a "
            "whole run, such as warmup_cosine."
        )
    columns, warmup = _called(name, arguments, {}), numeric(config.get("warmup", 0))
    return _warmed_twice(columns, arguments[0], warmup, numeric(config.get("warmup_init", 0.0))) if warmup else columns


def _warmed_twice(columns: Columns, peak: Any, warmup: Any, init: Any) -> Columns:
    time = read_times("[from_dict] warmup", warmup, check_length)
    if isinstance(time, Known) and any(steps < 1 for steps in time.numbers):
        raise ValueError(
            f"[from_dict] warmup must be a number of steps, as mlx-lm counts it, got {described(warmup)}: give the "
            "updates of the warmup, or the name warmup_cosine, whose warmup may be a fraction of the run."
        )
    low, top = read("[from_dict] warmup_init", init), read("[from_dict] arguments[0]", peak)
    warn(
        "mlx-lm starts a schedule one step after its warmup, so that the peak comes twice, at steps W and W + 1; so "
        "it does here. schedule.warmup(W) has it once."
    )
    return joined([Columns.of((Column("linear", low, top, length=time),)), columns], [plus(time, number(1))])


def _called(name: str, arguments: list[Any], keywords: dict[str, Any]) -> Columns:
    make = makers()[name]
    try:
        inspect.signature(make).bind(*arguments, **keywords)
    except TypeError as error:
        raise ValueError(f"[from_dict] arguments must be those of {_usage(name)}: {error}.") from None
    return make(*arguments, **keywords)
