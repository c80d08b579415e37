"""Setting ms.MultiOptimizer's state: any whole step is accepted, and a state that is refused changes nothing."""

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_unflatten

import mlx_schedules as ms
from support.resumable import bits, make_model, make_optimizer, make_step, train


@pytest.mark.slow
def test_a_state_that_lacks_weights_is_refused():
    """A step that is already compiled would mix up results, because mx.compile tells arrays apart by position only."""
    model, optimizer = make_model(), make_optimizer()
    fresh = make_optimizer().state
    step = make_step(model, optimizer, compiled=True)
    step(0)
    before = bits(optimizer.state)
    with pytest.raises(ValueError, match=r"state lacks 8 entries that this optimizer has, such as '0.layers.0.bias.v'"):
        optimizer.state = fresh
    assert bits(optimizer.state) == before
    step(1)
    assert optimizer.step.item() == 2


def test_a_state_of_other_weights_is_refused():
    """A compiled step couldn't tell them apart: they have as many arrays, of the same shapes, at the same positions."""
    a, b = {"a": mx.ones(2)}, {"b": mx.ones(2)}
    first, second = (ms.MultiOptimizer([optim.SGD(0.0)], (), ms.cosine_decay([0.5], 9)) for _ in range(2))
    first.apply_gradients(a, a)
    second.apply_gradients(b, b)
    with pytest.raises(ValueError, match=r"lacks 1 entries that this optimizer has, such as '0.a.v'"):
        first.state = second.state
    assert "a.v" in bits(first.state["states"][0])


@pytest.mark.parametrize("outer", [optim.MultiOptimizer, ms.MultiOptimizer])
def test_a_compiled_step_continues_with_a_state_of_nested_optimizers(outer):
    weights, inner = {"a": mx.ones(2)}, optim.MultiOptimizer([optim.SGD(0.1, momentum=0.9)])
    optimizer = ms.MultiOptimizer([outer([inner])])
    optimizer.init(weights)
    assert ", 1 weight," in repr(optimizer)
    saved, state = tree_unflatten(tree_flatten(optimizer.state)), optimizer.state
    step = mx.compile(lambda: optimizer.apply_gradients(weights, weights), inputs=state, outputs=state)
    new = [step()["a"].tolist() for _ in range(3)]
    optimizer.state = saved
    assert [step()["a"].tolist() for _ in range(3)] == new
    assert optimizer.step.item() == 3


STEP_FORMS = [7, 7.0, np.uint64(7), np.array(7), np.float32(7), mx.array(7, mx.int8), mx.array(7, mx.uint64)]


@pytest.mark.parametrize("step", STEP_FORMS, ids=repr)
def test_a_step_is_any_whole_number(step):
    optimizer = make_optimizer()
    optimizer.state = {"states": [{**part, "step": step} for part in optimizer.state["states"]]}
    assert [one.step.dtype for one in optimizer.optimizers] == [mx.uint64] * 3
    optimizer.update({}, {})
    assert optimizer.step.item() == 8
    assert optimizer.learning_rates[1].item() == ms.cosine_decay(1e-2, 20, 1e-4)(7).item()


@pytest.mark.parametrize("step", [2**63 - 1, 2**63, np.uint64(2**63), 2.0**63, 2**64 - 1], ids=repr)
def test_a_step_has_all_64_bits(step):
    """mx.array itself takes no Python integer from 2**63 on."""
    optimizer = make_optimizer()
    optimizer.step = step
    assert [one.step.item() for one in optimizer.optimizers] == [int(step)] * 3
    assert optimizer.step.dtype == mx.uint64
    other = make_optimizer()
    other.state = {"states": [{**part, "step": step} for part in other.state["states"]]}
    assert [one.step.item() for one in other.optimizers] == [int(step)] * 3


@pytest.mark.parametrize(
    "step",
    [mx.array(7, mx.bfloat16), mx.array(7, mx.float16), mx.array(7.0), 7.5, -1, mx.array(-1), 2**64, "7", None, True],
    ids=repr,
)
def test_a_step_that_would_not_count_is_refused(step):
    """A step that is a float stops counting: in bfloat16 at 256, in float32 at 2**24."""
    optimizer = make_optimizer()
    states = [{**part, "step": step} for part in optimizer.state["states"]]
    stops = ": a float stops" if isinstance(step, mx.array) and mx.issubdtype(step.dtype, mx.floating) else r"\.$"
    with pytest.raises(ValueError, match=rf"\[0\]\['step'\] must be a whole number of updates, got .*{stops}"):
        optimizer.state = {"states": states}
    assert optimizer.step.item() == 0


