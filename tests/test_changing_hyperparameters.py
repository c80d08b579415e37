"""Hyperparameters get other schedules or numbers in mid-run, or a state from another run: the given ones win."""

from collections import UserList

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_unflatten

import mlx_schedules as ms
from support.training import Recorder, decay, first

WEIGHTS = {"a": mx.ones(4), "b": mx.ones(4)}


def used(optimizer):
    """Return the rate, the decay and the betas that both groups use in one update."""
    new = optimizer.apply_gradients(WEIGHTS, WEIGHTS)
    return [new["a"].tolist(), new["b"].tolist()]


def two(**hyperparameters):
    return ms.MultiOptimizer([Recorder(), Recorder()], [first], **hyperparameters)


def saved(optimizer):
    return tree_unflatten(tree_flatten(optimizer.state))


RATES, DECAYS = ms.cosine_decay([0.1, 0.2], 10), [decay(0.3), ms.linear_schedule(0.3, 0.5, 10)]


def test_none_leaves_a_schedule():
    optimizer = two(learning_rate=RATES, weight_decay=DECAYS, betas=[(decay(0.9), decay(0.95)), None])
    used(optimizer)
    optimizer.set(weight_decay=[0.7, None], betas=[(None, 0.5), None])
    optimizer.learning_rate = [None, 0.05]
    optimizer.set()
    for step in (1, 2):
        expected = [
            [RATES(step)[0].item(), np.float32(0.7), decay(0.9)(step).item(), 0.5],
            [np.float32(0.05), DECAYS[1](step).item(), 0.0, 0.0],
        ]
        assert used(optimizer) == expected
    optimizer.learning_rate = [ms.constant(0.25), None]
    assert [rates[0] for rates in used(optimizer)] == [0.25, np.float32(0.05)]


def test_one_group_may_leave_a_function_for_all_groups():
    optimizer = two(learning_rate=lambda step: mx.stack([step + 1.0, step + 2.0]))
    optimizer.set(learning_rate=[8.0, None])
    assert [rates[0] for rates in used(optimizer)] == [8.0, 2.0]
    assert [rates[0] for rates in used(optimizer)] == [8.0, 3.0]


def test_none_leaves_the_rate_of_the_last_update():
    """A group that gets another schedule shows the rate of its next update, and the others that of the last one."""
    optimizer = two(learning_rate=RATES)
    for _ in range(3):
        used(optimizer)
    optimizer.set(learning_rate=[None, None], weight_decay=DECAYS)
    assert optimizer.learning_rates.tolist() == RATES(2).tolist()
    optimizer.learning_rate = [None, decay(0.5)]
    assert optimizer.learning_rates.tolist() == [RATES[0](2).item(), decay(0.5)(3).item()]
    optimizer.set(learning_rate=[None, 0.25])
    expected = [RATES[0](2).item(), 0.25]
    assert optimizer.learning_rates.tolist() == expected
    assert [optimizer.hyperparameters[name]["learning_rate"].item() for name in "01"] == expected
    assert [rates[0] for rates in used(optimizer)] == [RATES[0](3).item(), 0.25]


def test_hold_ends_schedules_at_the_values_of_the_last_update():
    optimizer = two(learning_rate=RATES, weight_decay=DECAYS, betas=[(decay(0.9), 0.5), None])
    for _ in range(3):
        last = used(optimizer)
    optimizer.hold("learning_rate", "betas")
    (a, b), now = last, used(optimizer)
    assert [now[0][0], now[0][2:], now[1][0]] == [a[0], a[2:], b[0]]
    assert [now[0][1], now[1][1]] == [DECAYS[0](3).item(), DECAYS[1](3).item()]
    assert "learning_rate: 0.09" in repr(optimizer)
    for wrong in ("learning_rate", "momentum", 3, ["weight_decay"]):
        with pytest.raises(
            ValueError, match=r"hold takes the names of hyperparameters that follow a schedule \(weight_decay\)"
        ):
            optimizer.hold(wrong)


@pytest.mark.parametrize(
    ("end", "rates"),
    [
        (lambda optimizer: optimizer.set(learning_rate=[0.5, None]), [0.5, RATES[1](3).item()]),
        (lambda optimizer: optimizer.hold("learning_rate"), RATES(2).tolist()),
    ],
)
def test_schedules_that_optimizers_were_made_with_end_too(end, rates):
    optimizer = ms.MultiOptimizer([optim.SGD(rate) for rate in RATES], [first])
    for _ in range(3):
        optimizer.update({}, {})
    end(optimizer)
    optimizer.update({}, {})
    assert optimizer.learning_rates.tolist() == rates


