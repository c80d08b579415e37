"""The Python schedule: its attributes, printing, comparing, pickling and indexing, and that a call is one op."""

import copy
import pickle
import threading
import typing
import weakref

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules import Schedule, cosine_decay
from support.helpers import evaluated, primitives

SCHEDULES = [
    cosine_decay(0.1, 1000),
    cosine_decay(1, 10, 0),
    cosine_decay(0.1, 1000.5, end=1e-3),
    cosine_decay([1e-3, 1e-4], [1000, 2000], end=[0.0, 1e-6]),
    cosine_decay([[0.1], [0.2]], [10, 20, 2**64 - 1]),
    cosine_decay(np.array([0.1, 0.2], np.float32), np.array([3, 4], np.uint64)),
    cosine_decay(mx.array([0.1, 0.2], mx.float16), 10, mx.array(0.5, mx.bfloat16)),
    cosine_decay(0.1, mx.array([10.0, 20.0])),
    cosine_decay(mx.array(3), mx.array([7, 2**40], mx.int64)),
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

    def test_a_schedule_made_from_its_attributes_is_equal(self, schedule):
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
    assert rates(mx.array(3.0)).tolist() == evaluated([1.5, 1.0, 0.5])
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

    assert mx.compile(rate)(mx.array(1.0)).item() == evaluated(0.5)
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


def test_operands_are_made_once():
    """A call makes only one array, the result, and another for the step if that is a number."""
    schedule = cosine_decay([0.1, 0.2], [10, 20])
    before = schedule._made[mx.uint64]
    schedule(mx.array(3, mx.uint64))
    assert schedule._made[mx.uint64] is before


@pytest.mark.extension
@pytest.mark.parametrize("groups", [(), (1,), (64,), (2, 3)])
@pytest.mark.parametrize("shape", [(), (5,), (2, 2)])
def test_a_call_is_one_primitive_and_views(groups, shape):
    schedule = cosine_decay(np.full(groups, 0.1), 100)
    ops = [op for op in primitives(schedule(mx.zeros(shape, mx.uint64))) if op != "Full"]
    assert ops.count("Schedule") == 1
    assert set(ops) <= {"Schedule", "ExpandDims", "Broadcast"}
