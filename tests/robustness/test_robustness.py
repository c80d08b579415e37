"""The fuzzer finds what it looks for; forks, subinterpreters, and many threads work."""

import subprocess
import sys
import textwrap

import fuzz
import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms


def python(code: str) -> subprocess.CompletedProcess:
    quiet = "ignore:This process:DeprecationWarning"  # Python 3.12 and later warn about every fork
    command = [sys.executable, "-W", quiet, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True)


def run_fuzzer(monkeypatch, cases):
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--cases", str(cases)])
    return fuzz.main()


def test_a_few_thousand_random_cases(monkeypatch, capsys):
    assert run_fuzzer(monkeypatch, 3000) == 0
    out = capsys.readouterr().out
    for kind in ("ops", "schedules", "refused", "traps tried", "gradients", "under vmap"):
        assert kind in out


@pytest.mark.parametrize(
    "fault",
    [
        lambda y: y * 1.000001,
        lambda y: mx.where(y == 0.25, 0.2500001, y),
        lambda y: mx.where(mx.isnan(y), 0.0, y),
        lambda y: y[..., None],
    ],
    ids=["one part in a million", "the end", "NaN", "shape"],
)
def test_the_fuzzer_finds_a_fault(fault, monkeypatch):
    right = ms.fast.cosine_decay
    monkeypatch.setattr(ms.fast, "cosine_decay", lambda *operands, **end: fault(right(*operands, **end)))
    with pytest.raises(AssertionError):
        run_fuzzer(monkeypatch, 3000)


def test_the_fuzzer_finds_an_accepted_operand(monkeypatch):
    monkeypatch.setattr(fuzz, "CASES", [fuzz.something_weird])
    monkeypatch.setattr(ms.fast, "cosine_decay", lambda *operands: mx.array(1.0))
    with pytest.raises(AssertionError, match="accepted"):
        run_fuzzer(monkeypatch, 50)


STRESS = """
import random, sys, threading
import mlx.core as mx, mlx_schedules as ms

sys.setswitchinterval(1e-5)
shared = ms.cosine_decay([0.1, 0.2, 0.3], [100, 200, 2**33])
expected = shared(mx.arange(3000)).tolist()
failures = []

def work(seed):
    rng = random.Random(seed)
    try:
        for i in range(150):
            with mx.stream(mx.new_stream(mx.cpu)) if i % 40 == 0 else mx.stream(mx.cpu):
                start = rng.randrange(2000)
                dtype = rng.choice([mx.int32, mx.uint64, mx.int64, mx.uint16])
                values = shared(mx.arange(start, start + 500).astype(dtype))
                slope = mx.grad(lambda a: ms.fast.cosine_decay(50, a, 100))(mx.array(1.0))
                rate = mx.compile(lambda s: ms.cosine_decay(0.5, 10)(s))(mx.array(10))
                same = values.tolist() == expected[start : start + 500]
                if not same or abs(slope.item() - 0.5) > 1e-6 or rate.item() != 0:
                    failures.append((seed, i))
                ms.cosine_decay(0.1 + seed, 10 + i)(i)  # dropped before it is evaluated
                mx.async_eval(values)
    except Exception as error:
        failures.append((seed, repr(error)))

threads = [threading.Thread(target=work, args=(seed,)) for seed in range(32)]
[t.start() for t in threads]
[t.join() for t in threads]
print(failures or "right")
"""


@pytest.mark.slow
def test_thirty_two_threads_that_make_drop_compile_and_differentiate():
    run = python(STRESS)
    assert (run.returncode, run.stdout, run.stderr) == (0, "right\n", "")


FORK = """
import os, mlx.core as mx, mlx_schedules as ms
mx.set_default_device(mx.cpu)
schedule = ms.cosine_decay(1.0, 2)
{before}
children = [os.fork()]
if children[0] == 0:
    os._exit(0 if {alone} else 3)
children.append(os.fork())
if children[1] == 0:
    os._exit(0 if {ours} else 4)
print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children), round(schedule(1).item(), 6))
"""


def check_fork(before, alone, ours, device):
    """Assert that `ours` works in a forked child just as `alone` does, which uses only MLX. On CUDA both may fail."""
    run = python(FORK.format(before=before, alone=alone, ours=ours))
    mlx, schedules, parent = run.stdout.split()
    assert (parent, run.stderr) == ("0.5", "")
    assert schedules == mlx
    assert mlx == "0" or device == "gpu"


def test_a_fork_before_any_evaluation_can_use_schedules(request):
    device = request.config.getoption("--device")
    check_fork("pass", "(mx.array(1) + 1).item() == 2", "round(schedule(mx.array(1)).item(), 6) == 0.5", device)


def test_a_fork_after_evaluation_can_build_compare_and_print_schedules(request):
    """MLX's threads don't survive a fork, so a child can't evaluate anything, but it can build graphs."""
    check_fork(
        "assert round(schedule(1).item(), 6) == 0.5",
        "(mx.array(1) + 1).shape == ()",
        "eval(repr(schedule), vars(ms)) == schedule and schedule(mx.array(1)).shape == ()",
        request.config.getoption("--device"),
    )


def test_processes_that_are_spawned_get_schedules_by_pickle(tmp_path):
    script = tmp_path / "spawn.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing
            import mlx_schedules as ms
            def at(schedule, step):
                return [round(value, 6) for value in schedule(step).tolist()]
            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    print(pool.starmap(at, [(ms.cosine_decay([1.0, 2.0], 4), step) for step in (0, 2, 4)]))
            """
        )
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[[1.0, 2.0], [0.5, 1.0], [0.0, 0.0]]\n", "")


SUBINTERPRETER = """
import {module} as interpreters, mlx.core as mx, mlx_schedules as ms
assert ms.cosine_decay(1.0, 2)(1).item() == 0.5
other = interpreters.create()
code = '''
try:
    import mlx_schedules
    print(mlx_schedules.cosine_decay(1.0, 2)(1).item())
except ImportError as error:
    print("ImportError", error)
'''
{run}
print(ms.cosine_decay(1.0, 2)(1).item())
"""


@pytest.mark.extension
def test_a_subinterpreter_is_refused_with_the_reason_and_the_first_one_goes_on():
    if sys.version_info >= (3, 14):
        code = SUBINTERPRETER.format(module="concurrent.interpreters", run="other.exec(code)")
    elif sys.version_info >= (3, 13):
        code = SUBINTERPRETER.format(module="_interpreters", run="interpreters.exec(other, code)")
    else:
        code = SUBINTERPRETER.format(module="_xxsubinterpreters", run="interpreters.run_string(other, code)")
    run = python(code)
    assert run.returncode == 0, run.stderr
    answer, after = run.stdout.splitlines()
    assert after == "0.5"
    assert answer.startswith("ImportError mlx-schedules works in Python's main interpreter only")


def test_the_oracle_agrees_with_known_values():
    step = np.array([0, 250, 500, 1000], np.int32)
    one, none = np.float32(1), np.float32(0)
    fuzz.compare(mx.array([1, 0.8535534, 0.5, 0]), step, one, np.uint64(1000), none)
    with pytest.raises(AssertionError, match=r"mlx.core.float32 at \(1,\)"):
        fuzz.compare(mx.array([1, 0.8535544, 0.5, 0]), step, one, np.uint64(1000), none)
