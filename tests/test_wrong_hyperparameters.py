"""Hyperparameters that are refused: the error names each and says what to do, and nothing changes."""

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms
from support.training import Recorder, decay, first


def test_a_setting_that_fails_changes_nothing():
    optimizer = ms.MultiOptimizer([Recorder(0.5)], learning_rate=ms.cosine_decay(0.1, 9))
    with pytest.raises(TypeError, match="has no 'momentum'"):
        optimizer.set(learning_rate=[0.7], weight_decay=[0.25], momentum=[0.9])
    optimizer.update({}, {})
    assert optimizer.learning_rate.item() == np.float32(0.1)
    assert optimizer.optimizers[0].weight_decay == 0.5


@pytest.mark.parametrize(
    ("hyperparameters", "error", "message"),
    [
        ({"momentum": [decay(0.9), 0.9]}, TypeError, r"optimizers\[1\], AdamW, has no 'momentum': give None"),
        ({"weight_decay": decay(0.9)}, ValueError, r"weight_decay must have groups of shape \(2,\), one .* got \(\)"),
        (
            {"weight_decay": 0.1},
            TypeError,
            r"weight_decay must be a schedule, or a function .*, got 0.1: write a list of 2",
        ),
        ({"weight_decay": [0.1, "0.1"]}, TypeError, r"weight_decay\[1\] must be a schedule, a number or None, got '0"),
        ({"weight_decay": [0.1, lambda step: mx.zeros(2)]}, ValueError, r"weight_decay\[1\] must give one value, got"),
        ({"nesterov": [True, None]}, TypeError, r"nesterov\[0\] must be a schedule, a number or None, got True"),
        ({"nesterov": [decay(0.5), None]}, TypeError, r"nesterov of optimizers\[0\] is False, which takes no sch"),
        ({"betas": [None, decay(0.9)]}, TypeError, r"betas of optimizers\[1\] is \[0.9, 0.999\]: give a tuple of 2"),
        ({"betas": [None, (0.9, 0.9, 0.9)]}, TypeError, r"betas of optimizers\[1\] is \[0.9, 0.999\]: give a tuple"),
        ({"betas": [None, (0.9, "a")]}, TypeError, r"betas\[1\]\[1\] must be a schedule, a number or None, got 'a'"),
        ({"momentum": [(0.9, 0.9), None]}, TypeError, r"momentum of optimizers\[0\] is 0.9, which takes no schedule"),
        ({"apply_single": [decay(0.9), None]}, TypeError, r"apply_single of optimizers\[0\] is <.*, which takes no"),
        ({"learning_rate": [None, (0.1, 0.2)]}, TypeError, r"learning_rate of optimizers\[1\] is one number, not"),
        (
            {"learning_rate": lambda step: "a"},
            TypeError,
            "what learning_rate gives must be a number or an array, got 'a'",
        ),
        (
            {"weight_decay": [lambda step: None, None]},
            TypeError,
            r"what weight_decay\[0\] gives must be a .*, got None",
        ),
        ({"weight_decay": [10**5000, None]}, TypeError, r"weight_decay\[0\] must be a number .* an int of 16610 bits"),
        ({"step": [None, decay(3.0)]}, TypeError, r"step of optimizers\[1\] is array\(0.*\), which takes no schedule"),
    ],
)
def test_wrong_hyperparameters(hyperparameters, error, message):
    with pytest.raises(error, match=r"^\[MultiOptimizer\] " + message) as caught:
        ms.MultiOptimizer([optim.SGD(0.0, momentum=0.9), optim.AdamW(0.0)], [lambda *_: True], **hyperparameters)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda value: float(value), "has no Python value: the optimizer must compute"),
        (lambda value: range(value), "has no Python value"),
        (lambda value: value.item(), "has no Python value"),
        (lambda value: value > 0.5, "can be compared with 0 alone, got 0.5"),
        (lambda value: value == mx.array(1.0), "can be compared with 0 alone, got array"),
    ],
)
def test_optimizers_that_ask_for_the_python_value(use, message):
    """Both raise, although eager code would work, because the same code fails when compiled."""

    class Asking(Recorder):
        def apply_single(self, gradient, parameter, state):
            return parameter + use(self.weight_decay)

    optimizer = ms.MultiOptimizer([Asking()], weight_decay=decay(0.1))
    for update in (optimizer.apply_gradients, mx.compile(optimizer.apply_gradients)):
        with pytest.raises(TypeError, match=message):
            update({"a": mx.ones(2)}, {"a": mx.ones(2)})


def test_a_schedule_in_an_optimizer_of_the_list():
    with pytest.raises(
        TypeError, match=r"\[0\].weight_decay is a schedule, .* give weight_decay=\[...\] here"
    ) as caught:
        ms.MultiOptimizer([optim.AdamW(0.1, weight_decay=decay(0.1).repeat(9, 999, period_factor=1))])
    assert len(str(caught.value)) < 300


def test_attributes_of_the_optimizers_are_set_by_set():
    """Set on the MultiOptimizer itself, the attribute would silently have no effect."""
    optimizer = ms.MultiOptimizer([optim.AdamW(0.1), optim.SGD(0.1)], [first])
    for name in ("weight_decay", "betas", "momentum"):
        with pytest.raises(AttributeError, match=rf"{name} is each optimizer's own: write optimizer.set\({name}=\["):
            setattr(optimizer, name, decay(0.1))
    optimizer.remark, optimizer.names = "free", ["a", "b"]
    assert optimizer.remark == "free"


@pytest.mark.parametrize("make", [optim.AdamW, optim.SGD, optim.Muon])
def test_an_optimizer_of_mlx_that_is_given_a_schedule_later_says_what_takes_one(make):
    alone = make(0.1)
    with pytest.raises(TypeError, match=r"when they are made, not later; ms.MultiOptimizer takes one .* at any time"):
        alone.learning_rate = decay(0.1)
    alone.weight_decay = decay(0.1)
    with pytest.raises(TypeError, match=r"ms.MultiOptimizer takes one for any hyperparameter"):
        alone.apply_gradients({"a": mx.ones((2, 2))}, {"a": mx.ones((2, 2))})


def test_a_schedule_is_no_array():
    schedule, rate = decay(0.1), mx.array(0.1)
    for wrong in (mx.array, mx.cos, lambda x: rate * x, lambda x: rate - x, lambda x: rate == x):
        with pytest.raises(TypeError, match="A schedule is not an array: call it with a step"):
            wrong(schedule)
    assert schedule != rate
    assert rate not in [schedule]
    with pytest.raises(RuntimeError, match="bad_cast"):  # MLX's own message, explained in docs/troubleshooting.md
        mx.maximum(schedule, 0.01)