@pytest.mark.parametrize(("made", "given"), [([0.5, 0.25], [0.125, None]), ([decay(0.5), decay(0.25)], [decay(1), 3])])
def test_arguments_take_precedence_over_a_restored_state(made, given):
    old = two(learning_rate=made)
    for _ in range(4):
        used(old)
    new = two(learning_rate=given)
    new.state = saved(old)
    expected = [one(3).item() if callable(one) else one for one in given]
    expected = [old.learning_rates[i].item() if one is None else one for i, one in enumerate(expected)]
    assert new.learning_rates.tolist() == expected
    assert [new.hyperparameters[name]["learning_rate"].item() for name in "01"] == expected
    after = [one(4).item() if callable(one) else expected[i] for i, one in enumerate(given)]
    assert [rates[0] for rates in used(new)] == after


def test_a_rate_that_is_set_replaces_the_number_that_was_given():
    optimizer = two(learning_rate=[0.5, decay(0.25)])
    optimizer.learning_rate = 0.125
    assert optimizer.learning_rates.tolist() == [0.125, 0.125]
    optimizer.state = saved(two())
    assert optimizer.learning_rates.tolist() == [0.125, 0.25]
    assert "learning_rate: 0.125\n" in repr(optimizer)


def test_a_rate_that_is_set_in_a_compiled_step_is_restored_as_in_mlx():
    optimizer = two(learning_rate=[0.5, 0.25])
    optimizer.init(WEIGHTS)

    def step(rate):
        optimizer.learning_rate = rate
        return optimizer.apply_gradients(WEIGHTS, WEIGHTS)

    mx.compile(step, inputs=optimizer.state, outputs=optimizer.state)(mx.array(0.125))
    optimizer.step = 3
    assert optimizer.learning_rates.tolist() == [0.125, 0.125]
    optimizer.state = {"states": [{**state, "learning_rate": 0.75} for state in optimizer.state["states"]]}
    assert optimizer.learning_rates.tolist() == [0.75, 0.75]


def test_an_adafactor_that_computes_its_own_rate_keeps_it():
    optimizers = [ms.MultiOptimizer([optim.SGD(0.5), optim.Adafactor()], [first]) for _ in range(2)]
    for optimizer in optimizers:
        optimizer.learning_rate = 0.25
        assert str(optimizer.learning_rates.tolist()) == "[0.25, nan]"
    optimizers[0].state = saved(optimizers[1])  # whose Adafactor has no rate either
    with pytest.raises(ValueError, match=r"optimizers\[1\] is an Adafactor that ignores its rate: make it"):
        optimizers[0].learning_rate = [0.1, 0.1]
    assert str(optimizers[0].learning_rates.tolist()) == "[0.25, nan]"


def test_numbers_that_are_given_are_shown():
    shown = repr(ms.MultiOptimizer([optim.SGD(1.0)], learning_rate=[1e-4], momentum=[0.95])).splitlines()
    assert "    learning_rate: 0.0001" in shown
    assert "    momentum: 0.95" in shown


@pytest.mark.parametrize("number", [mx.array(0.5), np.array(0.5), np.float32(0.5), 0.5], ids=repr)
def test_a_number_is_any_scalar(number):
    for given in ([number, None], (number, None), UserList([number, None])):
        optimizer = two(learning_rate=given, weight_decay=given, betas=[UserList([number, None]), None])
        assert used(optimizer) == [[0.5, 0.5, 0.5, 0.0], [0.0] * 4]


@pytest.mark.parametrize("number", [float("nan"), np.inf, mx.array(-np.inf)])
def test_a_number_must_be_finite(number):
    with pytest.raises(ValueError, match=r"weight_decay\[1\] must be finite, got"):
        two(weight_decay=[None, number])


# ---- The step


def test_the_step_is_set_for_all_groups():
    optimizer = two(learning_rate=RATES)
    for step in (6, np.int64(6), mx.array(6, mx.int16)):
        optimizer.step = step
        assert [one.step.item() for one in optimizer.optimizers] == [6, 6]
        assert optimizer.step.dtype == mx.uint64
        assert optimizer.learning_rates.tolist() == RATES(5).tolist()
    assert [rates[0] for rates in used(optimizer)] == RATES(6).tolist()
    assert optimizer.step.item() == 7
    for wrong in (-1, 2.5, "6", mx.array([6]), np.array([3, 4]), np.array([]), ms.constant(5)):
        with pytest.raises(ValueError, match=r"\[MultiOptimizer\] step must be a whole number of updates, got"):
            optimizer.step = wrong
    nested = ms.MultiOptimizer([optim.MultiOptimizer([optim.MultiOptimizer([optim.SGD(0.1)])])])
    nested.step = 5
    assert nested.step.item() == 5


