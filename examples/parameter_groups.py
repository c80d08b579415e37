"""Fine-tune a small network on scikit-learn's digits with three parameter groups, each with its own warmup and decay.

The network first learns to classify the digits 0-4. Then it gets a new head and is fine-tuned on all ten digits: the
backbone slowly, the neck faster, the new head fastest. One schedule with three groups gives the rates.

    python examples/parameter_groups.py --out parameter_groups.png
"""

import argparse
from functools import partial
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # draws without a window
import matplotlib.pyplot as plt
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import mlx_schedules as ms

GROUPS = ["backbone", "neck", "head"]


class Network(nn.Module):
    def __init__(self, classes: int):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()
        )
        self.neck = nn.Sequential(nn.Linear(4 * 4 * 32, 64), nn.ReLU())
        self.head = nn.Linear(64, classes)

    def __call__(self, x: mx.array) -> mx.array:
        return self.head(self.neck(self.backbone(x).flatten(1)))


def loss_fn(model: Network, x: mx.array, y: mx.array) -> mx.array:
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


def batches(x: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator):
    """Yield one shuffled pass over the data, without the last, smaller batch, so that all batches have one shape."""
    order = rng.permutation(len(x))
    for i in range(0, len(x) - size + 1, size):
        part = order[i : i + size]
        yield mx.array(x[part]), mx.array(y[part])


def make_step(model: Network, optimizer: optim.Optimizer):
    """Return a compiled training step, whose state is that of the model and the optimizer, and this state."""
    loss_and_grad = nn.value_and_grad(model, loss_fn)
    state = [model.state, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x: mx.array, y: mx.array) -> mx.array:
        loss, gradients = loss_and_grad(model, x, y)
        optimizer.update(model, gradients)
        return loss

    return step, state


def accuracy(model: Network, x: np.ndarray, y: np.ndarray) -> float:
    return mx.mean(mx.argmax(model(mx.array(x)), axis=1) == mx.array(y)).item()


def pretrain(model: Network, x: np.ndarray, y: np.ndarray, epochs: int, size: int, rng: np.random.Generator) -> None:
    optimizer = optim.AdamW(learning_rate=ms.cosine_decay(3e-3, max(1, epochs * (len(x) // size))))
    optimizer.init(model.trainable_parameters())
    step, state = make_step(model, optimizer)
    for _ in tqdm(range(epochs), desc="pre-train on 0-4", unit="epoch"):
        for batch in batches(x, y, size, rng):
            loss = step(*batch)
            mx.eval(loss, state)


def make_rates(steps: int) -> ms.Schedule:
    """Return one schedule with three groups, each with a warmup of a tenth of its run."""
    # The backbone stops learning after half of the training; the neck and the head keep a small rate to the end.
    totals = [max(1, steps // 2), steps, steps]
    return ms.warmup_cosine([2e-4, 1e-3, 5e-3], totals, warmup=0.1, end=[0.0, 1e-5, 1e-4])


def fine_tune(model: Network, train, test, epochs: int, size: int, rng: np.random.Generator):
    """Fine-tune, and return the loss and the three rates of every step."""
    steps = max(1, epochs * (len(train[0]) // size))
    optimizer = ms.MultiOptimizer(
        [optim.AdamW(0.0) for _ in GROUPS],  # the rates come from learning_rate
        [lambda path, _: path.startswith("backbone"), lambda path, _: path.startswith("neck")],
        learning_rate=make_rates(steps),
    )
    optimizer.init(model.trainable_parameters())
    step, state = make_step(model, optimizer)

    losses, used = [], []
    bar = tqdm(range(epochs), desc="fine-tune on 0-9", unit="epoch")
    for epoch in bar:
        for batch in batches(*train, size, rng):
            loss = step(*batch)
            mx.eval(loss, state)
            losses.append(loss.item())
            used.append(optimizer.learning_rates.tolist())
        now = "  ".join(f"{name} {rate:.2e}" for name, rate in zip(GROUPS, used[-1], strict=True))
        bar.write(f"epoch {epoch + 1:2d}  loss {losses[-1]:.4f}  accuracy {accuracy(model, *test):.2%}  rates: {now}")
    return np.array(losses), np.array(used)


def plot(losses: np.ndarray, used: np.ndarray, final: float, out: Path) -> None:
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 7), sharex=True, layout="constrained")
    figure.suptitle(f"Fine-tuning on all ten digits: {final:.1%} test accuracy")
    for name, curve in zip(GROUPS, used.T, strict=True):
        top.plot(np.where(curve > 0, curve, np.nan), label=name, linewidth=2)  # a logarithmic axis can't show 0
    top.set(title="One schedule, a rate for each parameter group", ylabel="learning rate", yscale="log")
    top.set_ylim(1e-6, 1e-2)
    top.legend(title="group")
    window = min(21, len(losses))
    smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
    bottom.plot(losses, color="0.75", linewidth=1, label="each step")
    bottom.plot(np.arange(len(smooth)) + window // 2, smooth, color="C3", linewidth=2, label=f"mean of {window} steps")
    bottom.set(title="Training loss", xlabel="step", ylabel="cross-entropy (nats)", yscale="log")
    bottom.legend()
    for axes in (top, bottom):
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=15, help="epochs of fine-tuning (default: 15)")
    parser.add_argument("--batch", type=int, default=64, help="batch size (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("parameter_groups.png"), help="where the plot goes")
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {args.epochs}")

    rng = np.random.default_rng(args.seed)
    mx.random.seed(args.seed)
    digits = load_digits()
    images = (digits.images[..., None] / 16).astype(np.float32)
    x, x_test, y, y_test = train_test_split(images, digits.target, stratify=digits.target, random_state=args.seed)
    if not 1 <= args.batch <= len(x) // 2:
        parser.error(f"--batch must be from 1 to {len(x) // 2}, got {args.batch}")

    model = Network(classes=5)
    pretrain(model, x[y < 5], y[y < 5], min(5, args.epochs), args.batch, rng)
    model.head = nn.Linear(64, 10)
    print(f"accuracy on all ten digits before fine-tuning: {accuracy(model, x_test, y_test):.2%}")

    losses, used = fine_tune(model, (x, y), (x_test, y_test), args.epochs, args.batch, rng)
    final = accuracy(model, x_test, y_test)
    plot(losses, used, final, args.out)
    print(f"final loss {losses[-1]:.4f}, accuracy {final:.2%}; plot saved to {args.out}")


if __name__ == "__main__":
    main()
