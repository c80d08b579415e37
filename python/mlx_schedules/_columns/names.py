"""Names that users may write for arguments, and the corresponding names here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .numbers import described

P = ParamSpec("P")
R = TypeVar("R")

_RATE, _LENGTH = ("learning_rate", "peak", "init", "value"), ("total_steps", "decay_steps", "steps", "period")
# Names of arguments in other libraries, and their names here. The first one that a function has is meant.
_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("lr", "learning_rate", "base_lr", "max_lr", "peak_lr", "peak_value", "init_value"), _RATE),
    **dict.fromkeys(
        ("num_training_steps", "max_steps", "iters", "t_initial", "t_max", "total_iters", "transition_steps"), _LENGTH
    ),
    **dict.fromkeys(("total_steps", "decay_steps", "num_steps"), _LENGTH),
    **dict.fromkeys(("warmup_steps", "num_warmup_steps", "warmup_ratio", "warmup_t"), ("warmup",)),
    **dict.fromkeys(("warmup_init", "warmup_lr_init", "warmup_init_lr", "start_lr"), ("init",)),
    **dict.fromkeys(("min_lr", "lr_min", "eta_min", "lr_end", "end_lr", "end_value", "final_lr"), ("end",)),
    **dict.fromkeys(("num_decay_steps", "decay_ratio", "cooldown"), ("decay",)),
    **dict.fromkeys(("decay_type", "decay_fn", "decay_shape"), ("tail",)),
    **dict.fromkeys(("gamma", "decay_factor"), ("decay_rate",)),
    **dict.fromkeys(("gradient_accumulation_steps", "grad_accumulation_steps"), ("accumulation",)),
    **dict.fromkeys(("num_train_epochs", "num_epochs"), ("epochs",)),
    **dict.fromkeys(("t_0", "first_decay_steps"), ("period",)),
    **dict.fromkeys(("t_mult", "t_mul", "cycle_mul"), ("period_factor",)),
    **dict.fromkeys(("m_mul", "cycle_decay"), ("value_factor",)),
    **dict.fromkeys(("num_cycles", "cycle_limit"), ("times",)),
}
_CLOSE = 0.8  # for get_close_matches: one letter in ten may differ; less would match names that mean something else
_HINTS = {
    "warmup": "a number of steps, or below 1 a fraction of the run",
    "decay": "a number of steps, or below 1 a fraction of the run",
    "total_steps": "the updates of the whole run, warmup included",
}


def meant(given: object, known: Iterable[str]) -> str | None:
    """Return the known name that is meant by another library's name, by its beginning, or by a misspelling."""
    if not isinstance(given, str):
        return None
    name, names = given.lower().replace("-", "_"), list(known)
    elsewhere = [here for here in _ELSEWHERE.get(name, ()) if here in names]
    begun = [other for other in names if len(name) > 2 and other.startswith(name)]
    return next(iter((*elsewhere, *begun, *get_close_matches(name, names, 1, _CLOSE))), None)


def asked(given: object, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown name."""
    name = meant(given, known)
    return f"; did you mean {name!r}?" if name else "."


def hint(name: str) -> str:
    return f", {_HINTS[name]}" if name in _HINTS else ""


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that the error for an unknown keyword says what to write."""
    names = tuple(inspect.signature(function).parameters)

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError:
            unknown: Any = next((name for name in kwargs if name not in names), None)
            if unknown is None:
                raise
            raise TypeError(_refused(function.__name__, unknown, kwargs[unknown], names)) from None

    return called


def _refused(function: str, unknown: str, value: object, names: tuple[str, ...]) -> str:
    head = f"[{function}] There is no argument {unknown!r}"
    if name := meant(unknown, names):
        return f"{head}: write {name}={described(value)}{hint(name)}."
    if "warmup" in unknown and "warmup" not in names:
        return f"{head}: write ms.warmup_cosine(peak, total_steps, warmup=...), or .warmup(steps) behind the schedule."
    return f"{head}; there are {', '.join(name for name in names if name != 'self')}."
