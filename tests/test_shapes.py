"""The shape of the groups: shape, len, values, code, JSON and MultiOptimizer agree, whichever argument it came from."""

import json
from fractions import Fraction

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms
from support.helpers import evaluated

BASES = {
    "one": ms.cosine_decay(1e-3, 100),
    "constant": ms.constant(0.5),
    "groups": ms.cosine_decay([1.0, 2.0], 10),
    "equal groups": ms.linear_schedule([1.0, 1.0], 0.0, [10, 10]),
    "endless": ms.exponential_decay(1.0, 0.9),
    "stacked": ms.stack([ms.cosine_decay(1.0, 10).warmup(3), ms.constant(1.0)]),
}
STEPS = {"0": 0, "zeros": [0, 0], "equal": [3, 3], "mixed": [0, 4], "a row": [[0, 0]], "an array": mx.array([0, 0])}
METHODS = {
    "warmup": lambda s, n: s.warmup(n),
    "warmup from": lambda s, n: s.warmup(n, [0.0, 0.1]),
    "shift": lambda s, n: s.shift(n),
    "shift back": lambda s, n: s.shift(-np.array(n)),
    "join": lambda s, n: ms.join_schedules([ms.constant(1.0), s], [n]),
    "join before": lambda s, n: ms.join_schedules([s, ms.constant(3.0)], [n]),
    "repeat": lambda s, n: s.repeat(np.array(n) + 5),
    "repeat once": lambda s, n: s.repeat(np.array(n) + 5, 1),
    "repeat twice": lambda s, n: s.repeat(np.array(n) + 5, 2, period_factor=2),
    "restarts": lambda s, n: s.repeat(np.array(n) + 5, period_factor=2),
    "times": lambda s, n: s * n,
    "by": lambda s, n: s / (np.array(n) + 1),
    "of groups": lambda s, n: ms.stack([s, s.shift(1)])[0].warmup(n),
}
NAMES = {**vars(ms), "mx": mx, "Fraction": Fraction}


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_shapes_agree(method, steps, base) -> None:
    schedule = method(base, steps)
    plain = np.array(steps).shape
    expected = np.broadcast_shapes(base.shape, plain, (2,) if method is METHODS["warmup from"] else ())
    assert schedule.shape == expected
    assert schedule(0).shape == schedule(7).shape == expected
    assert schedule(mx.arange(4)).shape == (4, *expected)
    assert schedule(mx.array([0.5, 20])).shape == (2, *expected)
    for again in (eval(repr(schedule), NAMES), ms.Schedule.from_dict(json.loads(json.dumps(schedule.to_dict())))):
        assert again.shape == expected
        assert again == schedule
    if expected:
        assert len(schedule) == expected[0] == len(list(schedule))
        for i, group in enumerate(schedule):
            assert group.shape == expected[1:]
            assert (group(mx.arange(30)) == schedule(mx.arange(30))[:, i]).all()


def values_by_definition(base: ms.Schedule, method: str, n: int, step: int) -> float:
    """Return the value at `step` if the method is applied with one number of steps."""
    return METHODS[method](base, n)(step).item()


@pytest.mark.parametrize("method", ["warmup", "shift", "shift back", "join", "join before", "restarts", "repeat twice"])
@pytest.mark.parametrize("steps", [[0, 0], [3, 3], [0, 4]], ids=str)
def test_each_group_is_as_if_it_were_alone(method: str, steps: list[int]) -> None:
    for base in (BASES["one"], BASES["endless"], BASES["constant"]):
        schedule = METHODS[method](base, steps)
        for step in (0, 1, 3, 5, 9, 40):
            assert schedule(step).tolist() == [values_by_definition(base, method, n, step) for n in steps]


LATER_STARTS = {
    "warmup": lambda n: ms.cosine_decay(1.0, 100).warmup(n),
    "warmup and hold": lambda n: ms.constant(1.0).warmup(n),
    "join": lambda n: ms.join_schedules([ms.constant(1.0), ms.constant(0.5)], [n]),
    "join of what is shifted": lambda n: ms.join_schedules([ms.constant(0.5), BASES["one"].shift(50)], [n]),
}


@pytest.mark.parametrize("method", ["warmup", "shift", "shift back", "join", "repeat", "restarts", "repeat twice"])
@pytest.mark.parametrize("first", LATER_STARTS.values(), ids=LATER_STARTS)
def test_groups_that_lack_the_first_segment_are_as_if_they_were_alone(first, method) -> None:
    steps = mx.arange(30)
    for n in (0, 4):
        schedule = METHODS[method](first([0, 3]), n)
        traced = mx.compile(lambda begins, x, n=n: METHODS[method](first(begins), n)(x))
        arrays = [] if method.startswith("repeat") or method == "restarts" else [mx.array([0, 3])]
        for values in (schedule(steps), *(traced(begins, steps) for begins in arrays if method != "shift" or n == 0)):
            for i, begin in enumerate((0, 3)):
                alone = METHODS[method](first(begin), n)(steps)
                assert mx.allclose(values[:, i], alone, rtol=1e-6, atol=0.0), (n, begin)


