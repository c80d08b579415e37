"""Every row of docs/coming-from.md, exactly as written there, against the library itself."""

import math
import pathlib
import re
from fractions import Fraction
from typing import NamedTuple

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from libraries import RATES, optimizer, timm_schedulers

import mlx_schedules as ms
from support.helpers import has_ops, rounding

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "coming-from.md"
BEYOND = ("holds", "goes on", "restarts", "rises again", "raises")
OURS = {"ms": ms, "math": math, "Fraction": Fraction}
NUMBERS = {
    "even": dict(I=1e-3, E=1e-4, w=1e-6, T=120, W=20, B=60, n=10, m=2, r=0.9, p=2.0, a=0.1, b=0.5, c=4, v=0.5),
    "odd": dict(I=0.3, E=0.07, w=0.02, T=101, W=8, B=53, n=7, m=3, r=0.7, p=0.5, a=0.25, b=0.75, c=3, v=0.8),
}


class Row(NamedTuple):
    library: str
    theirs: str
    ours: str
    beyond: str
    warmup_inside: str


def rows():
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE):
        library = section.split("\n", 1)[0]
        for line in section.splitlines() if library in RATES else ():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if len(cells) == 4 and cells[2] in BEYOND:
                yield Row(library, *(re.match("`(.*?)`", cell)[1] for cell in cells[:2]), *cells[2:])


ROWS = list(rows())


