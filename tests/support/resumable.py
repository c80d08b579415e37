"""A run that tests save and resume: its optimizer, its model, its updates, and the bits of its arrays."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten

import mlx_schedules as ms


def make_optimizer():
    return ms.MultiOptimizer(
        [optim.SGD(0.0, momentum=0.9), optim.AdamW(0.0), optim.Lion(0.0)],
        [lambda path, _: path.startswith("layers.0"), lambda path, _: path.startswith("layers.2")],
        # one ends within the run, one decays all the time, and one counts further than float32 has whole numbers
        learning_rate=ms.cosine_decay([0.1, 1e-2, 1e-3], [7, 20, 2**40], end=[0.0, 1e-4, 0.0]),
        momentum=[ms.linear_schedule(0.8, 0.95, 9), None, None],
        weight_decay=[None, ms.warmup_stable_decay(0.1, 20, warmup=3, decay=8), ms.linear_schedule(0.1, 0.0, 15)],
    )


def make_model(dtype=mx.float32):
    mx.random.seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    model.set_dtype(dtype)
    mx.eval(model)
    return model


def make_step(model, optimizer, compiled=False):
    """Return a function that makes update number i, evaluates it, and returns the bits of the rates used."""

    def loss_fn(model, x):
        return (model(x) - x.sum(axis=1, keepdims=True)).square().mean()

    loss_and_grad = nn.value_and_grad(model, loss_fn)
    state = [model.state, optimizer.state]

    def step(x):
        loss, gradients = loss_and_grad(model, x)
        optimizer.update(model, gradients)
        return loss

    if compiled:
        step = mx.compile(step, inputs=state, outputs=state)

    def at(i):
        x = mx.random.normal((8, 4), key=mx.random.key(i)).astype(model.layers[0].weight.dtype)
        mx.eval(step(x), state)
        return np.array(optimizer.learning_rates).tobytes().hex()

    return at


def train(model, optimizer, first, last, compiled=False):
    """Make the updates from `first` up to `last`, and return the bits of each one's rates."""
    step = make_step(model, optimizer, compiled)
    return [step(i) for i in range(first, last)]


def bits(tree):
    """Return the bytes of every array, as text. NumPy has no bfloat16, so it is widened, which loses nothing."""
    leaves = {path: leaf.astype(mx.float32) if leaf.dtype == mx.bfloat16 else leaf for path, leaf in tree_flatten(tree)}
    return {path: np.array(leaf).tobytes().hex() for path, leaf in leaves.items()}
