"""A schedule as plain data, for experiment configs, and read back from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import mlx.core as mx

from ._numbers import Nested, described, dtype_name, flatten
from ._values import Value, check_axes, holds, read

if TYPE_CHECKING:
    from ._schedule import CosineDecay

_VERSION = 1
_NAMES = ("init", "decay_steps", "end")
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))


def to_dict(schedule: CosineDecay) -> dict[str, Any]:
    if any(value.unread is not None for value in schedule._values()):
        raise TypeError("A schedule made of arrays that are being traced can't be written to a dict.")
    parts = {value.name: _plain(value) for value in schedule._values()}
    return {"name": "cosine_decay", "version": _VERSION, **parts}


def from_dict(config: Any) -> tuple[Value, Value, Value]:
    if not isinstance(config, Mapping):
        raise TypeError(f"[from_dict] config must be a dict, got {described(config)}.")
    name, version = config.get("name"), config.get("version")
    if not isinstance(name, str) or name != "cosine_decay":
        raise ValueError(f"[from_dict] name must be 'cosine_decay', got {described(name)}.")
    if "arguments" in config:
        return _from_mlx_lm(config)
    if not isinstance(version, (int, float)) or version != _VERSION:
        raise ValueError(
            f"[from_dict] version must be {_VERSION}, the one this mlx-schedules reads and writes, "
            f"got {described(version)}."
        )
    _only(config, {"name", "version", *_NAMES})
    for name in _NAMES:
        if name not in config:
            raise ValueError(f"[from_dict] {name} is missing.")
    init, decay_steps, end = (_value(name, config[name]) for name in _NAMES)
    return init, decay_steps, end


def _plain(value: Value) -> Any:
    """Numbers or nested lists; with dtype and shape beside them where those do not follow from the numbers."""
    numbers = _lists(value.numbers)
    if value.dtype is None and 0 not in value.shape:
        return numbers
    dtype = None if value.dtype is None else dtype_name(value.dtype)
    return {"values": numbers, "dtype": dtype, "shape": list(value.shape)}


def _lists(numbers: Nested) -> Any:
    return [_lists(part) for part in numbers] if isinstance(numbers, tuple) else numbers


def _value(name: str, plain: Any) -> Value:
    if not isinstance(plain, Mapping):
        return read(name, plain)
    for key in ("values", "dtype", "shape"):
        if key not in plain:
            raise ValueError(f"[from_dict] {name} has no {key!r}.")
    dtype, shape = plain["dtype"], plain["shape"]
    if dtype is not None and not (isinstance(dtype, str) and dtype in _FLOATS + _INTEGERS):
        raise ValueError(f"[from_dict] {name} has no known dtype: {described(dtype)}.")
    value = read(name, plain["values"])
    empty = isinstance(shape, list) and 0 in shape and not list(flatten(value.numbers))
    if shape != list(value.shape) and not (empty and all(type(n) is int and n >= 0 for n in shape)):
        raise ValueError(f"[from_dict] {name} has values of shape {list(value.shape)}, and says {described(shape)}.")
    check_axes(name, tuple(shape))
    if dtype in _INTEGERS and (lost := [x for x in flatten(value.numbers) if not holds(getattr(mx, dtype), x)]):
        raise ValueError(f"[from_dict] {name} is of {dtype}, which does not hold {described(lost[0])}.")
    return Value(name, value.numbers, tuple(shape), getattr(mx, dtype) if dtype else None)


def _from_mlx_lm(config: Mapping[str, Any]) -> tuple[Value, Value, Value]:
    """mlx-lm's ``lr_schedule``: the positional arguments of ``mlx.optimizers.cosine_decay``."""
    _only(config, {"name", "arguments", "warmup", "warmup_init"})
    arguments = config["arguments"]
    if not isinstance(arguments, (list, tuple)) or not 2 <= len(arguments) <= 3:
        raise ValueError(
            "[from_dict] arguments must be a list [init, decay_steps] or [init, decay_steps, end], "
            f"got {described(arguments)}."
        )
    if config.get("warmup", 0):
        warmup, start = described(config["warmup"]), described(config.get("warmup_init", 0.0))
        raise ValueError(
            f"[from_dict] warmup is a schedule of its own, got {warmup}. Remove 'warmup' and 'warmup_init', and put "
            "it before this one, as mlx-lm does: mlx.optimizers.join_schedules([mlx.optimizers.linear_schedule("
            f"{start}, schedule.init, {warmup}), schedule], [{warmup} + 1])"
        )
    init, decay_steps, end = (read(name, x) for name, x in zip(_NAMES, [*arguments, 0.0][:3], strict=True))
    return init, decay_steps, end


def _only(config: Mapping[str, Any], known: set[str]) -> None:
    if unknown := [key for key in config if key not in known]:
        keys = ", ".join(sorted(known))
        raise ValueError(f"[from_dict] {described(unknown[0])} is no key of a schedule; these are: {keys}.")
