"""Sweep three hyperparameters of the schedule at once: one vmapped training step trains all K members together.

All members are the same small network, trained on scikit-learn's digits. Each has a cosine decay with its own init,
decay_steps and end. The schedule is made from one member's numbers inside the vmapped function, and is still one op for
all members.

    python examples/sweep.py --members 64 --out sweep.png
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws without a window
import matplotlib.pyplot as plt
import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_map
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import mlx_schedules as ms

MOMENTUM = 0.9


def forward(weights: dict, x: mx.array) -> mx.array:
    return nn.relu(x @ weights["w1"] + weights["b1"]) @ weights["w2"] + weights["b2"]


def loss_fn(weights: dict, x: mx.array, y: mx.array) -> mx.array:
    return nn.losses.cross_entropy(forward(weights, x), y, reduction="mean")


def train_step(weights, velocity, init, decay_steps, end, step, x, y):
    """Take one step of SGD with momentum for one member."""
    rate = ms.cosine_decay(init, decay_steps, end)(step)
    loss, gradients = mx.value_and_grad(loss_fn)(weights, x, y)
    velocity = tree_map(lambda v, g: MOMENTUM * v + g, velocity, gradients)
    weights = tree_map(lambda w, v: w - rate * v, weights, velocity)
    return weights, velocity, loss, rate


# Members differ in everything but the step and the batch.
sweep_step = mx.compile(mx.vmap(train_step, in_axes=(0, 0, 0, 0, 0, None, None, None)))


def initial_weights(members: int, hidden: int = 32) -> dict:
    one = {
        "w1": mx.random.normal((64, hidden)) / 8,
        "b1": mx.zeros(hidden),
        "w2": mx.random.normal((hidden, 10)) / hidden**0.5,
        "b2": mx.zeros(10),
    }
    return tree_map(lambda w: mx.repeat(w[None], members, axis=0), one)  # all members start with the same weights


def plot(init, decay_steps, end, curves, losses, accuracy, out: Path) -> None:
    best = int(np.argmax(accuracy))
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.8), layout="constrained")
    figure.suptitle(f"{len(init)} cosine decays trained by one vmapped step")
    shown = left.scatter(init, decay_steps, c=accuracy, s=60, cmap="viridis", edgecolor="k", linewidth=0.4)
    left.scatter(init[best], decay_steps[best], s=220, facecolor="none", edgecolor="C3", linewidth=2, label="best")
    left.set(title="Test accuracy", xlabel="init", ylabel="decay steps T", xscale="log")
    left.legend()
    figure.colorbar(shown, ax=left, label="accuracy")
    color = matplotlib.colormaps["viridis"](matplotlib.colors.LogNorm(init.min(), init.max())(init))
    width = min(25, len(losses))
    smooth = np.apply_along_axis(np.convolve, 0, losses, np.ones(width) / width, mode="valid")
    for i in range(len(init)):
        middle.plot(curves[:, i], color=color[i], alpha=0.6, linewidth=0.8)
        right.plot(np.arange(len(smooth)) + width // 2, smooth[:, i], color=color[i], alpha=0.6, linewidth=0.8)
    middle.plot(curves[:, best], color="C3", linewidth=2.5, label="best")
    right.plot(np.arange(len(smooth)) + width // 2, smooth[:, best], color="C3", linewidth=2.5, label="best")
    floor = max(curves[curves > 0].min(), 1e-6)
    middle.set(
        title="Rate of every member (colour: init)",
        xlabel="step",
        ylabel="learning rate",
        yscale="log",
        ylim=(floor, None),
    )
    right.set(
        title=f"Loss, mean of {width} steps (colour: init)", xlabel="step", ylabel="cross-entropy (nats)", yscale="log"
    )
    right.set_ylim(top=10)
    for axes in (middle, right):
        axes.legend()
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=64, help="members of the sweep (default: 64)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs (default: 20)")
    parser.add_argument("--batch", type=int, default=64, help="batch size (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("sweep.png"), help="where the plot goes")
    args = parser.parse_args()
    for name in ("members", "epochs", "batch"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(args, name)}")

    rng = np.random.default_rng(args.seed)
    mx.random.seed(args.seed)
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    x, x_test, y, y_test = train_test_split(images, digits.target, stratify=digits.target, random_state=args.seed)
    batch = min(args.batch, len(x))
    steps = args.epochs * (len(x) // batch)

    init = np.exp(rng.uniform(np.log(1e-3), np.log(1.0), args.members)).astype(np.float32)
    decay_steps = rng.integers(max(1, steps // 10), steps + 1, args.members)
    end = (init * rng.choice([0.0, 0.01, 0.1], args.members)).astype(np.float32)
    hyperparameters = [mx.array(h) for h in (init, decay_steps, end)]

    weights = initial_weights(args.members)
    velocity = tree_map(mx.zeros_like, weights)
    curves, losses = [], []
    bar = tqdm(total=steps, desc=f"{args.members} members", unit="step")
    while len(losses) < steps:
        order = rng.permutation(len(x))
        for part in np.split(order[: len(x) // batch * batch], len(x) // batch):
            step = mx.array(len(losses))
            weights, velocity, loss, rate = sweep_step(
                weights, velocity, *hyperparameters, step, mx.array(x[part]), mx.array(y[part])
            )
            mx.eval(weights, velocity, loss, rate)
            losses.append(np.array(loss))
            curves.append(np.array(rate))
            bar.update()
    bar.close()

    guesses = mx.argmax(mx.vmap(forward, in_axes=(0, None))(weights, mx.array(x_test)), axis=-1)
    accuracy = np.array(mx.mean(guesses == mx.array(y_test), axis=1))
    best = int(np.argmax(accuracy))
    plot(init, decay_steps, end, np.array(curves), np.array(losses), accuracy, args.out)
    print(
        f"best of {args.members}: accuracy {accuracy[best]:.2%} with init {init[best]:.3g}, "
        f"T {decay_steps[best]}, end {end[best]:.3g}; worst {accuracy.min():.2%}; plot saved to {args.out}"
    )


if __name__ == "__main__":
    main()
