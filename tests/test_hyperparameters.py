"""Any hyperparameter of any optimizer follows a schedule: the values, the dtypes, one op, and nothing left behind."""

from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

import mlx_schedules as ms
from helpers import primitives, same_bits

NUMBERS = {  # for each optimizer the attributes that are numbers; a tuple has one for each element
    "sgd": (partial(optim.SGD, momentum=0.9, dampening=0.1), {"momentum": 0.9, "weight_decay": 0.1, "dampening": 0.1}),
    "nesterov": (partial(optim.SGD, momentum=0.9, nesterov=True), {"momentum": 0.9, "weight_decay": 0.1}),
    "rmsprop": (optim.RMSprop, {"alpha": 0.99, "eps": 1e-3}),
    "adagrad": (optim.Adagrad, {"eps": 1e-3}),
    "adadelta": (optim.AdaDelta, {"rho": 0.9, "eps": 1e-3}),
    "adam": (optim.Adam, {"betas": (0.9, 0.999), "eps": 1e-3}),
    "corrected": (partial(optim.Adam, bias_correction=True), {"betas": (0.9, 0.999), "eps": 1e-3}),
    "adamw": (optim.AdamW, {"betas": (0.9, 0.999), "eps": 1e-3, "weight_decay": 0.1}),
    "adamax": (optim.Adamax, {"betas": (0.9, 0.999), "eps": 1e-3}),
    "lion": (optim.Lion, {"betas": (0.9, 0.99), "weight_decay": 0.1}),
    "muon": (optim.Muon, {"momentum": 0.95, "weight_decay": 0.1}),
    "adafactor": (
        partial(optim.Adafactor, relative_step=False, beta_1=0.9),
        {"beta_1": 0.9, "weight_decay": 0.1, "clip_threshold": 1.0, "decay_rate": -0.8},
    ),
}
CASES = [(name, dtype, False) for name in NUMBERS for dtype in (mx.float32, mx.float16, mx.bfloat16)]
CASES += [(name, mx.bfloat16, True) for name in ("sgd", "adamw", "muon")]  # each compiles some 8 s


def decay(value):
    return ms.cosine_decay(value, 8, end=0.9 * value)


def over(value, leaf):
    return tuple(map(leaf, value)) if isinstance(value, tuple) else leaf(value)


def start(dtype):
    return {name: mx.random.normal((8, 6), key=mx.random.key(i)).astype(dtype) for i, name in enumerate("ab")}


def by_name(*tree):
    return dict(tree_flatten(tree))


def updates(optimizer, compiled):
    update = optimizer.apply_gradients
    return mx.compile(update, optimizer.state, optimizer.state) if compiled else update


@pytest.mark.parametrize(("name", "dtype", "compiled"), CASES, ids=str)
def test_each_optimizer_trains_as_with_numbers_set_at_every_step(name, dtype, compiled):
    make, numbers = NUMBERS[name]
    schedules = {key: [over(value, decay)] for key, value in numbers.items()}
    ours = ms.MultiOptimizer([make(learning_rate=0.0)], learning_rate=decay(0.01), **schedules)
    theirs = make(learning_rate=decay(0.01))
    mine, reference = start(dtype), start(dtype)
    ours.init(mine)
    update = updates(ours, compiled)
    for step in range(6):
        for key, value in numbers.items():
            setattr(theirs, key, over(value, lambda x, step=step: decay(x)(step).item()))
        mine, reference = update(mine, mine), theirs.apply_gradients(reference, reference)
    found, expected = by_name(mine, ours.state["states"][0]), by_name(reference, theirs.state)
    assert {path: leaf.dtype for path, leaf in found.items()} == {path: leaf.dtype for path, leaf in expected.items()}
    tolerance = 4 * mx.finfo(dtype).eps
    for path, a in found.items():
        b = expected[path]
        assert mx.allclose(a.astype(mx.float32), b.astype(mx.float32), rtol=tolerance, atol=tolerance), path
    assert not same_bits(mine["a"], start(dtype)["a"])


def closure(value):
    return optim.cosine_decay(value, 8, 0.9 * value)


