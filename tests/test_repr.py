"""A schedule prints and is stored as it was made: repeats stay repeats, and no number is rounded."""

import json
import pickle
import pickletools
from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms

NAMES = {**vars(ms), "mx": mx, "Fraction": Fraction}
COSINE = ms.cosine_decay(1e-3, 10, 1e-5)
AS_WRITTEN = [
    "cosine_decay(init=0.001, decay_steps=10, end=1e-05).repeat(10, period_factor=2)",
    "cosine_decay(init=0.001, decay_steps=10, end=0.0).repeat(10, 5, period_factor=3, value_factor=0.5)",
    "cosine_decay(init=0.001, decay_steps=10, end=0.0).repeat([10, 20], 4)",
    "join_schedules([linear_schedule(init=0.0, end=0.001, steps=3), "
    "cosine_decay(init=0.001, decay_steps=10, end=0.0).repeat(10, period_factor=2)], [3])",
    "warmup_cosine(peak=0.001, total_steps=1000, warmup=100, init=0.0, end=1e-05)",
    "warmup_linear(peak=0.001, total_steps=1000, warmup=100, init=1e-06, end=0.0)",
    "warmup_cosine(peak=[0.001, 0.002], total_steps=[1000, 500], warmup=[100, 20], init=0.0, end=0.0)",
    *(
        f"warmup_stable_decay(peak=0.001, total_steps=1000, warmup=100, decay=200, init=0.0, end=1e-05, tail={tail!r})"
        for tail in ("linear", "cosine", "1-sqrt", "exponential")
    ),
    "warmup_stable_decay(peak=0.001, total_steps=1000, decay=200, end=0.0, tail='1-sqrt')",
    "warmup_stable_decay(peak=0.001, total_steps=10, decay=10, end=0.0, tail='1-sqrt').shift(3)",
]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_a_schedule_prints_as_it_was_made(text: str) -> None:
    schedule = eval(text, NAMES)
    assert repr(schedule) == text
    assert repr(ms.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))) == text


def test_a_fraction_of_a_run_prints_as_its_steps() -> None:
    assert "total_steps=1000, warmup=30, decay=200" in repr(ms.warmup_stable_decay(1.0, 1000, warmup=0.03))


def test_a_repeat_has_no_segment_that_its_period_ends_before() -> None:
    cosine, constant, linear = ms.cosine_decay(1.0, 10), ms.constant(0.5), ms.linear_schedule(0.0, 1.0, 10)
    assert ms.join_schedules([cosine, constant], [10]).repeat(10) == cosine.repeat(10)
    stacked = ms.stack([linear, ms.step_decay(1.0, 0.9, 10)]).repeat(7)
    assert stacked == eval(repr(stacked), vars(ms))
    assert stacked[0] == linear.repeat(7)
    groups = ms.join_schedules([cosine, constant], [[10, 5]]).repeat(10)
    assert list(groups) == [cosine.repeat(10), ms.join_schedules([cosine, constant], [5]).repeat(10)]
    steps = mx.arange(40)
    for i, group in enumerate(groups):
        assert mx.array_equal(groups.shift(13)(steps)[:, i], group(steps + 13))


def test_repeats_are_stored_as_repeats() -> None:
    schedule = COSINE.repeat(10, period_factor=2)
    config = schedule.to_dict()
    assert len(config["segments"]) == 1
    assert config["repeat"] == {"segment": 0, "period": 10, "period_factor": 2}
    assert len(json.dumps(config)) < 200
    assert schedule.last_step is None
    assert COSINE.repeat(10, 3, period_factor=2).last_step == 70
    assert COSINE.repeat(10, 90, period_factor=2).last_step is None  # further than steps can be counted


