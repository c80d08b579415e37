"""Schedules of public code that trains with MLX: their parameters and structure, but none of their code.

`original` is what the script calculates at step s, in plain Python and float64, where `linear` and `cosine` are MLX's
formulas. `ours` is the same with this package. Where a script takes the length of its run or a rate from its data or
options, a typical one is used. If the numbers contain `base`, there is a group for each of its elements.
docs/make_gallery.py turns this into a page.
"""

import math
from typing import Any, NamedTuple

# Shares of 235 public files in percent. The last one is for hyperparameters other than rates.
SHARES = {"warmup + cosine": 55, "cosine": 16, "warmup, stable, decay": 11, "linear, warmup + linear": 5,
          "warmup + constant": 4, "exponential, steps": 4, "restarts, polynomial": 3, "by a metric": 1,
          "other than rates": None}  # fmt: skip


class Entry(NamedTuple):
    kind: str
    what: str
    numbers: dict[str, Any]
    original: str
    ours: str | None  # None if this package can't do it
    run: float  # the last step


def linear(a: float, b: float, steps: float, s: float) -> float:
    return a + (b - a) * min(s, steps) / steps


def cosine(a: float, steps: float, b: float, s: float) -> float:
    return b + (a - b) * 0.5 * (1 + math.cos(math.pi * min(s, steps) / steps))


def original(entry: Entry, s: float) -> float | list[float]:
    """Return the original's value at step s, or a list of them if there are groups."""
    names = {**entry.numbers, "linear": linear, "cosine": cosine, "math": math, "s": s}
    if "base" not in entry.numbers:
        return float(eval(entry.original, names))
    return [float(eval(entry.original, {**names, "base": base})) for base in entry.numbers["base"]]


def ours(entry: Entry) -> Any:
    import mlx_schedules as ms

    assert entry.ours is not None
    return eval(entry.ours, {**entry.numbers, "ms": ms, "math": math})