@pytest.mark.parametrize(("name", "dtype"), [case[:2] for case in CASES if not case[2]], ids=str)
def test_two_groups_train_as_with_closures_in_mlxs(name, dtype):
    """The same closures: the same bits. This package's schedules: the same rates but for their rounding."""
    make, _ = NUMBERS[name]
    rates = [0.01, 0.02]
    theirs = optim.MultiOptimizer([make(learning_rate=closure(rate)) for rate in rates], [first])
    same = ms.MultiOptimizer([make(learning_rate=0.0) for _ in rates], [first], [closure(rate) for rate in rates])
    ours = ms.MultiOptimizer([make(learning_rate=0.0) for _ in rates], [first], [decay(rate) for rate in rates])
    far = tree_map(lambda weight: weight + mx.sign(weight), start(dtype))  # from 0, where float16 has no squares
    weights = [far] * 3
    for _ in range(6):
        weights = [one.apply_gradients(its, its) for one, its in zip((theirs, same, ours), weights, strict=True)]
        expected = [one.learning_rate.item() for one in theirs.optimizers]
        assert same.learning_rates.tolist() == expected
        assert ours.learning_rates.tolist() == pytest.approx(expected, rel=3e-7)
    assert all(mx.isfinite(leaf).all() for _, leaf in tree_flatten(weights))
    expected, *found = map(by_name, weights, [theirs.state, same.state, ours.state])
    assert all(same_bits(leaf, expected[path]) for path, leaf in found[0].items())
    tolerance = 4 * mx.finfo(dtype).eps
    for path, leaf in found[1].items():
        assert leaf.dtype == expected[path].dtype, path
        both = (array.astype(mx.float32) for array in (leaf, expected[path]))
        assert mx.allclose(*both, rtol=tolerance, atol=tolerance), path


class Recorder(optim.Optimizer):
    """Its weights become the numbers that it has in the update."""

    def __init__(self, weight_decay=0.0, betas=(0.0, 0.0)):
        super().__init__()
        self._maybe_schedule("learning_rate", 0.0)
        self.weight_decay, self.betas = weight_decay, betas

    def init_single(self, parameter, state):
        state["v"] = mx.zeros(())

    def apply_single(self, gradient, parameter, state):
        zero = mx.zeros(())
        return mx.stack([self.learning_rate, *(zero + one for one in (self.weight_decay, *self.betas))])


def first(path, weight):
    return path == "a"


def recorded(compiled, count=100):
    rates, decays = ms.cosine_decay([0.1, 0.2], [70, 120]), ms.cosine_decay([0.01, 0.3], 99, end=0.001)
    beta = decay(0.999)
    optimizer = ms.MultiOptimizer(
        [Recorder(), Recorder(0.5, betas=[0.25, 0.5])],
        [first],
        learning_rate=rates,
        weight_decay=decays,
        betas=[(0.75, beta), None],
    )
    weights = {"a": mx.zeros(4), "b": mx.zeros(4)}
    optimizer.init(weights)
    update = updates(optimizer, compiled)
    for step in range(count):
        weights = update(weights, weights)
        expected = [
            [rates(step)[0].item(), decays(step)[0].item(), 0.75, beta(step).item()],
            [rates(step)[1].item(), decays(step)[1].item(), 0.25, 0.5],
        ]
        yield optimizer, [weights["a"].tolist(), weights["b"].tolist()], expected


@pytest.mark.parametrize("compiled", [False, True])
def test_every_update_has_the_bits_of_the_schedules(compiled):
    for optimizer, used, expected in recorded(compiled):
        assert used == expected
        reported = [tree_map(lambda value: value.item(), one) for one in optimizer.hyperparameters.values()]
        assert [[one["learning_rate"], one["weight_decay"], *one["betas"]] for one in reported] == expected


@pytest.mark.parametrize("compiled", [False, True])
def test_attributes_are_afterwards_what_they_were(compiled):
    *_, (optimizer, _, _) = recorded(compiled, count=3)
    one, other = optimizer.optimizers
    assert (one.weight_decay, other.weight_decay) == (0.0, 0.5)
    assert (one.betas, other.betas) == ([0.75, 0.0], [0.25, 0.5])
    assert all(type(number) is float for it in (one, other) for number in (it.weight_decay, *it.betas))


