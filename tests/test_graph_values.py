"""Schedules evaluated by MLX's own ops differ from the compiled op by no more than the stated bound."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_schedules import _ext
from mlx_schedules._graph import module
from numerics import reference, search
from support.helpers import MOST
from test_export import CASES, KINDS

pytestmark = pytest.mark.extension


def values(ext, ease, points):
    """Evaluate an ease with `ext`, the compiled module or its stand-in."""
    step, *others = (mx.array(x) for x in points)
    operands = dict(zip(("length", "init", "end", "parameter", "parameter_rest"), others, strict=True))
    return np.array(ext.evaluate(step, ext.Segments([ease], operands)))


def in_ulps(graph, op, sizes):
    """Return the distances between values that are neither subnormal nor infinite."""
    normal = (op == 0) | (np.abs(op) >= 2.0**-126) & (np.abs(op) < 2.0**127)
    assert normal.sum() > 0.6 * len(op)
    assert (np.isinf(graph) == np.isinf(op)).all()
    return np.abs(graph[normal] - op[normal]) / np.spacing(np.maximum(sizes[normal], np.float32(2.0**-126)))


def test_the_bounds_are_stated_for_every_ease():
    assert search.graph_bounds().keys() == set(reference.NAMES)
    assert max(max(bounds) for bounds in search.graph_bounds().values()) <= MOST


@pytest.mark.slow
@pytest.mark.parametrize(("ease", "kind"), CASES)
def test_a_million_values_are_within_the_bound_and_the_same_at_the_ends(ease, kind):
    points, opposite = search.points(ease, 10**6, 29, **KINDS[kind]), kind == "opposite signs"
    graph, op = values(module, ease, points), values(_ext, ease, points)
    assert search.errors(ease, points, opposite, lambda *_: graph).largest <= search.graph_bounds()[ease].float32
    larger = np.maximum(np.abs(points.init), np.abs(points.end))
    assert in_ulps(graph, op, larger if opposite else np.abs(op)).max() <= MOST
    ended = (points.step == 0) | (points.step >= points.length) & (ease not in reference.ENDLESS)
    assert ended.sum() > 300
    np.testing.assert_array_equal(graph[ended].view(np.uint32), op[ended].view(np.uint32))


INTEGERS = {
    "around 2^24": [2**24 - 1, 2**24, 2**24 + 1, 2**24 + 3],
    "around 2^32": [2**32 - 1, 2**32, 2**32 + 1, 2**32 + 2**9 + 1],
    "to 2^64": [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 2],
}


@pytest.mark.parametrize("integers", INTEGERS)
@pytest.mark.parametrize("ease", reference.NAMES)
def test_integers_that_no_float32_holds_are_exact(ease, integers):
    """One step before the end, at the end, and one step after the begin, distances are whole numbers and so exact."""
    lengths = np.array(INTEGERS[integers], np.uint64)
    init, end, parameter = np.float32(0.75), np.float32(0.25), np.float32(-0.5 if ease in reference.RATES else 2.0)
    for steps in (lengths - np.uint64(1), lengths, np.ones_like(lengths)):
        shape = np.ones(len(lengths), np.float32)
        points = search.Points(steps, lengths, init * shape, end * shape, parameter * shape, 0 * shape)
        op, graph = values(_ext, ease, points), values(module, ease, points)
        assert in_ulps(graph, op, op).max() <= search.graph_bounds()[ease].float32 + 0.51
