"""Searches aimed at where an evaluation errs most, as large as one likes.

``python tests/numerics/aimed.py 10_000_000 500_000_000`` prints, for both kinds of ends, the largest error of so many
points and whether any schedule steps back over so many steps. The reference is NumPy's
longdouble: 64 bits on x86, 53 elsewhere, and either is far finer than a hundredth of a float32's last place.
"""

import argparse

import mlx.core as mx
import numpy as np

import mlx_schedules as ms

STEPS = 64  # steps for each schedule


def one_sign(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """init, decay_steps and end of n schedules: one end near a power of two, the other 0, up to 2^-22 of it, or any."""
    random = np.random.default_rng(seed)
    large = np.ldexp(1 - random.integers(-3, 4, n) * 2.0**-24, random.integers(-20, 5, n))
    share = np.choose(
        random.integers(0, 3, n), [np.zeros(n), 2 ** random.uniform(-30, -22, n), random.uniform(0, 1, n)]
    )
    return *_ends(large, large * share, random), _decay_steps(n, random)


def opposite_signs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    large = np.ldexp(random.uniform(0.5, 1, n), random.integers(-20, 5, n))
    return *_ends(large, -large * 2 ** random.uniform(-8, 0, n), random), _decay_steps(n, random)


def _ends(large: np.ndarray, other: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    falls = random.integers(0, 2, len(large)) == 1
    return np.where(falls, large, other).astype(np.float32), np.where(falls, other, large).astype(np.float32)


def _decay_steps(n: int, random: np.random.Generator) -> np.ndarray:
    return (2 ** random.uniform(1, 29, n)).astype(np.uint32)


def steps(init: np.ndarray, end: np.ndarray, total: np.ndarray, seed: int) -> np.ndarray:
    """For each schedule: around the middle, around the zero, around half of either end, and any."""
    random = np.random.default_rng(seed)
    a, b = init.astype(float), end.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        targets = np.stack([(a + b) / 2, 0 * a, a / 2, b / 2])
        shares = np.nan_to_num(np.clip((a - targets) / (a - b), 0, 1))
    places = np.concatenate([2 / np.pi * np.arcsin(np.sqrt(shares)), random.uniform(0, 1, (1, len(a)))])
    chosen = places[random.integers(0, 5, (len(a), STEPS)), np.arange(len(a))[:, None]]
    spread = np.rint(random.standard_cauchy(chosen.shape) * 3)
    return np.clip(np.rint(chosen * total[:, None]) + spread, 0, total[:, None]).astype(np.uint32)


def reference(step: np.ndarray, init: np.ndarray, end: np.ndarray, total: np.ndarray) -> np.ndarray:
    a, b = init.astype(np.longdouble)[:, None], end.astype(np.longdouble)[:, None]
    left = total[:, None].astype(np.int64) - step
    nearer = np.minimum(step, left).astype(np.longdouble)
    half_pi = np.arctan(np.longdouble(1)) * 2
    weight = np.sin(half_pi * nearer / total[:, None]) ** 2
    return np.where(step <= left, a - (a - b) * weight, b + (a - b) * weight)


def evaluate(step: np.ndarray, init: np.ndarray, end: np.ndarray, total: np.ndarray) -> np.ndarray:
    columns = (mx.array(x[:, None]) for x in (init, total, end))
    return np.array(ms.fast.cosine_decay(mx.array(step), *columns))


def ulp(x: np.ndarray) -> np.ndarray:
    return np.spacing(np.abs(x).astype(np.float32)).astype(np.longdouble)


def largest_error(kind, schedules: int, seed: int) -> tuple[float, tuple[float, ...]]:
    """In ULP of the value, or of the larger end where the signs differ; and where: step, init, decay_steps, end."""
    init, end, total = kind(schedules, seed)
    step = steps(init, end, total, seed)
    exact = reference(step, init, end, total)
    larger = np.maximum(np.abs(init), np.abs(end))[:, None]
    unit = ulp(exact if kind is one_sign else np.broadcast_to(larger, exact.shape))
    errors = np.where(unit > 0, np.abs(evaluate(step, init, end, total) - exact) / unit, 0)
    i, j = np.unravel_index(errors.argmax(), errors.shape)
    return float(errors.max()), (int(step[i, j]), float(init[i]), int(total[i]), float(end[i]))


def steps_back(kind, schedules: int, run: int, seed: int) -> int:
    """Of schedules, each over `run` steps in a row from one of its aimed places: how many go back anywhere."""
    init, end, total = kind(schedules, seed)
    first = steps(init, end, total, seed)[:, :1].astype(np.int64) - run // 2
    step = np.clip(first + np.arange(run), 0, None).astype(np.uint32)
    change = np.diff(evaluate(step, init, end, total)) * np.sign(end - init)[:, None]
    return int((change < 0).any(axis=1).sum())


def main(points: int, run: int) -> None:
    block = 16_000
    for kind in (one_sign, opposite_signs):
        found = [largest_error(kind, block, seed) for seed in range(max(1, points // (block * STEPS)))]
        worst, where = max(found)
        print(f"{kind.__name__}: largest error {worst:.4f} ULP at (step, init, decay_steps, end) = {where}")
        seeds = max(1, run // 10_000_000)
        back = sum(steps_back(kind, 1000, 10_000, seed) for seed in range(seeds))
        print(f"  schedules that step back: {back} of {seeds * 1000}, 10 000 steps of each")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("points", type=int)
    parser.add_argument("run", type=int, help="steps")
    main(**vars(parser.parse_args()))
