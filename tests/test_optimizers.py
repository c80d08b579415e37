"""MLX's optimizers and join_schedules driven by the schedule."""

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms
from support.helpers import evaluated


def test_the_documented_example_to_the_printed_digit():
    optimizer = optim.SGD(learning_rate=ms.cosine_decay(1e-1, 1000))
    assert repr(optimizer.learning_rate) == "array(0.1, dtype=float32)"
    for _ in range(5):
        optimizer.update({}, {})
    assert repr(optimizer.learning_rate) == "array(0.0999961, dtype=float32)"


OPTIMIZERS = [
    optim.SGD, optim.RMSprop, optim.Adagrad, optim.AdaDelta, optim.Adam, optim.AdamW, optim.Adamax, optim.Lion,
    optim.Adafactor, optim.Muon,
]  # fmt: skip


RUNS = [(make, compiled) for make in OPTIMIZERS for compiled in (False, True)]
LONG = [(optim.Adafactor, True), (optim.Muon, True)]  # each has some 20 kernels to compile


@pytest.mark.parametrize(
    ("make", "compiled"),
    [
        pytest.param(
            *run,
            marks=pytest.mark.slow if run in LONG else (),
            id=f"{run[0].__name__}-{'compiled' if run[1] else 'eager'}",
        )
        for run in RUNS
    ],
)
def test_every_optimizer_follows_the_schedule(make, compiled):
    schedule = ms.cosine_decay(0.05, 6, 0.001)
    optimizer = make(learning_rate=schedule)
    parameters = {"w": mx.ones((4, 3)), "b": mx.zeros((3,))}
    optimizer.init(parameters)
    gradients = {"w": mx.full((4, 3), 0.5), "b": mx.full((3,), -0.25)}

    def step(parameters):
        return optimizer.apply_gradients(gradients, parameters)

    run = mx.compile(step, inputs=optimizer.state, outputs=optimizer.state) if compiled else step
    for i in range(9):
        new = run(parameters)
        mx.eval(new, optimizer.state)
        assert optimizer.learning_rate.item() == evaluated(schedule(i).item())
        assert optimizer.learning_rate.dtype == mx.float32
        assert not mx.array_equal(new["w"], parameters["w"])
        parameters = new


def test_training_equals_training_with_the_same_constants():
    schedule = ms.cosine_decay(0.1, 10)
    scheduled, constant = optim.Adam(schedule), optim.Adam(0.1)
    a = b = {"w": mx.ones((3,))}
    for i in range(10):
        gradients = {"w": a["w"] * 2}
        constant.learning_rate = schedule(i)
        a, b = scheduled.apply_gradients(gradients, a), constant.apply_gradients(gradients, b)
        assert mx.array_equal(a["w"], b["w"])


def test_joined_after_a_linear_warmup():
    decay = ms.cosine_decay(0.1, 100, 0.01)
    joined = optim.join_schedules([optim.linear_schedule(0.0, 0.1, 10), decay], [10])
    # Before the boundary the decay is also called, with step - 10, which wraps around in uint64. It must not give NaN.
    for step in [*range(25), 60, 109, 110, 111, 10**6]:
        value = joined(mx.array(step, mx.uint64))
        expected = np.float32(step / 100) if step < 10 else decay(step - 10).item()
        assert value.item() == pytest.approx(expected, rel=1e-6), step
    optimizer = optim.SGD(joined)
    for _ in range(11):
        optimizer.update({}, {})
    assert optimizer.learning_rate.item() == pytest.approx(0.1)


def test_unsigned_steps_that_wrapped_are_beyond_the_end():
    assert ms.cosine_decay(0.1, 100, 0.01)(mx.array(3, mx.uint64) - mx.array(10, mx.uint64)).item() == np.float32(0.01)


def test_multi_optimizer_takes_one_schedule_per_optimizer():
    schedules = [ms.cosine_decay(0.1, 10), ms.cosine_decay(0.2, 20)]
    optimizer = optim.MultiOptimizer([optim.SGD(s) for s in schedules], [lambda path, _: path.startswith("a")])
    parameters = {"a": mx.ones((2,)), "b": mx.ones((2,))}
    gradients = {"a": mx.ones((2,)), "b": mx.ones((2,))}
    optimizer.init(parameters)
    for _ in range(3):
        optimizer.apply_gradients(gradients, parameters)
    for inner, schedule in zip(optimizer.optimizers, schedules, strict=True):
        assert inner.learning_rate.item() == schedule(2).item()
