"""Searches of the eases in kernels/, without MLX, as large as one likes.

``python tests/numerics/eases.py 10_000_000`` prints for each ease, over so many points where an evaluation errs most,
the largest error and the share not correctly rounded: of integer steps, of fractional ones, and of opposite signs;
and whether any segment turns back.
"""

import ctypes
import functools
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from numerics import ease_reference as reference

HERE = pathlib.Path(__file__).parent
KERNELS = HERE.parents[1] / "kernels"
WIDE, FLUSH = 4, 8
OPTIMIZED = ("-O3",)  # for this processor, which is zig's default
PLAIN = ("-O0", "-mcpu=baseline", "-fno-sanitize=all")
POWERS = [0.05, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1, 1.5, 2, 3, np.pi, 5, 20]
RATES_LESS_ONE = [-0.9, -0.5, -0.3, -0.1, -0.01, -1e-4, -1e-6, 1e-4, 0.05, 1.0]
LEAST = 2.0**-94  # below it the low parts are subnormal


class Points(NamedTuple):
    step: np.ndarray  # uint64, or float
    length: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    high: np.ndarray  # of the shape
    low: np.ndarray


class _Arrays(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in (*Points._fields, "out")]


@functools.cache
def library(flags: tuple[str, ...] = OPTIMIZED) -> ctypes.CDLL:
    folder = tempfile.TemporaryDirectory()
    path = pathlib.Path(folder.name) / "ease.so"
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "c++",
        "-std=c++17",
        "-nostdlib++",
        "-fno-exceptions",
        "-shared",
        "-fPIC",
    ]
    command += [
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-trapping-math",
        f"-I{KERNELS}",
        *flags,
    ]
    subprocess.run([*command, str(HERE / "ease.cpp"), "-o", str(path)], check=True)
    loaded = ctypes.CDLL(str(path))
    loaded.wrong_reciprocals.restype = ctypes.c_int64
    loaded.folder = folder  # goes with it
    return loaded


def _call(function, ease: str, n: int, points: Points, dtype: type, how: int) -> np.ndarray:
    real = [x.dtype.kind == "f" for x in points[:2]]
    arrays = [
        np.ascontiguousarray(x, dtype if r else np.uint64) for x, r in zip(points, [*real, *[True] * 4], strict=True)
    ]
    out = np.empty(n, dtype)
    pointers = _Arrays(*[x.ctypes.data for x in (*arrays, out)])
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_size_t, _Arrays]
    function(reference.NAMES.index(ease), how | real[0] | real[1] * 2, n, pointers)
    return out


def evaluate(ease: str, points: Points, dtype: type = np.float32, how: int = 0, flags: tuple[str, ...] = OPTIMIZED):
    function = getattr(library(flags), "evaluate32" if dtype is np.float32 else "evaluate64")
    return _call(function, ease, len(points.step), points, dtype, how)


def run(ease: str, point: Points, n: int) -> np.ndarray:
    """n steps in order, against one segment; the point's arrays hold one entry."""
    return _call(library().run32, ease, n, point, np.float32, 0)


# ----------------------------------------------------------------------------------------------------------------------


def points(
    ease: str, n: int, seed: int, *, real: bool = False, opposite: bool = False, dtype: type = np.float32
) -> Points:
    """Near both ends, near where the weight is a half, near where the value is a power of two, and anywhere."""
    random = np.random.default_rng(seed)
    length = _lengths(n, random, real).astype(dtype if real else np.uint64)
    shape = _shapes(ease, n, random, dtype)
    start, stop = (x.astype(dtype) for x in _ends(ease, n, random, opposite))
    place = _places(ease, start.astype(float), stop.astype(float), shape, random) * length
    stray = random.standard_cauchy(n) * 3
    place = place * (1 + stray * 2.0**-20) if real else np.rint(place + stray)
    place = np.where(place < 2.0**-120 * length, 0, place)  # what is smaller may be subnormal on the way
    step = np.clip(place, 0, 2.0**63 if ease in reference.ENDLESS else length)
    high = shape.astype(dtype)
    return Points(step.astype(length.dtype), length, start, stop, high, (shape - high).astype(dtype))


