"""The states of a MultiOptimizer's optimizers: a saved one is checked, then put in place."""

from __future__ import annotations

from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map_with_path

from .. import _ext
from .._columns.numbers import described
from .arguments import as_array


def read_state(given: Any, own: list[dict[str, Any]], one_step: bool) -> list[dict[str, Any]]:
    """What is to replace the states `own`; ValueError if it does not fit, or where `one_step` counts differ."""
    states = _listed(given, len(own))
    for i, (mine, new) in enumerate(zip(own, states, strict=True)):
        _check_shapes(i, mine, new)
    states = [_arrays(i, {**new, **_step(i, new)}) for i, new in enumerate(states)]
    if one_step:
        _check_steps([state["step"] for state in states])
    return _arranged(own, states)


def _listed(given: Any, n: int) -> list[dict[str, Any]]:
    if n == 1 and isinstance(given, dict) and "step" in given:
        return [given]  # a single optimizer's
    states = given.get("states") if isinstance(given, dict) else None
    if not isinstance(states, (list, tuple)) or len(states) != n:
        found = len(states) if isinstance(states, (list, tuple)) else "none"
        raise ValueError(
            f"[MultiOptimizer] state must hold 'states' for {n} optimizers, found {found}: it was saved by "
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
    """The step as MLX counts it, in uint64."""
    if "step" not in state:
        return {}  # a MultiOptimizer in the list
    step: Any = state["step"]
    if isinstance(step, mx.array):
        if mx.issubdtype(step.dtype, mx.integer) and (_ext.is_tracer(step) or (step >= 0).item()):
            return {"step": step.astype(mx.uint64)}
    else:
        step = step.item() if hasattr(step, "item") else step  # NumPy's
        if type(step) in (int, float) and 0 <= step < 2**64 and step == int(step):
            return {"step": mx.array(int(step), mx.uint64)}
    found = f"an array of {step.dtype}" if isinstance(step, mx.array) else described(step)
    raise ValueError(
        f"[MultiOptimizer] state['states'][{i}]['step'] must be a whole number of updates, got {found}: a float stops "
        "counting (bfloat16 at 256). Keep 'step' as it is, mx.uint64, where the others are cast."
    )


def _check_steps(steps: list[mx.array]) -> None:
    counts = [] if any(map(_ext.is_tracer, steps)) else [step.item() for step in steps]
    if len(set(counts)) > 1:
        raise ValueError(
            "[MultiOptimizer] state['states'] must have one step for all optimizers, since they share a schedule, got "
            f"{', '.join(map(str, counts[:8]))}: set each one's 'step' to the count of updates."
        )


def _arranged(own: list[dict[str, Any]], states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`states` in the order of `own`: a compiled step takes arrays by their place, and files sort by name."""
    mine, new = dict(tree_flatten(own)), dict(tree_flatten(states))
    if mine.keys() == new.keys():
        return list(tree_map_with_path(lambda path, _: new[path], own))
    if lost := sorted(mine.keys() - new.keys()):  # mx.compile would put a step's results in others' places
        raise ValueError(
            f"[MultiOptimizer] state lacks {len(lost)} entries that this optimizer has, as {described(lost[0])}: it "
            "is of other weights or of an earlier time. Set it on a new optimizer, and compile the step after."
        )
    return states
