"""ms.MultiOptimizer's optimizers, filters and rates: what is accepted, what is refused, and how they print."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms


@pytest.mark.parametrize(
    ("learning_rate", "error", "message"),
    [
        (1e-3, TypeError, r"learning_rate must be a schedule, or a function .*, got 0.001: write a list of 2"),
        ("1e-3", TypeError, r"learning_rate must be a schedule, or a function .*, got '1e-3'"),
        (mx.zeros(2), TypeError, r"learning_rate must be a schedule, or a function .*, got array"),
        ([1e-3], ValueError, r"learning_rate must hold one value for each of 2 optimizers, got 1"),
        ([1e-3, "1e-4"], TypeError, r"learning_rate\[1\] must be a schedule, a number or None, got '1e-4'"),
        ([1e-3, True], TypeError, r"learning_rate\[1\] must be a schedule, a number or None, got True"),
        ([1e-3, [1e-3, 1e-4]], TypeError, r"learning_rate of optimizers\[1\] is one number, not a list"),
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
    weights = {"a": mx.ones(1)}
    with pytest.warns(UserWarning, match="No weight belongs to group '0', where <lambda>"):
        assert nested.apply_gradients(weights, weights)["a"].item() == np.float32(0.8)  # as in MLX
    with pytest.raises(ValueError, match=r"optimizers\[1\] is in the list already"):
        ms.MultiOptimizer([optim.SGD(0.1)] * 2, [lambda *_: True], learning_rate=lrs)


@pytest.mark.parametrize("made", [optim.Adafactor(), optim.Adafactor(1e-3)])
def test_an_adafactor_that_ignores_its_rate(made):
    with pytest.raises(
        ValueError, match=r"optimizers\[1\] is an Adafactor that ignores its rate: make it with relative_s"
    ):
        ms.MultiOptimizer([optim.SGD(0.1), made], [lambda *_: True], ms.cosine_decay([1e-3, 1e-4], 10))
    assert ms.MultiOptimizer([optim.SGD(0.1), made], [lambda *_: True]).optimizers[1] is made  # as in MLX


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
        "  bias: SGD, 1 weight, where by_path",
        "    learning_rate: cosine_decay(init=0.1, decay_steps=9, end=0.0)",
        "    momentum: 0.0",
        "    weight_decay: 0.0",
        "    dampening: 0.0",
        "  matrix: AdamW, 1 weight, where <lambda>",
        "    learning_rate: cosine_decay(init=0.2, decay_steps=9, end=0.0)",
        "    betas: [0.9, cosine_decay(init=0.999, decay_steps=9, end=0.0)]",
        "    eps: 1e-08",
        "    weight_decay: 0.01",
        "  rest: Lion, 0 weights, all others",
        "    learning_rate: schedule",
        "    betas: [0.9, 0.99]",
        "    weight_decay: 0.0",
        ")",
    ]
    rates = ms.cosine_decay([0.1, 0.2], 9)
    batched = ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [by_path], rates)
    assert [line for line in repr(batched).splitlines() if "rate" in line] == [
        f"    learning_rate: {one}" for one in rates
    ]
    assert "learning_rate: 0.1\n" in repr(ms.MultiOptimizer([optim.SGD(0.1)]))


def test_the_representation_leaves_out_a_number_of_weights_that_the_state_does_not_tell():
    class Signed(optim.SGD):
        def init_single(self, parameter, state):
            pass

    optimizer = ms.MultiOptimizer([Signed(0.1), Signed(0.1)], [by_path])
    optimizer.init({"bias": mx.ones(2)})
    assert repr(optimizer).splitlines()[1::5] == [
        "  0: Signed, where by_path",
        "  1: Signed, 0 weights, all others",
        ")",
    ]


@pytest.mark.parametrize("name", ["master_weights", "track_moved"])
def test_what_is_neither_true_nor_false(name):
    with pytest.raises(TypeError, match=rf"\[MultiOptimizer\] {name} must be True or False, got 'no'"):
        ms.MultiOptimizer(ONE, **{name: "no"})


def test_the_representation_of_traced_numbers():
    shown = []

    def update(number):
        given = {"learning_rate": [number], "weight_decay": [number], "betas": [(number, 0.5)]}
        shown.append(repr(ms.MultiOptimizer([optim.AdamW(0.1)], **given)))
        return number

    mx.eval(mx.compile(update)(mx.array(0.5)))
    for line in ("learning_rate: traced", "weight_decay: traced", "betas: [traced, 0.5]"):
        assert line in shown[0]


def test_the_representation_of_a_long_schedule_closes_its_brackets():
    long = ms.join_schedules([ms.cosine_decay([0.1, 0.2], 9 + i) for i in range(99)], list(range(9, 9 + 98)))
    optimizer = ms.MultiOptimizer([optim.AdamW(0.0), optim.AdamW(0.0)], [by_path], long, betas=[(long[0], None), None])
    shown = repr(optimizer)
    for opening, closing in ("()", "[]"):
        assert shown.count(opening) == shown.count(closing)
    assert max(map(len, shown.splitlines())) < 300
    assert shown.count("...") == 3


def test_a_filter_that_takes_no_weight_is_told_once():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    model.layers[0].freeze()

    def optimizer(*starts):
        chosen = [lambda path, weight, start=start: path.startswith(start) for start in starts]
        return ms.MultiOptimizer([optim.SGD(0.1) for _ in (*starts, None)], chosen, names=[*starts, "rest"])

    misspelt = optimizer("layers.1", "layer.0")
    with pytest.warns(UserWarning, match="No weight belongs to group 'layer.0', where <lambda>: its"):
        misspelt.update(model, model.trainable_parameters())
    misspelt.update(model, model.trainable_parameters())  # warnings are errors here
    frozen = optimizer("layers.0", "layers.1")
    frozen.update({}, {})
    frozen.update(model, model.trainable_parameters())
