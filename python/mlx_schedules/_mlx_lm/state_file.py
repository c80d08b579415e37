"""The state of a training run in one safetensors file, which is complete even if the process is killed while saving."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import mlx.core as mx

NAME = "training_state.safetensors"
_UNFINISHED = "training_state.unfinished.safetensors"  # left over if a save is interrupted; the next save overwrites it
_VERSION = 2
_KEY = "mlx_schedules"  # in the file's metadata
_PARTS = ("weights", "optimizer", "random")


class State(NamedTuple):
    """A state: arrays by their paths in trees, and facts for JSON."""

    weights: dict[str, mx.array]
    optimizer: dict[str, mx.array]
    random: dict[str, mx.array]
    facts: dict[str, Any]


def save(folder: Path, state: State) -> Path:
    """Write a state to another file, flush that to disk, and rename it over the previous state."""
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
    """Load a state from a file or its folder. ValueError if there is none."""
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
