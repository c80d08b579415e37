"""Schedules composed of any others equal their definitions, and have the properties that every schedule has."""

import json
import pickle
from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlx_schedules as ms
from support.composed import Composed, lengths, schedules
from support.helpers import COMPILED, MOST, has_ops, same_bits

NAMES = {**{name: getattr(ms, name) for name in ms.__all__}, "mx": mx, "Fraction": Fraction}
STEPS = mx.arange(0, 150)
FEW = settings(max_examples=60)  # each has up to 130 segments


def larger_end(schedule: ms.Schedule) -> float:
    return max(max(abs(segment.init), abs(segment.end)) for segment in schedule.segments)


def check(composed: Composed, steps: list[float], results: mx.array) -> None:
    ends = larger_end(composed.schedule)
    for step, y in zip(steps, results.tolist(), strict=True):
        value = composed.value(Fraction(step))
        unit = np.spacing(np.float32(max(ends, abs(float(value)))))
        bound = (1.02 if composed.rounded else 0.51) if COMPILED else MOST
        assert abs(float(value - y)) <= bound * unit, (composed.schedule, step, y, value)


@FEW
@given(schedules)
def test_whole_steps(composed):
    check(composed, STEPS.tolist(), composed.schedule(STEPS))


@FEW
@given(schedules, st.lists(st.floats(-10, 200, width=16), min_size=1, max_size=20))
def test_fractional_steps(composed, steps):
    check(composed, steps, composed.schedule(mx.array(steps)))


@FEW
@given(schedules)
def test_a_call_is_one_primitive(composed):
    assert has_ops(1, composed.schedule(mx.array(3, mx.uint64)))


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64", "int8", "int64", "float32"])  # a GPU compiles each
@FEW
@given(composed=schedules)
def test_every_type_of_steps_gives_the_same_bits(dtype, composed):
    steps = STEPS[:120]
    assert same_bits(composed.schedule(steps.astype(getattr(mx, dtype))), composed.schedule(steps))


@FEW
@given(schedules)
def test_copies_are_equal(composed):
    schedule = composed.schedule
    for twin in (
        eval(repr(schedule), dict(NAMES)),
        pickle.loads(pickle.dumps(schedule)),
        ms.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict(), allow_nan=False))),
    ):
        assert twin == schedule
        assert hash(twin) == hash(schedule)
        assert same_bits(twin(STEPS), schedule(STEPS))
        assert repr(twin) == repr(schedule)


@FEW
@given(st.lists(schedules, min_size=1, max_size=4))
def test_group_i_of_a_stack_is_its_own_schedule(parts):
    whole = ms.stack([part.schedule for part in parts])
    assert list(whole) == [part.schedule for part in parts]
    assert same_bits(whole(STEPS), mx.stack([part.schedule(STEPS) for part in parts], axis=-1))
    assert whole.segments == tuple(part.schedule.segments for part in parts)
    assert has_ops(1, whole(mx.array(3, mx.uint64)))
    for twin in (eval(repr(whole), dict(NAMES)), pickle.loads(pickle.dumps(whole)), ms.stack(list(whole))):
        assert twin == whole
        assert same_bits(twin(STEPS), whole(STEPS))
    assert ms.Schedule.from_dict(json.loads(json.dumps(whole.to_dict(), allow_nan=False))) == whole


@FEW
@given(schedules, lengths)
def test_cut_and_joined_again_it_is_the_same(composed, at):
    schedule = composed.schedule
    again = ms.join_schedules([schedule, schedule.shift(at)], [at])
    assert same_bits(again(STEPS), schedule(STEPS))


@FEW
@given(schedules, st.integers(0, 100), st.integers(0, 100))
def test_shifts_add_up(composed, one, other):
    assert same_bits(composed.schedule.shift(one).shift(other)(STEPS), composed.schedule.shift(one + other)(STEPS))
    assert same_bits(composed.schedule.shift(-one).shift(one)(STEPS), composed.schedule(STEPS))