def test_attributes_are_what_they_were_after_an_error():
    class Failing(Recorder):
        def apply_single(self, *_):
            raise RuntimeError("no")

    optimizer = ms.MultiOptimizer([Failing(0.5)], weight_decay=decay(0.1))
    for update in (optimizer.apply_gradients, mx.compile(optimizer.apply_gradients)):
        with pytest.raises(RuntimeError, match="no"):
            update({"a": mx.ones(2)}, {"a": mx.ones(2)})
        assert optimizer.optimizers[0].weight_decay == 0.5


def test_one_primitive_for_three_hyperparameters_of_64_groups():
    n = 64
    optimizer = ms.MultiOptimizer(
        [optim.SGD(0.0, momentum=0.9) for _ in range(n)],
        [lambda path, _, i=i: path == f"w{i}" for i in range(n - 1)],
        learning_rate=ms.cosine_decay([1e-3] * n, [100] * n),
        weight_decay=[ms.cosine_decay(0.1 + i, 99) for i in range(n)],
        momentum=ms.cosine_decay([0.95] * n, 50, end=0.85),
    )
    weights = {f"w{i}": mx.ones(2) for i in range(n)}
    new = optimizer.apply_gradients(weights, weights)
    assert primitives(*new.values()).count("Schedule") == 1
    reported = by_name(optimizer.hyperparameters)
    assert len(reported) == 3 * n
    driven = [value for path, value in reported.items() if "learning_rate" not in path]
    assert primitives(*driven).count("Schedule") == 1


@pytest.mark.usefixtures("cpu_only")
def test_one_primitive_for_each_dtype():
    """None takes another's dtype; numbers are not rounded to an array's."""
    half, double = ms.cosine_decay(mx.array(0.1, mx.float16), 10), ms.cosine_decay(mx.array(0.1, mx.float64), 10)
    optimizer = ms.MultiOptimizer(
        [Recorder(), Recorder()],
        [first],
        learning_rate=ms.cosine_decay([0.1, 0.2], 10),
        weight_decay=[half, decay(0.3)],
        betas=[(double, None), None],
    )
    weights = {"a": mx.ones(4), "b": mx.ones(4)}
    new = optimizer.apply_gradients(weights, weights)
    assert primitives(*new.values()).count("Schedule") == 2
    assert new["a"].tolist() == [np.float32(0.1), half(0).item(), np.float32(0.1), 0.0]
    assert new["b"].tolist() == [np.float32(0.2), np.float32(0.3), 0.0, 0.0]
    assert half(0).item() != np.float32(0.1)
    assert optimizer.hyperparameters["0"]["betas"][0].dtype == mx.float64
    assert optimizer.learning_rates.dtype == mx.float32


def test_a_single_adamw_with_scheduled_weight_decay():
    """What changing the attribute does not do under compile."""
    optimizer = ms.MultiOptimizer([optim.AdamW(0.5, betas=[0.0, 0.0], eps=1e9)], weight_decay=ms.cosine_decay(0.1, 4))
    weights, expected = {"a": mx.ones(2)}, 1.0
    optimizer.init(weights)
    update = updates(optimizer, compiled=True)
    for step in range(6):
        weights = update(weights, weights)
        expected *= 1 - 0.5 * ms.cosine_decay(0.1, 4)(step).item()
        assert weights["a"][0].item() == pytest.approx(expected, rel=1e-6)
    assert optimizer.learning_rate.item() == 0.5


