"""The states of a MultiOptimizer's optimizers: checks saved ones, and arranges them for its groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map_with_path

from .. import _ext
from .._columns.numbers import amount, described, to_array, unboxed
from .arguments import as_array, read_names
from .masters import HALVES, MASTER, MOVED, widened


def read_state(given: Any, own: list[dict[str, Any]], one_step: bool, masters: bool) -> list[dict[str, Any]]:
    """Return the states that will replace `own`. ValueError if they don't fit or, with `one_step`, if steps differ.

    Masters and shares of moved weights that only `own` has start at 0. Those that only the given states have are
    dropped.
    """
    kept = [name for name, keeps in ((MASTER, masters), (MOVED, any(map(_has_share, own)))) if keeps]
    states = [_without({MASTER, MOVED} - set(kept), state) for state in _listed(given, len(own))]
    for i, (mine, new) in enumerate(zip(own, states, strict=True)):
        _check_shapes(i, mine, new)
    states = [_arrays(i, {**new, **_step(i, new)}) for i, new in enumerate(states)]
    if one_step:
        check_one_step(states)
    return _arranged(own, list(map(_with_share, own, states)), masters)


def replace(optimizer: optim.Optimizer, state: dict[str, Any]) -> None:
    """Replace a state in place, because a compiled step has captured the dict."""
    if type(optimizer) is optim.MultiOptimizer:  # MLX's own, which would replace the dicts
        for one, its in zip(optimizer.optimizers, state["states"], strict=True):
            replace(one, its)
    elif isinstance(optimizer, optim.MultiOptimizer):
        optimizer.state = state
    else:
        optimizer.state.clear()
        optimizer.state.update(state)


def set_step(optimizer: optim.Optimizer, step: mx.array) -> None:
    """Set the number of updates so far, and the rates of the last one if the optimizer was made with a schedule."""
    if type(optimizer) is optim.MultiOptimizer:  # MLX's own, whose step can't be set
        for one in optimizer.optimizers:
            set_step(one, step)
    elif isinstance(optimizer, optim.MultiOptimizer):
        optimizer.step = step  # type: ignore[misc]  # MLX's class has no setter
    else:
        rates = {name: schedule(last_update(step)) for name, schedule in optimizer._schedulers.items()}
        optimizer.state.update(rates, step=step)


def last_update(step: mx.array) -> mx.array:
    """Return the number of the last update, or of the first if there was none."""
    return mx.maximum(step, 1) - 1


def every_single(optimizers: Sequence[optim.Optimizer]) -> Iterator[optim.Optimizer]:
    """Yield the optimizers of one rate, also those in nested MultiOptimizers."""
    for one in optimizers:
        if isinstance(one, optim.MultiOptimizer):
            yield from every_single(one.optimizers)
        else:
            yield one


def _with_share(own: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the given state with a share of moved weights if `own` has one."""
    return {MOVED: mx.zeros_like(own[MOVED]), **given} if _has_share(own) else given


def _has_share(state: dict[str, Any]) -> bool:
    return isinstance(state.get(MOVED), mx.array)  # and isn't the entries of weights under this name


def _without(names: set[str], state: Any) -> Any:
    if isinstance(state, dict):
        leaves = {name for name in names & state.keys() if not isinstance(state[name], (dict, list, tuple))}
        return {key: _without(names, value) for key, value in state.items() if key not in leaves}
    return [_without(names, value) for value in state] if isinstance(state, (list, tuple)) else state


def _listed(given: Any, n: int) -> list[dict[str, Any]]:
    if n == 1 and isinstance(given, dict) and "step" in given:
        return [given]  # the state of a single optimizer
    states = given.get("states") if isinstance(given, dict) else None
    if not isinstance(states, (list, tuple)) or len(states) != n:
        found = len(states) if isinstance(states, (list, tuple)) else "none"
        raise ValueError(
            f"[MultiOptimizer] state must hold 'states' for {amount(n, 'optimizer')}, found {found}: it was saved by "
            "another optimizer."
        )
    return list(states)


def _check_shapes(i: int, own: Any, given: Any) -> None:
    mine, new = _shapes(own), _shapes(given)
    for path in ("step", "learning_rate"):
        if path in mine and path not in new:
            raise ValueError(f"[MultiOptimizer] state['states'][{i}] has no {path!r}.")
    for path in mine.keys() & new.keys():
        if new[path] != mine[path]:
            raise ValueError(
                f"[MultiOptimizer] state['states'][{i}]: {described(path)} must have the shape {mine[path]}, got "
                f"{described(new[path])}."
            )


def _shapes(state: Any) -> dict[str, tuple[int, ...]]:
    return {path: tuple(getattr(leaf, "shape", ())) for path, leaf in dict(tree_flatten(state)).items()}


def _arrays(i: int, state: Any) -> Any:
    return tree_map_with_path(lambda path, leaf: as_array(leaf, f"state['states'][{i}]: {described(path)}"), state)


