"""Schedules in experiment configs: written and read back, and in mlx-lm's form."""

import json
import re
import warnings
from fractions import Fraction

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx_schedules as ms
from support.helpers import has_ops
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


FORMS = {
    """{"name": "schedule", "version": 1, "segments": [
        {"ease": "linear", "init": 0.0, "end": [0.1, 0.2], "length": 100},
        {"ease": "cosine", "init": [0.1, 0.2], "end": {"values": [0.5], "dtype": "float16", "shape": [1]}, "begin": 100,
         "length": 1000}]}""": ms.cosine_decay([0.1, 0.2], 1000, mx.array([0.5], mx.float16)).warmup(100),
    """{"name": "schedule", "version": 1, "segments": [
        {"ease": "exponential", "init": 1.0, "lead": 3, "parameter": 0.5}],
        "repeat": {"segment": 0, "period": "31/3"}}""": ms.exponential_decay(1.0, 0.5).shift(3).repeat(Fraction(31, 3)),
}  # fmt: skip


@pytest.mark.parametrize("text", FORMS, ids=["segments", "repeat"])
def test_the_form_written_stays_readable(text):
    """Users keep configs of version 1 with their experiments, so these texts must never change."""
    assert ms.Schedule.from_dict(json.loads(text)) == FORMS[text]
    assert json.loads(text) == FORMS[text].to_dict()


def test_a_constructors_arguments_are_read():
    text = """{"name": "cosine_decay", "version": 1, "init": [0.1, 0.2], "decay_steps": 1000,
               "end": {"values": [0.5], "dtype": "float16", "shape": [1]}}"""
    schedule = ms.cosine_decay([0.1, 0.2], 1000, mx.array([0.5], mx.float16))
    assert ms.Schedule.from_dict(json.loads(text)) == schedule
    assert ms.Schedule.from_dict({"name": "constant", "value": 0.1}) == ms.constant(0.1)


@pytest.mark.parametrize("arguments", [[1e-5, 1000], [1e-5, 1000, 1e-7]])
def test_mlx_lms_form_is_its_schedule(arguments):
    schedule = ms.Schedule.from_dict({"name": "cosine_decay", "arguments": arguments, "warmup": 0})
    assert schedule == ms.cosine_decay(*arguments)
    theirs = optim.cosine_decay(*arguments)
    for step in (0, 100, 999, 1000, 2000):
        assert schedule(step).item() == pytest.approx(theirs(mx.array(step)).item(), rel=1e-4, abs=1e-11)


MLX_LM = {
    "cosine_decay": [1e-3, 100, 1e-5],
    "linear_schedule": [1e-3, 1e-5, 100],
    "exponential_decay": [1e-3, 0.99],
    "step_decay": [1e-3, 0.5, 30],
}


@pytest.mark.parametrize("name", MLX_LM)
def test_mlx_lms_warmup_is_exactly_its_curve(name):
    """The peak comes twice, at W and W + 1, and a warning says so."""
    arguments = MLX_LM[name]
    config = {"name": name, "arguments": arguments, "warmup": 10, "warmup_init": 1e-6}
    with pytest.warns(UserWarning, match=r"peak comes twice, at steps W and W \+ 1"):
        schedule = ms.Schedule.from_dict(config)
    theirs = optim.join_schedules([optim.linear_schedule(1e-6, 1e-3, 10), getattr(optim, name)(*arguments)], [11])
    for step in range(150):
        assert schedule(step).item() == pytest.approx(theirs(mx.array(step)).item(), rel=2e-5, abs=1e-10)
    assert schedule(mx.array([9, 10, 11, 12])).tolist()[1:3] == [np.float32(1e-3)] * 2
    assert schedule(9).item() < schedule(10).item() > schedule(41).item()
    assert has_ops(1, schedule(3))