def test_the_page_has_rows_for_all_libraries():
    counts = {library: sum(row.library == library for row in ROWS) for library in RATES}
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `") and line.count(" | ") == 3]
    heads = [line for line in lines if line.endswith("| W in T |")]
    assert len(ROWS) == sum(counts.values()) == len(lines) - len(heads)
    assert min(counts.values()) >= 5
    assert {row.beyond for row in ROWS} == set(BEYOND)


def bounds(rates, row):
    """Return how much rates may differ. MLX and keras compute a cosine in float32, whatever they are told."""
    single = row.library in ("MLX", "mlx-lm", "keras") and "cosine" in row.theirs.lower()
    return rounding(rates) + (2.0**-22 * max(rates) if single else 0)


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.library}: {row.theirs}")
def test_a_row(row, numbers):
    names = {**NUMBERS[numbers], **OURS}
    schedule = eval(row.ours, names)
    last, steps = schedule.last_step, list(range(5 * names["T"]))
    theirs = np.array(RATES[row.library](row.theirs, names, steps), np.float64)
    ours = np.array(schedule(mx.array(steps[: len(theirs)])), np.float64)
    if row.beyond == "rises again":
        assert max(theirs[last + 1 :]) > ours[last] == ours[-1]
    if row.beyond == "raises":
        assert len(theirs) < len(steps)
    if row.beyond in ("rises again", "raises"):
        theirs, ours = theirs[: last + 1], ours[: last + 1]
    bound = bounds(theirs, row)
    bad = np.flatnonzero(np.abs(theirs - ours) > bound)
    assert not len(bad), list(zip(bad, theirs[bad], ours[bad], bound[bad], strict=True))[:5]
    check_the_end(row, names, theirs, last)
    assert has_ops(1, schedule(mx.array(3)))


def check_the_end(row, names, theirs, last):
    """Assert that what the row says about the end is true of the library."""
    if row.beyond == "holds":
        assert len(set(theirs[math.ceil(last) :])) == 1
    if row.beyond == "goes on":
        assert last is None
        assert theirs[-1] != theirs[-names["n"] - 1]
    if row.beyond == "restarts":
        assert max(np.diff(theirs[names["T"] :])) > 0
    if row.warmup_inside == "yes":
        assert last is None or names["T"] - 1 <= last <= names["T"] * (1 + names["m"])
    if row.warmup_inside == "no":
        assert last == names["T"] + names["W"] + (row.library == "mlx-lm")


# ---- What they get wrong


@pytest.mark.parametrize(("period", "factor"), [(10, 3), (41, 3), (10, 2), (7, 5)])
def test_restarts_are_at_whole_steps(period, factor):
    schedule = ms.cosine_decay(1.0, period).repeat(period, period_factor=factor)
    begins = [period * (factor**i - 1) // (factor - 1) for i in range(20)]
    assert schedule(mx.array(begins)).tolist() == [1.0] * 20
    assert max(schedule(mx.array(begins[1:]) - 1).tolist()) < 0.05
    assert [segment.begin for segment in schedule.segments[:20]] == begins


def test_where_a_logarithm_misses_them():
    """At step 1210 = 10 (3^5 - 1) / 2 a cycle begins, so the rate should be the peak."""
    from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

    opt = optimizer(1.0)
    CosineAnnealingWarmRestarts(opt, 10, 3).step(1210)  # computed by a logarithm; step() alone counts
    assert opt.param_groups[0]["lr"] < 0.01
    opt = optimizer(1.0)
    timm_schedulers()["CosineLRScheduler"](opt, 10, cycle_mul=3, cycle_limit=9).step(1210)
    assert opt.param_groups[0]["lr"] < 0.01


def test_the_last_steps_are_kept_where_1_plus_cos_loses_them():
    """Libraries that compute in float32 show why this package exists."""
    import keras
    import optax

    total = 1_000_000
    step = total - 50
    exact = np.sin(np.pi / 2 * 50 / total) ** 2
    assert ms.cosine_decay(1.0, total)(step).item() == pytest.approx(exact, rel=1e-7)
    for theirs in (
        optax.cosine_decay_schedule(1.0, total),
        keras.optimizers.schedules.CosineDecay(1.0, total),
        lambda s: optim.cosine_decay(1.0, total)(mx.array(s)).item(),
    ):
        assert float(theirs(step)) == 0


# ---- How many updates


@pytest.mark.parametrize(("examples", "batch_size"), [(100, 8), (96, 8), (5, 8)])
def test_total_updates_counts_as_torch_loads(examples, batch_size):
    from torch.utils.data import DataLoader

    assert ms.total_updates(examples, batch_size) == len(DataLoader(range(examples), batch_size))
    whole = DataLoader(range(examples), batch_size, drop_last=True)
    if len(whole):
        assert ms.total_updates(examples // batch_size * batch_size, batch_size) == len(whole)


# ---- Formulas of projects that aren't packages


def torchtitan(s, peak, total, warmup, decay, ratio):
    if s < warmup:
        return peak * (s + 1) / (warmup + 1)
    if s < total - decay:
        return peak
    x = (min(s, total) + 1 - (total - decay)) / (decay + 1)
    return peak * (ratio + (1 - ratio) * (1 - math.sqrt(x)))


def test_torchtitans_formula():
    peak, total, warmup, decay, ratio = 1e-3, 120, 20, 30, 0.1
    whole = {"warmup": warmup + 1, "decay": decay + 1, "end": ratio * peak, "tail": "1-sqrt"}
    schedule = ms.warmup_stable_decay(peak, total + 1, **whole).shift(1)
    theirs = [torchtitan(s, peak, total, warmup, decay, ratio) for s in range(total)]
    assert schedule(mx.arange(total)).tolist() == pytest.approx(theirs, rel=2e-7)


def megatron(s, peak, total, warmup, init, end):
    if s <= warmup:
        return init + (peak - init) * s / warmup
    return end if s > total else max(end, peak * math.sqrt(warmup / s))


@pytest.mark.parametrize("end", [1e-4, 9e-4])
def test_megatrons_inverse_square_root(end):
    peak, total, warmup, init = 1e-3, 500, 20, 1e-5
    low = min(warmup * (peak / end) ** 2, total + 1)
    schedule = ms.join_schedules([ms.inverse_sqrt_decay(peak, warmup).warmup(warmup, init), ms.constant(end)], [low])
    theirs = [megatron(s, peak, total, warmup, init, end) for s in range(2 * total)]
    assert schedule(mx.arange(2 * total)).tolist() == pytest.approx(theirs, rel=2e-7)
