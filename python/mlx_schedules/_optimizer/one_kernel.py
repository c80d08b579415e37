"""Updates with masters in one kernel, inside mx.compile on CUDA: with Adam it moves 26 bytes a weight, not 42.

mx.compile makes three kernels of such an update, because views of bits can't be fused and at most 11 operations in a
row are. So bfloat16 weights are joined and split by arithmetic here, and the limit doesn't apply. The bits are those of
`masters` for 0 and for sizes from 2^-123 to 3.39e38, whether or not the compiler contracts. Smaller masters can lose
their rest, and larger ones become infinite.
"""

from __future__ import annotations

from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten

from .. import _ext


def is_used(optimizer: Any) -> bool:
    """Tell whether mx.compile traces an update for CUDA. Without the compiled module there is nothing to fuse with."""
    on_cuda = mx.default_device() == mx.gpu and mx.cuda.is_available()
    return on_cuda and hasattr(_ext, "fuse") and _ext.is_tracer(optimizer.step)


def joined(weight: mx.array, rest: mx.array) -> mx.array:
    wide, count = weight.astype(mx.float32), rest.astype(mx.float32)
    master = wide + count.abs() * _gap(wide, inward=count < 0)
    return mx.where(count == 0, wide, master)  # wide may be -0, infinite or NaN


def split(master: mx.array) -> tuple[mx.array, mx.array]:
    near = master.astype(mx.bfloat16).astype(mx.float32)
    distance, inward = master - near, master.abs() < near.abs()
    inverse = mx.rsqrt(_gap(near, inward).abs())  # faster than a division; the count is wrong by at most 0.02
    count = distance.abs() * inverse * inverse + 0.5
    rest = mx.where(count < 32769.0, mx.where(inward, -count, count), 0.0)  # 0 if it isn't finite
    halfway = rest >= 32768.0  # and rounded to the even number below, where `masters` rounds up
    weight = mx.where(halfway, near + (distance + distance), near)
    return weight.astype(mx.bfloat16), mx.where(halfway, -32768.0, rest).astype(mx.int16)


def _gap(near: mx.array, inward: mx.array) -> mx.array:
    """Return the next float32 towards 0 (inward) or away from it, minus the bfloat16 number itself."""
    return near + near * mx.where(inward, -1.25 * 2.0**-24, 1.25 * 2.0**-24) - near


def fuse(weight: mx.array, gradient: mx.array, old: Any, master: mx.array, entry: Any) -> list[mx.array] | None:
    """Split the master that an update returned, and make one kernel of all of that update.

    The state of the weight was ``old`` before and is ``entry`` now. Returns the weight and its rest, or None if the
    update is more than arithmetic on each weight, as Muon's is.
    """
    new = {name: leaf for name, leaf in entry.items() if isinstance(leaf, mx.array) and leaf is not old.get(name)}
    leaves = [weight, gradient, *dict(tree_flatten(old)).values()]
    outputs: list[mx.array] | None = _ext.fuse(leaves, [*new.values(), *split(master)])
    if outputs is None:
        return None
    entry.update(zip(new, outputs[:-2], strict=True))
    return outputs[-2:]