@pytest.mark.parametrize("compiled", [False, True])
def test_any_function_of_the_step(compiled):
    theirs, ours = optim.linear_schedule(0.1, 0.2, 10), ms.cosine_decay(0.9, 9)
    rate = optim.join_schedules([optim.linear_schedule(0.0, 1.0, 2), optim.cosine_decay(1.0, 5)], [2])
    optimizer = ms.MultiOptimizer(
        [Recorder(), Recorder()],
        [first],
        learning_rate=lambda step: mx.stack([rate(step), 0.5 * rate(step)]),
        weight_decay=[theirs, 0.25],
        betas=[(lambda step: 0.75, ours), None],
    )
    weights = {"a": mx.ones(4), "b": mx.ones(4)}
    optimizer.init(weights)
    update = updates(optimizer, compiled)
    for i in range(5):
        weights, step = update(weights, weights), mx.array(i, mx.uint64)
        expected = [rate(step).item(), theirs(step).item(), 0.75, ours(step).item()]
        assert weights["a"].tolist() == pytest.approx(expected, rel=1e-6)
        assert weights["b"].tolist() == pytest.approx([0.5 * expected[0], 0.25, 0.0, 0.0], rel=1e-6)


def test_numbers_are_as_if_an_optimizer_were_made_with_them():
    optimizer = ms.MultiOptimizer(
        [optim.SGD(9.0), optim.AdamW(9.0), optim.Adafactor()],
        [lambda *_: True] * 2,
        learning_rate=[0.5, np.float32(0.25), None],
        weight_decay=[0.125, None, 1],
        betas=[None, (0.5, None), None],
    )
    assert optimizer.learning_rates.tolist()[:2] == [0.5, 0.25]
    assert np.isnan(optimizer.learning_rates[2].item())
    assert [one.weight_decay for one in optimizer.optimizers] == [0.125, 0.01, 1]
    assert optimizer.optimizers[1].betas == [0.5, 0.999]
    assert optimizer.optimizers[0].learning_rate.item() == 0.5


@pytest.mark.parametrize("compiled", [False, True])
def test_schedules_are_switched_in_mid_run(compiled):
    old, new = ms.cosine_decay(0.1, 9), ms.cosine_decay(0.7, 9)
    optimizer = ms.MultiOptimizer([Recorder(0.5)], learning_rate=old, weight_decay=decay(0.2))
    weights = {"a": mx.ones(4)}
    optimizer.init(weights)

    def used(update):
        return update(weights, weights)["a"].tolist()[:2]

    update = updates(optimizer, compiled)
    used(update)
    optimizer.learning_rate = new
    assert optimizer.learning_rate.item() == new(1).item()  # that of the next update
    assert used(update)[0] == (old if compiled else new)(1).item()  # a step that was compiled keeps its schedules
    assert used(updates(optimizer, compiled)) == [new(2).item(), decay(0.2)(2).item()]
    optimizer.set(weight_decay=[0.25])
    assert used(updates(optimizer, compiled)) == [new(3).item(), 0.25]
    optimizer.set(learning_rate=[None])
    optimizer.learning_rate = 3.0
    assert used(updates(optimizer, compiled)) == [3.0, 0.25]


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
        ({"weight_decay": 0.1}, TypeError, r"weight_decay must be a schedule with 2 groups, a list of 2 .* got 0.1"),
        ({"weight_decay": [0.1, "0.1"]}, TypeError, r"weight_decay\[1\] must be a schedule, a number or None, got '0"),
        ({"weight_decay": [0.1, lambda step: mx.zeros(2)]}, ValueError, r"weight_decay\[1\] must give one value, got"),
        ({"nesterov": [True, None]}, TypeError, r"nesterov\[0\] must be a schedule, a number or None, got True"),
        ({"nesterov": [decay(0.5), None]}, TypeError, r"nesterov of optimizers\[0\] is False, which takes no sch"),
        ({"betas": [None, decay(0.9)]}, TypeError, r"betas of optimizers\[1\] is \[0.9, 0.999\]: give a tuple of 2"),
        ({"betas": [None, (0.9, 0.9, 0.9)]}, TypeError, r"betas of optimizers\[1\] is \[0.9, 0.999\]: give a tuple"),
        ({"betas": [None, (0.9, "a")]}, TypeError, r"betas\[1\]\[1\] must be a schedule, a number or None, got 'a'"),
        ({"momentum": [(0.9, 0.9), None]}, TypeError, r"momentum of optimizers\[0\] is 0.9, which takes no schedule"),
        ({"apply_single": [decay(0.9), None]}, TypeError, r"apply_single of optimizers\[0\] is <.*, which takes no"),
        ({"learning_rate": [None, (0.1, 0.2)]}, TypeError, r"learning_rate of optimizers\[1\] is one number, and not"),
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
    """Eager code would work and the same code fail when compiled; so both say it."""

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
    """As an attribute of the whole it would do nothing, in silence."""
    optimizer = ms.MultiOptimizer([optim.AdamW(0.1), optim.SGD(0.1)], [first])
    for name in ("weight_decay", "betas", "momentum"):
        with pytest.raises(AttributeError, match=rf"{name} is each optimizer's own: write optimizer.set\({name}=\["):
            setattr(optimizer, name, decay(0.1))
    optimizer.remark, optimizer.names = "free", ["a", "b"]
    assert optimizer.remark == "free"


