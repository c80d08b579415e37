"""The Python schedule: what it remembers, how it prints, compares, pickles and indexes, and every error message."""

import copy
import pickle
import re
import threading
import typing
import weakref

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from helpers import primitives
from mlx_schedules import Schedule, cosine_decay

SCHEDULES = [
    cosine_decay(0.1, 1000),
    cosine_decay(1, 10, 0),
    cosine_decay(0.1, 1000.5, end=1e-3),
    cosine_decay([1e-3, 1e-4], [1000, 2000], end=[0.0, 1e-6]),
    cosine_decay([[0.1], [0.2]], [10, 20, 2**64 - 1]),
    cosine_decay(np.array([0.1, 0.2], np.float32), np.array([3, 4], np.uint64)),
    cosine_decay(mx.array([0.1, 0.2], mx.float16), 10, mx.array(0.5, mx.bfloat16)),
    cosine_decay(0.1, mx.array([10.0, 20.0])),
    cosine_decay(mx.array(3), mx.array([7, 2**40])),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
class TestEverySchedule:
    def test_repr_evaluates_back(self, schedule):
        again = eval(repr(schedule))
        assert again == schedule
        assert mx.array_equal(again(7), schedule(7))

    def test_pickles_and_copies(self, schedule):
        for again in (pickle.loads(pickle.dumps(schedule)), copy.copy(schedule), copy.deepcopy(schedule)):
            assert again == schedule
            assert hash(again) == hash(schedule)
            assert again(7).dtype == schedule(7).dtype
            assert mx.array_equal(again(7), schedule(7))

    def test_is_read_only(self, schedule):
        for name in ("init", "decay_steps", "end", "shape"):
            with pytest.raises(AttributeError):
                setattr(schedule, name, 1)
        with pytest.raises(AttributeError):
            schedule.something = 1

    def test_its_hyperparameters_make_it_again(self, schedule):
        assert cosine_decay(schedule.init, schedule.decay_steps, schedule.end) == schedule

    def test_groups_are_the_group_shapes_rows(self, schedule):
        steps = mx.arange(30).reshape(5, 6)
        values = schedule(steps)
        assert values.shape == steps.shape + schedule.shape
        if not schedule.shape:
            with pytest.raises(TypeError, match="no groups"):
                len(schedule)
            return
        assert len(schedule) == len(list(schedule)) == schedule.shape[0]
        for i, group in enumerate(schedule):
            assert group.shape == schedule.shape[1:]
            assert group == schedule[i] == schedule[i - len(schedule)] == schedule[np.int64(i)]
            assert mx.array_equal(group(steps), values[:, :, i])
        assert mx.array_equal(schedule[::-1](steps), values[:, :, ::-1])
        for outside in (len(schedule), -len(schedule) - 1):
            with pytest.raises(IndexError, match=f"Group {outside} of a schedule of {len(schedule)} groups"):
                schedule[outside]
        with pytest.raises(TypeError, match="an integer or a slice, got 'a'"):
            schedule["a"]


def test_attributes():
    schedule = cosine_decay([1e-3, 1e-4], [1000, 2000], end=[0.0, 1e-6])
    assert schedule.init == (1e-3, 1e-4)
    assert schedule.decay_steps == (1000, 2000)
    assert schedule.end == (0.0, 1e-6)
    assert schedule.shape == (2,)
    assert isinstance(schedule, ms.Schedule)
    assert callable(schedule)
    given = mx.array([0.1, 0.2], mx.float16)
    assert cosine_decay(given, 10).init.dtype == mx.float16
    assert mx.array_equal(cosine_decay(given, 10).init, given)


def test_every_schedule_is_true_as_closures_are():
    for schedule in (*SCHEDULES, cosine_decay(np.zeros((0, 2)), 10)):
        assert (schedule or 1e-3) is schedule
        assert bool(schedule) is True


def test_weak_references():
    schedule = cosine_decay(0.1, 10)
    assert weakref.ref(schedule)() is schedule
    assert weakref.WeakValueDictionary(it=schedule)["it"] is schedule


HALF = mx.array(0.5, mx.float16)


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ([mx.array(0.5), mx.array(1.0)], mx.array([0.5, 1.0])),
        ([HALF, HALF], mx.array([0.5, 0.5], mx.float16)),
        ([HALF, mx.array(1.0)], mx.array([0.5, 1.0])),
        ([HALF, 1.5], mx.array([0.5, 1.5], mx.float16)),
        ([mx.array([1, 2]), [3, 4]], mx.array([[1, 2], [3, 4]])),
        ([[HALF, 1.0], [2.0, 3.0]], mx.array([[0.5, 1.0], [2.0, 3.0]], mx.float16)),
        ((np.array(0.5), np.array(1.0)), (0.5, 1.0)),
        ([np.array([1, 2]), np.array([3, 4])], [[1, 2], [3, 4]]),
        ([np.zeros((0, 3)), np.zeros((0, 3))], np.zeros((2, 0, 3))),
        ([np.float32(0.5), 2], [0.5, 2]),
    ],
)
def test_lists_of_arrays_are_taken(given, same):
    assert cosine_decay(given, 10) == cosine_decay(same, 10)
    assert cosine_decay(1.0, 10, given) == cosine_decay(1.0, 10, same)
    assert mx.array_equal(ms.fast.cosine_decay(3, given, 10), cosine_decay(same, 10)(3))