def test_steps_that_differ_are_refused():
    optimizer = make_optimizer()
    states = [{**part, "step": step} for part, step in zip(optimizer.state["states"], (5, 5, 7), strict=True)]
    with pytest.raises(ValueError, match=r"must have one step for all optimizers.*got 5, 5, 7"):
        optimizer.state = {"states": states}
    alone = ms.MultiOptimizer(optimizer.optimizers, optimizer.filters[:-1])  # as in MLX
    alone.state = {"states": states}
    assert [one.step.item() for one in alone.optimizers] == [5, 5, 7]


def change(path, value):
    def edit(state):
        *keys, last = path
        for key in keys:
            state = state[key]
        if value is None:
            del state[last]
        else:
            state[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (change(["states"], None), "state must hold 'states' for 3 optimizers, found none"),
        (change(["states", 2], None), "state must hold 'states' for 3 optimizers, found 2"),
        (change(["states", 1, "step"], None), r"state\['states'\]\[1\] has no 'step'"),
        (change(["states", 0, "learning_rate"], None), r"state\['states'\]\[0\] has no 'learning_rate'"),
        (change(["states", 2, "step"], mx.zeros(2, mx.uint64)), r"\[2\]: 'step' must have the shape \(\), got \(2,\)"),
        (change(["states", 2, "learning_rate"], mx.zeros(3)), r"'learning_rate' must have the shape \(\), got \(3,\)"),
        (
            change(["states", 1, "layers", 2, "weight", "m"], mx.zeros((8, 9))),
            r"\[1\]: 'layers.2.weight.m' must have the shape \(8, 8\), got \(8, 9\)",
        ),
        (change(["states", 1], mx.zeros(2)), r"state\['states'\]\[1\] has no 'step'"),
    ],
)
def test_a_state_of_the_wrong_shape_changes_nothing(edit, message):
    model, optimizer = make_model(), make_optimizer()
    train(model, optimizer, 0, 3)
    before = bits(optimizer.state)
    state = tree_unflatten(tree_flatten(optimizer.state))
    for part in state["states"]:
        part["step"] = part["step"] + 100
    edit(state)
    with pytest.raises(ValueError, match=message):
        optimizer.state = state
    assert bits(optimizer.state) == before
    train(model, optimizer, 3, 4)
    assert optimizer.step.item() == 4


def test_entries_that_are_no_array_are_refused():
    optimizer = make_optimizer()
    states = [{**part, "x" * 999: "7"} for part in optimizer.state["states"]]
    with pytest.raises(TypeError, match=r"state\['states'\]\[0\]: 'x+\.\.\. must be a number or an array, got '7'"):
        optimizer.state = {"states": states}


@pytest.mark.parametrize("state", [None, [], {}, mx.zeros(3), {"states": 3}])
def test_no_state_at_all(state):
    optimizer = make_optimizer()
    with pytest.raises(ValueError, match="state must hold 'states' for 3 optimizers, found none"):
        optimizer.state = state


def test_a_state_without_a_share_begins_at_0():
    old, new = ms.MultiOptimizer([optim.Adam(0.1)]), ms.MultiOptimizer([optim.Adam(0.1)], track_moved=True)
    old.apply_gradients({"a": mx.ones(2)}, {"a": mx.ones(2)})
    new.state = old.state
    assert new.moved["0"].item() == 0
    new.apply_gradients({"a": mx.ones(2)}, {"a": mx.ones(2)})
    assert new.moved["0"].item() == 1


@pytest.mark.parametrize("under", [lambda weight: weight, lambda weight: {"w": weight}, lambda weight: [weight]])
def test_weights_under_the_names_of_the_states_own_entries(under):
    """A state that is saved and restored has the entries of these weights; at the top, `moved` is the share's place."""
    weight = mx.ones(2, mx.float16)
    for tree in ({"master": under(weight)}, {"moved": under(weight)}, {"x": {"master": under(weight)}}):
        for options in ({}, {"master_weights": True}, {"track_moved": True}):
            old, new = (ms.MultiOptimizer([optim.Adam(0.1)], names=["a"], **options) for _ in range(2))
            if options.get("track_moved") and "moved" in tree:
                with pytest.raises(ValueError, match="track_moved must be False for weights under"):
                    old.init(tree)
                continue
            after = old.apply_gradients(tree, tree)
            new.state = tree_unflatten(tree_flatten(old.state))
            assert bits(old.apply_gradients(tree, after)) == bits(new.apply_gradients(tree, after))
            new.restore(tree_unflatten(tree_flatten(old.state)), names=["a"])
            assert bits(old.state) == bits(new.state)
