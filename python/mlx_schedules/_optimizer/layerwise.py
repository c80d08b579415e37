from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mlx.utils import tree_flatten

from .._columns.names import explained
from .._columns.numbers import described, shortened, unboxed
from .._schedule.schedule import Schedule
from .arguments import Filter


@explained
def layerwise_decay(
    model: Any,
    schedule: Schedule,
    factor: float,
    *,
    blocks: str | Sequence[str | Sequence[str]] | None = None,
) -> tuple[list[Filter], Schedule]:
    """Give layers nearer to the input lower rates (layer-wise learning-rate decay).

    Formula:
        factor^(n - 1 - i) · schedule(s) for block i = 0, ..., n - 1

    Block 0 is nearest to the input. Block n - 1 is nearest to the output and has the full rate. Only weights that are
    trainable at the moment count: with LoRA on a frozen model, the last layer with adapters gets the full rate.

    Args:
        model: An ``mlx.nn.Module``.
        schedule: The schedule of the last block, without groups.
        factor: The rate of a block divided by that of the block above it; above 0, and usually at most 1.
        blocks: The paths of the blocks from the input to the output, as in ``model.parameters()``. Paths in a tuple
            share one rate. By default, each item of the model's list of layers is a block; everything defined before
            the list is one block below them, and everything defined after it is one above. The list is the outermost
            one with at least two layers that have trainable weights. To choose another, pass its path, such as
            ``"decoder.layers"``.

    Returns:
        tuple: n - 1 filters and a schedule with groups of shape (n,), for :class:`MultiOptimizer`.

    Raises:
        ValueError: ``factor`` is not above 0 or not finite, ``schedule`` has groups, the model has no such list or
            several, a trainable weight is in no block, or a block has no trainable weight.
        TypeError: ``model``, ``schedule``, ``factor`` or ``blocks`` has the wrong type.

    Example:
        >>> import mlx.nn as nn
        >>> import mlx.optimizers as optim
        >>> import mlx_schedules as ms
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> filters, rates = ms.layerwise_decay(model, ms.cosine_decay(1e-2, 1000), 0.5)
        >>> optimizer = ms.MultiOptimizer([optim.AdamW(0.0) for _ in rates], filters, learning_rate=rates)
        >>> optimizer.learning_rates
        array([0.0025, 0.005, 0.01], dtype=float32)

    Source:
        Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.2,
        https://arxiv.org/abs/1801.06146
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"[layerwise_decay] schedule must be a schedule of mlx_schedules, got {described(schedule)}.")
    if schedule.shape:
        raise ValueError(f"[layerwise_decay] schedule must be a single one, got groups of shape {schedule.shape}.")
    if not hasattr(model, "trainable_parameters"):
        raise TypeError(f"[layerwise_decay] model must be an mlx.nn.Module, got {described(model)}.")
    paths = list(dict(tree_flatten(model.trainable_parameters())))
    found = _found_blocks(paths, blocks) if blocks is None or isinstance(blocks, str) else _given_blocks(blocks)
    _check(paths, found)

    scales = _scales(factor, len(found))
    filters: list[Filter] = [_InBlock(i, found) for i in range(len(found) - 1)]
    return filters, schedule * scales


Blocks = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, repr=False)
class _InBlock:
    """A filter for the weights of a block. It is a class so that it can be pickled."""

    index: int
    blocks: Blocks

    def __call__(self, path: str, weight: Any) -> bool:
        return _block_of(path, self.blocks) == self.index

    def __repr__(self) -> str:
        return f"<filter of block {self.index}: {shortened(', '.join(self.blocks[self.index]))}>"


def _scales(factor: Any, n: int) -> list[float]:
    factor = unboxed(factor)
    if isinstance(factor, bool) or not isinstance(factor, (int, float)):
        raise TypeError(f"[layerwise_decay] factor must be a number, got {described(factor)}.")
    if not 0 < factor < math.inf:
        raise ValueError(f"[layerwise_decay] factor must be finite and above 0, got {described(factor)}.")
    try:
        return [float(factor) ** (n - 1 - i) for i in range(n)]
    except OverflowError:
        raise ValueError(
            f"[layerwise_decay] factor to the power {n - 1} must be finite, got {described(factor)}."
        ) from None


def _found_blocks(paths: list[str], chosen: str | None) -> Blocks:
    """Return the blocks of a list of layers, with what is defined before and after it.

    Unless a list is chosen, there must be only one outermost list.
    """
    lists: dict[str, dict[str, None]] = {}  # the layers with weights, by the path of their list
    for path in paths:
        keys = path.split(".")
        for i, key in enumerate(keys):
            if key.isdecimal():
                lists.setdefault(".".join(keys[:i]), {})[".".join(keys[: i + 1])] = None
    layers = list(_only(lists) if chosen is None else _chosen(lists, chosen))
    inside = [_within(path, layers) for path in paths]
    first, last = inside.index(True), len(paths) - inside[::-1].index(True)
    if not all(inside[first:last]):
        between = paths[inside.index(False, first)]
        raise ValueError(
            "[layerwise_decay] model must have no trainable weight between the layers of its list, found "
            f"{described(between)}: pass blocks, a list of paths."
        )
    blocks = (tuple(paths[:first]), *((layer,) for layer in layers), tuple(paths[last:]))
    return tuple(block for block in blocks if block)


def _only(lists: dict[str, dict[str, None]]) -> Iterable[str]:
    stacks = {path: layers for path, layers in lists.items() if len(layers) > 1}
    depths = {path: sum(map(str.isdecimal, path.split("."))) for path in stacks}
    outermost = [path for path, depth in depths.items() if depth == min(depths.values())]
    if len(outermost) != 1:
        seen = f"{len(outermost)} ({shortened(', '.join(map(repr, outermost)))})" if outermost else "none"
        raise ValueError(
            "[layerwise_decay] model must have one list of two or more layers with trainable weights, found "
            f"{seen}: pass blocks."
        )
    return stacks[outermost[0]]


def _chosen(lists: dict[str, dict[str, None]], path: str) -> Iterable[str]:
    if path not in lists:
        seen = shortened(", ".join(map(repr, lists))) or "none"
        raise ValueError(
            "[layerwise_decay] blocks must be a list of paths, or the path of a list of layers with trainable weights "
            f"({seen} in this model), got {described(path)}."
        )
    return lists[path]


def _given_blocks(blocks: Any) -> Blocks:
    rows = [(row,) if isinstance(row, str) else row for row in blocks] if isinstance(blocks, Sequence) else None
    if rows is None or not all(isinstance(row, Sequence) and all(isinstance(p, str) for p in row) for row in rows):
        raise TypeError(
            "[layerwise_decay] blocks must be a list of paths and of tuples of paths, or the path of a list of layers, "
            f"got {described(blocks)}."
        )
    if not rows:
        raise ValueError("[layerwise_decay] blocks must hold at least one block, got [].")
    return tuple(tuple(row) for row in rows)


def _check(paths: list[str], blocks: Blocks) -> None:
    held = {_block_of(path, blocks) for path in paths}
    for i, block in enumerate(blocks):
        if i not in held:
            raise ValueError(
                f"[layerwise_decay] blocks[{i}] {described(block)} holds no weight of the model that is trainable and "
                "in no block before: leave it out, or unfreeze its weights first."
            )
    lost = [path for path in paths if _block_of(path, blocks) < 0]
    if lost:
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        raise ValueError(
            "[layerwise_decay] blocks must hold every trainable weight of the model; not in any: "
            f"{shortened(', '.join(lost[:3]))}{more}."
        )


def _block_of(path: str, blocks: Blocks) -> int:
    return next((i for i, block in enumerate(blocks) if _within(path, block)), -1)


def _within(path: str, block: Sequence[str]) -> bool:
    return any(path == start or path.startswith(f"{start}.") for start in block)
