"""A training run's state in one safetensors file, replaced at once: killed at any moment, a whole one is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx

NAME = "training_state.safetensors"
_UNFINISHED = "training_state.unfinished.safetensors"  # where a save was cut, the next one writes over it
_VERSION = 1
_KEY = "mlx_schedules"  # of the file's metadata
_PARTS = ("weights", "optimizer", "random")


class State(NamedTuple):
    """Arrays by their names in trees, and what else there is to know, as JSON has it."""

    weights: dict[str, mx.array]
    optimizer: dict[str, mx.array]
    random: dict[str, mx.array]
    facts: dict[str, Any]


def save(folder: Path, state: State) -> Path:
    """Written beside the one before, brought to the disk, and put in its place by a rename."""
    arrays = {f"{part}/{name}": array for part in _PARTS for name, array in getattr(state, part).items()}
    facts = {**state.facts, "version": _VERSION}
    unfinished, path = folder / _UNFINISHED, folder / NAME
    mx.save_safetensors(str(unfinished), arrays, {_KEY: json.dumps(facts)})
    _flush(unfinished)
    os.replace(unfinished, path)
    if os.name == "posix":
        _flush(folder)
    return path


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(path: Path) -> State:
    """ValueError where there is none; `path` is the file or its folder."""
    file = path / NAME if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"there is no {file}: it is written at the first save of a run with --save-state.")
    try:
        loaded: Any = mx.load(str(file), return_metadata=True)
        arrays, metadata = loaded
        facts = json.loads(metadata[_KEY])
    except (RuntimeError, KeyError, ValueError) as error:
        raise ValueError(f"{file} is not a training state: {error}.") from None
    if facts.get("version") != _VERSION:
        raise ValueError(f"{file} is of version {facts.get('version')}; this mlx-schedules reads {_VERSION}.")
    parts: dict[str, dict[str, mx.array]] = {part: {} for part in _PARTS}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = array
    return State(**parts, facts=facts)
