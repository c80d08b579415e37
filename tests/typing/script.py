"""A user's script with all public calls, which mypy and pyright accept and which runs."""

from collections.abc import Callable

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from mlx.nn.layers.activations import ReLU  # mlx.nn exports these, but not in a way that mypy --strict accepts
from mlx.nn.layers.containers import Sequential
from mlx.nn.layers.linear import Linear

import mlx_schedules as ms

cosine: ms.Schedule = ms.cosine_decay(1e-3, 1000)
single: list[ms.Schedule] = [
    cosine,
    ms.cosine_decay(init=1e-3, decay_steps=1000.5, end=1e-5),
    ms.linear_schedule(0.0, 1e-3, 100),
    ms.exponential_decay(1e-3, 0.999),
    ms.step_decay(1e-3, 0.9, 10),
    ms.constant(1e-3),
    ms.polynomial_decay(1e-3, 1000, power=2),
    ms.inverse_sqrt_decay(1e-3, 100),
    ms.warmup_cosine(1e-3, 1000, warmup=0.1, init=1e-5, end=1e-6),
    ms.warmup_linear(1e-3, 1000, warmup=100),
    ms.warmup_stable_decay(1e-3, 1000, warmup=100, decay=0.2, tail="1-sqrt"),
    ms.one_cycle(1e-3, 1000, init=1e-4),
    cosine.warmup(100, init=1e-6).repeat(1200, 3, period_factor=2, value_factor=0.5).shift(-5) * 0.5,
]
groups = [
    ms.cosine_decay([1e-3, 1e-4], [1000, 2000], end=[0.0, 1e-6]),
    ms.cosine_decay(np.array([1e-3, 1e-4]), np.float32(100)),
    ms.cosine_decay(mx.array([1e-3, 1e-4]), mx.array(100)),
    ms.stack(single),
    cosine * [0.02, 3e-4],
    0.5 * cosine * [0.02, 3e-4],
]
joined: ms.Schedule = ms.join_schedules([single[2], cosine], [100])
foreign: Callable[[mx.array], mx.array] = ms.join_schedules([optim.linear_schedule(0.0, 1e-3, 10), cosine], [10])

for schedule in single:
    rates: list[mx.array] = [
        schedule(3),
        schedule(0.5),
        schedule(mx.arange(3)),
        schedule([0, 1]),
        schedule(np.arange(3)),
    ]
    shape: tuple[int, ...] = schedule.shape
    assert (schedule or 1e-3) is schedule
    assert repr(schedule) != repr(schedule * 2)
    assert hash(schedule)
    assert ms.Schedule.from_dict(schedule.to_dict()) == schedule
    ease: str = schedule.segments[0].ease
    print(schedule.last_step, ease, schedule.segments[0].begin)
for schedule in groups:
    first: ms.Schedule = schedule[0]
    print(len(schedule), [group.shape for group in schedule], schedule[:1].shape)
print(cosine.init, cosine.decay_steps, cosine.end, joined(mx.array(3)), foreign)

print(ms.fast.cosine_decay(mx.arange(3), 1.0, [[2], [4]], stream=mx.cpu), ms.fast.cosine_decay([0, 1], 1.0, 10))
print(ms.fast.evaluate(mx.arange(3), ["linear"], [0.0], [1.0], [10], stream=mx.cpu), ms.backend().name)
updates: int = ms.total_updates(50_000, 256, epochs=2.5, accumulation=4)
with ms.exporting():
    cosine(mx.array(3))
with ms.in_place_of_mlx():
    print(optim.cosine_decay(1e-3, 1000))
ms.in_place_of_mlx().close()

model = Sequential(Linear(4, 8), ReLU(), Linear(8, 2))
filters, by_layer = ms.layerwise_decay(model, cosine, 0.5)
optimizer = ms.MultiOptimizer([optim.AdamW(0.0), optim.SGD(0.0)], filters, learning_rate=by_layer, track_moved=True)
optimizer.update(model, model.trainable_parameters())
plain = optim.AdamW(learning_rate=cosine)
print(optimizer.learning_rates, optimizer.learning_rate.item(), plain.learning_rate)
optimizer.set(weight_decay=[ms.linear_schedule(0.1, 0.0, 100), None])
optimizer.hold("weight_decay")
optimizer.learning_rate = by_layer
optimizer.step = 3
parameters = model.trainable_parameters()
moved: dict[str, mx.array] = optimizer.moved
print(optimizer.apply_gradients(parameters, parameters), optimizer.hyperparameters, moved, optimizer.masters(model))
optimizer.restore(optimizer.state, names=["0", "1"])


def draw() -> None:
    cosine.plot(steps=100)  # needs matplotlib
