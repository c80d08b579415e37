"""MLX's transformations: grad, vjp, jvp, vmap, their compositions, checkpoint and streams."""

import itertools
import math

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_map

import mlx_schedules as ms
from mlx_schedules.fast import cosine_decay as op
from support.helpers import same


def oracle(step, init, time, end):
    """Return the formula in plain MLX, for derivatives where 0 < step < T."""
    return end + (init - end) * mx.square(mx.cos(math.pi / 2 * step / time))


OPERANDS = (mx.array([3.0, 20.0, 33.3]), mx.array([1.0, 0.5, 2.0]), mx.array([50.0, 40.0, 90.0]), mx.array(0.2))


# ---- derivatives


@pytest.mark.parametrize("argnums", [c for n in (1, 2, 3, 4) for c in itertools.combinations(range(4), n)], ids=str)
def test_gradients(argnums):
    def total(f):
        return mx.grad(lambda *a: (f(*a) * mx.array([1.0, 2.0, 3.0])).sum(), argnums=argnums)

    ours, theirs = total(op)(*OPERANDS), total(oracle)(*OPERANDS)
    same(ours, theirs)


@pytest.mark.parametrize("k", range(4))
def test_jvp_and_vjp(k):
    tangents = [mx.ones_like(a) * (0.5 + i) for i, a in enumerate(OPERANDS)]

    def only(f):
        return lambda x: f(*(x if i == k else a for i, a in enumerate(OPERANDS)))

    same(mx.jvp(only(op), [OPERANDS[k]], [tangents[k]])[1], mx.jvp(only(oracle), [OPERANDS[k]], [tangents[k]])[1])
    cotangent = mx.array([1.0, -2.0, 0.5])
    same(mx.vjp(only(op), [OPERANDS[k]], [cotangent])[1], mx.vjp(only(oracle), [OPERANDS[k]], [cotangent])[1])


def test_jvp_in_all_operands_at_once():
    tangents = [mx.ones_like(a) * (0.5 + i) for i, a in enumerate(OPERANDS)]
    same(mx.jvp(op, list(OPERANDS), tangents)[1], mx.jvp(oracle, list(OPERANDS), tangents)[1])


@pytest.mark.parametrize("pair", list(itertools.product(range(4), range(4))), ids=str)
def test_second_derivatives(pair):
    first, second = pair

    def hessian(f):
        inner = mx.grad(lambda *a: f(*a).sum(), argnums=first)
        return mx.grad(lambda *a: inner(*a).sum(), argnums=second)

    same(hessian(op)(*OPERANDS), hessian(oracle)(*OPERANDS), rtol=2e-4)


def test_value_and_grad():
    value, gradient = mx.value_and_grad(lambda init: op(mx.array(30), init, 100))(mx.array(2.0))
    assert value.item() == op(30, 2.0, 100).item()
    assert gradient.item() == pytest.approx(math.cos(math.pi / 2 * 0.3) ** 2, rel=1e-6)


def test_derivatives_in_init_and_end_keep_the_last_steps():
    """At these steps, the derivatives of MLX's closure are 0."""
    last = mx.arange(10**6 - 50, 10**6 + 1)
    gradient = mx.grad(lambda init: op(last, init, 10**6, 0.3).sum())(mx.ones(last.shape))
    assert mx.allclose(gradient, op(last, 1.0, 10**6, 0.0), rtol=1e-6, atol=0)
    gradient = mx.grad(lambda end: op(last, 0.7, 10**6, end).sum())(mx.ones(last.shape))
    assert mx.array_equal(gradient, op(last, 0.0, 10**6, 1.0))


def test_derivatives_are_zero_where_clipped():
    for step in (-5.0, 0.0, 100.0, 1e9):
        for k in (0, 2):
            gradient = mx.grad(op, argnums=k)(mx.array(step), mx.array(1.0), mx.array(100.0), mx.array(0.5))
            assert abs(gradient.item()) < 1e-9
    for time in (0.0, -3.0):
        gradients = mx.grad(op, argnums=(0, 1, 2, 3))(mx.array(1.0), mx.array(1.0), mx.array(time), mx.array(0.5))
        assert [g.item() for g in gradients] == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16])
def test_gradients_have_their_operands_dtype(dtype):
    operands = [a.astype(dtype) for a in OPERANDS]
    gradients = mx.grad(lambda *a: op(*a).sum(), argnums=(0, 1, 2, 3))(*operands)
    assert [g.dtype for g in gradients] == [dtype] * 4
    assert [g.shape for g in gradients] == [a.shape for a in operands]


