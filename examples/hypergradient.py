"""Learn the initial learning rate by differentiating through training.

The inner training fits a softmax classifier to scikit-learn's digits in a few dozen steps of SGD, whose rate is a
cosine decay from init to 0. The loss on held-out data is then a function of init, and mx.grad gives its derivative:
through every update, and through the schedule, whose op has exact derivatives. Adam minimises that loss over log(init).

    python examples/hypergradient.py --out hypergradient.png
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws without a window
import matplotlib.pyplot as plt
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import mlx_schedules as ms


def loss_fn(weights: mx.array, x: mx.array, y: mx.array) -> mx.array:
    return nn.losses.cross_entropy(x @ weights, y, reduction="mean")


def held_out_loss(log_init: mx.array, x: mx.array, y: mx.array, x_held: mx.array, y_held: mx.array) -> mx.array:
    """Return the held-out loss after training on one batch per step; x has the shape (steps, batch, features)."""
    schedule = ms.cosine_decay(mx.exp(log_init), len(x))
    weights = mx.zeros((x.shape[-1], 10))
    for step in range(len(x)):
        weights = weights - schedule(step) * mx.grad(loss_fn)(weights, x[step], y[step])
    return loss_fn(weights, x_held, y_held)


def plot(path, losses, grid, grid_losses, out: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    figure.suptitle("Learning the initial rate by differentiating through training")
    left.plot(grid, grid_losses, color="0.5", label="every init (grid)")
    left.scatter(path, losses, c=np.arange(len(path)), cmap="plasma", zorder=3, label="outer steps")
    left.scatter(path[-1], losses[-1], s=220, facecolor="none", edgecolor="C3", linewidth=2, zorder=4, label="learned")
    left.set(title="Held-out loss after training", xlabel="init", ylabel="cross-entropy (nats)")
    left.set(xscale="log", yscale="log")
    right.plot(path, color="C0", marker="o", markersize=4, label="init")
    right.axhline(grid[np.argmin(grid_losses)], color="0.5", linestyle="--", label="best of the grid")
    right.set(title="The initial rate", xlabel="outer step", ylabel="init", yscale="log")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40, help="outer steps, each a whole inner training (default: 40)")
    parser.add_argument("--steps", type=int, default=30, help="steps of the inner training (default: 30)")
    parser.add_argument("--init", type=float, default=1e-2, help="the initial rate to start from (default: 0.01)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("hypergradient.png"), help="where the plot goes")
    args = parser.parse_args()
    for name in ("epochs", "steps", "init"):
        if getattr(args, name) <= 0:
            parser.error(f"--{name} must be above 0, got {getattr(args, name)}")

    rng = np.random.default_rng(args.seed)
    digits = load_digits()
    # Whitened, so that training is stable, and the loss a smooth function of init, well beyond the best init.
    images = PCA(32, whiten=True, random_state=args.seed).fit_transform(digits.data / 16).astype(np.float32)
    # Labels are probabilities: MLX 0.32.4 on CUDA can't differentiate twice if they are indices.
    labels = np.eye(10, dtype=np.float32)[digits.target]
    x, x_held, y, y_held = train_test_split(images, labels, stratify=digits.target, random_state=args.seed)
    batches = rng.integers(0, len(x), (args.steps, 128))
    data = [mx.array(a) for a in (x[batches], y[batches], x_held, y_held)]

    value_and_grad = mx.value_and_grad(held_out_loss)
    weights = {"log_init": mx.log(mx.array(args.init))}
    optimizer = optim.Adam(ms.cosine_decay(0.5, args.epochs), betas=[0.7, 0.8], bias_correction=True)
    path, losses = [], []
    bar = tqdm(range(args.epochs), desc="outer steps", unit="training")
    for _ in bar:
        loss, gradient = value_and_grad(weights["log_init"], *data)
        path.append(mx.exp(weights["log_init"]).item())
        losses.append(loss.item())
        weights = optimizer.apply_gradients({"log_init": gradient}, weights)
        bar.set_postfix(init=f"{path[-1]:.3g}", loss=f"{losses[-1]:.4f}")

    grid = np.geomspace(min(path[0], 1e-2), 50, 25)
    grid_losses = [held_out_loss(mx.array(np.log(init), mx.float32), *data).item() for init in grid]
    plot(path, losses, grid, grid_losses, args.out)
    print(
        f"init {path[0]:.3g} -> {path[-1]:.3g}, held-out loss {losses[0]:.4f} -> {losses[-1]:.4f}; "
        f"best of {len(grid)} on a grid: {min(grid_losses):.4f} with init {grid[np.argmin(grid_losses)]:.3g}; "
        f"plot saved to {args.out}"
    )


if __name__ == "__main__":
    main()
