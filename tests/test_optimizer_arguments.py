"""ms.MultiOptimizer's optimizers, filters and rates: what is taken, what is refused, and how they are shown."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms


@pytest.mark.parametrize(
    ("learning_rate", "error", "message"),
    [
        (1e-3, TypeError, r"learning_rate must be a schedule with 2 groups, a list of 2 .*, got 0.001"),
        ("1e-3", TypeError, r"learning_rate must be a schedule .*, got '1e-3'"),
        (mx.zeros(2), TypeError, r"learning_rate must be a schedule .*, got array"),
        ([1e-3], ValueError, r"learning_rate must hold one value for each of 2 optimizers, got 1"),
        ([1e-3, "1e-4"], TypeError, r"learning_rate\[1\] must be a schedule, a number or None, got '1e-4'"),
        ([1e-3, True], TypeError, r"learning_rate\[1\] must be a schedule, a number or None, got True"),
        ([1e-3, [1e-3, 1e-4]], TypeError, r"learning_rate of optimizers\[1\] is one number, and not a list"),
        ([ms.cosine_decay([0.1, 0.2], 9), None], ValueError, r"learning_rate\[0\] must give one value, got .* \(2,\)"),
        (optim.cosine_decay(1e-3, 10), ValueError, r"learning_rate must have groups of shape \(2,\).*got \(\)"),
        (ms.cosine_decay(1e-3, 10), ValueError, r"learning_rate must have groups of shape \(2,\).*got \(\)"),
        (ms.cosine_decay([1e-3] * 3, 10), ValueError, r"shape \(2,\), one for each optimizer, got \(3,\)"),
        (ms.cosine_decay([[1e-3, 1e-3]], 10), ValueError, r"shape \(2,\), one for each optimizer, got \(1, 2\)"),
    ],
)
def test_bad_learning_rates(learning_rate, error, message):
    with pytest.raises(error, match=message):
        ms.MultiOptimizer([optim.SGD(0.1), optim.SGD(0.1)], [lambda *_: True], learning_rate=learning_rate)


def test_two_schedules_for_one_optimizer():
    lrs = ms.cosine_decay([1e-3, 1e-4], 10)
    with pytest.raises(ValueError, match=r"optimizers\[1\] has a schedule of its own"):
        ms.MultiOptimizer([optim.SGD(0.1), optim.SGD(lrs[1])], [lambda *_: True], learning_rate=lrs)


def test_optimizers_that_take_no_rate_of_their_own():
    lrs = ms.cosine_decay([1e-3, 1e-4], 10)
    with pytest.raises(TypeError, match=r"optimizers\[1\] must be an optimizer of one rate, got"):
        ms.MultiOptimizer([optim.SGD(0.1), optim.MultiOptimizer([optim.SGD(0.1)])], [lambda *_: True], lrs)
    nested = ms.MultiOptimizer([optim.SGD(0.1), optim.MultiOptimizer([optim.SGD(0.2)])], [lambda *_: False])
    assert nested.apply_gradients({"a": mx.ones(1)}, {"a": mx.ones(1)})["a"].item() == np.float32(0.8)  # as MLX's
    with pytest.raises(ValueError, match=r"optimizers\[1\] is in the list before"):
        ms.MultiOptimizer([optim.SGD(0.1)] * 2, [lambda *_: True], learning_rate=lrs)


@pytest.mark.parametrize("made", [optim.Adafactor(), optim.Adafactor(1e-3)])
def test_an_adafactor_that_ignores_its_rate(made):
    with pytest.raises(
        ValueError, match=r"optimizers\[1\] is an Adafactor that ignores its rate: make it with relative_s"
    ):
        ms.MultiOptimizer([optim.SGD(0.1), made], [lambda *_: True], ms.cosine_decay([1e-3, 1e-4], 10))
    assert ms.MultiOptimizer([optim.SGD(0.1), made], [lambda *_: True]).optimizers[1] is made  # as MLX's


ONE, TWO = [optim.SGD(0.1)], [optim.SGD(0.1), optim.AdamW(0.1)]


def by_path(path, weight):
    return path == "bias"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((TWO, by_path), TypeError, r"filters must be a list of functions of a path and a weight, got .*: write \[f"),
        ((TWO, "layers.0"), TypeError, r"filters must be a list .* got 'layers.0'"),
        ((TWO, None), TypeError, r"filters must be a list .* got None"),
        ((TWO, ["layers.0"]), TypeError, r"filters\[0\] must be a function .* got 'layers.0': write lambda path"),
        ((TWO, [None]), TypeError, r"filters\[0\] must be a function of a path and a weight, got None"),
        ((TWO, []), ValueError, "Given 0 filters but 1 needed: one for each optimizer but the last"),
        ((ONE, [by_path]), ValueError, "Given 1 filters but 0 needed"),
        ((TWO, [by_path, by_path]), ValueError, "Given 2 filters but 1 needed"),
        ((optim.AdamW(0.0),), TypeError, r"optimizers must be a list of optimizers, got <.*AdamW.*: write \[o"),
        (({"a": optim.SGD(0.1)},), TypeError, "optimizers must be a list of optimizers, got {'a'"),
        (([],), ValueError, r"optimizers must hold at least one optimizer, got \[\]"),
        ((iter([]),), ValueError, r"optimizers must hold at least one optimizer, got \[\]"),
        (([optim.SGD],), TypeError, r"optimizers\[0\] must be an optimizer, got <class"),
        (([1e-3],), TypeError, r"optimizers\[0\] must be an optimizer, got 0.001"),
        (([nn.Sequential(*[nn.Linear(2, 2)] * 99)],), TypeError, r"optimizers\[0\] must be an optimizer, got Seq"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheduled", [False, True])
def test_wrong_arguments_say_what_to_do(arguments, error, message, scheduled):
    rates = {"learning_rate": ms.cosine_decay([0.1, 0.2], 9)} if scheduled else {}
    with pytest.raises(error, match=r"\[MultiOptimizer\] " + message) as caught:
        ms.MultiOptimizer(*arguments, **rates)
    assert len(str(caught.value)) < 300


def test_iterables_are_lists():
    optimizer = ms.MultiOptimizer(iter([optim.SGD(0.1), optim.SGD(0.2)]), (one for one in [by_path]))
    assert len(optimizer.optimizers) == 2
    assert optimizer.filters[0] is by_path


def test_the_representation_shows_which_group_has_what():
    model = nn.Linear(3, 2)
    optimizer = ms.MultiOptimizer(
        [optim.SGD(0.0), optim.AdamW(0.0, betas=[0.9, 0.99]), optim.Lion(optim.linear_schedule(0.0, 1.0, 5))],
        [by_path, lambda path, weight: path == "weight"],
        learning_rate=[ms.cosine_decay(0.1, 9), ms.cosine_decay(0.2, 9), None],
        betas=[None, (None, ms.cosine_decay(0.999, 9)), None],
        names=["bias", "matrix", "rest"],
    )
    optimizer.update(model, model.parameters())
    assert repr(optimizer).splitlines() == [
        "MultiOptimizer(",
        "  bias: SGD(learning_rate=cosine_decay(init=0.1, decay_steps=9, end=0.0)), 1 weights, where by_path",
        "  matrix: AdamW(learning_rate=cosine_decay(init=0.2, decay_steps=9, end=0.0), "
        "betas[1]=cosine_decay(init=0.999, decay_steps=9, end=0.0)), 1 weights, where <lambda>",
        "  rest: Lion(learning_rate=schedule), 0 weights, all others",
        ")",
    ]
    rates = ms.cosine_decay([0.1, 0.2], 9)
    batched = ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [by_path], rates)
    assert all(repr(rate) in line for rate, line in zip(rates, repr(batched).splitlines()[1:], strict=False))
    assert repr(ms.MultiOptimizer([optim.SGD(0.1)])) == "MultiOptimizer(\n  0: SGD(), 0 weights, all others\n)"
