"""``python -m bench.half_precision``: what a schedule does to half-precision weights, with and without float32 masters.

    python -m bench.half_precision table                   the share of weights that an update changes, by step
    python -m bench.half_precision fine-tune --out docs/half_precision.png      losses of a small model
    python -m bench.half_precision cost --width 2048 --layers 8 --batch 8       times of compiled training steps

`fine-tune` trains a small language model of characters on the reference of Python's `help()` in float32, then
fine-tunes it on the source of Python's asyncio, once for each kind of weights on the same windows of text, with three
seeds. `cost` is meant for a GPU: full fine-tuning of a transformer on random tokens, with the contenders in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import pathlib
import re
import statistics
import sys
from functools import partial
from pydoc_data.topics import topics
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_map

import mlx_schedules as ms

from .measure import alternate

WAYS = {"float32": (mx.float32, False), "bfloat16": (mx.bfloat16, False), "bfloat16, masters": (mx.bfloat16, True)}
# Steps that update float32 weights beside the model. The model gets them rounded, or keeps the weights it has.
BESIDE = {"bfloat16, float32 weights beside, rounded": True, "bfloat16, float32 weights beside": False}
LENGTH, CHARACTERS = 16, 128


def adamw(masters: bool, peak: float, updates: int, warmup: int = 0, end: float = 0.01) -> ms.MultiOptimizer:
    rate = ms.warmup_cosine(peak, updates, warmup=warmup, end=end * peak)
    return ms.MultiOptimizer([optim.AdamW(0.0)], learning_rate=rate, master_weights=masters, track_moved=True)


# ---- The share of weights that an update changes


def table(updates: int = 400, shown: tuple[int, ...] = (0, 100, 200, 300, 399), n: int = 100_000) -> None:
    """AdamW over warmup_cosine(2e-5, 400, end=2e-7); weights of 0.02 and gradients of 1e-3, normally distributed."""
    start = 0.02 * mx.random.normal((n,), key=mx.random.key(0))
    print("| weights | " + " | ".join(f"update {i}" for i in shown) + " | v after 5000 gradients of 1 |")
    print("|---" * (len(shown) + 2) + "|")
    for name, (dtype, masters) in WAYS.items():
        optimizer, weights, shares = adamw(masters, 2e-5, updates), {"w": start.astype(dtype)}, []
        optimizer.init(weights)
        for i in range(updates):
            gradient = 1e-3 * mx.random.normal((n,), key=mx.random.key(1 + i))
            weights = optimizer.apply_gradients({"w": gradient.astype(dtype)}, weights)
            mx.eval(weights, optimizer.state)
            shares.append(optimizer.moved["0"].item())
        cells = [f"{100 * shares[i]:.2g} %" if shares[i] < 0.99 else f"{100 * shares[i]:.1f} %" for i in shown]
        print(f"| {name} | {' | '.join(cells)} | {second_moment(dtype, masters):.3f} |", flush=True)


def second_moment(dtype: mx.Dtype, masters: bool, updates: int = 5000) -> float:
    """Return Adam's v after `updates` gradients of 1. It approaches 1: 1 - 0.999 ** 5000 is 0.993."""
    optimizer, weights = adamw(masters, 2e-5, updates), {"w": mx.ones(1, dtype)}
    optimizer.init(weights)
    for _ in range(updates):
        weights = optimizer.apply_gradients({"w": mx.ones(1, dtype)}, weights)
        mx.eval(weights, optimizer.state)
    return float(optimizer.state["states"][0]["w"]["v"].item())


# ---- Fine-tuning


