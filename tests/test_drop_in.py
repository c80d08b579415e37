"""The five functions of mlx.optimizers.schedulers: this package's behave like MLX's in everything a user can see."""

import contextlib
import doctest
import importlib.metadata
import inspect
import io
import re

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.optimizers import schedulers

import mlx_schedules as ms

FIVE = ("cosine_decay", "exponential_decay", "join_schedules", "linear_schedule", "step_decay")


@pytest.mark.parametrize("name", FIVE)
def test_the_signature_is_mlxs(name):
    def seen(module):
        parameters = inspect.signature(getattr(module, name)).parameters.values()
        return [(p.name, p.kind, p.default) for p in parameters]

    assert seen(ms) == seen(schedulers)


def printed(examples):
    """Return what each example prints, whatever output its docstring shows."""
    names, found = {"optim": optim, "mx": mx}, []
    for example in examples:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(example.source, "<example>", "single"), names)
        found.append(out.getvalue())
    return found


@pytest.mark.parametrize("name", FIVE)
def test_mlxs_documented_examples_print_the_same(name):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(schedulers, name)))
    theirs = printed(examples)
    with ms.in_place_of_mlx():
        assert printed(examples) == theirs
    numbers = [re.findall(r"array\(([^,]*),", text) for text in (*theirs, *(e.want for e in examples)) if text]
    assert len(numbers) == 4
    assert [float(x) for (x,) in numbers[:2]] == [float(x) for (x,) in numbers[2:]]  # 0.0 in the docstring, 0 printed


def identity(step):
    return step


WRONG = [
    ("cosine_decay", (0.1, 0)),
    ("cosine_decay", (0.1, -5)),
    ("cosine_decay", (0.1, "10")),
    ("cosine_decay", (0.1, None)),
    ("cosine_decay", (0.1,)),
    ("cosine_decay", (0.1, 10, 0.0, 1)),
    ("linear_schedule", (0.0, 0.1, 0)),
    ("linear_schedule", (0.0, 0.1, -1)),
    ("linear_schedule", (0.0, 0.1, "10")),
    ("linear_schedule", (0.0, 0.1)),
    ("exponential_decay", (0.1,)),
    ("step_decay", (0.1, 0.9, 0)),
    ("step_decay", (0.1, 0.9, -1)),
    ("step_decay", (0.1, 0.9, "10")),
    ("step_decay", (0.1, 0.9)),
    ("join_schedules", ([], [])),
    ("join_schedules", ([], [1])),
    ("join_schedules", ([identity], [1])),
    ("join_schedules", ([identity, identity], [])),
    ("join_schedules", ([identity, identity], [1, 2])),
    ("join_schedules", (None, [])),
    ("join_schedules", ([identity, identity], None)),
    ("join_schedules", ([identity, identity], 10)),
    ("join_schedules", ([identity],)),
]


@pytest.mark.parametrize(("name", "arguments"), WRONG, ids=lambda x: str(x).split(" at 0x")[0])
def test_what_mlx_refuses_is_refused_with_the_same_type(name, arguments):
    refused = TypeError, ValueError
    try:
        getattr(schedulers, name)(*arguments)
    except refused as error:
        refused = type(error)
    else:  # older releases check less
        assert importlib.metadata.version("mlx") < "0.32.3"
    with pytest.raises(refused, match=name):
        getattr(ms, name)(*arguments)


def test_the_join_of_foreign_functions_is_mlxs():
    parts = [lambda s: s * 1.0, optim.linear_schedule(1.0, 2.0, 10), ms.constant(7.0)]
    joined, theirs = ms.join_schedules(parts, [3, 6]), optim.join_schedules(parts, [3, 6])
    assert [joined(mx.array(s)).item() for s in range(10)] == [theirs(mx.array(s)).item() for s in range(10)]
    assert "not as one op" in repr(joined)


RUNS = [
    ("cosine_decay", (1e-3, 300)),
    ("cosine_decay", (1e-3, 300, 1e-4)),
    ("cosine_decay", (1e-4, 300, 1e-3)),
    ("linear_schedule", (0.0, 1e-3, 300)),
    ("linear_schedule", (1e-3, 0, 300)),
    ("exponential_decay", (1e-3, 0.99)),
    ("exponential_decay", (1e-3, 1.0)),
    ("exponential_decay", (1e-3, 1.01)),
    ("step_decay", (1e-3, 0.5, 100)),
    ("step_decay", (1e-3, 0.99, 1)),
]
# The rounding errors of MLX's own schedules in float32: absolute for 1 + cos, relative for a rate to the 700th power.
ROUNDING = {"cosine_decay": 2e-7, "linear_schedule": 2e-7, "exponential_decay": 5e-5, "step_decay": 5e-5}


@pytest.mark.parametrize("dtype", [mx.uint64, mx.uint32, mx.int32, mx.float32], ids=str)
@pytest.mark.parametrize(("name", "arguments"), RUNS, ids=str)
def test_values_and_dtypes_are_mlxs(name, arguments, dtype):
    theirs, ours = getattr(schedulers, name)(*arguments), getattr(ms, name)(*arguments)
    steps = mx.arange(700).astype(dtype)
    assert ours(steps).dtype == theirs(steps).dtype
    by = "rtol" if name in ("exponential_decay", "step_decay") else "atol"
    bounds = {"rtol": 0.0, "atol": 0.0, by: ROUNDING[name] * (1 if by == "rtol" else 1e-3)}
    np.testing.assert_allclose(ours(steps), theirs(steps), **bounds)


@pytest.mark.parametrize("start", [0, 50, 100])
def test_a_join_is_mlxs(start):
    def made(module):
        parts = [
            module.linear_schedule(1e-5, 1e-3, 50),
            module.cosine_decay(1e-3, 200, 1e-5),
            module.step_decay(1e-4, 0.5, 50),
        ]
        return module.join_schedules(parts, [start, 250])

    for steps in (mx.arange(400), mx.arange(400).astype(mx.float32), mx.arange(400).astype(mx.int64)):
        np.testing.assert_allclose(made(ms)(steps), made(schedulers)(steps), rtol=0, atol=3e-10)
