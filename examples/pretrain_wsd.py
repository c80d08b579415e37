"""Pre-train a character-level transformer with Muon + AdamW, and decide afterwards how long to train.

The text is the reference of Python's own `help()`, some 460 000 characters. The rate warms up and stays constant. A
checkpoint is saved while it is constant, and two runs start from there, one with a short decay and one with a long one.
Each has the schedule of its own whole run, and all schedules agree up to the checkpoint. Four hyperparameters follow
schedules, evaluated by one op per update: both rates, Muon's momentum, which rises during the warmup, and AdamW's
weight decay, which ends at 0.

    python examples/pretrain_wsd.py --out pretrain_wsd.png
"""

import argparse
from collections import defaultdict
from functools import partial
from pathlib import Path
from pydoc_data.topics import topics

import matplotlib

matplotlib.use("Agg")  # draws without a window
import matplotlib.pyplot as plt
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten
from tqdm import tqdm

import mlx_schedules as ms

CONTEXT = 32
EVERY = 20  # updates between evaluations
History = dict[str, list[float]]  # losses and hyperparameters by name, each with the updates they belong to


class Transformer(nn.Module):
    def __init__(self, characters: int, width: int = 48, layers: int = 2):
        super().__init__()
        self.embedding = nn.Embedding(characters, width)
        self.position = nn.Embedding(CONTEXT, width)
        self.encoder = nn.TransformerEncoder(layers, width, num_heads=4, norm_first=True)
        self.head = nn.Linear(width, characters)

    def __call__(self, x: mx.array) -> mx.array:
        mask = nn.MultiHeadAttention.create_additive_causal_mask(CONTEXT)
        return self.head(self.encoder(self.embedding(x) + self.position(mx.arange(CONTEXT)), mask))


def read_text() -> tuple[np.ndarray, int]:
    """Return the characters as numbers, and how many different ones there are."""
    text = "\n".join(topics[name] for name in sorted(topics)).encode("ascii", "ignore")
    kinds, characters = np.unique(np.frombuffer(text, np.uint8), return_inverse=True)
    return characters.astype(np.int32), len(kinds)


def windows(text: np.ndarray, starts: np.ndarray) -> tuple[mx.array, mx.array]:
    """Return the characters from each start on, and for each of them the next one."""
    found = text[starts[:, None] + np.arange(CONTEXT + 1)]
    return mx.array(found[:, :-1]), mx.array(found[:, 1:])


def make_training(characters: int, total_steps: int, warmup: int, decay: int, seed: int):
    """Return the model, and an optimizer with Muon for the hidden matrices and AdamW for everything else."""
    mx.random.seed(seed)
    model = Transformer(characters)
    rate = ms.warmup_stable_decay(1.0, total_steps, warmup=warmup, decay=decay, init=1 / warmup, tail="1-sqrt")
    optimizer = ms.MultiOptimizer(
        [optim.Muon(0.0), optim.AdamW(0.0)],  # the rates come from learning_rate
        [lambda path, weight: path.startswith("encoder") and weight.ndim == 2],
        learning_rate=rate * [0.03, 0.02],  # one shape, with a peak for each group
        momentum=[ms.linear_schedule(0.85, 0.95, warmup), None],
        weight_decay=[None, ms.warmup_stable_decay(0.01, total_steps, decay=decay)],
        names=["matrices", "rest"],
    )
    optimizer.init(model.trainable_parameters())
    return model, optimizer


def loss_fn(model: Transformer, x: mx.array, y: mx.array) -> mx.array:
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


def make_step(model: Transformer, optimizer: ms.MultiOptimizer):
    """Return a compiled training step, whose state is that of the model and the optimizer, and this state."""
    loss_and_grad = nn.value_and_grad(model, loss_fn)
    state = [model.state, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x: mx.array, y: mx.array) -> mx.array:
        loss, gradients = loss_and_grad(model, x, y)
        optimizer.update(model, gradients)
        return loss

    return step, state


def evaluate(history: History, update: int, model: Transformer, text: np.ndarray) -> None:
    """Add to the history the loss on every eighth window of the held-out text, in nats per character."""
    history["evaluated"].append(update)
    history["held out"].append(loss_fn(model, *windows(text, np.arange(0, len(text) - CONTEXT, 8 * CONTEXT))).item())