class Characters(nn.Module):
    """Predicts a character from the 16 before it: Bengio and others, "A Neural Probabilistic Language Model", 2003."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(CHARACTERS, 16)
        self.layers = nn.Sequential(nn.Linear(16 * LENGTH, 256), nn.GELU(), nn.Linear(256, CHARACTERS))

    def __call__(self, x: mx.array) -> mx.array:
        return self.layers(self.embedding(x).reshape(*x.shape[:-1], -1))


def loss_fn(model: nn.Module, x: mx.array, y: mx.array) -> mx.array:
    return nn.losses.cross_entropy(model(x).astype(mx.float32), y, reduction="mean")


def texts() -> tuple[np.ndarray, np.ndarray]:
    help_text = "\n".join(topics[name] for name in sorted(topics))
    source = "\n".join(path.read_text() for path in sorted(pathlib.Path(asyncio.__file__).parent.glob("*.py")))
    first, second = (np.frombuffer(text.encode("ascii", "ignore"), np.uint8) for text in (help_text, source))
    return first.astype(np.int32), second.astype(np.int32)


def windows(text: np.ndarray, starts: np.ndarray) -> tuple[mx.array, mx.array]:
    found = text[starts[:, None] + np.arange(LENGTH + 1)]
    return mx.array(found[:, :-1]), mx.array(found[:, -1])


def held_out(model: nn.Module, text: np.ndarray) -> float:
    """Return the loss of the weights on the text, computed in float32."""
    judged = Characters()
    judged.update(tree_map(lambda weight: weight.astype(mx.float32), model.parameters()))
    return float(loss_fn(judged, *windows(text, np.arange(0, len(text) - LENGTH, 19))).item())


def step_of(model: nn.Module, optimizer: ms.MultiOptimizer, compiled: bool) -> Any:
    state = [model.state, optimizer.state]
    loss_and_grad = nn.value_and_grad(model, loss_fn)

    def step(x: mx.array, y: mx.array) -> mx.array:
        loss, gradients = loss_and_grad(model, x, y)
        optimizer.update(model, gradients)
        return loss

    step = partial(mx.compile, inputs=state, outputs=state)(step) if compiled else step
    return lambda x, y: mx.eval(step(x, y), state)


def trained(
    model: nn.Module, optimizer: ms.MultiOptimizer, text: np.ndarray, updates: int, seed: int, unseen: np.ndarray
) -> dict[str, list[float]]:
    """Train, and record the loss on unseen text and the share of weights moved every 20 updates."""
    optimizer.init(model.trainable_parameters())
    step = step_of(model, optimizer, compiled=False)
    seen = {"update": [0.0], "loss": [held_out(model, unseen)], "moved": [0.0]}
    for i in range(updates):
        starts = np.random.default_rng([seed, i]).integers(0, len(text) - LENGTH, 128)
        step(*windows(text, starts))
        if (i + 1) % 20 == 0:
            row = float(i + 1), held_out(model, unseen), optimizer.moved["0"].item()
            for values, value in zip(seen.values(), row, strict=True):
                values.append(value)
    return seen


def fine_tune(out: pathlib.Path | None, seeds: int, updates: int, peak: float) -> None:
    first, source = texts()
    text, unseen = source[: -len(source) // 10], source[-len(source) // 10 :]
    runs: dict[str, list[dict[str, list[float]]]] = {name: [] for name in WAYS}
    for seed in range(seeds):
        mx.random.seed(seed)
        base = Characters()
        trained(base, adamw(False, 3e-3, 600, warmup=20), first, 600, seed, first[:200])
        for name, (dtype, masters) in WAYS.items():
            model = Characters()
            model.update(tree_map(lambda weight, dtype=dtype: weight.astype(dtype), base.parameters()))
            run = trained(model, adamw(masters, peak, updates, warmup=updates // 20), text, updates, seed, unseen)
            runs[name].append(run)
            print(f"seed {seed}, {name}: {run['loss'][0]:.4f} to {run['loss'][-1]:.4f}", flush=True)
    print("\n| weights | loss, mean of seeds | difference from float32, each seed | changed by the last update |")
    print("|---|---|---|---|")
    for name, found in runs.items():
        last = [run["loss"][-1] for run in found]
        apart = [loss - other["loss"][-1] for loss, other in zip(last, runs["float32"], strict=True)]
        apart_text = ", ".join(f"{difference:+.4f}" for difference in apart) if name != "float32" else ""
        moved = statistics.mean(run["moved"][-1] for run in found)
        print(f"| {name} | {statistics.mean(last):.4f} | {apart_text} | {100 * moved:.3g} % |")
    if out:
        draw(runs, out)


def draw(runs: dict[str, list[dict[str, list[float]]]], out: pathlib.Path) -> None:
    from matplotlib.figure import Figure

    sys.path.append(str(pathlib.Path(__file__).parents[1] / "docs"))
    from style import BLUE, GREEN, ORANGE, save, style

    looks = ({"color": GREEN, "lw": 6, "alpha": 0.5}, {"color": ORANGE, "lw": 1.6}, {"color": BLUE, "lw": 1.6})
    with style():
        figure = Figure(figsize=(8, 3), layout="constrained")
        panels = dict(zip(("loss", "moved"), figure.subplots(1, 2), strict=True))
        for look, (name, found) in zip(looks, runs.items(), strict=True):
            for key, panel in panels.items():
                since = 0 if key == "loss" else 1  # no update has been made at 0
                values = np.array([run[key][since:] for run in found]) * (1 if key == "loss" else 100)
                x = found[0]["update"][since:]
                panel.plot(x, values.mean(axis=0), label=name, **look)
                if key == "loss" and "alpha" not in look:
                    panel.fill_between(x, values.min(axis=0), values.max(axis=0), color=look["color"], alpha=0.15, lw=0)
        panels["loss"].set_title("Loss on unseen text, nats per character", loc="left")
        panels["moved"].set_title("Weights that an update changes, in percent", loc="left")
        panels["moved"].set_ylim(0, 108)
        for panel in panels.values():
            panel.set(xlabel="update", xlim=(0, x[-1]))
        panels["loss"].legend()
        save(figure, out)


# ---- The cost of a step


class Transformer(nn.Module):
    def __init__(self, characters: int, length: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.length = length
        self.embedding, self.position = nn.Embedding(characters, width), nn.Embedding(length, width)
        self.encoder = nn.TransformerEncoder(layers, width, num_heads=heads, norm_first=True)
        self.head = nn.Linear(width, characters)

    def __call__(self, x: mx.array) -> mx.array:
        mask = nn.MultiHeadAttention.create_additive_causal_mask(self.length, self.head.weight.dtype)
        return self.head(self.encoder(self.embedding(x) + self.position(mx.arange(self.length)), mask))


def cost(width: int, layers: int, batch: int, length: int, rounds: int) -> None:
    """Time compiled steps of full fine-tuning, and updates alone, in turn; print medians in milliseconds."""
    contenders: dict[str, Any] = {}
    for name, (dtype, masters) in {**WAYS, **dict.fromkeys(BESIDE, (mx.bfloat16, False))}.items():
        mx.random.seed(0)
        model = Transformer(4096, length, width, layers, heads=max(width // 64, 1))
        model.set_dtype(dtype)
        optimizer = ms.MultiOptimizer([optim.AdamW(1e-5)], master_weights=masters)
        x = mx.random.randint(0, 4096, (batch, length))
        if name in BESIDE:
            contenders[f"{name}: step"] = partial(step_beside(model, optimizer, BESIDE[name]), x, x)
            continue
        optimizer.init(model.trainable_parameters())
        contenders[f"{name}: step"] = partial(step_of(model, optimizer, compiled=True), x, x)
        contenders[f"{name}: update alone"] = update_alone(model, optimizer)
        millions = sum(w.size for _, w in tree_flatten(model.parameters())) / 1e6
        print(f"{name}: {millions:.0f} million weights", flush=True)
    print(f"\nkernels and views of one tensor's update with masters: {', '.join(primitives())}\n")
    # Each call follows one of its own kind, since a step is slower after one that keeps the GPU busier.
    times = {name: [1e3 * t for t in found] for name, found in alternate(contenders, rounds).items()}
    found = {name: statistics.median(values) for name, values in times.items()}
    print("| | ms, median | quartiles |\n|---|---|---|")
    for name, values in times.items():
        low, _, high = statistics.quantiles(values, n=4)
        print(f"| {name} | {found[name]:.3f} | {low:.3f} to {high:.3f} |")
    for name in BESIDE:
        steps = zip(times["bfloat16, masters: step"], times[f"{name}: step"], strict=True)
        low, share, high = statistics.quantiles([100 * (1 - other / own) for own, other in steps], n=4)
        print(f"\nA step with masters is {share:.1f} % ({low:.1f} to {high:.1f}) of itself longer than one of {name}.")
    alone = found["bfloat16, masters: update alone"] - found["float32: update alone"]
    print(f"\nUpdates alone, for which a GPU waits, take {alone:+.3f} ms more than float32's.")


def step_beside(model: nn.Module, optimizer: ms.MultiOptimizer, rounded: bool) -> Any:
    """Return the same step with float32 weights beside the model. If `rounded`, the model gets them, rounded."""
    held = {"weights": tree_map(lambda weight: weight.astype(mx.float32), model.trainable_parameters())}
    optimizer.init(held["weights"])
    state = [model.state, optimizer.state, held]
    loss_and_grad = nn.value_and_grad(model, loss_fn)

    def step(x: mx.array, y: mx.array) -> mx.array:
        loss, gradients = loss_and_grad(model, x, y)
        held["weights"] = optimizer.apply_gradients(gradients, held["weights"])  # the rate may be rounded to bfloat16
        if rounded:
            model.update(tree_map(lambda weight: weight.astype(mx.bfloat16), held["weights"]))
        return loss

    compiled = mx.compile(step, inputs=state, outputs=state)
    return lambda x, y: mx.eval(compiled(x, y), state)


def update_alone(model: nn.Module, optimizer: ms.MultiOptimizer) -> Any:
    """Return the optimizer's update without a model, on weights and a state of its own, with constant gradients."""
    gradients = tree_map(lambda weight: 1e-3 * mx.ones_like(weight), model.trainable_parameters())
    own = ms.MultiOptimizer([optim.AdamW(1e-5)], master_weights=optimizer.master_weights)
    held = {"weights": tree_map(lambda weight: weight + 0, model.trainable_parameters())}
    own.init(held["weights"])
    update = mx.compile(own.apply_gradients, inputs=own.state, outputs=own.state)
    mx.eval(gradients, held, own.state)

    def call() -> None:
        held["weights"] = update(gradients, held["weights"])
        mx.eval(held, own.state)

    return call


