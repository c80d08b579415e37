"""A float32 master is a bfloat16 weight and a rest of 16 bits: split and joined by bits, and by exact arithmetic."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_schedules._optimizer import one_kernel
from mlx_schedules._optimizer.masters import joined, split
from support.helpers import same_bits


def bits_of_masters():
    """Return random bits, and those around each bfloat16 and halfway to the next."""
    bits = np.random.default_rng(0).integers(0, 2**32, 1_000_000, dtype=np.uint32)
    upper = np.repeat(np.arange(2**16, dtype=np.uint32) << 16, 12)
    lower = np.tile(np.array([0, 1, 2, 3, 0x7FFF, 0x8000, 0x8001, 0xBFFF, 0xC000, 0xFFFD, 0xFFFE, 0xFFFF]), 2**16)
    return np.concatenate([bits, upper + lower.astype(np.uint32)])


@pytest.mark.parametrize("compiled", [False, True])
def test_every_float32_is_a_weight_and_a_rest(compiled):
    master = mx.array(bits_of_masters()).view(mx.float32)
    weight, rest = split(master, mx.bfloat16)
    assert rest.dtype == mx.int16
    found = mx.compile(joined)(weight, rest) if compiled else joined(weight, rest)
    assert same_bits(found, master)  # treats all NaNs as equal
    nearest = master.astype(mx.bfloat16)
    tie = (master.view(mx.uint32) & 0xFFFF) == 0x8000
    assert mx.all((nearest == weight) | mx.isnan(master) | tie).item()
    assert mx.all(mx.isnan(weight) == mx.isnan(master)).item()


@pytest.mark.parametrize("compiled", [False, True])
def test_arithmetic_joins_and_splits_like_bits(compiled):
    """Below 2^-123 rests are lost, and weights are infinite from 3.396e38 on."""
    bits = bits_of_masters()
    size = np.abs(bits.view(np.float32))
    exact = (size == 0) | (size >= 2.0**-123) & (size < 3.396e38) | ~np.isfinite(size)
    split_, joined_ = one_kernel.split, one_kernel.joined
    if compiled:
        split_, joined_ = mx.compile(split_), mx.compile(joined_)
    master = mx.array(bits[exact]).view(mx.float32)
    weight, rest = split(master, mx.bfloat16)
    found, found_rest = split_(master)
    assert same_bits(found, weight)
    assert mx.all((found_rest == rest) | mx.isnan(master)).item()
    assert same_bits(joined_(weight, rest), master)
    master = mx.array(bits[~exact]).view(mx.float32)
    weight, rest = split_(master)
    assert mx.all((weight == split(master, mx.bfloat16)[0]) | (weight == master.astype(mx.bfloat16))).item()
    found = joined_(weight, rest)
    assert mx.all((found == master) | (found == weight)).item()