def train(
    model, optimizer, text: np.ndarray, unseen: np.ndarray, until: int, batch: int, seed: int, name: str
) -> History:
    step, state = make_step(model, optimizer)
    history = defaultdict(list)
    for update in tqdm(range(optimizer.step.item(), until), desc=name, unit="update"):
        if update and update % EVERY == 0:
            evaluate(history, update, model, unseen)
        starts = np.random.default_rng([seed, update]).integers(0, len(text) - CONTEXT, batch)
        loss = step(*windows(text, starts))
        mx.eval(loss, state)
        history["update"].append(update)
        history["loss"].append(loss.item())
        for key, value in tree_flatten(optimizer.hyperparameters):
            history[key].append(value.item())
    evaluate(history, until, model, unseen)
    return history


def save(path: Path, model: Transformer, optimizer: ms.MultiOptimizer) -> None:
    mx.save_safetensors(str(path), dict(tree_flatten({"model": model.parameters(), "optimizer": optimizer.state})))


def restore(path: Path, model: Transformer, optimizer: ms.MultiOptimizer) -> None:
    tree = tree_unflatten(list(mx.load(str(path)).items()))
    model.update(tree["model"])
    optimizer.state = tree["optimizer"]  # it contains the step, and with it the position in every schedule


PANELS = {  # the title of a panel, and the name of what it shows
    "Learning rate of Muon": "matrices.learning_rate",
    "Learning rate of AdamW": "rest.learning_rate",
    "Momentum of Muon": "matrices.momentum",
    "Weight decay of AdamW": "rest.weight_decay",
}
COLORS = {"no decay": "C1", "stable": "C2", "short decay": "C0", "long decay": "C3"}  # the later ones are drawn on top


def plot(runs: dict[str, History], out: Path) -> None:
    figure = plt.figure(figsize=(9, 9), layout="constrained")
    figure.suptitle("A stable phase, and two decays that start from its checkpoint")
    panels = figure.subplot_mosaic([[0, 1], [2, 3], ["loss", "loss"], ["loss", "loss"]])
    for name, color in COLORS.items():
        history = runs[name]
        for panel, key in enumerate(PANELS.values()):
            panels[panel].plot(history["update"], history[key], color=color, linewidth=2)
        label = f"{name}: {history['held out'][-1]:.3f}"
        panels["loss"].plot(history["evaluated"], history["held out"], color=color, linewidth=2, label=label)
    for panel, title in enumerate(PANELS):
        panels[panel].set(title=title)
    panels["loss"].set(title="Loss on held-out text", xlabel="update", ylabel="nats per character")
    panels["loss"].legend(title="at the end")
    for axes in panels.values():
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=160, help="updates before the checkpoint (default: 160)")
    parser.add_argument("--batch", type=int, default=16, help="windows of text in a batch (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument("--checkpoint", type=Path, default=Path("pretrain_wsd.safetensors"), help="where it is saved")
    parser.add_argument("--out", type=Path, default=Path("pretrain_wsd.png"), help="where the plot goes")
    args = parser.parse_args()
    for name, least in (("updates", 20), ("batch", 1)):
        if getattr(args, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(args, name)}")

    text, characters = read_text()
    text, unseen = np.split(text, [len(text) * 9 // 10])
    at, decays = args.updates, {"short decay": args.updates // 4, "long decay": args.updates // 2}

    def make(decay: int):
        return make_training(characters, at + decay, args.updates // 10, decay, args.seed)

    def run(model: Transformer, optimizer: ms.MultiOptimizer, until: int, name: str) -> History:
        history = train(model, optimizer, text, unseen, until, args.batch, args.seed, name)
        last = "  ".join(f"{key} {history[key][-1]:.2e}" for key in history if "." in key)
        print(f"{name}: {until} updates, held-out loss {history['held out'][-1]:.4f}; last update: {last}")
        return history

    stable = make(0)
    runs = {"stable": run(*stable, at, "stable")}
    save(args.checkpoint, *stable)
    for name, decay in decays.items():
        branch = make(decay)
        restore(args.checkpoint, *branch)
        runs[name] = run(*branch, at + decay, name)
    runs["no decay"] = run(*stable, at + max(decays.values()), "no decay")  # for comparison, the first run continues
    plot(runs, args.out)
    print(f"checkpoint saved to {args.checkpoint}; plot saved to {args.out}")


if __name__ == "__main__":
    main()
