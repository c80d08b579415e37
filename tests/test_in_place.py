"""This package's schedules in place of MLX's, in this process and in programs run that way."""

import subprocess
import sys
import zipfile

import mlx.core as mx
import mlx.optimizers as optim
import pytest
from mlx.optimizers import schedulers

import mlx_schedules as ms
from support.helpers import has_ops

FIVE = ("cosine_decay", "exponential_decay", "join_schedules", "linear_schedule", "step_decay")
PLACES = [(module, name) for module in (optim, schedulers) for name in FIVE]


def now():
    return [getattr(module, name) for module, name in PLACES]


OURS = [getattr(ms, name) for _, name in PLACES]
MLX = now()


def test_the_five_are_all_schedulers_of_mlx():
    own = schedulers.__name__
    assert {name for name, value in vars(schedulers).items() if getattr(value, "__module__", "") == own} == set(FIVE)
    assert all(function.__module__ == own for function in MLX)


def test_they_are_put_in_place_at_once_and_undone():
    place = ms.in_place_of_mlx()
    assert now() == OURS
    place.close()
    assert now() == MLX
    place.close()
    assert now() == MLX


def test_they_are_restored_when_the_context_ends_or_fails():
    with ms.in_place_of_mlx():
        with ms.in_place_of_mlx():
            assert now() == OURS
        assert now() == OURS
    assert now() == MLX
    with pytest.raises(RuntimeError, match="mine"), ms.in_place_of_mlx():
        raise RuntimeError("mine")
    assert now() == MLX


def test_another_replacement_is_restored(monkeypatch):
    monkeypatch.setattr(optim, "cosine_decay", len)
    with ms.in_place_of_mlx():
        assert optim.cosine_decay is ms.cosine_decay
    assert optim.cosine_decay is len
    assert schedulers.cosine_decay is MLX[0]


def test_a_join_with_other_functions_is_mlxs_join():
    with ms.in_place_of_mlx():
        joined = optim.join_schedules([optim.linear_schedule(0.0, 1.0, 10), lambda step: step * 0 + 7], [10])
    assert [joined(mx.array(step)).item() for step in (0, 5, 10)] == [0, 0.5, 7]


def test_an_optimizer_counts_the_same_steps():
    with ms.in_place_of_mlx():
        rate = optim.join_schedules([optim.linear_schedule(0.0, 1e-1, 2), optim.cosine_decay(1e-1, 2)], [2])
        optimizer = optim.SGD(rate)
    rates = []
    for _ in range(5):
        optimizer.update({}, {})
        rates.append(round(optimizer.learning_rate.item(), 6))
    assert rates == [0, 0.05, 0.1, 0.05, 0]
    assert has_ops(1, rate(mx.array(1)))


# ---- Programs

PROGRAM = """\
import sys
import mlx.optimizers as optim
import beside
print(sys.argv[1:], __name__, __file__ == sys.argv[0], sys.modules["__main__"].__dict__ is globals(), beside.HERE)
print(optim.schedulers.cosine_decay(1.0, 10), file=sys.stderr)
"""
ARGUMENTS = ["run", "-m", "--version", "-1e-3", "--", "-h", "a b"]


@pytest.fixture
def folder(tmp_path):
    package = tmp_path / "program"
    package.mkdir()
    (tmp_path / "beside.py").write_text("HERE = 'beside the folder'")
    (package / "beside.py").write_text("HERE = 'in the folder'")
    (package / "__main__.py").write_text(PROGRAM)
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text(PROGRAM)
    (package / "lacking.py").write_text("import absent")
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        for name in ("__main__.py", "beside.py"):
            archive.write(package / name, name)
    (package / "failing.py").write_text("raise SystemExit(7)")
    return tmp_path


def python(folder, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    "program",
    [("-m", "program"), ("-m", "program.one"), ("program/one.py",), ("program",), ("program.zip",)],
    ids=" ".join,
)
def test_a_program_runs_as_with_python_itself(folder, program):
    plain = python(folder, *program, *ARGUMENTS)
    ours = python(folder, "-m", "mlx_schedules", "run", *program, *ARGUMENTS)
    assert ours.stdout == plain.stdout
    assert str(ARGUMENTS) in ours.stdout
    if program[0] != "-m":
        assert python(folder, "-m", "mlx_schedules", "run", "--", *program, *ARGUMENTS).stdout == plain.stdout
    assert "__main__" in ours.stdout
    assert "<function" in plain.stderr
    assert ours.stderr == "cosine_decay(init=1.0, decay_steps=10, end=0.0)\n"
    assert ours.returncode == plain.returncode == 0


def test_its_exit_status_is_the_programs(folder):
    assert python(folder, "-m", "mlx_schedules", "run", "-m", "program.failing").returncode == 7
    lacking = python(folder, "-m", "mlx_schedules", "run", "-m", "program.lacking")
    assert lacking.returncode == 1
    assert "No module named 'absent'" in lacking.stderr


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "what to run is missing: write a module, as in 'run -m"),
        (["-m"], "-m: expected one argument"),
        (["-m", "absent"], "there is no module 'absent' that can be run"),
        (["-m", "program.absent"], "there is no module 'program.absent' that can be run"),
        (["-m", "json"], "there is no module 'json' that can be run"),
        (["absent.py"], "there is no file 'absent.py'"),
        (["."], "there is no __main__.py in the folder '.'"),
    ],
    ids=str,
)
def test_a_program_that_cannot_be_run_is_an_error(folder, given, message):
    run = python(folder, "-m", "mlx_schedules", "run", *given)
    assert run.returncode == 2
    assert message in run.stderr
    assert "usage: python -m mlx_schedules run" in run.stderr


def test_the_help_names_both_ways():
    run = python(None, "-m", "mlx_schedules", "run", "--help")
    assert run.returncode == 0
    assert "(-m MODULE | SCRIPT)" in run.stdout


def test_a_script_does_not_inherit_future_imports(folder):
    (folder / "script.py").write_text("def f(x: int): ...\nprint(f.__annotations__)\n1 / 0\n")
    plain, ours = (python(folder, *way, "script.py") for way in ((), ("-m", "mlx_schedules", "run")))
    assert ours.stdout == plain.stdout == "{'x': <class 'int'>}\n"
    tracebacks = [run.stderr[run.stderr.index(f'  File "{folder / "script.py"}"') :] for run in (ours, plain)]
    assert tracebacks[0] == tracebacks[1]
    assert ours.returncode == plain.returncode == 1