def test_lists_of_arrays_hold_decay_steps_and_steps_too():
    assert cosine_decay(1.0, [mx.array(10), np.array(20)]).decay_steps.tolist() == [10, 20]
    schedule = cosine_decay(1.0, 10)
    for steps in ([mx.array(3), mx.array(5)], [np.array(3), np.array(5)], [mx.array(3), 5], [np.int64(3), 5]):
        assert schedule(steps).tolist() == schedule(mx.array([3, 5])).tolist()


def test_lists_of_traced_arrays_are_taken():
    rates = mx.compile(lambda x: cosine_decay([x, 2.0, mx.array(1.0)], 10)(5))
    assert rates(mx.array(3.0)).tolist() == [1.5, 1.0, 0.5]
    slope = mx.grad(lambda x: cosine_decay([x, 2.0], 10)(5).sum())(mx.array(3.0))
    assert slope.item() == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (cosine_decay(mx.array(3), 10, 0), cosine_decay(mx.array(3), 10, 0.0)),
        (cosine_decay(1, 10, mx.array(3)), cosine_decay(1.0, 10, mx.array(3))),
        (cosine_decay(0.5, 10, 0), cosine_decay(0.5, 10, 0.0)),
        (cosine_decay(1, 10, 0), cosine_decay(1.0, 10, 0.0)),
        (cosine_decay(HALF, 10, 0), cosine_decay(HALF, 10, 0.0)),
    ],
    ids=repr,
)
def test_equal_schedules_give_equal_dtypes(one, other):
    same = [one(mx.array(3.0, t)).dtype == other(mx.array(3.0, t)).dtype for t in (mx.float16, mx.bfloat16, mx.float32)]
    assert (one == other) == all(same)
    assert one != other or hash(one) == hash(other)


def test_type_hints_can_be_read():
    for function in (ms.cosine_decay, ms.fast.cosine_decay, Schedule.__call__, Schedule.warmup):
        assert "return" in typing.get_type_hints(function)


def test_a_schedule_keeps_its_own_copy_of_arrays():
    given, numpy = mx.array([0.5, 1.0]), np.array([0.5, 1.0])
    schedules = cosine_decay(given, 10), cosine_decay(numpy, 10)
    schedules[0].init[0] = 7.0
    given[0], numpy[0] = 9.0, 9.0
    for schedule in schedules:
        assert schedule(0).tolist() == [0.5, 1.0]


def test_equality_and_hash_are_by_value():
    assert cosine_decay(0.1, 1000) == cosine_decay(0.1, 1000.0, 0)
    assert hash(cosine_decay(0.1, 1000)) == hash(cosine_decay(0.1, 1000.0, 0))
    assert cosine_decay([0.1], 10) == cosine_decay((0.1,), 10) == cosine_decay(np.array([0.1]), 10)
    for other in (cosine_decay(0.1, 1001), cosine_decay(0.2, 1000), cosine_decay(0.1, 1000, 0.01), "cosine", None):
        assert cosine_decay(0.1, 1000) != other
    assert cosine_decay(mx.array(0.5), 10) != cosine_decay(0.5, 10)  # they promote differently
    assert len({cosine_decay(0.1, 1000), cosine_decay(0.1, 1000), cosine_decay(0.2, 1000)}) == 2


def test_traced_schedules_work_and_say_so():
    seen = []

    def rate(init):
        seen.append(cosine_decay(init, 10))
        return seen[-1](5)

    assert mx.compile(rate)(mx.array(1.0)).item() == 0.5
    (schedule,) = seen
    assert "traced" in repr(schedule)
    assert schedule != cosine_decay(1.0, 10)
    assert schedule == schedule
    with pytest.raises(TypeError, match="traced can't be pickled"):
        pickle.dumps(schedule)


def test_a_schedule_made_in_one_thread_works_in_another():
    schedules = [cosine_decay(mx.array(0.1) * 2, 100), cosine_decay([0.1, 0.2], 100)]
    results = []

    def work():
        with mx.stream(mx.new_stream(mx.cpu)):
            results.extend(s(mx.array(3)).tolist() for s in schedules)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [s(mx.array(3)).tolist() for s in schedules]


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
    if readable or kind is TypeError:  # the op does not read arrays
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


def test_operands_are_made_once():
    """A call makes one array: the result (and the step's, when it is a number)."""
    schedule = cosine_decay([0.1, 0.2], [10, 20])
    before = schedule._made[mx.uint64]
    schedule(mx.array(3, mx.uint64))
    assert schedule._made[mx.uint64] is before


@pytest.mark.parametrize("groups", [(), (1,), (64,), (2, 3)])
@pytest.mark.parametrize("shape", [(), (5,), (2, 2)])
def test_a_call_is_one_primitive_and_views(groups, shape):
    schedule = cosine_decay(np.full(groups, 0.1), 100)
    ops = [op for op in primitives(schedule(mx.zeros(shape, mx.uint64))) if op != "Full"]
    assert ops.count("Schedule") == 1
    assert set(ops) <= {"Schedule", "ExpandDims", "Broadcast"}