@pytest.mark.parametrize("value_factor", [1.0, 0.5])
@pytest.mark.parametrize("times", [None, 1, 4])
@pytest.mark.parametrize("inner", [COSINE, COSINE.warmup(3), COSINE.repeat(4, 3), ms.constant(0.3)], ids=repr)
def test_a_repeated_schedule_can_be_shifted_scaled_stacked_and_joined(
    inner: ms.Schedule, times: int | None, value_factor: float
) -> None:
    schedule = inner.repeat(10, times, period_factor=2, value_factor=value_factor)
    steps = mx.arange(200)
    assert (schedule.warmup(7)(steps + 7) == schedule(steps)).all()
    assert (schedule.shift(-9)(steps + 9) == schedule(steps)).all()
    assert (schedule.shift(33)(steps) == schedule(steps + 33)).all()
    assert ((schedule * 2)(steps) == schedule(steps) * 2).all()
    assert (ms.stack([schedule, schedule])(steps)[:, 1] == schedule(steps)).all()
    assert (ms.stack([schedule, inner])(steps)[:, 0] == schedule(steps)).all()
    joined = ms.join_schedules([schedule, ms.constant(2.0)], [55])
    assert (joined(steps[:55]) == schedule(steps[:55])).all()
    assert joined(55).item() == 2
    assert eval(repr(schedule), NAMES) == schedule
    assert ms.stack([schedule, inner])[0] == schedule


STACKED = ms.stack([ms.cosine_decay(1.0, 20).repeat(20), ms.linear_schedule(1.0, 0.0, 30)])
AS_CODE = {
    "a warmup of an array's 1.0": ms.cosine_decay(1.0, 5).warmup(mx.array(1.0)),
    "a decay of an array's 1.0": ms.join_schedules([ms.constant(1.0), ms.cosine_decay(1.0, mx.array(1.0))], [5]),
    "a group without the repeat of another": STACKED.repeat(20, 3, period_factor=2),
    "a group without a decay": ms.warmup_cosine(1.0, [10, 20], warmup=[10, 5]).shift(2),
}


@pytest.mark.parametrize("name", AS_CODE)
def test_a_schedule_is_its_code(name: str) -> None:
    assert eval(repr(AS_CODE[name]), NAMES) == AS_CODE[name]


PRODUCTS = [
    ms.cosine_decay(mx.array(0.1), 100) * 0.1,
    ms.cosine_decay(0.1, 100) * mx.array(0.1),
    ms.cosine_decay(0.1, 100) * mx.array([0.1, 0.3], mx.float16),
    ms.cosine_decay(mx.array(0.1, mx.bfloat16), 10).warmup(3) * Fraction(1, 3),
    ms.stack([ms.constant(mx.array(0.1)), ms.constant(0.3)]) * 0.7,
    ms.cosine_decay(mx.array(0.1), 10).repeat(10, 3, value_factor=0.3),
]


@pytest.mark.parametrize("schedule", PRODUCTS, ids=range(len(PRODUCTS)))
def test_products_with_arrays_are_their_code(schedule: ms.Schedule) -> None:
    again = eval(repr(schedule), NAMES)
    assert again == schedule
    assert again(mx.array([0.5])).dtype == schedule(mx.array([0.5])).dtype


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_names_the_public_class_and_the_config(protocol: int) -> None:
    schedule = COSINE.repeat(10, period_factor=2).warmup(3)
    text = pickle.dumps(schedule, protocol)
    assert pickle.loads(text) == schedule
    names = [argument for _, argument, _ in pickletools.genops(text) if isinstance(argument, str)]
    assert not [name for name in names if "mlx_schedules._" in name], names
    assert any("mlx_schedules" in name for name in names)
    assert "version" in names


def test_a_subclass_comes_back_as_one() -> None:
    class Own(ms.Schedule):
        pass

    assert type(Own.from_dict(COSINE.to_dict())) is Own


def test_division_and_sign() -> None:
    steps = np.arange(12)
    assert ((COSINE / 2)(steps) == COSINE(steps) / 2).all()
    assert ((-COSINE)(steps) == -COSINE(steps)).all()
    assert (COSINE / [1, 2]).shape == (2,)
    assert COSINE / Fraction(1, 3) == COSINE * 3
    assert (COSINE / mx.array(4.0))(0).item() == np.float32(1e-3) / 4
    with pytest.raises(ValueError, match=r"\[schedule\] the divisor must be so far from 0"):
        COSINE / 0
