"""Searches of any size for the largest errors.

``python tests/numerics/search.py 10_000_000`` evaluates each ease at that many points where large errors are likely. It
prints the largest error and the share of results that are not correctly rounded, for integer steps, for fractional
steps, and for endpoints of opposite signs; and whether any segment is not monotone. It tests the headers in kernels/,
or with ``--package`` the installed package.
"""

import argparse
import functools
import inspect
import pathlib
import re
import sys
from collections.abc import Callable
from typing import NamedTuple

import mlx.core as mx
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import mlx_schedules as ms
from numerics import kernels, reference
from numerics.kernels import Points

POWERS = [0.05, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1, 1.5, 2, 3, np.pi, 5, 20]
RATES_LESS_ONE = [-0.9, -0.5, -0.3, -0.1, -0.01, -1e-4, -1e-6, 1e-4, 0.05, 1.0]
LEAST = 2.0**-94  # smaller values have subnormal low parts
PACKAGE = [name for name in reference.NAMES if name not in reference.RATES]


def points(
    ease: str, n: int, seed: int, *, real: bool = False, opposite: bool = False, dtype: type = np.float32
) -> Points:
    """Return points near both ends, at the weight 1/2, where the value is 0, init/2 or a power of 2, and more."""
    random = np.random.default_rng(seed)
    length = _lengths(n, random, real).astype(dtype if real else np.uint64)
    parameter = _parameters(ease, n, random, dtype)
    init, end = (x.astype(dtype) for x in _ends(ease, n, random, opposite))
    place = _places(ease, init.astype(float), end.astype(float), parameter, random) * length
    stray = random.standard_cauchy(n) * 3
    place = place * (1 + stray * 2.0**-20) if real else np.rint(place + stray)
    place = np.where(place < 2.0**-120 * length, 0, place)  # smaller ones may give subnormal intermediate results
    step = np.clip(place, 0, 2.0**63 if ease in reference.ENDLESS else length)
    high = parameter.astype(dtype)
    return Points(step.astype(length.dtype), length, init, end, high, (parameter - high).astype(dtype))


def _mixed(random: np.random.Generator, n: int, *choices) -> np.ndarray:
    return np.choose(random.integers(0, len(choices), n), choices)


def _lengths(n: int, random: np.random.Generator, real: bool) -> np.ndarray:
    anywhere = np.exp2(random.uniform(1, 32.2, n))
    near_power = np.exp2(np.rint(np.log2(anywhere))) + random.integers(-2, 3, n)
    whole = np.maximum(np.rint(_mixed(random, n, anywhere, near_power, random.integers(2, 200, n))), 2)
    return _mixed(random, n, whole, whole * random.uniform(1e-3, 1, n)) if real else whole


def _parameters(ease: str, n: int, random: np.random.Generator, dtype: type) -> np.ndarray:
    if ease in reference.RATES:
        near_one, small = -np.exp2(random.uniform(-30, -0.01, n)), np.exp2(-(random.uniform(1, 30, n) ** 1.4))
        raised = -small * 2.0 ** reference.DOUBLINGS[np.dtype(dtype).name]
        return _mixed(random, n, random.choice(RATES_LESS_ONE, n), near_one, raised)
    return _mixed(random, n, random.choice(POWERS, n), random.choice(POWERS, n), random.uniform(0.25, 20, n))