AUTO = {"name": "warmup_cosine", "peak": 1e-3, "total_steps": "auto", "warmup": 0.1, "end": 1e-5}
ARRAY = {"values": [0.5], "dtype": "float16", "shape": [1]}
ONE = {"name": "constant", "value": 1}
SEGMENT = {"ease": "cosine", "init": 0.1, "end": 0.0, "length": 10}
YAML = ", which is text: in YAML a number with an exponent needs a point and a sign, 1.0e-5"
ERRORS = [
    ([1], TypeError, "config must be a dict, got [1]: parse its JSON or YAML first."),
    ({}, ValueError, "name must be that of a constructor, such as 'warmup_cosine', or 'schedule', got None."),
    ({"name": "cosin_decay"}, ValueError, "got 'cosin_decay'; did you mean 'cosine_decay'?"),
    ({"name": "warmup"}, ValueError, "got 'warmup'; did you mean 'warmup_"),
    ({"lr_schedule": None, "learning_rate": 1e-5}, ValueError, "has no lr_schedule, so its learning_rate 1e-05 is"),
    ({"lr_schedule": None}, ValueError, "has no lr_schedule, so its learning_rate is constant."),
    ({"lr_schedule": {}}, ValueError, "has no lr_schedule, so its learning_rate is constant."),
    (AUTO, ValueError, "total_steps is 'auto', the updates of the run, which are not known here: give updates=N, or"),
    ({**AUTO, "total_steps": "automatic"}, TypeError, "total_steps must be a real number"),
    (
        {"name": "cosine_decay", "init": 1, "decay_steps": "auto"},
        ValueError,
        "decay_steps must be a number, got",
    ),
    ({"name": "one_cycle", "peak": 10**400, "total_steps": 10}, ValueError, "peak must be finite, got 1000"),
    ({"lr_schedule": AUTO, "iters": 0}, ValueError, "iters must be at least 1, got 0."),
    ({"lr_schedule": AUTO, "iters": "1e3"}, TypeError, "iters must be a whole number, got '1e3'."),
    (
        {"lr_schedule": AUTO, "grad_accumulation_steps": 0.5},
        TypeError,
        "grad_accumulation_steps must be a whole",
    ),
    (
        {"lr_schedule": AUTO, "iters": 3, "grad_accumulation_steps": 4},
        ValueError,
        "grad_accumulation_steps must not be above iters, 3, got 4: there would be no update.",
    ),
    (
        {"name": "cosine_decay", "arguments": [1.0, "auto"]},
        ValueError,
        "arguments must be numbers, got [1.0, 'auto']: 'auto' is for the total_steps of a whole run",
    ),
    ({"name": "join_schedules", "schedules": [AUTO], "boundaries": []}, ValueError, "total_steps is 'auto'"),
    (
        {"name": "join_schedules", "schedules": [3], "boundaries": []},
        TypeError,
        "schedules[0] must be a schedule, got 3",
    ),
    (
        {"name": "stack", "schedules": ONE},
        TypeError,
        "schedules must be a list of dicts, got {'name': 'constant', 'value': 1}: write [...].",
    ),
    (
        {"name": "join_schedules", "arguments": [ONE, []]},
        TypeError,
        "schedules must be a list of dicts, got {'name': 'constant', 'value': 1}: write [...].",
    ),
    (
        {"name": "stack", "schedules": [ONE, [ONE]]},
        TypeError,
        "schedules[1] must be a schedule, got [{'name': 'constant', 'value': 1}]: write it as a dict, as schedule.to_d",
    ),
    ({"name": "stack", "schedules": [ms.constant(1)]}, TypeError, "got constant(value=1): write it as a dict, as"),
    ({"name": "stack", "schedules": [ARRAY]}, ValueError, "name must be that of a constructor"),
    ({"name": "stack", "schedules": []}, ValueError, "schedules must hold at least one schedule, got []."),
    *(
        (
            {"name": name, "peak": 1.0, "total_steps": 10, key: value},
            TypeError,
            f"{key} must not be a schedule, got {{'name': 'constant', 'value': 1}}: only join_schedules and stack are",
        )
        for name, key, value in [
            ("warmup_cosine", "peak", ONE),
            ("warmup_cosine", "peak", [0.5, ONE]),
            ("warmup_cosine", "warmup", ONE),
            ("warmup_cosine", "end_at", ONE),
            ("warmup_stable_decay", "tail", ONE),
        ]
    ),
    (
        {"name": "join_schedules", "schedules": [ONE, ONE], "boundaries": [ONE]},
        TypeError,
        "boundaries must not be a schedule, got {'name': 'constant', 'value': 1}: only join_schedules and stack are",
    ),
    (
        {"name": "warmup_cosine", "peak": 1, "total_steps": 10, "end_at": ARRAY},
        ValueError,
        "end_at must be one of 'total_steps', 'last_update', got (0.5,).",
    ),
    ({"name": "schedule", "version": 2}, ValueError, "version must be 1, the one this mlx-schedules reads and writes"),
    ({"name": "schedule"}, ValueError, "segments is missing."),
    ({"name": "schedule", "segments": []}, ValueError, "segments must be a list of dicts, got []."),
    ({"name": "schedule", "segments": [3]}, TypeError, "segments[0] must be a dict, got 3."),
    (
        {"name": "schedule", "segments": [SEGMENT], "warmup": 3},
        ValueError,
        "'warmup' is not a key of a schedule; these are",
    ),
    (
        {"name": "schedule", "segments": [{"ease": "stairs", "init": -0.5, "length": [0, 3], "parameter": 0.9}]},
        ValueError,
        "segments must have a length above 0 for stairs, which never ends, got 0.",
    ),
    ({"name": "schedule", "segments": [SEGMENT], "repeat": 3}, TypeError, "repeat must be a dict, got 3."),
    (
        {"name": "schedule", "segments": [SEGMENT], "repeat": {"segment": 1, "period": 3}},
        ValueError,
        "one of 1, got 1.",
    ),
    ({"name": "schedule", "segments": [SEGMENT], "repeat": {"segment": 0}}, ValueError, "repeat has no 'period'."),
    (
        {"name": "schedule", "segments": [SEGMENT], "repeat": {"segment": 0, "period": 10, "value_factor": 0.5}},
        ValueError,
        "value_factor must be 1 where cycles of one length repeat without end, got 0.5",
    ),
    (
        {"name": "schedule", "segments": [SEGMENT], "repeat": {"segment": 0, "period": 10, "times": 70000}},
        ValueError,
        "There must be at most 65536 segments",
    ),
    ({"name": "schedule", "segments": [{**SEGMENT, "begin": 3}]}, ValueError, "segments[0] must begin at 0."),
    (
        {"name": "schedule", "segments": [SEGMENT, {**SEGMENT, "begin": 3}, {**SEGMENT, "begin": 2}]},
        ValueError,
        "order",
    ),
    (
        {"name": "schedule", "segments": [SEGMENT, {**SEGMENT, "begin": -1}]},
        ValueError,
        "begin must be at least 0, got -1",
    ),
    ({"name": "schedule", "segments": [{**SEGMENT, "init": [1, 2], "end": [1, 2, 3]}]}, ValueError, "shapes broadcast"),
    ({"name": "schedule", "segments": [{**SEGMENT, "length": "1/0"}]}, TypeError, "length must be a real number"),
    ({"name": "cosine_decay", "init": 1.0}, ValueError, "those of cosine_decay(init, decay_steps, end): missing"),
    (
        {"name": "cosine_decay", "init": 1, "decay_steps": 2, "x": 1},
        ValueError,
        "'x' is not a key of cosine_decay(init, decay_steps, end), or 'arguments', a list of them.",
    ),
    (
        {"name": "cosine_decay", "argument": [1e-5, 1000], "warmup": 10},
        ValueError,
        "'argument' is not a key of cosine_decay(init, decay_steps, end), or 'arguments', a list of them; did you mean "
        "'arguments'?",
    ),
    (
        {"name": "cosine_decay", "arguments": [1e-5, 1000], "warmup_int": 1e-7},
        ValueError,
        "'warmup_int' is not a key of a schedule; these are: arguments, name, version, warmup, warmup_init; did you "
        "mean 'warmup_init'?",
    ),
    ({"name": "schedule", "segments": [{**SEGMENT, "begins": 3}]}, ValueError, "did you mean 'begin'?"),
    ({"name": "schedule", "segments": [{**SEGMENT, "ease": "sine"}]}, ValueError, "has no known ease: 'sine'"),
    ({"name": "schedule", "segments": [{**SEGMENT, "ease": "Cosine"}]}, ValueError, "did you mean 'cosine'?"),
    (
        {"name": "cosine_decay", "arguments": [1e-5]},
        ValueError,
        "those of cosine_decay(init, decay_steps, end): missing",
    ),
    (
        {"name": "cosine_decay", "arguments": [1.0, 10, 0.0, 999]},
        ValueError,
        "those of cosine_decay(init, decay_steps, end): at most 3, got [1.0, 10, 0.0, 999].",
    ),
    (
        {"name": "polynomial_decay", "arguments": [1.0, 10, 0.0, 2.0, 999]},
        ValueError,
        "those of polynomial_decay(init, decay_steps, end, power): at most 4, got [1.0, 10, 0.0, 2.0, 999].",
    ),
    (
        {"name": "warmup_linear", "arguments": [1.0, 10, 2, 0, 0, "total_steps", 999]},
        ValueError,
        "those of warmup_linear(peak, total_steps, warmup, init, end, end_at): at most 6, got [1.0, 10, 2, 0, 0, 'tot",
    ),
    ({"name": "cosine_decay", "arguments": 3}, ValueError, "arguments must be a list of numbers, got 3."),
    (
        {"name": "cosine_decay", "arguments": []},
        ValueError,
        "those of cosine_decay(init, decay_steps, end): missing a required argument: 'init'.",
    ),
    (
        {"name": "constant", "value": "fast"},
        TypeError,
        "value must be a real number, a list or an array, got 'fast'.",
    ),
    (
        {"name": "cosine_decay", "arguments": [1e-5, 1000], "warmup": 0.1},
        ValueError,
        "warmup must be a number of steps, as mlx-lm counts it, got 0.1: give the updates of the warmup",
    ),
    ({"name": "cosine_decay", "arguments": [1, 2], "end": 1}, ValueError, "'end' is not a key"),
    ({"name": "cosine_decay", "arguments": [1, 0]}, ValueError, "decay_steps must be above 0, got 0."),
]
VALUES = [
    (None, ValueError, "has no 'init'."),
    ("1e-5", TypeError, f"init must be a real number, a list or an array, got '1e-5'{YAML}."),
    ({"values": [1]}, ValueError, "has no 'dtype'."),
    ({**ARRAY, "dtype": "complex64"}, ValueError, "has no known dtype: 'complex64'."),
    ({**ARRAY, "shape": [2]}, ValueError, "has values of shape [1], but its shape says [2]."),
    ({**ARRAY, "shape": [0]}, ValueError, "has values of shape [1], but its shape says [0]."),
    ({**ARRAY, "shape": 1}, ValueError, "has values of shape [1], but its shape says 1."),
    ({**ARRAY, "values": [], "shape": [0, "a"]}, ValueError, "but its shape says [0, 'a']."),
    ({**ARRAY, "values": [], "shape": [0, 10**30]}, ValueError, "must have axes that MLX can hold"),
    ({**ARRAY, "values": [], "shape": [0, 2**31]}, ValueError, "below 2**31; got one of 2147483648."),
    ({**ARRAY, "values": [300], "dtype": "uint8"}, ValueError, "uint8, which can't hold 300."),
    ({**ARRAY, "dtype": "int32"}, ValueError, "has dtype int32, which can't hold 0.5."),
    ({**ARRAY, "dtype": 10**5000}, ValueError, "has no known dtype: an int of 16610 bits."),
]
for value, error, message in VALUES:
    segment = {**SEGMENT, "init": value}
    if value is None:
        del segment["init"]
    ERRORS.append(({"name": "schedule", "segments": [segment]}, error, message))


@pytest.mark.parametrize(("config", "error", "message"), ERRORS)
def test_what_is_wrong_is_named(config, error, message):
    with pytest.raises(error, match=r"\[\w+\] (.* )?" + re.escape(message)):
        ms.Schedule.from_dict(config)


def test_the_warning_comes_once_and_points_to_the_caller():
    config = {"name": "cosine_decay", "arguments": [1e-3, 10], "warmup": 2}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            ms.Schedule.from_dict(config)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_traced_schedule_has_no_dict():
    def rate(init):
        with pytest.raises(TypeError, match="traced can't be written to a dict"):
            ms.cosine_decay(init, 10).to_dict()
        return init

    mx.compile(rate)(mx.array(1.0))
