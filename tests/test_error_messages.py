"""Every error message of schedules, the op and calls is short and names the argument and the value."""

import re

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules import Schedule, cosine_decay

ERRORS = [
    ((1, 0), ValueError, "decay_steps must be above 0, got 0."),
    ((1, -5), ValueError, "decay_steps must be above 0, got -5."),
    ((1, -0.5), ValueError, "decay_steps must be above 0, got -0.5."),
    ((1, [10, 0]), ValueError, "decay_steps must be above 0, got 0."),
    ((1, mx.array([10, 0])), ValueError, "decay_steps must be above 0, got 0."),
    ((1, np.array([10.0, -1.0])), ValueError, "decay_steps must be above 0, got -1."),
    ((1, 2**64), ValueError, "decay_steps must be below 2**64, got 18446744073709551616."),
    ((1, float("nan")), ValueError, "decay_steps must be finite, got nan."),
    ((1, float("inf")), ValueError, "decay_steps must be finite, got inf."),
    ((float("inf"), 10), ValueError, "init must be finite, got inf."),
    ((mx.array([1.0, float("nan")]), 10), ValueError, "init must be finite, got nan."),
    ((1, 10, float("-inf")), ValueError, "end must be finite, got -inf."),
    ((1e39, 10), ValueError, "init must be finite in float32, got 1e+39."),
    ((10**400, 10), ValueError, "init must be finite in float32, got 1"),
    (([1, 2], [1, 2, 3]), ValueError, "Shapes do not broadcast: init (2,), decay_steps (3,), end ()."),
    ((1, [[1], [1, 2]]), ValueError, "decay_steps must have rows of one length, got ((1,), (1, 2))."),
    ((True, 10), TypeError, "init must be a real number, a list or an array, got True."),
    ((1, True), TypeError, "decay_steps must be a real number, a list or an array, got True."),
    ((1, 10, [0.0, False]), TypeError, "end must be a real number, a list or an array, got [0.0, False]."),
    ((1j, 10), TypeError, "init must be a real number, a list or an array, got 1j."),
    (("0.1", 10), TypeError, "init must be a real number, a list or an array, got '0.1', which is text: in YAML a"),
    (("a", 10), TypeError, "init must be a real number, a list or an array, got 'a'."),
    ((1, None), TypeError, "decay_steps must be a real number, a list or an array, got None."),
    ((1, {"a": 1}), TypeError, "decay_steps must be a real number, a list or an array, got {'a': 1}."),
    ((mx.array(1j), 10), TypeError, "init must be real, got an array of complex64."),
    ((mx.array(True), 10), TypeError, "init must be real, got an array of bool."),
    ((np.array([True]), 10), TypeError, "init must be a real number, a list or an array, got array([ True])."),
    ((np.ones(2, [("a", "f4")]), 10), TypeError, "init must hold real numbers, got array([(1.,), (1.,)], dtype=[("),
    ((np.array(["a"]), 10), TypeError, "init must be a real number, a list or an array, got array(['a']"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), ERRORS, ids=[m for _, _, m in ERRORS])
def test_hyperparameter_errors_name_the_argument_and_the_value(arguments, kind, message):
    with pytest.raises(kind, match=re.escape(f"[cosine_decay] {message}")):
        cosine_decay(*arguments)
    readable = not any(isinstance(a, mx.array) for a in arguments)
    if readable or kind is TypeError:  # the op doesn't read the values of arrays
        with pytest.raises(kind, match=re.escape("[cosine_decay] ")):
            ms.fast.cosine_decay(0, *arguments)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("x" * 1000)


class Long:
    def __repr__(self):
        return "Long(\n  " + "x" * 10**6 + ")"


