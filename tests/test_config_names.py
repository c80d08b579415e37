"""Configs that name a constructor: every constructor, numbers as text, and total_steps: auto in a run of mlx-lm."""

import inspect
import json

import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules._schedule.by_name import makers

AUTO = {"name": "warmup_cosine", "peak": 1e-3, "total_steps": "auto", "warmup": 0.1, "end": 1e-5}
NAMED = [
    ({"name": "constant", "value": 1e-3}, ms.constant(1e-3)),
    ({"name": "polynomial_decay", "init": 1.0, "decay_steps": 9, "power": 2}, ms.polynomial_decay(1.0, 9, power=2)),
    ({"name": "polynomial_decay", "arguments": [1.0, 9], "power": 2}, ms.polynomial_decay(1.0, 9, power=2)),
    ({"name": "inverse_sqrt_decay", "arguments": [1.0, 9]}, ms.inverse_sqrt_decay(1.0, 9)),
    ({"name": "warmup_linear", "peak": 1.0, "total_steps": 100, "warmup": 5}, ms.warmup_linear(1.0, 100, warmup=5)),
    (
        {"name": "warmup_stable_decay", "arguments": [1.0, 100], "warmup": 0.1, "decay": "0.2", "tail": "1-sqrt"},
        ms.warmup_stable_decay(1.0, 100, warmup=0.1, decay=0.2, tail="1-sqrt"),
    ),
    ({"name": "warmup_cosine", "arguments": [[1.0, "1e-3"], 100]}, ms.warmup_cosine([1.0, 1e-3], 100)),
    (
        {
            "name": "join_schedules",
            "schedules": [{"name": "constant", "value": 1.0}, {"name": "cosine_decay", "arguments": [1.0, 10]}],
            "boundaries": ["5"],
        },
        ms.join_schedules([ms.constant(1.0), ms.cosine_decay(1.0, 10)], [5]),
    ),
    (
        {"name": "stack", "schedules": [{"name": "constant", "value": 1.0}, ms.cosine_decay(1.0, 10).to_dict()]},
        ms.stack([ms.constant(1.0), ms.cosine_decay(1.0, 10)]),
    ),
]


@pytest.mark.parametrize(("config", "schedule"), NAMED, ids=lambda x: x.get("name") if isinstance(x, dict) else "")
def test_every_constructor_is_read_by_its_name(config, schedule):
    assert ms.Schedule.from_dict(config) == schedule
    assert ms.Schedule.from_dict(json.loads(json.dumps({"version": 1, **config}))) == schedule


def test_arrays_are_read_too():
    config = {"name": "warmup_cosine", "peak": 1.0, "total_steps": np.array([100, 50])}
    assert ms.Schedule.from_dict(config) == ms.warmup_cosine(1.0, [100, 50])


def test_all_public_constructors_are_names():
    public = {
        name for name in ms.__all__ if getattr(ms, name) is not ms.Schedule and _returns_schedule(getattr(ms, name))
    }
    assert public <= set(makers())
    assert {"warmup_cosine", "warmup_stable_decay"} <= public


def _returns_schedule(thing):
    return inspect.isfunction(thing) and inspect.signature(thing).return_annotation == "Schedule"


NUMERIC = [
    ({"name": "cosine_decay", "arguments": ["1e-5", "1e3", "1e-7"]}, ms.cosine_decay(1e-5, 1000, 1e-7)),
    ({"name": "cosine_decay", "init": ["1e-5", 1e-4], "decay_steps": "1000"}, ms.cosine_decay([1e-5, 1e-4], 1000)),
]


@pytest.mark.parametrize(("config", "schedule"), NUMERIC)
def test_numbers_may_be_text(config, schedule):
    """YAML 1.1 reads 1e-5 as text, and mlx-lm's own example contains it."""
    assert ms.Schedule.from_dict(config) == schedule


@pytest.mark.filterwarnings("ignore:mlx-lm starts")
def test_the_numbers_of_a_warmup_may_be_text():
    config = {"name": "cosine_decay", "arguments": ["1e-5", 10], "warmup": "3", "warmup_init": "1e-7"}
    numbers = {"name": "cosine_decay", "arguments": [1e-5, 10], "warmup": 3, "warmup_init": 1e-7}
    assert ms.Schedule.from_dict(config) == ms.Schedule.from_dict(numbers)


WHOLE = [
    ({"iters": 1000}, 1000),
    ({}, 1000),  # mlx-lm's default
    ({"iters": 1000, "grad_accumulation_steps": 4}, 250),
    ({"iters": 1003, "grad_accumulation_steps": 4}, 250),
    ({"iters": None, "grad_accumulation_steps": None, "gradient_accumulation_steps": None, "epochs": None}, 1000),
    ({"iters": 1000, "grad_accumulation_steps": 4, "gradient_accumulation_steps": 8}, 250),
]


@pytest.mark.parametrize(("config", "updates"), WHOLE)
def test_auto_is_the_updates_of_the_run_with_the_end_at_the_last(config, updates):
    schedule = ms.Schedule.from_dict({**config, "lr_schedule": AUTO})
    assert schedule == ms.warmup_cosine(1e-3, updates - 1, warmup=0.1, end=1e-5)
    assert schedule(updates - 1).item() == np.float32(1e-5) < schedule(updates - 2).item()
    assert ms.Schedule.from_dict(AUTO, updates) == ms.Schedule.from_dict(AUTO, updates=updates) == schedule
    positional = {"name": "warmup_cosine", "arguments": ["1e-3", "auto"], "warmup": 0.1, "end": 1e-5}
    assert ms.Schedule.from_dict(positional, updates) == schedule
    later = ms.Schedule.from_dict({**AUTO, "end_at": "total_steps"}, updates)
    assert later == ms.warmup_cosine(1e-3, updates, warmup=0.1, end=1e-5)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"iters": 80, "gradient_accumulation_steps": 8}, "gradient_accumulation_steps is not counted, because"),
        ({"epochs": 3}, "epochs is not counted, because mlx-lm reads iters alone: write that."),
    ],
)
def test_keys_that_mlx_lm_ignores_are_noted(config, message):
    with pytest.warns(UserWarning, match=message):
        schedule = ms.Schedule.from_dict({**config, "lr_schedule": AUTO})
    assert schedule.last_step == config.get("iters", 1000) - 1


def test_updates_given_are_those_of_auto():
    assert ms.Schedule.from_dict({"iters": 7, "lr_schedule": AUTO}, updates=100).last_step == 99