def primitives() -> list[str]:
    """Return the names of the kernels and views in the update of one tensor."""
    optimizer = ms.MultiOptimizer([optim.AdamW(1e-5)], master_weights=True)
    weights, gradients = ({"w": mx.ones((8, 8), mx.bfloat16)} for _ in range(2))
    optimizer.init(weights)
    mx.eval(weights, gradients, optimizer.state)
    new = mx.compile(optimizer.apply_gradients, inputs=optimizer.state, outputs=optimizer.state)(gradients, weights)
    graph = io.StringIO()
    mx.export_to_dot(graph, new["w"], *optimizer.state["states"][0]["w"].values())
    return re.findall(r'label ="([\w ]+)", shape=rectangle', graph.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "gpu"], help="default: MLX's")
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("table")
    tuning = parts.add_parser("fine-tune")
    tuning.add_argument("--out", type=pathlib.Path, help="draw the curves into this file")
    tuning.add_argument("--seeds", type=int, default=3)
    tuning.add_argument("--updates", type=int, default=300)
    tuning.add_argument("--peak", type=float, default=1e-4)
    costs = parts.add_parser("cost")
    for name, default in {"width": 2048, "layers": 8, "batch": 8, "length": 512, "rounds": 60}.items():
        costs.add_argument(f"--{name}", type=int, default=default)
    options = vars(parser.parse_args())
    if device := options.pop("device"):
        mx.set_default_device(getattr(mx, device))
    part = options.pop("part")
    {"table": table, "fine-tune": fine_tune, "cost": cost}[part](**options)


if __name__ == "__main__":
    main()
