"""Float32 masters of half-precision weights. Optimizers compute with them, and the state keeps the missing bits.

A bfloat16 weight is the upper half of its master, rounded to the nearest (ties away from 0). The state has the signed
distance between their bits, so both take 16 + 16 bits. Truncating instead of rounding would make every weight that the
model sees smaller, by 0.3 % on average. A float16 weight has an exponent of another size, so the state has its whole
master. Both begin as zeros, which means that the master is the weight itself.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_map_with_path

from . import one_kernel

HALVES = (mx.float16, mx.bfloat16)
MASTER, MOVED = "master", "moved"  # entries of the state


def widened(array: mx.array) -> mx.array:
    return array.astype(mx.float32) if array.dtype in HALVES else array


def cast(array: mx.array, like: mx.array) -> mx.array:
    return array if array.dtype == like.dtype else array.astype(like.dtype)


def begin(weight: mx.array, entry: dict[str, Any]) -> None:
    """Give a weight's state a master and moments in float32, unless it has them."""
    if weight.dtype in HALVES and MASTER not in entry:
        entry.update(tree_map(widened, entry))
        entry[MASTER] = mx.zeros(weight.shape, mx.int16 if weight.dtype == mx.bfloat16 else mx.float32)


def joined(weight: mx.array, rest: mx.array | None, fused: bool = False) -> mx.array:
    """Return the master of a weight, given its rest in the state."""
    if rest is None:
        return weight
    if weight.dtype == mx.bfloat16:
        if fused:
            return one_kernel.joined(weight, rest)
        upper = weight.view(mx.uint16).astype(mx.uint32) << 16
        rest = mx.where(upper << 1 == 0, mx.maximum(rest, 0), rest)  # negative if the weight has been set to 0 since
        return (upper + rest.astype(mx.uint32)).view(mx.float32)
    # if the weight was changed by something else, such as loading, the master starts from it again
    return mx.where(rest.astype(weight.dtype) == weight, rest, weight.astype(mx.float32))


def split(master: mx.array, dtype: mx.Dtype) -> tuple[mx.array, mx.array]:
    """Return the weight in a half-precision dtype, and the rest for the state."""
    if dtype != mx.bfloat16:
        return master.astype(dtype), master
    bits = master.view(mx.uint32)
    rest = bits.astype(mx.int16)  # the lower bits as a signed number are the distance
    # The weight is computed from the rest, so that mx.compile makes both in one kernel.
    upper = (bits - rest.astype(mx.uint32)) >> 16
    upper = mx.where(bits << 1 > 0xFF000000, 0x7FC0, upper)  # rounding a NaN could give -0
    return upper.astype(mx.uint16).view(mx.bfloat16), rest


def all_joined(weights: Any, states: list[dict[str, Any]]) -> Any:
    """Return a tree of weights in float32, each of which is its master if one of the states has one."""
    ends = f".{MASTER}"
    rests = {path: leaf for state in states for path, leaf in dict(tree_flatten(state)).items() if path.endswith(ends)}
    return tree_map_with_path(lambda path, weight: widened(joined(weight, rests.get(path + ends))), weights)


def update(optimizer: Any, gradients: Any, weights: Any, masters: bool, count_moved: bool) -> Any:
    """Update the weights of one optimizer, using their masters if there are any."""
    state, before = optimizer.state, weights
    fused = masters and not count_moved and one_kernel.is_used(optimizer)  # the count needs the masters
    if masters:
        old = tree_map(lambda _, entry: dict(entry), weights, state) if fused else state
        before = tree_map(lambda weight, entry: joined(weight, entry.get(MASTER), fused), weights, state)
    cast_gradients = tree_map(cast, gradients, before) if masters else gradients
    after = tree_map(cast, optimizer.apply_gradients(cast_gradients, before), before)
    if count_moved:
        state[MOVED] = moved(before, after)
    return tree_map(partial(_kept, fused), after, weights, gradients, old, state) if masters else after


def _kept(fused: bool, master: mx.array, weight: mx.array, gradient: mx.array, old: Any, entry: Any) -> mx.array:
    """Return the weight of a new master. Its rest is kept in the state."""
    if MASTER not in entry:
        return master
    parts = one_kernel.fuse(weight, gradient, old, master, entry) if fused and weight.dtype == mx.bfloat16 else None
    half, entry[MASTER] = parts or split(master, weight.dtype)
    return half


def moved(before: Any, after: Any) -> mx.array:
    """Return the share of numbers that differ, or 0 if there are none."""
    old, new = dict(tree_flatten(before)), dict(tree_flatten(after))
    counts = [mx.sum(new[path] != weight).astype(mx.float32) for path, weight in old.items()]
    share: mx.array = sum(counts, mx.array(0.0)) / max(sum(weight.size for weight in old.values()), 1)
    return share


def bytes_a_weight(state: dict[str, Any]) -> tuple[float, float, float] | None:
    """Return the bytes that a weight takes with its gradient and state, or None without masters.

    The three numbers are for training with masters, in float32, and in half precision.
    """
    leaves = dict(tree_flatten(state))
    owners = tuple(path[: -len(MASTER)] for path in leaves if path.endswith(f".{MASTER}"))
    if not owners:
        return None
    size, own = (sum(getattr(leaves[path + MASTER], what) for path in owners) for what in ("size", "nbytes"))
    moments = (sum(leaf.nbytes for path, leaf in leaves.items() if path.startswith(owners)) - own) / size
    return 4 + own / size + moments, 8 + moments, 4 + moments / 2
