from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten

from ._schedule import CosineDecay

Filter = Callable[[str, mx.array], bool]


def layerwise_decay(
    model: Any,
    schedule: CosineDecay,
    factor: float,
    *,
    blocks: Sequence[str | Sequence[str]] | None = None,
) -> tuple[list[Filter], CosineDecay]:
    r"""Layer-wise learning-rate decay: the blocks nearer to the input learn more slowly.

    .. math::
        \text{rate}_i(s) = \text{factor}^{\,n - 1 - i}\, \text{schedule}(s), \qquad i = 0, \dots, n - 1

    Block 0 is nearest to the input and block n - 1, with the full rate, nearest to the output.

    Args:
        model: An ``mlx.nn.Module``.
        schedule: The last block's schedule, a single one of :func:`cosine_decay`.
        factor: What the rate is multiplied by from a block to the one below; in (0, 1] as a rule, at least above 0.
        blocks: The paths of the blocks from the input to the output, as in ``model.parameters()``; a tuple of paths
            shares one rate. ``None`` takes each item of the model's list of layers as a block (the outermost list with
            at least two layers that have weights), everything defined before the list as one block below them, and
            everything defined after it as one above.

    Returns:
        tuple: n - 1 filters and a schedule with groups of shape (n,), for :class:`MultiOptimizer`.

    Raises:
        ValueError: ``factor`` is not above 0 or not finite, ``schedule`` has groups, the model has no such list or
            several, a weight is in no block, or a block has no weights.
        TypeError: ``model``, ``schedule`` or ``factor`` is of another type.

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
    if not isinstance(schedule, CosineDecay):
        raise TypeError(f"[layerwise_decay] schedule must be a schedule of ms.cosine_decay, got {schedule!r}.")
    if schedule.shape:
        raise ValueError(f"[layerwise_decay] schedule must be a single one, got groups of shape {schedule.shape}.")
    if isinstance(factor, bool) or not isinstance(factor, (int, float)):
        raise TypeError(f"[layerwise_decay] factor must be a number, got {factor!r}.")
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"[layerwise_decay] factor must be finite and above 0, got {factor!r}.")
    if not hasattr(model, "parameters"):
        raise TypeError(f"[layerwise_decay] model must be an mlx.nn.Module, got {model!r}.")
    paths = list(dict(tree_flatten(model.parameters())))
    found = _found_blocks(paths) if blocks is None else [(b,) if isinstance(b, str) else tuple(b) for b in blocks]
    block_of = _assign(paths, found)

    n = len(found)
    scales = [float(factor) ** (n - 1 - i) for i in range(n)]
    filters: list[Filter] = [lambda path, _, i=i: block_of(path) == i for i in range(n - 1)]  # type: ignore[misc]
    return filters, CosineDecay(_scaled(schedule.init, scales), schedule.decay_steps, _scaled(schedule.end, scales))


def _scaled(value: Any, scales: list[float]) -> Any:
    if isinstance(value, mx.array):
        return value * mx.array(scales, value.dtype if mx.issubdtype(value.dtype, mx.floating) else mx.float32)
    return [value * scale for scale in scales]


def _found_blocks(paths: list[str]) -> list[tuple[str, ...]]:
    """The blocks of the only outermost list of layers, with what is defined before and after it."""
    lists: dict[str, list[str]] = {}  # the list's path to its layers with weights
    for path in paths:
        keys = path.split(".")
        index = next((i for i, key in enumerate(keys) if key.isdecimal()), None)
        if index is not None:
            layers = lists.setdefault(".".join(keys[:index]), [])
            layer = ".".join(keys[: index + 1])
            if layer not in layers:
                layers.append(layer)
    stacks = {path: layers for path, layers in lists.items() if len(layers) > 1}
    if len(stacks) != 1:
        seen = f"{len(stacks)} ({', '.join(map(repr, stacks))})" if stacks else "none"
        raise ValueError(
            f"[layerwise_decay] model must have one list of two or more layers with weights, found {seen}: pass blocks."
        )
    (layers,) = stacks.values()
    inside = [_within(path, layers) for path in paths]
    first, last = inside.index(True), len(paths) - inside[::-1].index(True)
    before, after = (
        paths[:first],
        [path for path, is_in in zip(paths[first:], inside[first:], strict=True) if not is_in],
    )
    assert all(inside[first:last])  # a list's layers follow each other
    return [tuple(part) for part in (before, *([layer] for layer in layers), after) if part]


def _assign(paths: list[str], blocks: list[tuple[str, ...]]) -> Callable[[str], int]:
    def block_of(path: str) -> int:
        return next((i for i, block in enumerate(blocks) if _within(path, block)), -1)

    for i, block in enumerate(blocks):
        if not any(_within(path, block) for path in paths):
            raise ValueError(f"[layerwise_decay] blocks[{i}] {block!r} holds no weight of the model.")
    lost = [path for path in paths if block_of(path) < 0]
    if lost:
        raise ValueError(
            f"[layerwise_decay] blocks must hold every weight of the model; not in any: {', '.join(lost)}."
        )
    if not blocks:
        raise ValueError("[layerwise_decay] blocks must hold at least one block, got [].")
    return block_of


def _within(path: str, block: Sequence[str]) -> bool:
    return any(path == start or path.startswith(f"{start}.") for start in block)