@pytest.mark.usefixtures("cpu_only")
def test_gradients_in_float64_match_finite_differences():
    operands = [a.astype(mx.float64) for a in OPERANDS]
    gradients = mx.grad(lambda *a: op(*a).sum(), argnums=(0, 1, 2, 3))(*operands)
    for k, gradient in enumerate(gradients):
        assert gradient.dtype == mx.float64
        up, down = ([a + d if i == k else a for i, a in enumerate(operands)] for d in (1e-5, -1e-5))
        difference = (op(*up) - op(*down)) / 2e-5
        difference = difference.sum() if k == 3 else difference
        np.testing.assert_allclose(np.array(gradient), np.array(difference), rtol=1e-7, atol=1e-9)


def range_test(first):
    """Make a function of the first value: a schedule that grows for 20 steps, on its way to infinity, and decays."""

    def function(init, step):
        return ms.join_schedules([first(init), ms.linear_schedule(init, 0.0, 1000)], [20])(step)

    return function


GROWING = {
    "exponential": lambda init: ms.exponential_decay(init, 1.2),
    "stairs": lambda init: ms.step_decay(init, 3.0, 1),
    "power": lambda init: ms.polynomial_decay(init, 20, power=3.0),
    "inverse power": lambda init: ms.inverse_sqrt_decay(init, 3),
}


@pytest.mark.parametrize("ease", GROWING)
@pytest.mark.parametrize("dtype", [mx.int32, mx.uint64, mx.float32])
def test_columns_that_are_over_leave_gradients_alone(ease, dtype):
    f = range_test(GROWING[ease])
    steps = mx.array([20, 600, 2**20]).astype(dtype)
    gradient = mx.grad(lambda init: (f(init, steps) * mx.array([1.0, 10.0, 100.0])).sum())(mx.array(1.0))
    assert gradient.item() == pytest.approx(1 + 10 * 0.42, rel=1e-6)
    if dtype == mx.float32:
        slopes = mx.grad(lambda step: f(mx.array(1.0), step).sum())(mx.array([600.0, 2.0**20]))
        np.testing.assert_allclose(np.array(slopes), [-1e-3, 0], atol=1e-9)


def test_gradients_by_the_rate_of_a_column_that_is_over_are_zero():
    def f(rate):
        return ms.join_schedules([ms.exponential_decay(1.0, rate), ms.constant(0.5)], [20])(mx.array(600))

    assert mx.grad(f)(mx.array(1.2)).item() == 0.0


# ---- shapeless derivatives with respect to the numbers of schedules


def of_hyperparameters(init, rate, end):
    parts = [ms.linear_schedule(0.0, init, 4), ms.exponential_decay(init, rate), ms.linear_schedule(init, end, 10)]
    values = ms.join_schedules(parts, [4, 9])(mx.arange(14.0))
    return (values * mx.arange(14.0).reshape(-1, *(1 for _ in init.shape))).sum()


