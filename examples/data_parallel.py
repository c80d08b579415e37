"""Data-parallel training on scikit-learn's digits with two parameter groups, over MLX's own engine.

    mlx.launch -n 2 --backend ring -- $(which python) examples/data_parallel.py --checkpoint run.safetensors

Every rank trains on its share of each batch and averages the gradients with the others. Nothing is sent for the
schedules: rates, weight decay and momentum are functions of the step alone, with the same bits on every rank. At the
end the ranks compare digests of all their parameters and their optimizers' states. The ranks of a running ring are
fixed. After a failure, launch again with the same --checkpoint, on as many ranks as there are then, and training
continues from there.
"""

import argparse
import hashlib
import os
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten
from sklearn.datasets import load_digits
from tqdm import tqdm

import mlx_schedules as ms


def loss_fn(model: nn.Module, x: mx.array, y: mx.array) -> mx.array:
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


def make_training(steps: int, seed: int) -> tuple[nn.Module, ms.MultiOptimizer]:
    """Return the model and the optimizer, the same on every rank, since equal seeds give equal weights."""
    mx.random.seed(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = ms.MultiOptimizer(
        [optim.AdamW(0.0), optim.SGD(0.0, momentum=0.9)],
        [lambda path, _: path.startswith("layers.0")],
        learning_rate=ms.warmup_cosine([3e-3, 0.1], [steps, max(1, steps // 2)], warmup=0.1, end=[1e-5, 1e-3]),
        weight_decay=[ms.linear_schedule(0.1, 0.0, steps), None],
        momentum=[None, ms.linear_schedule(0.8, 0.9, steps)],
    )
    optimizer.init(model.trainable_parameters())
    mx.eval(model.state, optimizer.state)
    return model, optimizer


def save(path: Path, model: nn.Module, optimizer: ms.MultiOptimizer) -> None:
    arrays = dict(tree_flatten({"model": model.parameters(), "optimizer": optimizer.state}))
    part = path.with_suffix(".part.safetensors")
    mx.save_safetensors(str(part), arrays)
    os.replace(part, path)  # so that the file is complete even if a rank dies meanwhile


def restore(path: Path, model: nn.Module, optimizer: ms.MultiOptimizer) -> None:
    tree = tree_unflatten(list(mx.load(str(path)).items()))
    model.update(tree["model"])
    optimizer.state = tree["optimizer"]


def digest(model: nn.Module, optimizer: ms.MultiOptimizer) -> str:
    """Return a hash of the bits of all parameters and optimizer states."""
    arrays = sorted(tree_flatten({"model": model.parameters(), "optimizer": optimizer.state}))
    return hashlib.sha256(b"".join(np.array(array).tobytes() for _, array in arrays)).hexdigest()[:16]


def gather(text: str, ranks: int) -> list[str]:
    """Return every rank's text; all have the same length."""
    letters = np.array(mx.distributed.all_gather(mx.array(list(text.encode()), mx.uint8)))
    return [bytes(row).decode() for row in letters.reshape(ranks, -1)]


def plot(losses: list[float], rates: np.ndarray, ranks: int, out: Path) -> None:
    import matplotlib  # imported here, since only one rank draws

    matplotlib.use("Agg")  # draws without a window
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 7), sharex=True, layout="constrained")
    figure.suptitle(f"Data-parallel training on {ranks} rank{'s' if ranks > 1 else ''}")
    # A logarithmic axis can't show a rate of 0.
    top.plot(np.where(rates > 0, rates, np.nan), linewidth=2, label=["first layer (AdamW)", "last layer (SGD)"])
    top.set(title="Rates, computed by every rank for itself", ylabel="learning rate", yscale="log")
    bottom.plot(losses, color="C3", label="mean over ranks")
    bottom.set(title="Training loss", xlabel="step", ylabel="cross-entropy (nats)", yscale="log")
    for axes in (top, bottom):
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10, help="epochs of the whole run (default: 10)")
    parser.add_argument("--stop-after", type=int, help="stop after this epoch, to continue later from the checkpoint")
    parser.add_argument("--batch", type=int, default=64, help="batch size over all ranks (default: 64)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument("--checkpoint", type=Path, help="saved after every epoch; loaded first if it exists")
    parser.add_argument("--out", type=Path, default=Path("data_parallel.png"), help="where the plot goes")
    args = parser.parse_args()

    group = mx.distributed.init()
    rank, ranks = group.rank(), group.size()
    digits = load_digits()
    x, y = (digits.data / 16).astype(np.float32), digits.target
    if args.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {args.epochs}")
    if not ranks <= args.batch <= len(x):
        parser.error(f"--batch must be from {ranks} to {len(x)}, got {args.batch}")
    per_epoch = len(x) // args.batch

    model, optimizer = make_training(args.epochs * per_epoch, args.seed)
    if args.checkpoint and args.checkpoint.exists():
        restore(args.checkpoint, model, optimizer)
    loss_and_grad = nn.value_and_grad(model, loss_fn)

    losses, rates = [], []
    first = optimizer.step.item() // per_epoch
    for epoch in tqdm(range(first, args.stop_after or args.epochs), desc="training", unit="epoch", disable=rank > 0):
        order = np.random.default_rng([args.seed, epoch]).permutation(len(x))
        for i in range(per_epoch):
            part = order[i * args.batch : (i + 1) * args.batch][rank::ranks]
            loss, gradients = loss_and_grad(model, mx.array(x[part]), mx.array(y[part]))
            optimizer.update(model, nn.average_gradients(gradients))
            loss = mx.distributed.all_sum(loss) / ranks
            mx.eval(loss, model.state, optimizer.state)
            losses.append(loss.item())
            rates.append(optimizer.learning_rates.tolist())
        if rank == 0 and args.checkpoint:
            save(args.checkpoint, model, optimizer)

    digests = gather(digest(model, optimizer), ranks)
    if rank == 0:
        shown = ", ".join(f"{rate:.9g}" for rate in optimizer.learning_rates.tolist())  # 9 digits identify a float32
        print(f"step {optimizer.step.item()}, rates {shown}, digests of {ranks} ranks: {' '.join(digests)}", flush=True)
    if rank == 0 and losses:
        plot(losses, np.array(rates), ranks, args.out)
        print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}; plot saved to {args.out}")


if __name__ == "__main__":
    main()
