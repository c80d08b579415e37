"""Schedules of thousands of segments: the costs of a step and of stacking grow no faster than their number."""

import resource
import sys
import time
import tracemalloc

import mlx.core as mx
import pytest

import mlx_schedules as ms
from mlx_schedules._columns.stack import common_sequence, places

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults are counted as Linux does")


def restarts(count: int, first: float = 1.0) -> ms.Schedule:
    return ms.cosine_decay(first, 10).repeat(10, count, value_factor=0.999)


@linux
@pytest.mark.extension
@pytest.mark.usefixtures("cpu_only")
def test_a_step_takes_no_memory_for_each_segment():
    """10 000 segments once took 50 MB of newly cleared memory a call, which is 12 500 pages."""
    schedule, step = restarts(10_000), mx.array(54_321)
    mx.eval([schedule(step) for _ in range(3)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        mx.eval(schedule(step))
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20 < 300


@pytest.mark.extension  # MLX's own ops would be some 10^5 nodes for each step
@pytest.mark.parametrize("steps", [[0, 5, 13, 49_983, 54_321, 10**6], [7.5, 31_234.25]])
def test_long_schedules_have_the_values_of_their_segments(steps):
    schedule = restarts(10_000)
    for step in steps:
        segment = min(int(step // 10), 9_999)
        n = min(step - 10 * segment, 10)
        assert schedule(step).item() == ms.cosine_decay(0.999**segment, 10)(n).item(), step


@pytest.mark.extension
def test_two_long_sequences_stack_in_linear_time_and_memory():
    """Two sequences of 5000 once took 9.4 s and 1 GB. CPU time is measured, so that a busy machine doesn't matter."""
    cosines, others = restarts(5000), ms.linear_schedule(1.0, 0.0, 7).repeat(7, 4999, value_factor=0.998)
    mixed = ms.join_schedules([cosines, others], [50_000])
    begin = time.process_time()
    stacked = ms.stack([mixed, others])
    assert time.process_time() - begin < 4
    for step in (0, 3, 9, 34_000, 50_003, 80_000, 10**6):
        assert stacked(step).tolist() == [mixed(step).item(), others(step).item()], step


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("cosine",) * 5000, ("cosine",) * 4999),
        (("linear",) * 2000, ("cosine",) * 2000),
        (("linear", "cosine") * 2500, ("cosine", "hold", "linear") * 1600),
        (("hold", *("cosine",) * 300, "linear") * 10, ("linear", *("cosine",) * 299) * 10),
    ],
)
def test_a_common_sequence_holds_both_and_little_else(a, b):
    tracemalloc.start()
    common = common_sequence([a, b])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
    assert max(len(a), len(b)) <= len(common) <= len(a) + len(b)
    for part in (a, b):
        at = places(common, part)
        assert [common[k] for k in at] == list(part)
        assert at == sorted(set(at))


def test_a_common_sequence_of_short_ones_is_the_shortest():
    assert common_sequence([("linear", "cosine"), ("cosine", "hold")]) == ("linear", "cosine", "hold")
    assert common_sequence([("cosine",) * 60, ("cosine",) * 64]) == ("cosine",) * 64
    assert len(common_sequence([("linear", "cosine") * 20, ("cosine", "linear") * 20])) == 41
