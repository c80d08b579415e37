"""Schedules of random columns for the compiled module, with every ease, type of numbers, lead and repeat."""

from typing import Any, NamedTuple

import mlx.core as mx
import numpy as np

from mlx_schedules import _ext
from support.helpers import FLOATS, STEP_TYPES

EASES = tuple(name for name, _, _ in _ext.eases())
ENDLESS = tuple(name for name, ends, _ in _ext.eases() if not ends and name != "hold")
RATES = tuple(name for name, _, parameter in _ext.eases() if parameter == "rate")
TIMES = ("uint32", "int32", "uint64", "int64", "float32")


class Columns(NamedTuple):
    eases: list[str]
    operands: dict[str, mx.array]
    repeat: int | None
    reach: float  # a step well past the end of the last column


GROUPS: tuple[tuple[int, ...], ...] = ((), (), (3,), (17,), (2, 3))


def shapes_of(random: np.random.Generator, eases: list[str], groups: tuple[int, ...]) -> np.ndarray:
    """Return the ease's parameter in every column: a power, or a rate minus 1."""
    shape = random.choice([0.5, 1.0, 2.0, 3.7], (len(eases), *groups))
    for k, ease in enumerate(eases):
        if ease in RATES:
            shape[k] = random.choice([-0.5, -1e-4, -0.9, 1e-3], groups)
    return shape


def times(numbers: np.ndarray, dtype: str) -> mx.array:
    return mx.array(numbers.astype(np.float32 if dtype == "float32" else dtype))


def rests(numbers: np.ndarray, beside: mx.array, real: str) -> mx.array:
    """Return the rests of numbers: reals beside reals, and units of 2^-64 beside integers."""
    if mx.issubdtype(beside.dtype, mx.floating):
        return mx.array(numbers).astype(getattr(mx, real))
    return mx.array((numbers * 2.0**64).astype(np.uint64))


def random_columns(seed: int, out: str = "float32", groups: tuple[int, ...] = (), most: int = 5) -> Columns:
    random = np.random.default_rng(seed)
    eases = [str(e) for e in random.choice(EASES, random.integers(1, most + 1))]
    n, reach = len(eases), float(2 ** random.uniform(3, random.choice([8, 20, 30, 44])))
    lengths = np.floor(random.uniform(0.02, 1, (n, *groups)) * reach) + 1
    lengths[random.uniform(size=lengths.shape) < 0.1] = 0
    begins = np.concatenate([np.zeros((1, *groups)), np.cumsum(lengths, axis=0)[:-1]])
    dtypes = random.choice(TIMES[2:] if reach > 2**29 else TIMES, 4)
    exact = "float64" if out == "float64" else "float32"
    values = np.exp(random.normal(size=(2, n, *groups)) * 3)
    values = values * (random.choice([-1, 1]) if "geometric" in eases else random.choice([-1, 1], values.shape))
    operands = {
        "init": mx.array(values[0]).astype(getattr(mx, out)),
        "end": mx.array(values[1]).astype(getattr(mx, out)),
        "length": times(lengths, dtypes[0]),
        "begin": times(begins, dtypes[1]),
        "parameter": mx.array(shapes_of(random, eases, groups)).astype(getattr(mx, exact)),
    }
    if random.uniform() < 0.5:
        operands["lead"] = times(np.floor(lengths * random.choice([0, 0.3], lengths.shape)), dtypes[2])
    for name in ("begin", "length", "lead"):
        if name in operands and random.uniform() < 0.3:
            rest = random.choice([0, 0.25, 0.7, 2.0**-64, 1 - 2.0**-53], lengths.shape) * (lengths > 0)
            operands[f"{name}_rest"] = rests(rest, operands[name], exact)
    repeat = int(random.integers(0, n)) if random.uniform() < 0.3 else None
    if repeat is not None:
        over = np.maximum(lengths[repeat:].sum(axis=0), 1)
        operands["period"] = times(over, dtypes[3])
        if random.uniform() < 0.3:
            operands["period_rest"] = rests(np.full(groups, random.choice([0.5, 0.3])), operands["period"], exact)
    if n == 1:
        operands = {name: array[0] if name[:6] != "period" else array for name, array in operands.items()}
    return Columns(eases, operands, repeat, reach)


def steps_for(random: np.random.Generator, dtype: str, shape: tuple[int, ...], reach: float, begins: Any) -> mx.array:
    """Return steps up to twice the reach, many of them at or next to a begin, and the extremes of the dtype."""
    numbers = random.uniform(-0.1, 2, shape) * reach
    at = np.append(np.array(begins.astype(mx.float32)).ravel(), 0.0)
    if not mx.issubdtype(begins.dtype, mx.floating):
        at = np.append(np.array(begins.astype(mx.int64)).ravel(), 0).astype(np.float64)  # exact, unlike float32
    near = random.choice(at, shape) + random.integers(-1, 2, shape)
    numbers = np.where(random.uniform(size=shape) < 0.3, near, numbers)
    if dtype.startswith(("float", "bfloat")):
        numbers.flat[: min(3, numbers.size)] = [np.nan, np.inf, -np.inf][: numbers.size]
        return mx.array(numbers.astype(np.float32)).astype(getattr(mx, dtype))
    limits = np.iinfo(dtype)
    whole = np.floor(numbers).clip(float(limits.min), float(limits.max) * (1 - 1e-15)).astype(dtype)
    whole.flat[: min(2, whole.size)] = [limits.max, limits.min][: whole.size]
    return mx.array(whole)


class Case(NamedTuple):
    name: str
    step: mx.array
    segments: _ext.Segments


def random_case(seed: int) -> Case:
    """Return a schedule and steps for it. Seeds in a row go through all types of steps."""
    random = np.random.default_rng(seed)
    dtype = STEP_TYPES[seed % len(STEP_TYPES)]
    out = dtype if dtype in FLOATS else "float32"
    groups = GROUPS[random.integers(len(GROUPS))]
    columns = random_columns(seed, out, groups)
    if dtype == "bool_":
        step = mx.array(random.integers(0, 2, 40).astype(bool))
    else:
        count = int(random.choice([1, 37, 400] if groups else [1, 700, 5000]))
        if seed % 20 == 0 and not groups:
            count = 140_000  # too many for a thread each, so threads walk along their columns
        step = steps_for(random, dtype, (count,), columns.reach, columns.operands["begin"])
    step = mx.expand_dims(step, tuple(range(-len(groups), 0))) if groups else step
    name = f"seed {seed}, {dtype} steps, groups {groups}, {columns}"
    return Case(name, step, _ext.Segments(columns.eases, columns.operands, columns.repeat))