def _mixed(random: np.random.Generator, n: int, *choices) -> np.ndarray:
    return np.choose(random.integers(0, len(choices), n), choices)


def _lengths(n: int, random: np.random.Generator, real: bool) -> np.ndarray:
    anywhere = np.exp2(random.uniform(1, 32.2, n))
    near_power = np.exp2(np.rint(np.log2(anywhere))) + random.integers(-2, 3, n)
    whole = np.maximum(np.rint(_mixed(random, n, anywhere, near_power, random.integers(2, 200, n))), 2)
    return _mixed(random, n, whole, whole * random.uniform(1e-3, 1, n)) if real else whole


def _shapes(ease: str, n: int, random: np.random.Generator, dtype: type) -> np.ndarray:
    if ease in ("exponential", "stairs"):
        near_one, small = -np.exp2(random.uniform(-30, -0.01, n)), np.exp2(-(random.uniform(1, 30, n) ** 1.4))
        raised = -small * 2.0 ** reference.DOUBLINGS[np.dtype(dtype).name]
        return _mixed(random, n, random.choice(RATES_LESS_ONE, n), near_one, raised)
    return _mixed(random, n, random.choice(POWERS, n), random.choice(POWERS, n), random.uniform(0.25, 20, n))


def _ends(ease: str, n: int, random: np.random.Generator, opposite: bool) -> tuple[np.ndarray, np.ndarray]:
    """One near a power of two or any, the other 0, a small share of it or any; or of the opposite sign."""
    significand = _mixed(random, n, 1 - random.integers(-3, 4, n) * 2.0**-24, random.uniform(0.5, 1, n))
    large = np.ldexp(significand, random.integers(-20, 5, n)) * random.choice([-1, 1], n)
    least = 2 ** random.uniform(-60, -30, n) if ease == "geometric" else 0.0
    share = _mixed(random, n, least, 2 ** random.uniform(-30, -10, n), random.uniform(0.001, 1, n))
    other = large * (-(2 ** random.uniform(-8, 0, n)) if opposite else share)
    falls = (random.integers(0, 2, n) == 1) | (ease in reference.ENDLESS)
    return np.where(falls, large, other), np.where(falls, other, large)


def _places(ease: str, start, stop, shape, random: np.random.Generator) -> np.ndarray:
    """Shares of the length."""
    n = len(start)
    near, anywhere = np.exp2(random.uniform(-32, 0, n)), random.uniform(0, 1, n)
    with np.errstate(all="ignore"):
        if ease in reference.ENDLESS:
            target = np.exp2(np.rint(np.log2(np.abs(start))) - random.integers(0, 100, n))
            fast = 1 if ease == "inverse_power" else np.maximum(np.abs(reference.log_of_rate(shape)), 1)
            places = near * 20, anywhere * 2 ** random.uniform(0, 10, n) / fast, _inverse(ease, start, target, shape)
        else:
            target = np.exp2(np.rint(np.log2(np.abs(start + (stop - start) * random.uniform(0, 1, n)))))
            weight = (target - np.abs(start)) / (np.abs(stop) - np.abs(start))
            at = [_at_weight(ease, w, start, stop, shape) for w in (weight, np.full(n, 0.5))]
            places = near, 1 - near, anywhere, *(x * (1 + random.choice([-1, 1], n) * near) for x in at)
        return np.clip(np.nan_to_num(_mixed(random, n, *places)), 0, 1e9)


def _inverse(ease: str, start, target, shape) -> np.ndarray:
    """Where an ease without end reaches the target."""
    ratio = np.abs(start) / target
    return ratio ** (1 / shape) - 1 if ease == "inverse_power" else np.abs(np.log(ratio) / reference.log_of_rate(shape))


