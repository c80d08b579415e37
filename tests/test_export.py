"""export_function: the pure-MLX graph within ms.exporting()."""

import threading

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from numerics import reference
from support.helpers import primitives

SCHEDULES = [
    ms.cosine_decay(0.1, 1000, 0.01),
    ms.cosine_decay([0.1, 1e-3], [1000, 2**33], end=[0.0, 1e-4]),
    ms.cosine_decay(0.1, 10.5),
    ms.cosine_decay(mx.array(0.1, mx.float16), 100),
]


def close(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    rtol = 1e-6 if a.dtype == mx.float32 else 1e-2
    np.testing.assert_allclose(np.array(a.astype(mx.float32)), np.array(b.astype(mx.float32)), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("dtype", [mx.bool_, mx.uint8, mx.int32, mx.int64, mx.uint64, mx.float16, mx.float32])
def test_export_import_gives_the_same_values(schedule, dtype, tmp_path):
    path = str(tmp_path / "rate.mlxfn")
    steps = mx.array([0, 1, 5, 10, 11, 99, 100, 127]).astype(dtype)
    with ms.exporting():
        mx.export_function(path, schedule, steps)
    (imported,) = mx.import_function(path)(steps)
    close(imported, schedule(steps))


@pytest.mark.parametrize("total", [10**6, 2**33 + 1])  # the latter's steps are no float32
def test_the_last_steps_survive_export(total, tmp_path):
    schedule, steps = ms.cosine_decay(1.0, total), mx.arange(102, dtype=mx.int64) + (total - 100)
    with ms.exporting():
        mx.export_function(str(tmp_path / "f.mlxfn"), schedule, steps)
    (imported,) = mx.import_function(str(tmp_path / "f.mlxfn"))(steps)
    close(imported, schedule(steps))
    assert imported[-2:].tolist() == [0.0, 0.0]


def test_a_whole_training_step_exports(tmp_path):
    rates = ms.cosine_decay([0.1, 0.2], 100)

    def step(count, w, x):
        gradient = mx.grad(lambda w: ((w * x) ** 2).sum())(w)
        return count + 1, w - rates(count)[:, None] * gradient

    arguments = mx.array(7, mx.uint64), mx.ones((2, 3)), mx.arange(6).reshape(2, 3) / 6
    with ms.exporting():
        mx.export_function(str(tmp_path / "f.mlxfn"), step, *arguments)
    imported = mx.import_function(str(tmp_path / "f.mlxfn"))(*arguments)
    for a, b in zip(imported, step(*arguments), strict=True):
        assert mx.allclose(a, b, rtol=1e-6)


def test_edges_of_the_exported_graph():
    schedule = ms.cosine_decay(0.5, 100, 0.1)
    inside = []
    steps = [-(2**70), -5, -0.5, 0, 100, 101, 2**64 - 1, 1e30, float("inf"), float("-inf"), float("nan")]
    with ms.exporting():
        inside = [schedule(s).item() for s in steps]
        for time in (0, -3, 0.0, -2.5):
            assert ms.fast.cosine_decay(mx.array([1, 2]), 1.0, mx.array(time), 0.25).tolist() == [0.25, 0.25]
        gradient = mx.grad(lambda s: schedule(s))(mx.array(50.0))
    np.testing.assert_array_equal(inside, [schedule(s).item() for s in steps])
    assert gradient.item() == pytest.approx(mx.grad(lambda s: schedule(s))(mx.array(50.0)).item(), rel=1e-5)


def test_exporting_nests_ends_with_an_error_and_is_the_threads_own():
    schedule = ms.cosine_decay(0.1, 10)
    assert "Schedule" in primitives(schedule(3))
    with ms.exporting():
        with ms.exporting():
            assert "Schedule" not in primitives(schedule(3))
        assert "Schedule" not in primitives(schedule(3))
        seen = []
        thread = threading.Thread(target=lambda: seen.append("Schedule" in primitives(schedule(3))))
        thread.start()
        thread.join()
        assert seen == [True]
    with pytest.raises(KeyError), ms.exporting():
        raise KeyError
    assert "Schedule" in primitives(schedule(3))


def test_without_exporting_the_error_is_mlxs_own(tmp_path):
    with pytest.raises(Exception, match="Schedule"):
        mx.export_function(str(tmp_path / "f.mlxfn"), ms.cosine_decay(0.1, 10), mx.array(0))


def exported(*operands):
    with ms.exporting():
        return ms.fast.cosine_decay(*operands)


@pytest.mark.usefixtures("cpu_only")
@pytest.mark.parametrize("total", [3, 1000, 999_983, 2**31 + 1])
def test_float64_graphs_have_float64s_accuracy(total):
    steps = np.unique(np.concatenate([np.linspace(0, total, 500), np.linspace(total * 0.999, total, 500)]).astype(int))
    got = exported(mx.array(steps.astype(float).tolist(), mx.float64), 1.0, total, 1e-7)
    right = reference.cosine_decay(steps.tolist(), 1.0, total, 1e-7)
    assert reference.ulp_errors(np.array(got), right).max() <= 6


def test_float32_graphs_are_within_6_ulp():
    steps = np.arange(100_001)
    got = np.array(exported(mx.array(steps), 1.0, 100_000, 1e-3))
    right = reference.cosine_decay(steps[::13].tolist(), 1.0, 100_000, float(np.float32(1e-3)))
    assert reference.ulp_errors(got[::13], right).max() <= 6


def test_the_range_of_a_graph_may_exceed_a_float():
    assert exported(mx.array([0, 50, 100]), 3e38, 100, -3e38).tolist() == pytest.approx([3e38, 0, -3e38], abs=1e32)


@pytest.mark.parametrize("dtype", [mx.int32, mx.uint64, mx.float32])
def test_graphs_are_exact_at_both_ends_of_long_decays(dtype):
    total = 2**24 + 1  # no float32
    steps = mx.array([0, 2**24, 2**24 + 1, 2**24 + 2]).astype(dtype)
    got, own = exported(steps, 0.5, total, 0.0), ms.fast.cosine_decay(steps, 0.5, total, 0.0)
    assert got.tolist() == pytest.approx(own.tolist(), rel=1e-6)
    assert (got == 0).tolist() == (own == 0).tolist()
    assert got[0].item() == 0.5