HOSTILE = {
    "thousands of digits": 10**5000,
    "thousands of digits below 0": -(10**5000),
    "in a list": [10**5000, 1],
    "in a dict": {1: 10**5000},
    "unprintable": Unprintable(),
    "unprintable in a list": [Unprintable()],
    "long": Long(),
    "a list of long ones": [Long()] * 10,
    "a long string": "x" * 10**6,
    "a long list": [[0.0] * 1000, 1],
    "a long axis": np.zeros((0, 2**40)),
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_errors_stay_short_and_name_the_argument(value):
    plain = cosine_decay([0.1], 10).to_dict()
    calls = {
        "init": lambda: cosine_decay(value, 10),
        "decay_steps": lambda: cosine_decay(0.1, value),
        "end": lambda: ms.fast.cosine_decay(0, 0.1, 10, value),
        "stream": lambda: ms.fast.cosine_decay(0, 0.1, 10, stream=value),
        "schedules": lambda: ms.stack([value]),
        "schedule": lambda: ms.layerwise_decay(None, value, 0.5),
        "[Gg]roup": lambda: cosine_decay([0.1], 10)[value],
        "config": lambda: Schedule.from_dict([value]),
        "name": lambda: Schedule.from_dict({"name": value}),
        "version": lambda: Schedule.from_dict({**plain, "version": value}),
        "arguments": lambda: Schedule.from_dict({"name": "cosine_decay", "arguments": [value]}),
    }
    for name, call in calls.items():
        with pytest.raises((ValueError, TypeError, IndexError), match=name) as caught:
            call()
        assert "int_max_str" not in str(caught.value)
        assert len(str(caught.value)) < 300
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("step", [Unprintable(), [Unprintable()], Long(), "x" * 10**6, {1: 10**5000}], ids=type)
def test_step_errors_stay_short(step):
    with pytest.raises(TypeError, match=r"\[schedule\] step must be") as caught:
        cosine_decay(0.1, 10)(step)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("step", [None, "3", b"3", 1j, mx.array(1j), Ellipsis, [1, "a"], {"a": 1}], ids=repr)
@pytest.mark.parametrize(
    ("name", "call"),
    [("schedule", cosine_decay(0.1, 10)), ("cosine_decay", lambda step: ms.fast.cosine_decay(step, 0.1, 10))],
)
def test_step_errors(step, name, call):
    with pytest.raises(TypeError, match=rf"\[{name}\] step must be"):
        call(step)


def test_op_errors():
    with pytest.raises(
        ValueError, match=re.escape("Shapes do not broadcast: step (2,), init (3,), decay_steps (), end ()")
    ):
        ms.fast.cosine_decay(mx.zeros(2), mx.zeros(3), 10)
    for stream in ("cpu", 0, mx.float32):
        message = (
            "[cosine_decay] stream must be a stream or a device of MLX, such as mx.cpu or mx.default_stream(mx.gpu)"
        )
        with pytest.raises(TypeError, match=re.escape(f"{message}, got {stream!r}.")):
            ms.fast.cosine_decay(0, 0.1, 10, stream=stream)
    for stream in (None, mx.cpu, mx.Device(mx.cpu), mx.default_stream(mx.cpu), mx.new_thread_local_stream(mx.cpu)):
        assert ms.fast.cosine_decay(0, 0.5, 10, stream=stream).item() == 0.5
    with pytest.raises(TypeError, match="positional"):
        ms.fast.cosine_decay(0, 0.1, 10, 0.0, mx.cpu)


def test_half_overflow_is_an_error_of_the_call():
    schedule = cosine_decay(1e5, 10)
    assert schedule(0).item() == 1e5
    with pytest.raises(ValueError, match=re.escape("init must be finite in float16, got 100000.0")):
        schedule(mx.array(0, mx.float16))


LISTS = {
    "[join_schedules] schedules": lambda value: ms.join_schedules(value, []),
    "[join_schedules] boundaries": lambda value: ms.join_schedules([ms.constant(1.0), ms.constant(2.0)], value),
    "[stack] schedules": ms.stack,
    "[MultiOptimizer] optimizers": ms.MultiOptimizer,
    "[MultiOptimizer] filters": lambda value: ms.MultiOptimizer([optim.SGD(0.1)], value),
    "[MultiOptimizer] names": lambda value: ms.MultiOptimizer([optim.SGD(0.1)], names=value),
    "[evaluate] init": lambda value: ms.fast.evaluate(0, ["hold"], value, [1.0], [1]),
}


@pytest.mark.parametrize("value", [mx.array(5), np.array(5), {100: 0.1}, b"a", "a", 5, ms.constant(1.0)], ids=repr)
@pytest.mark.parametrize("argument", LISTS)
def test_what_is_no_list(argument, value):
    with pytest.raises((TypeError, ValueError), match=re.escape(f"{argument} must be a list") + ".* got .*"):
        LISTS[argument](value)
