"""Random schedules, each with its definition."""

from fractions import Fraction
from typing import Any, NamedTuple

from hypothesis import strategies as st

import mlx_schedules as ms
from numerics import reference

RATIOS = ("geometric", "exponential", "stairs", "inverse_power")


class Composed(NamedTuple):
    schedule: Any
    value: Any  # a function from an exact step to the value in 200 bits
    last: Any  # the last value, or None if there is none
    rounded: bool = False  # whether it was made with one of its own values, which is rounded to float32


values = st.floats(0.125, 1.0, width=32)
lengths = st.integers(1, 40) | st.integers(1, 80).map(lambda n: n / 2)
powers = st.sampled_from([0.5, 1.0, 2.0, 3.5])
rates = st.sampled_from([0.5, 0.9, 0.9999, 1.0, 1.01])


def ended(make, ease, init, end, length, *shape):
    return Composed(make, reference.eased(ease, init, end, length, *shape), end)


def endless(make, ease, init, length, shape):
    return Composed(make, reference.eased(ease, init, init, length, shape), None)


singles = st.one_of(
    st.builds(lambda a, n, b: ended(ms.cosine_decay(a, n, b), "cosine", a, b, n), values, lengths, values),
    st.builds(lambda a, n, b: ended(ms.linear_schedule(a, b, n), "linear", a, b, n), values, lengths, values),
    st.builds(lambda a: ended(ms.constant(a), "hold", a, a, 1), values),
    st.builds(
        lambda a, n, b, p: ended(ms.polynomial_decay(a, n, b, p), "reverse_power", a, b, n, p),
        values, lengths, values, powers,
    ),
    st.builds(
        lambda a, n, b: ended(
            ms.warmup_stable_decay(a, n, decay=n, end=b, tail="1-sqrt"), "power", a, b, n, 0.5
        ),
        values, st.integers(1, 40), values,
    ),
    st.builds(
        lambda a, n, b: ended(
            ms.warmup_stable_decay(a, n, decay=n, end=b, tail="exponential"), "geometric", a, b, n
        ),
        values, st.integers(1, 40), values,
    ),
    st.builds(lambda a, r: endless(ms.exponential_decay(a, r), "exponential", a, 1, Fraction(r) - 1), values, rates),
    st.builds(lambda a, r, n: endless(ms.step_decay(a, r, n), "stairs", a, n, Fraction(r) - 1), values, rates, lengths),
    st.builds(lambda a, n: endless(ms.inverse_sqrt_decay(a, n), "inverse_power", a, n, 0.5), values, lengths),
)  # fmt: skip


@st.composite
def joins(draw, parts):
    found = draw(st.lists(parts, min_size=2, max_size=4))
    at = sorted(draw(st.lists(lengths | st.just(0), min_size=len(found) - 1, max_size=len(found) - 1)))
    value = reference.joined([part.value for part in found], [Fraction(b) for b in at])
    schedule = ms.join_schedules([part.schedule for part in found], at)
    return Composed(schedule, value, found[-1].last, any(part.rounded for part in found))


@st.composite
def warmups(draw, parts):
    part, steps, init = draw(parts), draw(lengths), draw(values)
    value = reference.warmed(part.value, Fraction(steps), init)
    rounded = part.rounded or any(segment.lead for segment in part.schedule.segments)
    return Composed(part.schedule.warmup(steps, init), value, part.last, rounded)


@st.composite
def shifts(draw, parts):
    part, by = draw(parts), draw(st.integers(-30, 90) | st.sampled_from([-2.5, 0.5, 7.5]))
    return part._replace(schedule=part.schedule.shift(by), value=reference.shifted(part.value, Fraction(by)))


@st.composite
def repeats(draw, parts):
    part, period, times = draw(parts), draw(lengths), draw(st.none() | st.integers(1, 4))
    stretch = draw(st.sampled_from([1, 1, 2, 3]))
    ratios = any(segment.ease in RATIOS for segment in part.schedule.segments)
    fixed = part.last is None or ratios or (times is None and stretch == 1)
    shrink = 1.0 if fixed else draw(st.sampled_from([1.0, 0.5]))
    schedule = part.schedule.repeat(period, times, period_factor=stretch, value_factor=shrink)
    value = reference.again(part.value, period, times, stretch, shrink, part.last)
    return Composed(schedule, value, part.last if times else None, part.rounded or shrink != 1)


@st.composite
def products(draw, parts):
    part, by = draw(parts), draw(st.sampled_from([0.5, 2.0]))
    last = None if part.last is None else part.last * by
    return part._replace(schedule=part.schedule * by, value=lambda step: part.value(step) * by, last=last)


def once_more(parts):
    return st.one_of(joins(parts), warmups(parts), shifts(parts), repeats(parts), products(parts))


schedules = st.recursive(singles, once_more, max_leaves=5)