def _ends(ease: str, n: int, random: np.random.Generator, opposite: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return endpoints: one near a power of two or random, the other 0, small or random, or of the opposite sign."""
    significand = _mixed(random, n, 1 - random.integers(-3, 4, n) * 2.0**-24, random.uniform(0.5, 1, n))
    large = np.ldexp(significand, random.integers(-20, 5, n)) * random.choice([-1, 1], n)
    least = 2 ** random.uniform(-60, -30, n) if ease == "geometric" else 0.0
    share = _mixed(random, n, least, 2 ** random.uniform(-30, -10, n), random.uniform(0.001, 1, n))
    other = large * (-(2 ** random.uniform(-8, 0, n)) if opposite else share)
    falls = (random.integers(0, 2, n) == 1) | (ease in reference.ENDLESS)
    return np.where(falls, large, other), np.where(falls, other, large)


def _places(ease: str, init, end, parameter, random: np.random.Generator) -> np.ndarray:
    """Return places as shares of the length."""
    n = len(init)
    near, anywhere = np.exp2(random.uniform(-32, 0, n)), random.uniform(0, 1, n)
    with np.errstate(all="ignore"):
        if ease in reference.ENDLESS:
            target = np.exp2(np.rint(np.log2(np.abs(init))) - random.integers(0, 100, n))
            fast = 1 if ease == "inverse_power" else np.maximum(np.abs(reference.log_of_rate(parameter)), 1)
            places = near * 20, anywhere * 2 ** random.uniform(0, 10, n) / fast, _inverse(ease, init, target, parameter)
        else:
            target = np.exp2(np.rint(np.log2(np.abs(init + (end - init) * random.uniform(0, 1, n)))))
            weight = (target - np.abs(init)) / (np.abs(end) - np.abs(init))
            crossing = (init - random.choice([0, 0.5], n) * init) / (init - end)
            at = [_at_weight(ease, w, init, end, parameter) for w in (weight, np.full(n, 0.5), crossing)]
            places = near, 1 - near, anywhere, *(x * (1 + random.choice([-1, 1], n) * near) for x in at)
        return np.clip(np.nan_to_num(_mixed(random, n, *places)), 0, 1e9)


def _inverse(ease: str, init, target, parameter) -> np.ndarray:
    """Return where an endless ease reaches the target."""
    ratio = np.abs(init) / target
    if ease == "inverse_power":
        return ratio ** (1 / parameter) - 1
    return np.abs(np.log(ratio) / reference.log_of_rate(parameter))


def _at_weight(ease: str, weight, init, end, parameter) -> np.ndarray:
    weight = np.clip(weight, 0, 1)
    if ease == "cosine":
        return 2 / np.pi * np.arcsin(np.sqrt(weight))
    if ease == "power":
        return weight ** (1 / parameter)
    if ease == "reverse_power":
        return 1 - (1 - weight) ** (1 / parameter)
    if ease == "geometric":
        return np.log1p(weight * (end / init - 1)) / np.log(end / init)
    return weight


# ----------------------------------------------------------------------------------------------------------------------


Evaluate = Callable[[str, Points], np.ndarray]
Run = Callable[[str, Points, int], np.ndarray]


def package(ease: str, points: Points) -> np.ndarray:
    """Evaluate with the installed package. It takes parameters in float32, which would change a rate."""
    step, length, init, end, parameter = map(mx.array, points[:5])
    return np.array(ms.fast.evaluate(step, [ease], [init], [end], [length], parameter=[parameter]))


def package_run(ease: str, point: Points, n: int) -> np.ndarray:
    return package(ease, point._replace(step=point.step + np.arange(n, dtype=np.uint64)))


def in_float32(points: Points) -> Points:
    return points._replace(low=np.zeros_like(points.low))


class Bounds(NamedTuple):
    """The error bounds in ULP that an ease's header states."""

    float32: float
    opposite_signs: float  # in ULP of the larger endpoint
    float64: float


@functools.cache
def bounds() -> dict[str, Bounds]:
    """Return the bounds of every ease, by name."""
    folder = pathlib.Path(__file__).parents[2] / "kernels" / "ease"
    names = {struct: name for name, (struct, _, _) in reference.EASES.items()}
    line = r"ULP bound of (\w+): ([\d.]+)(?:; of the larger end for opposite signs ([\d.]+))?; in float64 ([\d.]+)\n"
    stated = [found for path in folder.glob("*.h") for found in re.findall(line, path.read_text())]
    return {names[ease]: Bounds(*(float(x or "nan") for x in figures)) for ease, *figures in stated}


class GraphBounds(NamedTuple):
    """The error bounds in ULP that `exporting` states for MLX's own ops."""

    float32: float
    float64: float


@functools.cache
def graph_bounds() -> dict[str, GraphBounds]:
    """Return the bounds of every ease, by name."""
    rows = re.findall(r"^\| ([a-z_, ]+) \| (\d+) \| (\d+) \|$", str(inspect.getdoc(ms.exporting)), re.MULTILINE)
    return {ease: GraphBounds(*map(float, figures)) for eases, *figures in rows for ease in eases.split(", ")}


class Errors(NamedTuple):
    largest: float  # in ULP, of the larger endpoint if the endpoints have opposite signs
    where: Points
    wrong: int  # results that are not correctly rounded
    count: int


def exact(ease: str, points: Points) -> np.ndarray:
    parameter = points.high.astype(np.longdouble) + points.low
    return reference.values(ease, *points[:4], parameter)


def errors(ease: str, points: Points, opposite: bool = False, evaluate: Evaluate = kernels.evaluate) -> Errors:
    results, references = evaluate(ease, points), exact(ease, points)
    size = np.abs(references)
    counts = ((size == 0) | (size > LEAST)) & (size < 2.0**127)
    larger = np.maximum(np.abs(points.init), np.abs(points.end)) if opposite else np.clip(size, LEAST, 2.0**127)
    ulp = np.spacing(larger.astype(np.float32)).astype(np.longdouble)
    distance = np.where(counts, np.abs(results - np.where(counts, references, 0)) / ulp, 0)
    distance = np.where(np.isnan(results), np.inf, distance)
    worst = int(distance.argmax())
    rounded = np.where(counts, references, 0).astype(np.float32)
    wrong = int(((results != rounded) & counts).sum())
    return Errors(float(distance[worst]), Points(*(x[worst] for x in points)), wrong, int(counts.sum()))


def rises(ease: str, point: Points) -> bool:
    init, end, parameter = (float(x[0]) for x in (point.init, point.end, point.high))
    if ease in reference.ENDLESS:
        return init * (-parameter if ease == "inverse_power" else parameter) > 0
    return end > init


def turning(ease: str, points: Points, n: int, run: Run = kernels.run) -> list[Points]:
    """Return segments of at most 2^29 steps that are not monotone over n consecutive steps around their point."""
    found = []
    for i in np.flatnonzero(points.length <= 2**29):
        point = Points(*(x[i : i + 1] for x in points))
        first = max(0, min(int(point.step[0]), 2**32 - n) - n // 2)
        values = run(ease, point._replace(step=np.array([first], np.uint64)), n)
        if not (values[1:] >= values[:-1] if rises(ease, point) else values[1:] <= values[:-1]).all():
            found.append(point)
    return found


def main(count: int, by_package: bool) -> None:
    evaluate, run = (package, package_run) if by_package else (kernels.evaluate, kernels.run)
    block = 500_000
    for ease in PACKAGE if by_package else reference.NAMES:
        for real, opposite in ((False, False), (True, False), (False, True))[: 2 if ease in reference.MULTIPLY else 3]:
            kind = "opposite signs" if opposite else "fractional steps" if real else "integer steps"
            seeds = range(max(1, count // block))
            at = [points(ease, block, s, real=real, opposite=opposite) for s in seeds]
            found = [errors(ease, in_float32(p) if by_package else p, opposite, evaluate) for p in at]
            worst = max(found, key=lambda e: e.largest)
            wrong, total = sum(e.wrong for e in found), sum(e.count for e in found)
            print(f"{ease:14} {kind:17} {worst.largest:.4f} ULP, {wrong} of {total} not correctly rounded;", end=" ")
            print(", ".join(f"{name} {float(x):.9g}" for name, x in worst.where._asdict().items()), flush=True)
            if not real:
                turns = turning(ease, points(ease, max(1, count // 1000), 0, opposite=opposite), 10_000, run)
                print(f"{'':14} {len(turns)} of {max(1, count // 1000)} segments turn back within 10 000 steps")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, help="points for each ease and kind")
    parser.add_argument("--package", dest="by_package", action="store_true", help="search the installed package")
    main(**vars(parser.parse_args()))