by_hyperparameters = mx.grad(of_hyperparameters, argnums=(0, 1, 2))
HYPERPARAMETERS = {
    "one group": [mx.array(0.5), mx.array(0.9), mx.array(0.1)],
    "groups": [mx.array([0.5, 0.25]), mx.array([0.9, 0.7]), mx.array([0.1, 0.2])],
}


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_exported_shapeless_derivatives_by_hyperparameters(name, tmp_path):
    numbers = HYPERPARAMETERS[name]
    expected = by_hyperparameters(*numbers)
    for k in range(3):
        up, down = ([a + d if i == k else a for i, a in enumerate(numbers)] for d in (1e-2, -1e-2))
        difference = (of_hyperparameters(*up) - of_hyperparameters(*down)).item() / 2e-2
        assert expected[k].sum().item() == pytest.approx(difference, rel=2e-3)
    with ms.exporting():
        mx.export_function(str(tmp_path / "f.mlxfn"), by_hyperparameters, *numbers, shapeless=True)
    same(mx.import_function(str(tmp_path / "f.mlxfn"))(*numbers), expected, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_compiled_shapeless_derivatives_by_hyperparameters(name):
    numbers = HYPERPARAMETERS[name]
    same(mx.compile(by_hyperparameters, shapeless=True)(*numbers), by_hyperparameters(*numbers))


# ---- vmap


@pytest.mark.parametrize("axes", list(itertools.product([None, 0, 1, -1], repeat=4))[1:], ids=str)
def test_vmap_over_every_combination_of_operands_and_axes(axes):
    rng = np.random.default_rng(3)
    operands = [
        mx.array(rng.integers(0, 30, (3, 3)).astype(np.int32)),
        mx.array(rng.uniform(0, 1, (3, 3)).astype(np.float32)),
        mx.array(rng.integers(1, 30, (3, 3)).astype(np.int32)),
        mx.array(rng.uniform(0, 1, (3, 3)).astype(np.float32)),
    ]
    rows = [
        op(*(a if axis is None else mx.take(a, mx.array(i), axis=axis) for a, axis in zip(operands, axes, strict=True)))
        for i in range(3)
    ]
    assert mx.array_equal(mx.vmap(op, in_axes=axes)(*operands), mx.stack(rows))


def test_vmap_with_operands_of_unequal_rank():
    steps, inits, times = mx.arange(24).reshape(2, 3, 4), mx.array([1.0, 2.0]), mx.array([10, 20, 30, 40])
    mapped = mx.vmap(op, in_axes=(0, 0, None, None))(steps, inits, times, mx.array(0.0))
    assert mx.array_equal(mapped, mx.stack([op(steps[i], inits[i], times) for i in range(2)]))
    out = mx.vmap(lambda s, i: op(s, i, times), in_axes=(0, 0), out_axes=2)(steps, inits)
    assert mx.array_equal(out, mx.moveaxis(mapped, 0, 2))
    nested = mx.vmap(mx.vmap(lambda s, i: op(s, i, 10), in_axes=(0, None)), in_axes=(None, 0))(mx.arange(5), inits)
    assert mx.array_equal(nested, op(mx.arange(5), inits[:, None], 10))


def test_vmap_of_grad_and_grad_of_vmap():
    def rate(init, time, step):
        return op(step, init, time)

    inits, times, steps = mx.array([1.0, 2.0, 3.0]), mx.array([10.0, 20.0, 30.0]), mx.array([3.0, 4.0, 5.0])
    each = mx.vmap(mx.grad(rate, argnums=(0, 1, 2)))(inits, times, steps)
    whole = mx.grad(lambda *a: mx.vmap(rate)(*a).sum(), argnums=(0, 1, 2))(inits, times, steps)
    one = [mx.grad(rate, argnums=(0, 1, 2))(*(a[i] for a in (inits, times, steps))) for i in range(3)]
    for k in range(3):
        same(each[k], mx.stack([g[k] for g in one]))
        same(whole[k], each[k])


def test_vmap_over_a_schedule_made_inside():
    def curve(init, time):
        return ms.cosine_decay(init, time, end=0.1)(mx.arange(5))

    inits, times = mx.array([1.0, 2.0]), mx.array([4, 8])
    mapped = mx.vmap(curve)(inits, times)
    for i in range(2):
        assert mx.array_equal(mapped[i], curve(inits[i], times[i]))


# ---- checkpoint, streams and others


def test_checkpoint():
    def f(init):
        return mx.sin(op(mx.arange(10), init, 7)).sum()

    same(mx.grad(mx.checkpoint(f))(mx.array(2.0)), mx.grad(f)(mx.array(2.0)))


def test_hypergradient_through_training():
    x = mx.array([1.0, 2.0, 3.0])

    def final_loss(init):
        w = mx.array(0.0)
        schedule = ms.cosine_decay(init, 5)
        for step in range(5):
            w = w - schedule(step) * 2 * mx.mean((w * x - x) * x)
        return mx.mean((w * x - x) ** 2)

    gradient = mx.grad(final_loss)(mx.array(0.01))
    difference = (final_loss(mx.array(0.0101)) - final_loss(mx.array(0.0099))) / 0.0002
    assert gradient.item() == pytest.approx(difference.item(), rel=1e-3)


def test_streams_and_devices():
    expected = ms.cosine_decay(0.1, 100)(mx.arange(50))
    for stream in (mx.new_stream(mx.cpu), mx.cpu, None):
        assert mx.array_equal(op(mx.arange(50), 0.1, 100, stream=stream), expected)
    with mx.stream(mx.new_stream(mx.cpu)):
        assert mx.array_equal(ms.cosine_decay(0.1, 100)(mx.arange(50)), expected)


def test_async_eval():
    schedule = ms.cosine_decay(0.1, 1000)
    results = [schedule(mx.arange(1000) + i) for i in range(20)]
    mx.async_eval(*results)
    for i, result in enumerate(results):
        assert mx.array_equal(result, schedule(mx.arange(i, i + 1000)))


def test_tree_of_schedules():
    rates = tree_map(lambda s: s(10), {"a": ms.cosine_decay(0.1, 100), "b": [ms.cosine_decay(0.2, 50)]})
    assert rates["b"][0].item() == ms.cosine_decay(0.2, 50)(10).item()