@pytest.mark.parametrize("make", [optim.AdamW, optim.SGD, optim.Muon])
def test_what_mlx_says_of_a_schedule_as_an_attribute(make):
    """docs/troubleshooting.md has its words."""
    alone = make(0.1)
    alone.weight_decay = decay(0.1)
    with pytest.raises(ValueError, match=r"Cannot perform \w+ on an mlx.core.array and mlx_schedules\S+Schedule"):
        alone.apply_gradients({"a": mx.ones((2, 2))}, {"a": mx.ones((2, 2))})
    with pytest.raises(ValueError, match=r"Invalid type mlx_schedules\S+Schedule received in array initialization"):
        alone.learning_rate = decay(0.1)


def test_decisions_are_as_for_a_number_above_zero():
    """Whatever it is now: the answer is compiled in. A momentum of 0 multiplies by 0."""
    momentum = ms.cosine_decay(0.9, 2)  # 0 from update 2 on
    optimizer = ms.MultiOptimizer([optim.SGD(0.1)], momentum=momentum)
    alone, weights, theirs = optim.SGD(0.1, momentum=0.9), {"a": mx.ones(2)}, {"a": mx.ones(2)}
    for step in range(4):
        alone.momentum = momentum(step).item()
        weights, theirs = optimizer.apply_gradients(weights, weights), alone.apply_gradients(theirs, theirs)
        assert same_bits(weights["a"], theirs["a"])


def test_derivatives_by_a_hyperparameter():
    def loss(decays):
        optimizer = ms.MultiOptimizer([optim.SGD(0.5)], weight_decay=ms.cosine_decay(decays, 4))
        return optimizer.apply_gradients({"a": mx.array(0.0)}, {"a": mx.array(3.0)})["a"]

    assert mx.grad(loss)(mx.array([0.1])).tolist() == [-1.5]


def test_groups_name_every_weight():
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    optimizer = ms.MultiOptimizer(
        [optim.Muon(0.0), optim.AdamW(0.0), optim.AdamW(0.0)],
        [lambda _, weight: weight.ndim == 2, lambda path, _: "norm" in path],
        names=["matrices", "norms", "rest"],
    )
    model.layers[0].freeze()
    rest = ["layers.1.bias", "layers.1.weight", "layers.2.bias"]
    assert optimizer.groups(model) == {"matrices": ["layers.2.weight"], "norms": [], "rest": rest}
    tree = {"norm.a": mx.ones(1), "0": (mx.ones(1),)}
    assert optimizer.groups(tree) == {"matrices": [], "norms": ["norm.a"], "rest": ["0.0"]}
    with pytest.raises(TypeError, match="model must be a Module or a tree of weights, got None"):
        optimizer.groups(None)


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", ""], ["a", 1], [["a"], "b"], []], ids=str)
def test_wrong_names(names):
    with pytest.raises(ValueError, match="names must be 2 strings, all different, got"):
        ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [lambda *_: True], names=names)


def test_names_that_are_no_list():
    with pytest.raises(TypeError, match="names must be a list of strings, got 'ab': one for each optimizer"):
        ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [lambda *_: True], names="ab")
