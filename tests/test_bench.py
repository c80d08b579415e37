"""The benchmark gives every contender the same work, measures them in turn, and notices what has become slower."""

import copy
import json
import pathlib
import platform
import subprocess
import sys
import time

import mlx.core as mx
import numpy as np
import pytest

from support.helpers import needs, on_cuda

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
needs("matplotlib")

from bench import compare, contenders, half_precision, measure, output, record  # noqa: E402
from bench.case import Case, Number  # noqa: E402
from bench.cases import SUITES, groups  # noqa: E402
from bench.fresh import fresh  # noqa: E402


def test_contenders_take_turns_and_another_is_first_each_round():
    calls = []
    times = measure.alternate({name: lambda name=name: calls.append(name) for name in "abc"}, 4, "first call")
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
    assert count[0] == 3 + 5 * (1 + 6)  # one call before each sample, and six calls take 2 ms


def test_ratios_are_taken_within_a_round():
    assert measure.ratios([1.0, 2.0, 4.0], [3.0, 6.0, 12.0]) == [3.0] * 3  # the machine slows down, but the ratio stays
    assert measure.spread([5.0, 1.0, 2.0, 3.0, 4.0]) == [2.0, 3.0, 4.0]


def test_a_process_of_its_own_reports_its_first_call():
    call = fresh(groups.rates, contenders.OURS, 2)
    begin = time.perf_counter()
    assert 0 < call() < time.perf_counter() - begin
    times = measure.alternate({"a": iter([3.0, 4.0]).__next__}, 2, "fresh process")
    assert times == {"a": [3.0, 4.0]}


def a_run():
    case = Case("10^6 steps", "eager", 10**6, {}, {"closure": 10.0})
    times = {contenders.OURS: [1.0, 1.0, 1.0, 1.0], "closure": [10.0, 11.0, 12.0, 13.0]}
    numbers = [record.counted(Number("differing", contenders.OURS, 1, " bits", most=0))]
    return record.header(quick=True) | {"results": [record.timed(case, times)], "numbers": numbers}


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
    d, steps = groups.groups_of(5), mx.arange(2500)
    expected = np.array(contenders.ours(d)(steps))
    assert expected.shape == (2500, 5)
    for make in (contenders.by_hand, contenders.polynomial):
        np.testing.assert_allclose(np.array(make(d)(steps[:, None])), expected, atol=4e-8)
    for i, one in enumerate(d.each()):
        np.testing.assert_allclose(np.array(contenders.closure(one)(steps)), expected[:, i], atol=4e-8)


def test_a_case_has_the_elements_it_claims(monkeypatch):
    shapes = []
    monkeypatch.setattr(mx, "eval", lambda *arrays: shapes.extend(a.shape for a in arrays))
    (case,) = groups.grid(4, 1000)
    shapes.clear()
    for call in case.calls.values():
        call()
    assert set(shapes) == {(250, 4)}
    assert case.elements == 1000


@pytest.mark.parametrize("count", [1, 3])
def test_optimizers_of_contenders_do_the_same(count):
    def trained(contender):
        weights = {"layers": [{"weight": mx.full((2,), float(i))} for i in range(count)]}
        optimizer = groups.optimizer(contender, count)
        for _ in range(3):
            weights = optimizer.apply_gradients({"layers": [{"weight": mx.ones(2)}] * count}, weights)
        return np.array([layer["weight"] for layer in weights["layers"]])

    np.testing.assert_allclose(trained(contenders.OURS), trained(contenders.CLOSURE), rtol=1e-5)
    np.testing.assert_allclose(trained(contenders.OURS), trained(contenders.CONSTANT), rtol=1e-2)
    groups.training(contenders.OURS, count)()


@pytest.mark.parametrize("suite", SUITES)
def test_bars_are_against_contenders_of_the_case(suite):
    for make in SUITES[suite]["quick"]:
        for one in make():
            if isinstance(one, Case):
                assert contenders.OURS in one.calls
                assert one.bars.keys() <= one.calls.keys() - {contenders.OURS}


def test_missed_bars_are_told():
    run = a_run()
    assert "| 11.5 | 10.8 to 12.2 | ≥ 10 met |" in output.page(run)
    assert "| differing | mlx-schedules | 1 bits | ≤ 0 **missed** |" in output.page(run)
    run["results"][0]["contenders"]["closure"]["bar"] = 12.0
    assert "≥ 12 within the spread" in output.page(run)
    run["results"][0]["contenders"]["closure"]["bar"] = 13.0
    assert "≥ 13 **missed**" in output.page(run)


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench", "--quick", "--rounds", "3", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_prints_ratios_writes_and_draws_them(tmp_path):
    printed = bench("cpu", "--only", "uint32 steps, eager", "--out", str(tmp_path / "run"), "--plots", str(tmp_path))
    assert contenders.COMPILED in printed
    results = json.loads((tmp_path / "run.json").read_text())["results"]
    assert [result["elements"] for result in results] == [10**e for e in range(3, 8)]
    assert all(result["contenders"][contenders.COMPILED]["ratio"][1] > 0 for result in results)
    assert (tmp_path / "run.md").read_text().count("| mlx-schedules |") == 5
    assert all((tmp_path / f"{name}.png").stat().st_size > 10_000 for name in ("speed", "error"))


@pytest.mark.slow
def test_what_is_measured_on_a_gpu_runs(tmp_path):
    """The GPU benchmarks run, here on the CPU."""
    bench("gpu", "--device", "cpu", "--out", str(tmp_path / "gpu"))
    run = json.loads((tmp_path / "gpu.json").read_text())
    modes = {(result["case"], result["mode"]) for result in run["results"]}
    assert ("one step", "eager") in modes
    assert ("rates of 2 groups, a closure each", "fresh process") in modes
    assert [number["value"] for number in run["numbers"] if "most" in number] == [0, 0]


def test_how_many_kernels_a_compiled_update_with_masters_has():
    """Three kernels join weights and rests into masters, do AdamW's own update, and split the result again. With CUDA,
    one kernel does all that, and another computes the factor that all weights share."""
    names = half_precision.primitives()
    copies = [name for name in names if name.startswith("View") or name == "Contiguous"]  # these launch no kernel here
    kernels = 2 if on_cuda() else 3
    assert len(names) - len(copies) == sum(name.startswith("Compiled") for name in names) == kernels