@pytest.mark.parametrize("dtype", [mx.uint8, mx.int32, mx.uint64, mx.float16, mx.float32])
def test_a_segment_that_a_group_lacks_never_begins_after_traced_steps(dtype) -> None:
    rates, steps = ms.stack([ms.cosine_decay(1.0, 10), ms.constant(0.5), ms.inverse_sqrt_decay(1.0, 2)]), mx.arange(30)
    for method in (rates.warmup, lambda n: ms.join_schedules([ms.constant(3.0), rates], [n])):
        traced = mx.compile(lambda n, method=method: method(n)(steps))(mx.array(7).astype(dtype))
        assert mx.allclose(traced, method(7)(steps), rtol=1e-6, atol=0.0)


ONE, TWO, RISE = ms.constant(1.0), ms.constant(2.0), ms.constant(5.0).warmup(1, init=4.0)
BEYOND_FLOAT32 = {  # with a number of steps, and a step near which segments begin
    "join after a known boundary": (lambda n: ms.join_schedules([ONE, TWO, RISE], [20000001, n]), 3e7, 20000001),
    "join of a rise": (lambda n: ms.join_schedules([ONE, RISE, TWO], [n, 30000000]), 2.0**24, 2**24),
    "repeat": (lambda n: RISE.warmup(n, init=3.0).repeat(2**26, 2), 2.0**24, 2**24),
    "repeat of a length": (lambda n: ms.cosine_decay(1.0, n).repeat(2**25, 2), 20000001, 20000001),
    "repeat and warmup": (lambda n: ms.join_schedules([ONE, TWO], [n]).repeat(2**26, 2).warmup(1), 2.0**24, 2**24),
    "a known fraction": (lambda n: ms.join_schedules([ONE, TWO, RISE], [20000000.5, n]), 3e7, 20000001),
}


@pytest.mark.parametrize("dtype", [mx.float32, mx.int32, mx.int64, mx.uint64], ids=str)
@pytest.mark.parametrize("name", BEYOND_FLOAT32)
def test_traced_steps_that_no_float32_holds_are_as_if_they_were_known(name, dtype) -> None:
    make, number, near = BEYOND_FLOAT32[name]
    steps, number = mx.arange(near - 3, near + 5), mx.array([number]).astype(dtype)
    traced = mx.vmap(lambda n: make(n)(steps))(number)
    assert traced[0].tolist() == evaluated(make(number[0])(steps).tolist())


@pytest.mark.parametrize(("dtype", "length"), [("int32", 7), ("uint64", 2**40), ("float16", 2**13), ("float32", 2.5)])
def test_traced_lengths_of_growing_cycles_are_as_if_they_were_known(dtype, length) -> None:
    length, steps = mx.array([length]).astype(getattr(mx, dtype)), mx.array([0, 3, 9, 2**24 - 1, 2**24, 2**24 + 5])
    for factor in (2, 10**30):

        def rates(n, factor=factor):
            return ms.linear_schedule(1.0, 0.0, n).repeat(1, period_factor=factor)(steps)

        assert mx.vmap(rates)(length)[0].tolist() == evaluated(rates(length[0]).tolist())


@pytest.mark.parametrize("dtype", [mx.int32, mx.float32], ids=str)
def test_a_traced_number_of_steps_below_0_counts_as_0(dtype) -> None:
    def rates(n):
        return ms.constant(1.0).warmup(10).warmup(n)(mx.arange(14))

    assert mx.vmap(rates)(mx.array([-5]).astype(dtype))[0].tolist() == evaluated(rates(0).tolist())


def test_no_groups_at_all() -> None:
    empty = ms.join_schedules([ms.cosine_decay(1.0, 10).repeat([]), ms.constant(1.0)], [20])
    assert empty.shape == empty(3).shape == (0,)


def test_stacked_groups_start_with_their_own_first_value() -> None:
    parts = [ms.exponential_decay(1e-3, 0.9), ms.cosine_decay(1e-3, 100).shift(50)]
    for method in (lambda s: s.warmup(4), lambda s: s.shift(-4)):
        assert method(ms.stack(parts)) == ms.stack(list(map(method, parts)))


def test_a_first_value_has_all_digits_in_float64_and_the_same_bits_in_float32() -> None:
    late = ms.cosine_decay(1.0, 100, 0.1).shift(33)
    with mx.stream(mx.cpu):
        assert late.shift(-2)(mx.array(1.0, mx.float64)).item() == late(mx.array(0.0, mx.float64)).item()
        assert late.warmup(8)(mx.array(4.0, mx.float64)).item() == late(mx.array(0.0, mx.float64)).item() / 2
    for shift in range(1, 100):
        late = ms.cosine_decay(1.0, 100, 0.1).shift(shift)
        assert late.shift(-2)(1).item() == late(0).item()


def test_an_optimizer_for_each_group_takes_them() -> None:
    model = {"a": nn.Linear(1, 1).parameters(), "b": nn.Linear(1, 1).parameters()}
    for method in METHODS.values():
        rates = method(BASES["one"], [0, 0])
        filters = [lambda path, _: path.startswith("a")]
        optimizer = ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], filters, learning_rate=rates)
        optimizer.apply_gradients(model, model)
        assert [one.learning_rate.item() for one in optimizer.optimizers] == rates(0).tolist()
