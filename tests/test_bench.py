"""The benchmark measures the same work for everybody, in turns, and notices what got slower."""

import copy
import json
import pathlib
import platform
import subprocess
import sys

import mlx.core as mx
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import compare, contenders, measure, record  # noqa: E402
from bench.cases import Case, grid, groups_of  # noqa: E402


def test_contenders_take_turns_and_another_is_first_each_round():
    calls = []
    times = measure.alternate({name: lambda name=name: calls.append(name) for name in "abc"}, 4, cold=True)
    assert "".join(calls) == "abcbcacababc"
    assert {name: len(sample) for name, sample in times.items()} == {"a": 4, "b": 4, "c": 4}


def test_warm_up_is_left_out_and_quick_calls_are_repeated(monkeypatch):
    now, count = [0.0], [0]

    def call():
        count[0] += 1
        now[0] += 100.0 if count[0] <= 2 else 3e-4

    monkeypatch.setattr(measure.time, "perf_counter", lambda: now[0])
    times = measure.alternate({"a": call}, 5)
    assert times["a"] == pytest.approx([3e-4] * 5)
    assert count[0] == 3 + 5 * (1 + 6)  # one before each sample, and six make 2 ms


def test_ratios_are_taken_within_a_round():
    figure = measure.ratios([1.0, 2.0, 4.0], [3.0, 6.0, 12.0])  # the machine slows down, the ratio does not
    assert (figure.low, figure.median, figure.high) == (3.0, 3.0, 3.0)
    assert measure.figure([5.0, 1.0, 2.0, 3.0, 4.0]) == measure.Figure(3.0, 2.0, 4.0)


def a_run():
    case = Case("10^6 steps", "eager", 10**6, {}, {"closure": 10.0})
    times = {contenders.OURS: [1.0, 1.0, 1.0, 1.0], "closure": [10.0, 11.0, 12.0, 13.0]}
    return record.header(quick=True) | {"results": [record.result(case, times)]}


@pytest.mark.parametrize(
    ("factor", "lines"),
    [(1.0, 0), (2.0, 0), (0.9, 0), (0.8, 1)],
    ids=["same", "faster", "slower within the spread", "slower"],
)
def test_only_regressions_beyond_the_spread_are_flagged(factor, lines):
    old = json.loads(json.dumps(a_run()))
    new = copy.deepcopy(old)
    closure = new["results"][0]["contenders"]["closure"]
    closure["ratio"] = [factor * x for x in closure["ratio"]]
    found = compare.regressions(old, new)
    assert len(found) == lines
    assert all("10^6 steps, eager" in line and "was 11.50" in line for line in found)
    assert list(compare.caveats(old, new)) == []


def test_what_else_differs_is_told():
    old, new = a_run(), a_run()
    new["versions"]["mlx"], new["machine"]["cores"] = "0.99.0", -1
    new["results"] = []
    told = "\n".join(compare.caveats(old, new))
    assert "mlx differs" in told
    assert "cores differs" in told
    assert "no case in common" in told


def test_a_record_names_neither_machine_nor_paths():
    text = json.dumps(a_run())
    for private in (platform.node(), str(ROOT), str(pathlib.Path.home())):
        assert len(private) < 3 or private not in text
    assert json.loads(text)["versions"]["mlx"]


@pytest.mark.parametrize("dtype", [mx.uint32, mx.int64, mx.float32])
def test_contenders_of_single_schedules_agree(dtype):
    d, steps = contenders.Decay(0.1, 1000, 1e-3), mx.arange(1200).astype(dtype)
    expected = np.array(contenders.ours(d)(steps))
    for make in (contenders.closure, contenders.by_hand, contenders.polynomial):
        np.testing.assert_allclose(np.array(make(d)(steps)), expected, atol=2e-8)


def test_contenders_of_batched_schedules_agree():
    d, steps = groups_of(5), mx.arange(2500)
    expected = np.array(contenders.ours(d)(steps))
    assert expected.shape == (2500, 5)
    for make in (contenders.by_hand, contenders.polynomial):
        np.testing.assert_allclose(np.array(make(d)(steps[:, None])), expected, atol=4e-8)


def test_a_case_has_the_elements_it_claims(monkeypatch):
    shapes = []
    monkeypatch.setattr(mx, "eval", lambda *arrays: shapes.extend(a.shape for a in arrays))
    (case,) = grid(4, 1000)
    shapes.clear()
    for call in case.calls.values():
        call()
    assert set(shapes) == {(250, 4)}
    assert case.elements == 1000


def test_a_run_prints_ratios_and_writes_them(tmp_path):
    command = [sys.executable, "-m", "bench", "--quick", "--only", "10^3 uint32", "--rounds", "3"]
    file = tmp_path / "run.json"
    done = subprocess.run([*command, "--json", str(file)], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    assert contenders.COMPILED in done.stdout
    (result,) = json.loads(file.read_text())["results"]
    assert result["elements"] == 1000
    assert result["contenders"][contenders.COMPILED]["ratio"][1] > 0
