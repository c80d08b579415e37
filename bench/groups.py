"""Learning rates for many parameter groups: one batched schedule against one closure of MLX for each group.

    python bench/groups.py

Contenders alternate; times are medians over the rounds with the smallest and the largest, and only their ratios within
one run mean anything. The closures are mlx.optimizers.cosine_decay, the training is AdamW on one 8 x 8 weight a group.

| measure | inside the timed region |
|---|---|
| eager | all groups' rates for one step, built and evaluated |
| first step | first call of the compiled training step to its evaluated result: a new process, an empty kernel cache |
| steady step | one further call of it, evaluated |
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mlx.core as mx
import mlx.optimizers as optim

import mlx_schedules as ms

CONTENDERS = ("closures", "batched")


def hyperparameters(groups: int) -> list[tuple[float, int, float]]:
    return [(1e-3 * (1 + i / groups), 1000 + i, 1e-5 * (1 + i)) for i in range(groups)]


def batched_schedule(groups: int) -> ms.CosineDecay:
    init, decay_steps, end = zip(*hyperparameters(groups), strict=True)
    return ms.cosine_decay(init, decay_steps, end)


def eager(contender: str, groups: int) -> Callable[[], None]:
    step = mx.array(500, mx.uint64)
    if contender == "batched":
        schedule = batched_schedule(groups)
        return lambda: mx.eval(schedule(step))
    closures = [optim.cosine_decay(*h) for h in hyperparameters(groups)]
    return lambda: mx.eval([closure(step) for closure in closures])


def optimizer(contender: str, groups: int) -> optim.MultiOptimizer:
    filters = [lambda path, _, name=f"group{i}": path == name for i in range(groups - 1)]
    if contender == "batched":
        return ms.MultiOptimizer([optim.AdamW(0.0) for _ in range(groups)], filters, batched_schedule(groups))
    return optim.MultiOptimizer([optim.AdamW(optim.cosine_decay(*h)) for h in hyperparameters(groups)], filters)


def training(contender: str, groups: int) -> Callable[[], None]:
    weights = {f"group{i}": mx.random.normal((8, 8)) for i in range(groups)}
    chosen = optimizer(contender, groups)
    chosen.init(weights)
    state = [weights, chosen.state]
    mx.eval(state)

    def loss(weights: dict[str, mx.array]) -> mx.array:
        return sum(weight.square().sum() for weight in weights.values())

    @partial(mx.compile, inputs=state, outputs=state)
    def step() -> mx.array:
        value, gradients = mx.value_and_grad(loss)(weights)
        weights.update(chosen.apply_gradients(gradients, weights))
        return value

    return lambda: mx.eval(step(), state)


def seconds(call: Callable[[], None], times: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def alternating(make: Callable[[str, int], Callable[[], None]], groups: int, rounds: int, times: int):
    calls = {contender: make(contender, groups) for contender in CONTENDERS}
    for call in calls.values():
        seconds(call, 3)
    found: dict[str, list[float]] = {contender: [] for contender in CONTENDERS}
    for _ in range(rounds):
        for contender, call in calls.items():
            found[contender].append(seconds(call, times))
    return found


def first_steps(groups: int, rounds: int, cache: Path):
    found: dict[str, list[float]] = {contender: [] for contender in CONTENDERS}
    for i in range(rounds):
        for contender in CONTENDERS:
            folder = cache / f"{contender}{i}"
            folder.mkdir()
            command = [sys.executable, __file__, "--groups", str(groups), "--first-step-of", contender]
            done = subprocess.run(
                command, env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True, check=True
            )
            found[contender].append(float(done.stdout))
            print(f"  round {i + 1}: {contender} {found[contender][-1]:.2f} s", flush=True)
    return found


def primitives(contender: str, groups: int) -> dict[str, int]:
    """The primitives in the graph of all groups' rates after an update, by name."""
    chosen = optimizer(contender, groups)
    chosen.update({}, {})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "graph.dot")
        mx.export_to_dot(str(path), *(one.learning_rate for one in chosen.optimizers))
        lines = [line for line in path.read_text().splitlines() if "shape=rectangle" in line]
    names = [line.split('label ="')[1].split('"')[0] for line in lines]
    return {name: names.count(name) for name in sorted(set(names))}


def report(measure: str, found: dict[str, list[float]], bar: float) -> None:
    middle = {contender: statistics.median(times) for contender, times in found.items()}
    ratios = [a / b for a, b in zip(found["closures"], found["batched"], strict=True)]
    ratio = middle["closures"] / middle["batched"]
    print(
        f"{measure:12}  {ratio:7.2f} x faster ({min(ratios):.2f} to {max(ratios):.2f})   bar {bar:g}   "
        + "   ".join(
            f"{c} {middle[c] * 1e3:.3f} ms ({min(t) * 1e3:.3f} to {max(t) * 1e3:.3f})" for c, t in found.items()
        ),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15, help="rounds of the eager and steady measures (default: 15)")
    parser.add_argument("--first-rounds", type=int, default=3, help="rounds of the first step; 0 leaves it out")
    parser.add_argument("--first-step-of", choices=CONTENDERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    mx.set_default_device(mx.cpu)

    if args.first_step_of:
        print(seconds(training(args.first_step_of, args.groups)))
        return

    for contender in CONTENDERS:
        print(f"graph of the rates, {contender}: {primitives(contender, args.groups)}")
    report("eager", alternating(eager, args.groups, args.rounds, 100), 20)
    with tempfile.TemporaryDirectory() as cache:
        if args.first_rounds:
            report("first step", first_steps(args.groups, args.first_rounds, Path(cache)), 10)
            os.environ["TMPDIR"] = str(Path(cache, "closures0"))  # the kernels are there already
        report("steady step", alternating(training, args.groups, args.rounds, 100), 1)


if __name__ == "__main__":
    main()