def _at_weight(ease: str, weight, start, stop, shape) -> np.ndarray:
    weight = np.clip(weight, 0, 1)
    if ease == "cosine":
        return 2 / np.pi * np.arcsin(np.sqrt(weight))
    if ease == "power":
        return weight ** (1 / shape)
    if ease == "reverse_power":
        return 1 - (1 - weight) ** (1 / shape)
    if ease == "geometric":
        return np.log1p(weight * (stop / start - 1)) / np.log(stop / start)
    return weight


# ----------------------------------------------------------------------------------------------------------------------


class Errors(NamedTuple):
    largest: float  # in ULP; of the larger end where the ends' signs differ
    where: Points
    wrong: int  # not correctly rounded
    count: int


def exact(ease: str, points: Points) -> np.ndarray:
    shape = points.high.astype(np.longdouble) + points.low
    return reference.values(ease, *points[:4], shape)


def errors(ease: str, points: Points, opposite: bool = False) -> Errors:
    results, references = evaluate(ease, points), exact(ease, points)
    size = np.abs(references)
    counts = ((size == 0) | (size > LEAST)) & (size < 2.0**127)
    larger = np.maximum(np.abs(points.start), np.abs(points.stop)) if opposite else np.clip(size, LEAST, 2.0**127)
    ulp = np.spacing(larger.astype(np.float32)).astype(np.longdouble)
    distance = np.where(counts, np.abs(results - np.where(counts, references, 0)) / ulp, 0)
    distance = np.where(np.isnan(results), np.inf, distance)
    worst = int(distance.argmax())
    rounded = np.where(counts, references, 0).astype(np.float32)
    wrong = int(((results != rounded) & counts).sum())
    return Errors(float(distance[worst]), Points(*(x[worst] for x in points)), wrong, int(counts.sum()))


def rises(ease: str, point: Points) -> bool:
    start, stop, shape = (float(x[0]) for x in (point.start, point.stop, point.high))
    if ease in reference.ENDLESS:
        return start * (-shape if ease == "inverse_power" else shape) > 0
    return stop > start


def turning(ease: str, points: Points, n: int) -> list[Points]:
    """The segments, of those up to 2^29 long, that turn back anywhere in n steps in order around theirs."""
    found = []
    for i in np.flatnonzero(points.length <= 2**29):
        point = Points(*(x[i : i + 1] for x in points))
        first = max(0, min(int(point.step[0]), 2**32 - n) - n // 2)
        values = run(ease, point._replace(step=np.array([first], np.uint64)), n)
        if not (values[1:] >= values[:-1] if rises(ease, point) else values[1:] <= values[:-1]).all():
            found.append(point)
    return found


def main(count: int) -> None:
    block = 500_000
    for ease in reference.NAMES:
        for real, opposite in ((False, False), (True, False), (False, True))[: 2 if ease in reference.MULTIPLY else 3]:
            kind = "opposite signs" if opposite else "fractional steps" if real else "integer steps"
            seeds = range(max(1, count // block))
            found = [errors(ease, points(ease, block, s, real=real, opposite=opposite), opposite) for s in seeds]
            worst = max(found, key=lambda e: e.largest)
            wrong, total = sum(e.wrong for e in found), sum(e.count for e in found)
            print(f"{ease:14} {kind:17} {worst.largest:.4f} ULP, {wrong} of {total} not correctly rounded;", end=" ")
            print(", ".join(f"{name} {float(x):.9g}" for name, x in worst.where._asdict().items()), flush=True)
            if not real:
                turns = turning(ease, points(ease, max(1, count // 1000), 0, opposite=opposite), 10_000)
                print(f"{'':14} {len(turns)} of {max(1, count // 1000)} segments turn back within 10 000 steps")


if __name__ == "__main__":
    main(int(sys.argv[1]))
