"""ms.fast.evaluate, the op on arrays, gives what schedules made of the same numbers give."""

import mlx.core as mx
import pytest

import mlx_schedules as ms
from support.helpers import STEP_TYPES, evaluated, has_ops, same_bits

SCHEDULES = {
    "warmup and cosine": ms.warmup_cosine(1e-3, 1000, warmup=100, end=1e-5),
    "stable": ms.warmup_stable_decay(1e-3, 1000, warmup=100, tail="1-sqrt"),
    "shifted": ms.warmup_cosine(1e-3, 1000, warmup=100).shift(250),
    "without end": ms.exponential_decay(0.1, 0.9999).warmup(50),
    "stairs": ms.step_decay(0.1, 0.5, 30),
    "fractional": ms.polynomial_decay(0.1, 10.5, power=2.5).warmup(2.25),
    "groups": ms.warmup_cosine([1e-3, 2e-3], [1000, 500], warmup=[10, 20]),
}


def arguments(schedule):
    """Return the arguments of ms.fast.evaluate for a schedule, with its segments as columns."""
    groups = schedule.segments if schedule.shape else [schedule.segments]
    columns = {}
    for name in ("init", "end", "length", "begin", "lead", "parameter"):
        rows = [[getattr(segment, name) for segment in group] for group in groups]
        columns[name] = [list(row) for row in zip(*rows, strict=True)] if schedule.shape else rows[0]
    return {"eases": [segment.ease for segment in groups[0]], **columns}


@pytest.mark.parametrize("dtype", STEP_TYPES)
@pytest.mark.parametrize("name", SCHEDULES)
def test_it_has_the_schedules_bits(name, dtype):
    schedule = SCHEDULES[name]
    step = (mx.arange(1200) % 120 if dtype in ("int8", "uint8", "bool_") else mx.arange(1200)).astype(
        getattr(mx, dtype)
    )
    y = ms.fast.evaluate(mx.expand_dims(step, -1) if schedule.shape else step, **arguments(schedule))
    assert has_ops(1, y)
    assert same_bits(y, schedule(step))


def test_each_begins_where_the_one_before_ends():
    step = mx.arange(1200)
    given = arguments(SCHEDULES["warmup and cosine"])
    assert same_bits(ms.fast.evaluate(step, **{**given, "begin": None, "lead": None, "parameter": None}),
                     SCHEDULES["warmup and cosine"](step))  # fmt: skip
    lengths = [mx.array(100), mx.array(900)]
    assert same_bits(ms.fast.evaluate(step, **{**given, "begin": None, "length": lengths}),
                     SCHEDULES["warmup and cosine"](step))  # fmt: skip


def test_traced_numbers_under_transformations():
    def value(step, peak, lengths):
        return ms.fast.evaluate(step, ["linear", "cosine"], [0.0, peak], [peak, 0.0], [lengths[0], lengths[1]])

    step, lengths = mx.array([0, 5, 10, 60, 110]), mx.array([10, 100])
    expected = ms.warmup_cosine(2.0, 110, warmup=10)(step)
    assert mx.compile(value)(step, mx.array(2.0), lengths).tolist() == evaluated(expected.tolist())
    each = mx.vmap(value, in_axes=(None, 0, None))(step, mx.array([1.0, 2.0]), lengths)
    assert same_bits(each[1], expected)
    slope = mx.grad(lambda peak: value(step, peak, lengths).sum())(mx.array(2.0))
    assert slope.item() == pytest.approx(expected.sum().item() / 2, rel=1e-6)


MISTAKES = {
    "text for eases": ({"eases": "linear"}, TypeError, "eases must be a list of names"),
    "no ease": ({"eases": ["linear", "sine"]}, ValueError, "got 'sine'"),
    "a list for an ease": ({"eases": ["linear", []]}, ValueError, r"eases must be of .*, got \[\]"),
    "too few": ({"init": [1.0]}, ValueError, "init must be a list with an entry for each of 2 segments, got"),
    "negative length": ({"length": [10, -1]}, ValueError, r"length\[1\] must be at least 0, got -1"),
    "nan": ({"end": [float("nan"), 0]}, ValueError, r"end\[0\] must be finite, got nan"),
    "shapes": ({"end": [mx.array([1.0, 2.0]), mx.array([1.0, 2.0, 3.0])]}, ValueError, "Shapes do not broadcast"),
    "steps' shape": ({"step": mx.arange(3), "end": [mx.array([1.0, 2.0]), 0.0]}, ValueError, r"step \(3,\)"),
    "a large exponent": (
        {"eases": ["linear", "power"], "parameter": [1, 10**400]},
        ValueError,
        r"parameter\[1\] must be at most 2\*\*24, got 1000",
    ),
    "complex": ({"init": [mx.array(1j), 0.0]}, TypeError, "must be real"),
    "stream": ({"stream": "gpu"}, TypeError, r"\[evaluate\] stream must be a stream or a device"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_named(mistake):
    wrong, error, message = MISTAKES[mistake]
    right = {"step": 5, "eases": ["linear", "cosine"], "init": [0.0, 1.0], "end": [1.0, 0.0], "length": [10, 100]}
    with pytest.raises(error, match=message):
        ms.fast.evaluate(**{**right, **wrong})