def steps(entry: Entry, most: int = 3000) -> list[float]:
    """Return all steps of the run, or some spread evenly with the first and last hundred; or progress from 0 to 1."""
    if entry.run == 1:
        return [i / 1024 for i in range(1025)]
    run = int(entry.run)
    if run < most:
        return list(range(run + 1))
    return sorted({*range(100), *range(0, run, run // most), *range(run - 100, run + 1)})


W_COS, COS, WSD, LIN, CONST, EXP, MORE, METRIC, OTHER = SHARES
WARM = "linear(w, lr, W, s) if s < W else cosine(lr, T - W, end, s - W)"
MLX_LM = "linear(w, lr, W, s) if s < W + 1 else cosine(lr, T, end, s - W - 1)"
RUN = "ms.warmup_cosine(lr, T, warmup=W, init=w, end=end)"
CONFIG = 'ms.Schedule.from_dict({"name": "cosine_decay", "arguments": [lr, T, end], "warmup": W, "warmup_init": w})'

CORPUS = [
    # ---- warmup + cosine
    Entry(W_COS, "LoRA of a diffusion model; the cosine is not shortened by the warmup", dict(lr=1e-4, W=1, T=500),
          "linear(0, lr, W, s) if s < W else cosine(lr, T, 0, s - W)", "ms.cosine_decay(lr, T).warmup(W)", 500),
    Entry(W_COS, "ResNet-20 on CIFAR-10, epochs of 190 updates", dict(lr=0.1, W=4 * 190, D=26 * 190),
          "linear(0, lr, W, s) if s < W else cosine(lr, D, 0, s - W)", "ms.cosine_decay(lr, D).warmup(W)", 30 * 190),
    Entry(W_COS, "GPT-2 from scratch, a short run", dict(lr=6e-4, W=10, T=50, w=6e-5, end=6e-5), WARM, RUN, 50),
    Entry(W_COS, "character-level transformer", dict(lr=1e-3, W=100, T=3000, w=1e-4, end=1e-4), WARM, RUN, 3000),
    Entry(W_COS, "retrieval encoder, contrastive loss", dict(lr=1e-3, W=100, T=3000, w=0.0, end=0.0), WARM, RUN, 3000),
    Entry(W_COS, "flow matching in a latent space, 5 of 200 epochs warmup",
          dict(lr=3e-4, W=5 * 281, T=200 * 281, w=1e-6, end=0.0), WARM, RUN, 200 * 281),
    Entry(W_COS, "image adapter of a diffusion model", dict(lr=1e-4, W=2000, T=120_000, w=1e-6, end=1e-6),
          WARM, RUN, 120_000),
    Entry(W_COS, "a guide's example", dict(lr=1e-3, W=100, T=1000, w=0.0, end=0.0), WARM, RUN, 1000),
    Entry(W_COS, "instruction tuning, from 1 % of the rate to 10 %", dict(lr=1e-5, W=20, T=1250, w=1e-7, end=1e-6),
          WARM, RUN, 1250),
    Entry(W_COS, "adapter made by a network, 3 % warmup, down to 5 %", dict(lr=1e-4, W=45, T=1500, w=0.0, end=5e-6),
          WARM, "ms.warmup_cosine(lr, T, warmup=0.03, end=end)", 1500),
    Entry(W_COS, "language model; the warmup covers the cosine's beginning",
          dict(lr=3e-4, W=100, T=5000, w=1e-7, end=3e-6),
          "linear(w, lr, W, s) if s < W else cosine(lr, T, end, s)",
          "ms.join_schedules([ms.linear_schedule(w, lr, W), ms.cosine_decay(lr, T, end).shift(W)], [W])", 5000),
    Entry(W_COS, "classifier; counted in epochs, so over after 100 updates",
          dict(lr=1e-3, W=10, T=100, w=1e-5, end=1e-6), WARM, RUN, 3000),
    Entry(W_COS, "classifier with a focal loss, 20 epochs warmup",
          dict(lr=1e-3, W=20 * 30, T=200 * 30, w=1e-6, end=1e-7), WARM, RUN, 200 * 30),
    Entry(W_COS, "recurrent language model", dict(lr=6e-4, W=200, T=20_000, w=6e-6, end=1e-5), WARM, RUN, 20_000),
    Entry(W_COS, "LoRA's A and B, a rate each, from the first step's share", dict(base=[2e-4, 8e-4], W=24, T=800),
          "linear(base / W, base, W - 1, s) if s < W else cosine(base, T - W, 0.1 * base, s - W)",
          "ms.join_schedules([ms.linear_schedule(1 / W, 1, W - 1), ms.cosine_decay(1, T - W, 0.1)], [W]) * base", 800),
    Entry(W_COS, "mlx-lm's YAML, LoRA", dict(lr=1e-4, W=20, T=200, w=1e-6, end=1e-6), MLX_LM, CONFIG, 200),
    Entry(W_COS, "mlx-lm's YAML, continued and then fine-tuned", dict(lr=2e-5, W=820, T=8200, w=0.0, end=1e-6),
          MLX_LM, CONFIG, 8200),
    Entry(W_COS, "mlx-lm's YAML, two epochs over documents", dict(lr=1e-4, W=200, T=6000, w=0.0, end=1e-6),
          MLX_LM, CONFIG, 6000),
    Entry(W_COS, "mlx-lm's YAML; 4 iterations to an update, so that a quarter is run",
          dict(lr=2e-5, W=50, T=1500, w=0.0, end=1e-6), MLX_LM, CONFIG, 375),
    Entry(W_COS, "nanoGPT's, as Python floats", dict(lr=1e-4, W=2000, T=600_000, end=6e-5),
          "lr * s / W if s < W else end if s > T else "
          "end + 0.5 * (1 + math.cos(math.pi * (s - W) / (T - W))) * (lr - end)",
          "ms.warmup_cosine(lr, T, warmup=W, end=end)", 600_000),
    Entry(W_COS, "GPT-2's, as Python floats: the peak at W - 1 and W", dict(lr=6e-4, W=715, T=19_073, end=6e-5),
          "lr * (s + 1) / W if s < W else end if s > T else "
          "end + 0.5 * (1 + math.cos(math.pi * (s - W) / (T - W))) * (lr - end)",
          "ms.join_schedules([ms.linear_schedule(lr / W, lr, W - 1), ms.cosine_decay(lr, T - W, end)], [W])", 19_073),
    Entry(W_COS, "own arithmetic of arrays, cut off at 10 % of the rate", dict(lr=2e-4, W=50, T=1000, r=0.1),
          "lr * (s + 1) / W if s < W else lr * max(r, 0.5 * (1 + math.cos(math.pi * min(1, (s - W) / (T - W)))))",
          "ms.join_schedules([ms.linear_schedule(lr / W, lr, W - 1), ms.cosine_decay(lr, T - W), ms.constant(r * lr)], "
          "[W, W + (T - W) * math.acos(2 * r - 1) / math.pi])", 1000),
    Entry(W_COS, "own arithmetic of arrays, for policy optimization", dict(lr=5e-6, W=20, T=500, end=5e-7),
          "lr * s / W if s < W else (lr - end) * 0.5 * (1 + math.cos(math.pi * (s - W) / (T - W))) + end",
          "ms.warmup_cosine(lr, T, warmup=W, end=end)", 500),
    Entry(W_COS, "self-taught reasoner, joined a step late", dict(lr=1e-5, W=60, T=600),
          "linear(0, lr, W, s) if s < W + 1 else cosine(lr, T - W, 0, s - W - 1)",
          "ms.join_schedules([ms.linear_schedule(0, lr, W), ms.cosine_decay(lr, T - W)], [W + 1])", 601),
    # ---- cosine
    Entry(COS, "classifier of files, 20 epochs", dict(lr=3e-4, T=20 * 1000), "cosine(lr, T, 0, s)",
          "ms.cosine_decay(lr, T)", 20_000),
    Entry(COS, "small controller", dict(lr=1e-3, T=5000, end=1e-5), "cosine(lr, T, end, s)",
          "ms.cosine_decay(lr, T, end)", 5000),
    Entry(COS, "sequence of operations, long", dict(lr=3e-4, T=80_000, end=1e-6), "cosine(lr, T, end, s)",
          "ms.cosine_decay(lr, T, end)", 80_000),
    Entry(COS, "sequence of operations, short", dict(lr=3e-4, T=15_000, end=1e-6), "cosine(lr, T, end, s)",
          "ms.cosine_decay(lr, T, end)", 15_000),
    Entry(COS, "ResNet-20; batch size times epochs taken for updates", dict(lr=1e-3, T=64 * 100), "cosine(lr, T, 0, s)",
          "ms.cosine_decay(lr, T)", 10_000),
    Entry(COS, "several losses at once, 100 epochs", dict(lr=3e-4, T=100 * 32), "cosine(lr, T, 0, s)",
          "ms.cosine_decay(lr, T)", 3200),
    Entry(COS, "mlx-lm's YAML without a warmup", dict(lr=1e-5, T=1000), "cosine(lr, T, 0, s)",
          'ms.Schedule.from_dict({"name": "cosine_decay", "arguments": [lr, T], "warmup": 0})', 1000),
    # ---- warmup, stable, decay
    Entry(WSD, "language model on several machines: the ramp's end is held", dict(lr=1e-3, W=100, T=10_000, D=2000),
          "linear(0, lr, W, s) if s < T - D else linear(lr, 0, D, s - T + D)",
          "ms.warmup_stable_decay(lr, T, warmup=W, decay=D)", 10_000),
    Entry(WSD, "speed run: Muon and two AdamW, a rate each", dict(base=[0.05, 0.04, 0.04], T=20_000, D=1200),
          "base * (max((T - s) / D, 0) if T - D <= s else 1)", "ms.warmup_stable_decay(1, T, decay=D) * base", 20_000),
    Entry(WSD, "the same by wall clock: progress from 0 to 1, not below 10 %", dict(lr=0.04, D=0.25, r=0.125),
          "lr * (max((1 - s) / D, r) if s >= 1 - D else 1)",
          "ms.join_schedules([ms.warmup_stable_decay(lr, 1, decay=D), ms.constant(r * lr)], [1 - r * D])", 1),
    Entry(WSD, "trapezoid in percent of the run, down to a least rate", dict(lr=3e-4, end=3e-5, T=10_000),
          "linear(end, lr, 0.1 * T, s) if s < 0.1 * T else lr if s < 0.8 * T else "
          "linear(lr, end, 0.2 * T, s - 0.8 * T)",
          "ms.warmup_stable_decay(lr, T, warmup=0.1, decay=0.2, init=end, end=end)", 10_000),
    Entry(WSD, "the cooldown 1 - sqrt", dict(lr=0.025, T=9000, D=3500),
          "lr * (1 - math.sqrt((s - T + D) / D)) if s >= T - D else lr",
          'ms.warmup_stable_decay(lr, T, decay=D, tail="1-sqrt")', 9000),
    # ---- linear, warmup + linear
    Entry(LIN, "attention over orbits", dict(lr=1e-2, end=5e-6, T=500), "linear(lr, end, T, s)",
          "ms.linear_schedule(lr, end, T)", 500),
    Entry(LIN, "adapter tuning as BERT's, 10 % warmup", dict(lr=2e-5, W=120, T=1200, w=1e-8),
          "linear(w, lr, W, s) if s < W else linear(lr, 0, T - W, s - W)",
          "ms.warmup_linear(lr, T, warmup=0.1, init=w)", 1200),
    # ---- warmup + constant
    Entry(CONST, "modular arithmetic, until it generalizes", dict(lr=1e-3, W=10),
          "linear(0, lr, W, s) if s < W else lr", "ms.constant(lr).warmup(W)", 50_000),
    Entry(CONST, "joint embeddings of windows, the constant by a lambda", dict(lr=3e-4, W=200),
          "linear(0.01 * lr, lr, W, s) if s < W else lr", "ms.constant(lr).warmup(W, 0.01 * lr)", 5000),
    # ---- exponential, steps
    Entry(EXP, "variational autoencoder, by a tenth every 5 epochs", dict(lr=1e-3, r=0.9, n=5 * 546),
          "lr * r ** (s // n)", "ms.step_decay(lr, r, n)", 50 * 546),
    Entry(EXP, "neural vocoder, both networks", dict(lr=2e-4, r=0.99999), "lr * r**s", "ms.exponential_decay(lr, r)",
          200_000),
    # ---- restarts, polynomial
    Entry(MORE, "federated learning, as transformers has it", dict(lr=0.01, end=1e-7, W=50, T=1500, p=1.0),
          "lr * s / W if s < W else end if s > T else (lr - end) * (1 - (s - W) / (T - W)) ** p + end",
          "ms.polynomial_decay(lr, T - W, end, p).warmup(W)", 1500),
    Entry(MORE, "warm restarts, as Python floats", dict(lr=1e-3, end=1e-5, n=500),
          "end + 0.5 * (lr - end) * (1 + math.cos(math.pi * (s % n) / n))", "ms.cosine_decay(lr, n, end).repeat(n)",
          5000),
    # ---- by a metric
    Entry(METRIC, "halved where the validation loss has not fallen for 3 epochs", dict(lr=1e-3),
          "lr", None, 1000),
    # ---- other than rates
    Entry(OTHER, "Muon's momentum", dict(a=0.85, b=0.95, W=300), "(1 - min(s / W, 1)) * a + min(s / W, 1) * b",
          "ms.linear_schedule(a, b, W)", 5000),
    Entry(OTHER, "weight decay, gone at the end", dict(d=0.2, T=20_000), "d * (1 - s / T)",
          "ms.linear_schedule(d, 0, T)", 20_000),
    Entry(OTHER, "weight of a divergence, by epochs", dict(n=20), "min(1, (s + 1) / n)",
          "ms.linear_schedule(1 / n, 1, n - 1)", 50),
]  # fmt: skip
