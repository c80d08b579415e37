"""The cases that ``doctor`` compares: layouts of steps and dtypes, and the CPU's results for them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import mlx.core as mx

from .. import _ext

Numbers = dict[str, mx.array]  # a schedule's numbers, by the names of the op's operands
Call = tuple[mx.array, list[str], Numbers]  # a call of the op: steps, the ease of each column, and numbers

# Dtypes of steps, most used first. GPUs have no float64.
TYPES = ["uint32", "uint64", "int32", "float32", "int64", "bfloat16", "float16", "uint16", "int16", "int8", "uint8"]

# Lengths for each of the kernels' ways of counting, by dtype: narrow, its limit, wide in 32 and 64 bits, and ended.
LENGTHS: dict[str, list[float]] = {
    "uint32": [1000, 2**24 + 1, 10**9],
    "float32": [100.5, 2.0**33],
    "int64": [1000, 2**24 + 1, 10**9, 2**40 + 3, -3],
    "uint64": [1000, 2**24 + 1, 10**9, 2**40 + 3],
    "int32": [1000, 2**24 + 1, 10**9, -3],
}
LAYOUTS = ("contiguous", "line", "general", "one", "columns")
COMPILED_FEW = ["linear", "hold", "cosine"]  # the most used ones, if each schedule has its own kernels
EASES = [*COMPILED_FEW, *(ease for ease, _, _ in _ext.eases() if ease not in COMPILED_FEW)]


@dataclass(frozen=True)
class Item:
    layout: str
    dtype: str  # of steps
    lengths: list[str]  # dtypes of lengths
    eases: list[str]  # the eases of columns

    @property
    def name(self) -> str:
        return f"{self.layout} {self.dtype.rstrip('_')}"


def plan(sparing: bool) -> Iterator[Item]:
    """Yield what to compare: layouts, with dtypes of steps and of lengths, for one cosine and for columns.

    Without `sparing` these are all combinations. If kernels must be compiled first, 24 kernels of one cosine are
    enough. No code depends on both dtypes, code that reads lengths doesn't depend on the layout, and steps are read as
    vectors in the layout `contiguous` and one by one in the others. So every dtype of steps is read in both ways, and
    every dtype of lengths in all layouts but `one`, which has the dtypes of an optimizer's step and of a user's.
    Columns have the most used dtypes.
    """
    lengths = list(LENGTHS)
    for i, dtype in enumerate([*TYPES, "bool_"]):
        i = min(i, len(TYPES) - 1)  # bool uses uint8's kernels
        for j, layout in enumerate(LAYOUTS):
            if not sparing:
                yield Item(layout, dtype, lengths, EASES)
            elif layout in ("contiguous", LAYOUTS[2 - i % 2]) or (layout == "one" and dtype in ("uint64", "float32")):
                yield Item(layout, dtype, [lengths[(i - j) % len(lengths)]], COMPILED_FEW)
            elif layout == "columns" and dtype in ("uint32", "uint64", "float32"):
                yield Item(layout, dtype, ["int32"], COMPILED_FEW)
    for dtype in () if sparing else ("uint32", "int64", "uint64"):
        yield Item("repeats", dtype, ["uint32"], ["linear", "cosine"])


def segments(eases: list[str], numbers: Numbers) -> _ext.Segments:
    """Return the Segments of a call. If it has a period, all columns repeat."""
    return _ext.Segments(eases, numbers, 0 if "period" in numbers else None)


def reference(call: Call) -> mx.array:
    """Return the CPU's results, with separate numbers for each step, so that even the CPU uses another loop."""
    step, eases, numbers = call
    if "period" in numbers:  # computed with Python's integers
        period = cast(int, numbers["period"].item())
        with mx.stream(mx.cpu):
            step = mx.array([n % period for n in cast("list[int]", step.tolist())], step.dtype)
        numbers = {name: a for name, a in numbers.items() if name != "period"}
    columns = [len(eases)] if len(eases) > 1 else []
    with mx.stream(mx.cpu):
        groups = [mx.zeros(a.shape[len(columns) :]) for a in numbers.values()]
        shape = list(mx.broadcast_arrays(step, *groups)[0].shape)
        gaps = [1] * (len(shape) - max(a.ndim for a in groups))  # for axes that only the steps have
        own = {name: a.reshape(columns + gaps + list(a.shape[len(columns) :])) for name, a in numbers.items()}
        own = {name: mx.contiguous(mx.broadcast_to(a, columns + shape)) for name, a in own.items()}
        return _ext.evaluate(mx.contiguous(mx.broadcast_to(step, shape)), _ext.Segments(eases, own))


def differing(a: mx.array, b: mx.array) -> int:
    """Return how many elements differ in any bit. All NaNs are equal."""
    bits = mx.uint32 if a.dtype == mx.float32 else mx.uint16
    with mx.stream(mx.cpu):
        different = mx.contiguous(a).view(bits) != mx.contiguous(b).view(bits)
        return int(mx.sum(different & ~(mx.isnan(a) & mx.isnan(b))).item())  # type: ignore[arg-type]


