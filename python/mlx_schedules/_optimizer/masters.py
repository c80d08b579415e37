"""Float32 masters of half-precision weights: optimizers compute with them, and the state keeps what the weights lack.

A bfloat16 weight is the upper half of its master, rounded to the nearest (ties away from 0), and the state holds the
lower half as the signed distance of their bits: 16 + 16 bits and no more. Rounded, not truncated, since that would make
every weight that the model sees smaller, by some 0.3 % on average. A float16 weight, whose exponent has other bits, has
its whole master in the state. Either begins as zeros, which stands for the weight itself.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_map_with_path

HALVES = (mx.float16, mx.bfloat16)
MASTER, MOVED = "master", "moved"  # entries of the state


def widened(array: mx.array) -> mx.array:
    return array.astype(mx.float32) if array.dtype in HALVES else array


def cast(array: mx.array, like: mx.array) -> mx.array:
    return array if array.dtype == like.dtype else array.astype(like.dtype)


def begin(weight: mx.array, entry: dict[str, Any]) -> None:
    """Give a weight's state a master, and moments in float32, where it has neither."""
    if weight.dtype in HALVES and MASTER not in entry:
        entry.update(tree_map(widened, entry))
        entry[MASTER] = mx.zeros(weight.shape, mx.int16 if weight.dtype == mx.bfloat16 else mx.float32)


def joined(weight: mx.array, rest: mx.array | None) -> mx.array:
    """The master of a weight, given its rest in the state."""
    if rest is None:
        return weight
    if weight.dtype == mx.bfloat16:
        upper = weight.view(mx.uint16).astype(mx.uint32) << 16
        rest = mx.where(upper << 1 == 0, mx.maximum(rest, 0), rest)  # below 0 it is of a weight that was since set to 0
        return (upper + rest.astype(mx.uint32)).view(mx.float32)
    # where the weight was changed from outside, as loading one does, the master begins anew
    return mx.where(rest.astype(weight.dtype) == weight, rest, weight.astype(mx.float32))


def parted(master: mx.array, dtype: mx.Dtype) -> tuple[mx.array, mx.array]:
    """The weight in a half-precision dtype, and the rest for the state."""
    if dtype != mx.bfloat16:
        return master.astype(dtype), master
    bits = master.view(mx.uint32)
    rest = bits.astype(mx.int16)  # the lower bits, as a signed number, are the distance
    # From the rest, which the state keeps, the weight: so one kernel of mx.compile makes both.
    upper = (bits - rest.astype(mx.uint32)) >> 16
    upper = mx.where(bits << 1 > 0xFF000000, 0x7FC0, upper)  # a NaN that is rounded may become -0
    return upper.astype(mx.uint16).view(mx.bfloat16), rest


def all_joined(weights: Any, states: list[dict[str, Any]]) -> Any:
    """A tree of weights in float32, each the master that one of the states has of it."""
    ends = f".{MASTER}"
    rests = {path: leaf for state in states for path, leaf in dict(tree_flatten(state)).items() if path.endswith(ends)}
    return tree_map_with_path(lambda path, weight: widened(joined(weight, rests.get(path + ends))), weights)


def update(optimizer: Any, gradients: Any, weights: Any, masters: bool, count_moved: bool) -> Any:
    """One optimizer's update of its weights, by way of their masters if there are any."""
    state = optimizer.state
    before = weights
    if masters:
        before = tree_map(lambda weight, entry: joined(weight, entry.get(MASTER)), weights, state)
        gradients = tree_map(cast, gradients, before)
    after = tree_map(cast, optimizer.apply_gradients(gradients, before), before)
    if count_moved:
        state[MOVED] = moved(before, after)
    return tree_map(_kept, after, weights, state) if masters else after


def _kept(master: mx.array, weight: mx.array, entry: dict[str, Any]) -> mx.array:
    if MASTER not in entry:
        return master
    weight, entry[MASTER] = parted(master, weight.dtype)
    return weight


def moved(before: Any, after: Any) -> mx.array:
    """The share of numbers that differ; 0 of none."""
    old, new = dict(tree_flatten(before)), dict(tree_flatten(after))
    counts = [mx.sum(new[path] != weight).astype(mx.float32) for path, weight in old.items()]
    share: mx.array = sum(counts, mx.array(0.0)) / max(sum(weight.size for weight in old.values()), 1)
    return share


def bytes_a_weight(state: dict[str, Any]) -> tuple[float, float, float] | None:
    """With masters, in float32, and in half precision: a weight, its gradient and its state; None without masters."""
    leaves = dict(tree_flatten(state))
    owners = tuple(path[: -len(MASTER)] for path in leaves if path.endswith(f".{MASTER}"))
    if not owners:
        return None
    size, own = (sum(getattr(leaves[path + MASTER], what) for path in owners) for what in ("size", "nbytes"))
    moments = (sum(leaf.nbytes for path, leaf in leaves.items() if path.startswith(owners)) - own) / size
    return 4 + own / size + moments, 8 + moments, 4 + moments / 2
