"""Any hyperparameter of any optimizer can follow a schedule: values, dtypes, a single op, and no traces left behind."""

import importlib.metadata

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map
from packaging.version import Version

import mlx_schedules as ms
from support.helpers import evaluated, has_ops, same_bits
from support.training import NUMBERS, Recorder, decay, first

COMPILED_SGD_DIFFERS = pytest.mark.xfail(
    Version(importlib.metadata.version("mlx")) < Version("0.32.3"),
    reason="MLX's own compiled SGD differs from its eager one there, with numbers too",
)
EAGER = [(name, dtype) for name in NUMBERS for dtype in (mx.float32, mx.float16, mx.bfloat16)]
COMPILED = [(name, mx.bfloat16, True) for name in ("adamw", "muon")]  # each takes some 8 s to compile
COMPILED += [pytest.param("sgd", mx.bfloat16, True, marks=COMPILED_SGD_DIFFERS)]


def over(value, leaf):
    return tuple(map(leaf, value)) if isinstance(value, tuple) else leaf(value)


def start(dtype):
    return {name: mx.random.normal((8, 6), key=mx.random.key(i)).astype(dtype) for i, name in enumerate("ab")}


def by_name(*tree):
    return dict(tree_flatten(tree))


def updates(optimizer, compiled):
    update = optimizer.apply_gradients
    return mx.compile(update, optimizer.state, optimizer.state) if compiled else update


@pytest.mark.parametrize(("name", "dtype", "compiled"), [*((*case, False) for case in EAGER), *COMPILED], ids=str)
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


@pytest.mark.parametrize(("name", "dtype"), EAGER, ids=str)
def test_two_groups_train_as_with_closures_in_mlxs(name, dtype):
    """With the same closures, the bits are MLX's; with this package's schedules, they differ by the rates' rounding."""
    make, _ = NUMBERS[name]
    rates = [0.01, 0.02]
    theirs = optim.MultiOptimizer([make(learning_rate=closure(rate)) for rate in rates], [first])
    same = ms.MultiOptimizer([make(learning_rate=0.0) for _ in rates], [first], [closure(rate) for rate in rates])
    ours = ms.MultiOptimizer([make(learning_rate=0.0) for _ in rates], [first], [decay(rate) for rate in rates])
    far = tree_map(lambda weight: weight + mx.sign(weight), start(dtype))  # away from 0: float16 squares underflow
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


def flat(tree):
    return [value for _, value in tree_flatten(tree)]


@pytest.mark.parametrize("compiled", [False, True])
def test_every_update_has_the_bits_of_the_schedules(compiled):
    for optimizer, used, expected in recorded(compiled):
        assert flat(used) == evaluated(flat(expected))
        reported = [tree_map(lambda value: value.item(), one) for one in optimizer.hyperparameters.values()]
        reported = [[one["learning_rate"], one["weight_decay"], *one["betas"]] for one in reported]
        assert flat(reported) == evaluated(flat(expected))


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
    assert has_ops(1, *new.values())
    reported = by_name(optimizer.hyperparameters)
    assert len(reported) == 3 * n
    driven = [value for path, value in reported.items() if "learning_rate" not in path]
    assert has_ops(1, *driven)


@pytest.mark.usefixtures("cpu_only")
def test_one_primitive_for_each_dtype():
    """No schedule takes another's dtype, and numbers aren't rounded to the dtype of an array."""
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
    assert has_ops(2, *new.values())
    assert new["a"].tolist() == [np.float32(0.1), half(0).item(), np.float32(0.1), 0.0]
    assert new["b"].tolist() == [np.float32(0.2), np.float32(0.3), 0.0, 0.0]
    assert half(0).item() != np.float32(0.1)
    assert optimizer.hyperparameters["0"]["betas"][0].dtype == mx.float64
    assert optimizer.learning_rates.dtype == mx.float32


def test_a_single_adamw_with_scheduled_weight_decay():
    """In a compiled step the decay follows the schedule, which assigning the attribute can't achieve."""
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

    def both(step):
        return mx.stack([rate(step), 0.5 * rate(step)])

    optimizer = ms.MultiOptimizer(
        [Recorder(), Recorder()],
        [first],
        learning_rate=both,
        weight_decay=both,
        betas=[(lambda step: 0.75, theirs), (theirs, ours)],
    )
    weights = {"a": mx.ones(4), "b": mx.ones(4)}
    optimizer.init(weights)
    update = updates(optimizer, compiled)
    for i in range(5):
        weights, step = update(weights, weights), mx.array(i, mx.uint64)
        (a, b), third = both(step).tolist(), theirs(step).item()
        assert weights["a"].tolist() == pytest.approx([a, a, 0.75, third], rel=1e-6)
        assert weights["b"].tolist() == pytest.approx([b, b, third, ours(step).item()], rel=1e-6)


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
    assert optimizer.learning_rate.item() == new(1).item()  # the rate of the next update
    assert used(update)[0] == evaluated((old if compiled else new)(1).item())  # a compiled step keeps its schedules
    assert used(updates(optimizer, compiled)) == evaluated([new(2).item(), decay(0.2)(2).item()])
    optimizer.set(weight_decay=[0.25])
    assert used(updates(optimizer, compiled)) == evaluated([new(3).item(), 0.25])
    optimizer.hold("learning_rate")
    optimizer.learning_rate = 3.0
    assert used(updates(optimizer, compiled)) == [3.0, 0.25]


def test_python_conditions_see_a_number_above_zero():
    """Whatever the number is at the moment, because the decision is compiled in. A momentum of 0 multiplies by 0."""
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
