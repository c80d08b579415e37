"""What tests of ms.MultiOptimizer share: optimizers and their numbers, groups of weights, gradients, bits."""

from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms

NUMBERS = {  # the attributes of each optimizer that are numbers, or tuples of numbers
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
SPARE_GROUPS = pytest.mark.filterwarnings(r"ignore:\[MultiOptimizer\] No weight belongs")  # more groups than weights
GROUPS = ["embed", "blocks.0", "blocks.1.layers.2", "blocks.2.norm", "heads.layers.3", "scale", "bias", "blocks.1"]


def decay(value):
    return ms.cosine_decay(value, 8, end=0.9 * value)


def rates_of(n):
    return ms.cosine_decay(np.geomspace(1e-3, 1e-2, n), np.arange(n) + 3, end=1e-4)


def filters(n):
    chosen = [lambda path, _, name=name: name in path for name in GROUPS]
    return (chosen + [lambda path, _: False] * n)[: n - 1]


def first(path, weight):
    return path == "a"


class Recorder(optim.Optimizer):
    """An optimizer whose updates set the weights to its hyperparameters."""

    def __init__(self, weight_decay=0.0, betas=(0.0, 0.0)):
        super().__init__()
        self._maybe_schedule("learning_rate", 0.0)
        self.weight_decay, self.betas = weight_decay, betas

    def init_single(self, parameter, state):
        state["v"] = mx.zeros(())

    def apply_single(self, gradient, parameter, state):
        zero = mx.zeros(())
        return mx.stack([self.learning_rate, *(zero + one for one in (self.weight_decay, *self.betas))])


def loss_fn(model, x, y):
    return (model(x) - y).square().mean()


def batch():
    return mx.random.normal((8, 3), key=mx.random.key(1)), mx.random.normal((8, 2), key=mx.random.key(2))


def gradients(model):
    return nn.value_and_grad(model, loss_fn)(model, *batch())[1]
