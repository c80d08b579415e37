"""Schedules in experiment configs: written, read back the same, and mlx-lm's form."""

import json
import re

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx_schedules as ms
from test_schedule import SCHEDULES

MORE = [
    ms.cosine_decay([0.1], 10)[:0],
    ms.cosine_decay(np.zeros((0, 3)), 10),
    ms.cosine_decay(mx.zeros((2, 0), mx.bfloat16), 10),
    ms.cosine_decay(-0.0, 5e-324 + 1, 2**70),
]


@pytest.mark.parametrize("schedule", SCHEDULES + MORE, ids=repr)
def test_a_schedule_survives_json(schedule):
    again = ms.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict(), allow_nan=False)))
    assert again == schedule
    assert again.shape == schedule.shape
    assert repr(again) == repr(schedule)
    assert again(7).dtype == schedule(7).dtype
    assert np.array(again(7).astype(mx.float32)).tobytes() == np.array(schedule(7).astype(mx.float32)).tobytes()


@pytest.mark.usefixtures("cpu_only")
def test_float64_survives_json():
    schedule = ms.cosine_decay(mx.array([0.1, 1 / 3], mx.float64), 10)
    again = ms.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))
    assert again.init.dtype == mx.float64
    assert again.init.tolist() == [0.1, 1 / 3]


REALS = st.floats(-1e30, 1e30, allow_nan=False)


@given(REALS, st.integers(1, 2**64 - 1) | st.floats(1, 1e18), REALS)
def test_no_number_changes(init, decay_steps, end):
    schedule = ms.cosine_decay(init, decay_steps, end)
    assert repr(ms.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))) == repr(schedule)


def test_the_form_written_stays_readable():
    """Configs of version 1 lie in people's experiments: this text is not to be changed."""
    text = """{"name": "cosine_decay", "version": 1, "init": [0.1, 0.2], "decay_steps": 1000,
               "end": {"values": [0.5], "dtype": "float16", "shape": [1]}}"""
    schedule = ms.cosine_decay([0.1, 0.2], 1000, mx.array([0.5], mx.float16))
    assert ms.Schedule.from_dict(json.loads(text)) == schedule
    assert json.loads(text) == schedule.to_dict()


@pytest.mark.parametrize("arguments", [[1e-5, 1000], [1e-5, 1000, 1e-7]])
def test_mlx_lms_form_is_its_schedule(arguments):
    schedule = ms.Schedule.from_dict({"name": "cosine_decay", "arguments": arguments, "warmup": 0})
    assert schedule == ms.cosine_decay(*arguments)
    theirs = optim.cosine_decay(*arguments)
    for step in (0, 100, 999, 1000, 2000):
        assert schedule(step).item() == pytest.approx(theirs(mx.array(step)).item(), rel=1e-4, abs=1e-11)


def test_the_advice_for_warmup_is_what_mlx_lm_does():
    config = {"name": "cosine_decay", "arguments": [1e-3, 100, 1e-5], "warmup": 10, "warmup_init": 1e-6}
    with pytest.raises(ValueError, match="warmup is a schedule of its own, got 10") as caught:
        ms.Schedule.from_dict(config)
    schedule = ms.Schedule.from_dict({"name": config["name"], "arguments": config["arguments"]})
    advice = re.search(r"mlx\.optimizers\.join_schedules\(.*\)$", str(caught.value))[0]
    joined = eval(advice, {"mlx": __import__("mlx"), "schedule": schedule})
    warm, cosine = optim.linear_schedule(1e-6, 1e-3, 10), optim.cosine_decay(1e-3, 100, 1e-5)
    theirs = optim.join_schedules([warm, cosine], [11])
    for step in range(130):
        assert joined(mx.array(step)).item() == pytest.approx(theirs(mx.array(step)).item(), rel=1e-5)


GOOD = ms.cosine_decay(0.1, 10).to_dict()
ARRAY = {"values": [0.5], "dtype": "float16", "shape": [1]}
ERRORS = [
    ([1], TypeError, "config must be a dict, got [1]."),
    ({}, ValueError, "name must be 'cosine_decay', got None."),
    ({**GOOD, "name": "linear"}, ValueError, "name must be 'cosine_decay', got 'linear'."),
    ({**GOOD, "version": 2}, ValueError, "version must be 1, the one this mlx-schedules reads and writes, got 2."),
    ({**GOOD, "warmup": 3}, ValueError, "'warmup' is no key of a schedule; these are: decay_steps, end, init, name"),
    ({k: v for k, v in GOOD.items() if k != "end"}, ValueError, "end is missing."),
    ({**GOOD, "init": "1e-5"}, TypeError, "init must be a real number, a list or an array, got '1e-5'."),
    ({**GOOD, "decay_steps": 0}, ValueError, "decay_steps must be at least 1, got 0."),
    ({**GOOD, "init": {"values": [1]}}, ValueError, "init has no 'dtype'."),
    ({**GOOD, "init": {**ARRAY, "dtype": "complex64"}}, ValueError, "init has no known dtype: 'complex64'."),
    ({**GOOD, "init": {**ARRAY, "shape": [2]}}, ValueError, "init has values of shape [1], and says [2]."),
    ({**GOOD, "init": {**ARRAY, "shape": [0]}}, ValueError, "init has values of shape [1], and says [0]."),
    ({**GOOD, "init": {**ARRAY, "shape": 1}}, ValueError, "init has values of shape [1], and says 1."),
    ({**GOOD, "init": {**ARRAY, "values": [], "shape": [0, "a"]}}, ValueError, "and says [0, 'a']."),
    (
        {**GOOD, "end": {**ARRAY, "values": [], "shape": [0, 10**30]}},
        ValueError,
        "end must have axes that MLX can hold",
    ),
    ({**GOOD, "end": {**ARRAY, "values": [], "shape": [0, 2**31]}}, ValueError, "below 2**31; got one of 2147483648."),
    ({**GOOD, "init": {**ARRAY, "values": [300], "dtype": "uint8"}}, ValueError, "uint8, which does not hold 300."),
    ({**GOOD, "init": {**ARRAY, "dtype": "int32"}}, ValueError, "init is of int32, which does not hold 0.5."),
    ({**GOOD, "init": {**ARRAY, "dtype": 10**5000}}, ValueError, "init has no known dtype: an int of 16610 bits."),
    ({**GOOD, "x" * 1000: 1}, ValueError, "xxx... is no key of a schedule"),
    ({"name": "cosine_decay", "arguments": [1e-5]}, ValueError, "arguments must be a list [init, decay_steps]"),
    ({"name": "cosine_decay", "arguments": 3}, ValueError, "got 3."),
    ({"name": "cosine_decay", "arguments": [1, 2], "end": 1}, ValueError, "'end' is no key"),
]


@pytest.mark.parametrize(("config", "error", "message"), ERRORS)
def test_what_is_wrong_is_named(config, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ms.Schedule.from_dict(config)


def test_a_traced_schedule_has_no_dict():
    def rate(init):
        with pytest.raises(TypeError, match="traced can't be written to a dict"):
            ms.cosine_decay(init, 10).to_dict()
        return init

    mx.compile(rate)(mx.array(1.0))