def cases(item: Item) -> Iterator[Call]:
    dtype = item.dtype
    if item.layout == "repeats":
        yield from _repeats(dtype)
        return
    make = {"contiguous": _contiguous, "line": _line, "general": _general, "one": _one}.get(item.layout)
    init, end = _values([0.1, -2.0, 7.0], dtype), _values([0.003], dtype)
    for length_type in item.lengths:
        for value in LENGTHS[length_type]:
            if make is None:
                yield from _columns(item, length_type, value)
            else:
                for step, a, t in make(dtype, init, mx.array([value], getattr(mx, length_type)), value):
                    yield step, ["cosine"], {"init": a, "length": t, "end": end}


# ---- One cosine, by layout -------------------------------------------------------------------------------------------


def _contiguous(dtype: str, init: mx.array, length: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    for n in (5_001, 10_007):  # more than CUDA's kernel for a few elements takes
        yield _steps(dtype, n, value), init[:1], length


def _one(dtype: str, init: mx.array, length: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    step = _steps(dtype, 7, value)
    for i in range(7):
        yield step[i : i + 1], init[:1], length


def _line(dtype: str, init: mx.array, length: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    step = _steps(dtype, 6_014, value)
    yield step[::-2], init[:1], length
    for i in (0, 2_000, 6_013):  # one step for the groups of an optimizer
        yield step[i : i + 1], init, length


def _general(dtype: str, init: mx.array, length: mx.array, value: float) -> Iterator[tuple[mx.array, ...]]:
    step = _steps(dtype, 6_014, value)
    yield step[:, None], init, length[None]
    yield step.reshape(62, 97).T[:, :, None], init, length[None]


# ---- Columns, in all of them -----------------------------------------------------------------------------------------


def _columns(item: Item, length_type: str, value: float) -> Iterator[Call]:
    """Yield calls with a segment of `value` steps among short ones."""
    dtype, eases = item.dtype, item.eases
    short = abs(value) / 10 if isinstance(value, float) else max(abs(value) // 10, 1)
    lengths = [value if ease == "cosine" else short for ease in eases]
    begins = [sum(max(length, 0) for length in lengths[:k]) for k in range(len(eases))]
    counted = {
        name: mx.array(numbers, getattr(mx, length_type)) for name, numbers in (("length", lengths), ("begin", begins))
    }
    values = {
        "init": _values([0.0, *[0.1] * (len(eases) - 1)], dtype),
        "end": _values([0.1, *[0.003] * (len(eases) - 1)], dtype),
    }
    parameter = {"parameter": mx.array([0.3 + k % 3 / 5 for k in range(len(eases))])} if eases == EASES else {}
    numbers = {**values, **counted, **parameter}
    groups = {name: a[:, None] for name, a in {**counted, **parameter}.items()}
    groups |= {name: a[:, None] * mx.array([1, 2, -3], a.dtype) for name, a in values.items()}
    step, end = _steps(dtype, 10_007, begins[-1] + value), 6_014
    yield step, eases, numbers
    yield step[end::-2], eases, numbers
    yield step[:, None], eases, groups
    for i in (0, 3_000, end):
        yield step[i : i + 1], eases, numbers
        yield step[i : i + 1], eases, groups


def _repeats(dtype: str) -> Iterator[Call]:
    """Yield calls that divide steps around 2^32 by a period. An Apple GPU gave 2^32 - 1 for 2^32 - 2 mod 3."""
    numbers = {
        "init": mx.array([1.0, 2.0]),
        "end": mx.array([2.0, 3.0]),
        "length": mx.array([2, 2], mx.uint32),
        "begin": mx.array([0, 1], mx.uint32),
    }
    for period in (3, 7, 2**31 - 1):
        around = (2**31, 2**32 - 2, *(() if dtype == "uint32" else (2**32 + 2, 2**33, 2**62)))
        steps = [n + i for n in around for i in range(-2, 2)]
        yield mx.array(steps, getattr(mx, dtype)), ["linear", "cosine"], {**numbers, "period": mx.array(period)}


# ---- Steps and values ------------------------------------------------------------------------------------------------


@functools.lru_cache(64)  # the same for every dtype of lengths
def _steps(dtype: str, n: int, length: float) -> mx.array:
    """Return steps from below 0 to above `length`, as far as the dtype goes. Floats include NaN and both infinities."""
    where = [length * (1.3 * i / max(n - 1, 1) - 0.1) for i in range(n)]
    if dtype == "bool_":
        return mx.array([i % 2 == 1 for i in range(n)])
    if dtype.startswith(("float", "bfloat")):
        where[3:6] = [math.nan, math.inf, -math.inf][: max(n - 3, 0)]
        with mx.stream(mx.cpu):
            return mx.array(where).astype(getattr(mx, dtype))
    bits = min(int(dtype.lstrip("uint")), 63)  # mx.array takes numbers up to 2^63
    low, high = (0, 2**bits - 1) if dtype[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return mx.array([min(max(int(x), low), high) for x in where], getattr(mx, dtype))


def _values(numbers: list[float], dtype: str) -> mx.array:
    return mx.array(numbers, getattr(mx, dtype) if dtype.startswith(("float", "bfloat")) else mx.float32)