def _step(i: int, state: dict[str, Any]) -> dict[str, mx.array]:
    if "step" not in state:
        return {}  # the state of a nested MultiOptimizer
    return {"step": read_step(state["step"], f"state['states'][{i}]['step']")}


def read_step(step: Any, where: str) -> mx.array:
    """Return a step in uint64, as MLX counts it."""
    if isinstance(step, mx.array):
        if step.shape == () and mx.issubdtype(step.dtype, mx.integer) and (_ext.is_tracer(step) or (step >= 0).item()):
            return step.astype(mx.uint64)
    else:
        step = unboxed(step)
        if type(step) in (int, float) and 0 <= step < 2**64 and step == int(step):
            return to_array([int(step)], mx.uint64, ())
    is_float = isinstance(step, mx.array) and mx.issubdtype(step.dtype, mx.floating)
    found = f"an array of {step.dtype}" if is_float else described(step)
    stops = ": a float stops counting (bfloat16 at 256). Keep 'step' as it is, mx.uint64, where the others are cast"
    raise ValueError(
        f"[MultiOptimizer] {where} must be a whole number of updates, got {found}{stops if is_float else ''}."
    )


def check_one_step(states: list[dict[str, Any]]) -> None:
    """Raise ValueError if optimizers have different steps. After an update they share one array, which isn't read."""
    steps: list[mx.array] = [state["step"] for state in states]
    if all(step is steps[0] for step in steps):
        return
    counts: list[Any] = [] if any(map(_ext.is_tracer, steps)) else [step.item() for step in steps]
    if len(set(counts)) > 1:
        raise ValueError(
            "[MultiOptimizer] state['states'] must have one step for all optimizers, since they share a schedule, got "
            f"{', '.join(map(str, counts[:8]))}: optimizer.step = {max(counts)} sets all of them."
        )


@contextmanager
def dtypes_kept(state: dict[str, Any]) -> Iterator[None]:
    """Keep the dtypes of half-precision entries of `state` in an update.

    An in-place operator with a scheduled number, such as `v *= momentum`, would turn them into float32, and a compiled
    step would be traced again.
    """
    before = list(_halves(state))
    yield
    for entry, key, dtype in before:
        if entry[key].dtype != dtype:
            entry[key] = entry[key].astype(dtype)


def _halves(state: Any) -> Iterator[tuple[Any, Any, mx.Dtype]]:
    """Yield the container, the key and the dtype of each half-precision entry."""
    for key, value in state.items() if isinstance(state, dict) else enumerate(state):
        if isinstance(value, (dict, list, tuple)):
            yield from _halves(value)
        elif getattr(value, "dtype", None) in HALVES:
            yield state, key, value.dtype


def regrouped(
    given: Any, names: Sequence[str], own: list[dict[str, Any]], own_names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return states for the groups of `own` from states that were saved with other groups, matched by name.

    Once there are entries, each group takes only those of its own weights. What was not saved stays as it is.
    """
    saved = dict(zip(read_names(names, len(names)), _listed(given, len(names)), strict=True))
    kept = [name for name in own_names if name in saved]
    if not kept:
        raise ValueError(
            f"[MultiOptimizer] names must include one of this optimizer's, {described(list(own_names))}, got "
            f"{described(list(names))}."
        )
    initialised = any(
        state.keys() - {"step", "learning_rate"} - ({MOVED} if _has_share(state) else set()) for state in own
    )
    states = []
    for name, mine in zip(own_names, own, strict=True):
        new = saved.get(name, mine)
        if initialised:
            theirs = dict(tree_flatten(new))
            new = tree_map_with_path(lambda path, leaf, theirs=theirs: theirs.get(path, leaf), mine)
        states.append({**new, "step": saved[kept[0]]["step"]})
    return states


def _arranged(own: list[dict[str, Any]], states: list[dict[str, Any]], masters: bool) -> list[dict[str, Any]]:
    """Return `states` in the order of `own`. A compiled step knows arrays by position, and files sort them by name."""
    mine, new = dict(tree_flatten(own)), dict(tree_flatten(states))
    for path, leaf in mine.items():
        if path.endswith(f".{MASTER}"):
            new.setdefault(path, mx.zeros_like(leaf))
        elif masters and path in new and leaf.dtype == mx.float32:
            new[path] = widened(new[path])  # a moment from a run without masters
    if mine.keys() == new.keys():
        return list(tree_map_with_path(lambda path, _: new[path], own))
    if lost := sorted(mine.keys() - new.keys()):  # a compiled step would mix up its results
        raise ValueError(
            f"[MultiOptimizer] state lacks {len(lost)} entries that this optimizer has, such as {described(lost[0])}: "
            "it was saved for other weights, or earlier. Set it on a new optimizer, and compile the step after that."
        )
    return states
