"""mx.compile: the op and its transforms, shapeless or not, and whole training steps."""

from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten

import mlx_schedules as ms
from mlx_schedules import _ext
from mlx_schedules.fast import cosine_decay as op
from support.helpers import evaluated, has_ops, on_cuda, same, same_values


def test_compile():
    schedule = ms.cosine_decay([0.1, 0.2], [100, 50])
    compiled = mx.compile(schedule)
    for step in (0, 7, 1000):
        assert same_values(compiled(mx.array(step)), schedule(step))


OF_A_VALUE = {
    "join": lambda x: ms.join_schedules([ms.cosine_decay(x, 10), ms.constant(0.1)], [2]),
    "warmup": lambda x: ms.cosine_decay(x, 10).warmup(2),
    "shift": lambda x: ms.cosine_decay(x, 10).shift(-3),
    "segments": lambda x: lambda step: ms.fast.evaluate(step, ["linear", "hold"], [x, x], [x, x], [10, 10]),
}


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16, mx.float32], ids=str)
@pytest.mark.parametrize("make", OF_A_VALUE.values(), ids=OF_A_VALUE)
def test_a_traced_value_gives_the_dtype_that_it_gives_when_known(make, dtype):
    value, steps = mx.array([0.5]).astype(dtype), mx.arange(4).astype(dtype)
    assert mx.compile(lambda x: make(x)(steps))(value).dtype == make(value)(steps).dtype == dtype


@pytest.mark.parametrize("groups", [(), (2,), (2, 3)])
def test_shapeless_compile_follows_new_shapes(groups):
    schedule = ms.cosine_decay(np.full(groups, 0.1), 100)
    compiled = mx.compile(schedule, shapeless=True)
    for shape in [(4,), (9,), (1,), (300,)]:
        steps = mx.arange(shape[0])
        assert same_values(compiled(steps), schedule(steps))
    general = mx.compile(lambda *a: op(*a), shapeless=True)
    for rows, columns in [(2, 3), (5, 4), (1, 7)]:
        operands = mx.arange(rows)[:, None], mx.ones((columns,)), mx.full((columns,), 10), mx.zeros((rows, 1))
        assert same_values(general(*operands), op(*operands))


def ones_of(a):
    return a * 0 + 1  # mx.ones_like keeps the traced shape


def by_vjp(step, *operands):
    return mx.vjp(lambda *a: op(step, *a), operands, [ones_of(op(step, *operands))])[1]


def by_jvp(step, *operands):
    return mx.jvp(lambda *a: op(step, *a), operands, [ones_of(a) for a in operands])[1]


def by_step(step, *operands):
    return mx.jvp(lambda s: op(s, *operands), [step], [ones_of(step)])[1]


def by_grad_of_grad(step, *operands):
    first = mx.grad(lambda s, *a: op(s, *a).sum())
    return mx.grad(lambda s, *a: first(s, *a).sum(), argnums=(0, 1, 2))(step, *operands)


def by_vmap(*operands):
    return mx.vmap(op)(*operands)


# Size 0 is left out where MLX's own second derivative of s * s * a + 1 has the shape (1,) instead.
@pytest.mark.parametrize(
    ("function", "sizes"),
    [
        pytest.param(by_vjp, (4, 9, 1, 0), marks=pytest.mark.slow),  # 36 kernels, a second of MLX's compiler each
        pytest.param(by_jvp, (1, 6, 0), marks=pytest.mark.slow),
        pytest.param(by_step, (5, 0, 2), marks=pytest.mark.slow),
        pytest.param(by_grad_of_grad, (4, 1, 7), marks=pytest.mark.slow),
        (by_vmap, (3, 8)),
    ],
)
def test_shapeless_compile_of_every_transform_follows_new_shapes(function, sizes):
    compiled = mx.compile(function, shapeless=True)
    # On CUDA, MLX's own fused kernels without elements end the process, because they divide by a block of 0 threads:
    # mx.eval(mx.compile(lambda a: mx.exp(a * 0 + 1), shapeless=True)(mx.zeros(0)))
    for n in filter(None, sizes) if on_cuda() else sizes:
        step = mx.arange(n).astype(mx.float32) * 7
        operands = step, mx.linspace(0.1, 1, n), mx.linspace(20, 50, n), mx.linspace(0, 0.1, n)
        got, expected = compiled(*operands), function(*operands)
        for a, b in zip(*([x] if isinstance(x, mx.array) else x for x in (got, expected)), strict=True):
            same(a, b)


def test_what_cannot_be_read_is_a_tracer():
    seen = []

    def traced(x):
        seen.append(_ext.is_tracer(x))
        mx.grad(lambda y: y * x)(mx.array(1.0))  # after this MLX no longer calls x a tracer
        seen.append(_ext.is_tracer(x))
        return x + 1

    pending = mx.random.normal((512, 512))
    for _ in range(20):
        pending = mx.tanh(pending @ pending)
    seen.append(not _ext.is_tracer(pending))
    mx.async_eval(pending)
    seen.append(not _ext.is_tracer(pending))
    mx.compile(traced)(mx.array(2.0))
    assert seen == [True] * 4


def test_equal_calls_are_deduplicated_under_compile():
    schedule = ms.cosine_decay(0.1, 100)
    step = mx.array(3)
    assert has_ops(2, schedule(step) + ms.cosine_decay(0.2, 50)(step))
    calls = []

    @mx.compile
    def twice(step):
        a, b = schedule(step), schedule(step)
        calls.append((a, b))
        return a + b

    assert twice(mx.array(50)).item() == pytest.approx(0.1)


@pytest.mark.parametrize(
    "make", [partial(optim.SGD, momentum=0.9), optim.AdamW, optim.Lion], ids=["SGD", "AdamW", "Lion"]
)
def test_compiled_training_step_with_captured_state_equals_the_eager_one(make):
    def train(compiled):
        mx.random.seed(0)
        model = nn.Linear(4, 1)
        optimizer = make(ms.cosine_decay(0.05, 8, 0.01))
        x, y = mx.random.normal((16, 4)), mx.random.normal((16, 1))
        optimizer.init(model.trainable_parameters())
        state = [model.state, optimizer.state]
        loss = nn.value_and_grad(model, lambda: nn.losses.mse_loss(model(x), y))

        def step():
            value, gradients = loss()
            optimizer.update(model, gradients)
            return value

        run = mx.compile(step, inputs=state, outputs=state) if compiled else step
        rates = []
        for _ in range(12):
            mx.eval(run(), state)
            rates.append(optimizer.learning_rate.item())
        return rates, tree_flatten(model.parameters())

    (eager_rates, eager), (rates, parameters) = train(False), train(True)
    schedule = ms.cosine_decay(0.05, 8, 0.01)
    assert eager_rates == [schedule(i).item() for i in range(12)]
    assert rates == evaluated(eager_rates)
    for (_, a), (_, b) in zip(eager, parameters, strict=True):
        assert mx.allclose(a, b, rtol=1e-4, atol=1e-5)