def test_the_rates_of_optimizers_own_schedules_follow_the_step():
    rate = ms.linear_schedule(1.0, 0.0, 100)
    own, given = ms.MultiOptimizer([optim.SGD(rate)]), ms.MultiOptimizer([optim.SGD(0.0)], learning_rate=rate)
    around = ms.MultiOptimizer([optim.MultiOptimizer([optim.SGD(rate)]), given, optim.SGD(rate)], [first, first])
    around.step = 51
    assert [one.learning_rate.item() for one in around.optimizers] == [0.5, 0.5, 0.5]
    own.step = 51
    assert own.learning_rate.item() == 0.5
    own.hold("learning_rate")
    own.update({}, {})
    assert own.learning_rate.item() == 0.5


def test_a_step_of_one_group_alone_is_refused():
    optimizer = two(learning_rate=RATES)
    used(optimizer)
    optimizer.optimizers[1].state["step"] = mx.array(600, mx.uint64)
    with pytest.raises(ValueError, match=r"must have one step for all .* got 1, 600: optimizer.step = 600 sets all"):
        used(optimizer)
    optimizer.step = 1
    assert [rates[0] for rates in used(optimizer)] == RATES(1).tolist()


# ---- A checkpoint of other groups


def adams(*names):
    chosen = [lambda path, _, name=name: path == name for name in names[:-1]]
    optimizer = ms.MultiOptimizer([optim.AdamW(0.1) for _ in names], chosen, [decay(0.1)] * len(names), names=names)
    return optimizer


def test_a_state_of_two_groups_for_three():
    old, weights = adams("a", "rest"), {name: mx.ones(2) for name in "abc"}
    for _ in range(3):
        weights = old.apply_gradients(weights, weights)
    new = adams("b", "a", "rest")
    new.init(weights)
    new.restore(saved(old), names=old.names)
    moments = {name: old.optimizers[i].state[name]["m"].tolist() for name, i in {"a": 0, "c": 1}.items()}
    assert new.optimizers[1].state["a"]["m"].tolist() == moments["a"]
    assert new.optimizers[2].state["c"]["m"].tolist() == moments["c"]
    assert "b" not in new.optimizers[2].state
    assert new.optimizers[0].state["b"]["m"].tolist() == [0.0, 0.0]
    assert new.step.item() == 3
    assert new.learning_rates.tolist() == [decay(0.1)(2).item()] * 3
    uninitialised = adams("b", "a", "rest")
    uninitialised.restore(saved(old), names=old.names)
    assert uninitialised.optimizers[1].state["a"]["m"].tolist() == moments["a"]
    weights = uninitialised.apply_gradients(weights, weights)
    back = adams("rest", "other")
    back.restore(saved(new), names=new.names)
    assert back.optimizers[0].state["c"]["m"].tolist() == moments["c"]
    assert back.step.item() == 3


def test_a_group_that_starts_anew_has_the_rate_of_the_others_step():
    old = adams("rest")
    for _ in range(3):
        old.update({}, {})
    new = ms.MultiOptimizer([optim.SGD(decay(0.2)), optim.AdamW(0.1)], [first], names=["new", "rest"])
    new.restore(saved(old), names=old.names)
    assert new.learning_rates.tolist() == [decay(0.2)(2).item(), decay(0.1)(2).item()]
    new.hold("learning_rate")
    assert new.learning_rates[0].item() == decay(0.2)(2).item()


def test_names_that_fit_no_group_are_refused():
    old, new = adams("a", "rest"), adams("b", "a", "rest")
    with pytest.raises(
        ValueError, match=r"must include one of this optimizer's, \['b', 'a', 'rest'\], got \['x', 'y'\]"
    ):
        new.restore(saved(old), names=["x", "y"])
    with pytest.raises(ValueError, match="must hold 'states' for 3 optimizers, found 2"):
        new.restore(saved(old), names=["a", "b", "rest"])
    with pytest.raises(ValueError, match="names must be 2 strings, all different"):
        new.restore(saved(old), names=["a", "a"])
    nested = ms.MultiOptimizer([optim.MultiOptimizer([optim.SGD(0.1)])])
    with pytest.raises(TypeError, match=r"optimizers\[0\] must be an optimizer of one rate"):
        nested.restore(nested.state, names=["0"])
