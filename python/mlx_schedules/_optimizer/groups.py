from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map, tree_map_with_path

from .._columns.numbers import described
from .arguments import Filter, check_separate, name_of, read_filters, read_names, read_optimizers
from .masters import MOVED, begin, widened
from .trees import fill, split


class Groups(optim.MultiOptimizer):
    """Several optimizers, each with a name, the weights that its filter accepts, and a state for these."""

    def __init__(
        self,
        optimizers: Iterable[optim.Optimizer],
        filters: Iterable[Filter],
        names: Iterable[str] | None,
        master_weights: bool,
        track_moved: bool,
    ) -> None:
        for name, flag in {"master_weights": master_weights, "track_moved": track_moved}.items():
            if not isinstance(flag, bool):
                raise TypeError(f"[MultiOptimizer] {name} must be True or False, got {described(flag)}.")
        found = read_optimizers(optimizers)
        super().__init__(found, read_filters(filters, len(found)))
        if master_weights or track_moved:
            check_separate(found)
        self.names = read_names(names, len(found))
        self.master_weights, self.track_moved = master_weights, track_moved
        for one in found if track_moved else []:
            one.state.setdefault(MOVED, mx.array(0.0))
        self._filters_checked = False

    def init(self, parameters: Any) -> None:
        """Make a state for all of ``parameters`` that have none. An update does so for those with gradients."""
        parts = split(parameters, self._owners(parameters))
        self._check_filters(parts, parameters)
        self._fill(parts)

    def groups(self, model: Any) -> dict[str, list[str]]:
        """The paths of the weights by the groups' names; the last group has those that no filter took.

        Args:
            model: An ``mlx.nn.Module``, of which the trainable weights count, or a tree of weights.

        Example:
            >>> import mlx.nn as nn
            >>> import mlx.optimizers as optim
            >>> import mlx_schedules as ms
            >>> optimizer = ms.MultiOptimizer([optim.SGD(0.1), optim.SGD(0.2)], [lambda path, weight: weight.ndim == 2])
            >>> optimizer.groups(nn.Linear(4, 8))
            {'0': ['weight'], '1': ['bias']}
        """
        weights = model.trainable_parameters() if hasattr(model, "trainable_parameters") else model
        if not isinstance(weights, (dict, list, tuple)):
            raise TypeError(f"[MultiOptimizer] model must be a Module or a tree of weights, got {described(model)}.")
        owners = dict(tree_flatten(self._owners(weights)))
        return {name: sorted(path for path in owners if owners[path] == i) for i, name in enumerate(self.names)}

    def _owners(self, tree: Any, *weights: Any) -> Any:
        """Return a tree like ``tree`` with the index of each weight's optimizer.

        ``tree`` has the weights themselves or, if ``weights`` is given, gradients of some of these.
        """

        def owner(path: str, *leaves: mx.array) -> int:
            return next(i for i, accepts in enumerate(self.filters) if accepts(path, leaves[-1]))

        return tree_map_with_path(owner, tree, *weights)

    def _check_filters(self, parts: dict[int, Any], parameters: Any) -> None:
        """Warn once about filters that accept no weight, not even a frozen one. Usually a path is misspelt."""
        if self._filters_checked or not parts:
            return
        self._filters_checked = True
        empty = {i for i in range(len(self.filters) - 1) if i not in parts}
        if empty:
            every = parameters.parameters() if hasattr(parameters, "parameters") else parameters
            empty -= set(split(every, self._owners(every)))
        for i in sorted(empty):
            warnings.warn(
                f"[MultiOptimizer] No weight belongs to group {self.names[i]!r}, where {name_of(self.filters[i])}: its "
                "optimizer has nothing to do. optimizer.groups(model) shows which weights each has.",
                stacklevel=3,
            )

    def _fill(self, parts: dict[int, Any]) -> None:
        if self.track_moved and any(isinstance(part, dict) and MOVED in part for part in parts.values()):
            raise ValueError(
                f"[MultiOptimizer] track_moved must be False for weights under the name {MOVED!r}, got True: the state "
                "holds the share of moved weights there. Rename these weights, or leave track_moved out."
            )
        for i, optimizer in enumerate(self.optimizers):
            part = parts.get(i, {})
            moments_of = tree_map(widened, part) if self.master_weights else part
            if type(optimizer).init is optim.Optimizer.init:
                # MLX's own init fails if other weights get gradients than before, and for some trees from files.
                fill(moments_of, optimizer.state, optimizer.init_single)
                optimizer._initialized = True
            else:
                optimizer.init(moments_of)
            if self.master_weights:
                tree_map(begin, part, optimizer.state)
