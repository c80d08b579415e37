"""Extreme numbers: steps at infinity, values near 2^128 and 2^-126, and the shortest lengths."""

from fractions import Fraction
from itertools import permutations

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from numerics.reference import eased, ulp_errors

KINDS = {
    "constant": ms.constant(0.5),
    "linear": ms.linear_schedule(1.0, 0.25, 10),
    "cosine": ms.cosine_decay(1.0, 10),
    "power": ms.polynomial_decay(1.0, 10, power=2.0),
    "exponential": ms.exponential_decay(1.0, 0.9999),
    "stairs": ms.step_decay(1.0, 0.5, 10),
    "inverse": ms.inverse_sqrt_decay(1.0, 10),
    "warmup": ms.warmup_cosine(1.0, 30, warmup=10, end=0.125),
    "tail": ms.warmup_stable_decay(1.0, 30, tail="exponential", end=0.01),
}
LAST = [mx.array(np.inf), mx.array(2.0**64), mx.array(2.0**80), mx.array(np.uint64(2**64 - 1)), mx.array(2.0**63)]


@pytest.mark.parametrize("pair", list(permutations(KINDS, 2)), ids="-".join)
def test_stacked_groups_keep_their_values_at_the_largest_steps(pair: tuple[str, str]) -> None:
    both = ms.stack([KINDS[name] for name in pair])
    for step in LAST:
        assert both(step).tolist() == [KINDS[name](step).item() for name in pair], step


def test_stacked_groups_keep_their_values_beside_a_fractional_period() -> None:
    parts = [ms.cosine_decay(1.0, 10), ms.cosine_decay(1.0, 100.5).repeat(100.5), KINDS["tail"]]
    for step in LAST:
        found, alone = ms.stack(parts[:2])(step).tolist(), [part(step).item() for part in parts[:2]]
        assert found == alone, step
    for step in (2**53 + 42, 2**60 + 12345):
        found = ms.stack([ms.cosine_decay(1.0, 1000).repeat(1000), parts[1]])(step).tolist()
        assert found == [ms.cosine_decay(1.0, 1000)(step % 1000).item(), parts[1](step).item()]
        inside = Fraction(step) - Fraction(step) // Fraction(100.5) * Fraction(100.5)
        assert parts[1](step).item() == ms.cosine_decay(1.0, 100.5)(float(inside)).item()


def errors(schedule: ms.Schedule, steps: list[int], ease: str, *numbers: float) -> float:
    values = [eased(ease, *numbers)(Fraction(step)) for step in steps]
    found = np.array(schedule(mx.array(steps)))
    normal = [i for i, value in enumerate(values) if 2.0**-126 <= abs(value) < 2.0**128 - 2.0**104]
    assert len(normal) > len(steps) / 3
    return ulp_errors(found[normal], [values[i] for i in normal]).max()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("init", [3e38, 2.0**127, 2.0**126, 1.7e38, 1e-38, 2.0**-126, 1.3e-38])
def test_endless_eases_from_either_end_of_the_range(init: float, sign: int) -> None:
    init = sign * float(np.float32(init))
    steps = [*range(60), *range(60, 6000, 97)]
    for rate in (0.6, 0.99) if abs(init) > 1 else (1.01, 1.5):
        steps = steps[:150]
        assert errors(ms.exponential_decay(init, rate), steps, "exponential", init, 0, 1, Fraction(rate) - 1) <= 0.51
        assert errors(ms.step_decay(init, rate, 3), steps, "stairs", init, 0, 3, Fraction(rate) - 1) <= 0.51
    if abs(init) > 1:
        assert errors(ms.inverse_sqrt_decay(init, 10), steps, "inverse_power", init, 0, 10, 0.5) <= 0.51


@pytest.mark.parametrize(
    ("a", "b"), [(2e38, 1.0), (3.4e38, 1e-38), (1.0, 2e38), (1.3e-38, 0.5), (1e-20, 1e20), (2.0**127, 2.0**-126)]
)
def test_geometric_between_any_ends(a: float, b: float) -> None:
    a, b = float(np.float32(a)), float(np.float32(b))
    schedule = ms.Schedule.from_dict(
        {"name": "schedule", "version": 1, "segments": [{"ease": "geometric", "init": a, "end": b, "length": 1000}]}
    )
    steps = list(range(0, 1001, 7))
    assert errors(schedule, steps, "geometric", a, b, 1000) <= 0.51
    assert schedule(0).item() == a
    assert schedule(1000).item() == b


def test_an_exponential_tail_from_a_huge_peak() -> None:
    schedule = ms.warmup_stable_decay(2e38, 1000, tail="exponential", end=1.0)
    assert schedule(900).item() == pytest.approx(1.414213562e19, rel=1e-6)


@pytest.mark.parametrize("length", [1e-20, 2.0**-61, Fraction(1, 2**62)])
def test_lengths_that_are_too_short_are_refused(length: float) -> None:
    makers = [
        lambda: ms.inverse_sqrt_decay(1.0, length),
        lambda: ms.cosine_decay(1.0, length),
        lambda: ms.linear_schedule(1.0, 0.0, length),
        lambda: ms.step_decay(1.0, 0.5, length),
        lambda: ms.polynomial_decay(1.0, length),
        lambda: ms.cosine_decay(1.0, 10).repeat(length),
        lambda: ms.fast.cosine_decay(1, 1.0, length),
        lambda: ms.fast.evaluate(1, ["linear"], [0.0], [1.0], [length]),
    ]
    for make in makers:
        with pytest.raises(ValueError, match=r"must be at least 2\*\*-60"):
            make()


@pytest.mark.parametrize("length", [2.0**-60, 1e-15, 9.4e-15, 1e-9, 0.3])
def test_short_lengths_keep_their_digits(length: float) -> None:
    length = float(np.float32(length))
    for share in (1e-9, 1e-4, 0.3, 0.5, 0.9):
        step = float(np.float32(share * length))
        for ease, schedule in (
            ("cosine", ms.cosine_decay(0.0, length, 1e6)),
            ("linear", ms.linear_schedule(0.0, 1e6, length)),
        ):
            wanted = eased(ease, 0.0, 1e6, length)(Fraction(step))
            found = np.array([schedule(mx.array(step)).item()], np.float32)
            assert ulp_errors(found, [wanted])[0] <= 0.51, (ease, share)


def test_integer_steps_with_a_lead_end_at_a_length_of_almost_2_to_32() -> None:
    for dtype in (mx.uint32, mx.uint64, mx.float32):
        last = mx.array(np.uint64(2**32 - 1)).astype(dtype)
        assert ms.linear_schedule(1.0, 0.0, 4294967295.5).shift(10)(last).item() == 0.0


def test_default_begins_of_mixed_types_are_exact() -> None:
    lengths = [mx.array(33554435), mx.array(10.0), mx.array(5)]
    step = mx.array([33554444, 33554445, 33554449, 33554450])
    values = ms.fast.evaluate(step, ["hold", "hold", "hold"], [1.0, 2.0, 3.0], [0.0] * 3, lengths)
    assert values.tolist() == [2.0, 3.0, 3.0, 3.0]
    assert ms.fast.evaluate(33554434, ["hold", "hold"], [1.0, 2.0], [0.0] * 2, lengths[:2]).item() == 1.0


@pytest.mark.parametrize("dtype", [mx.int32, mx.float32])
def test_negative_begins_count_as_zero(dtype: mx.Dtype) -> None:
    begin = [mx.array(-5).astype(dtype)]
    for step in (mx.array(2), mx.array(2.0)):
        found = ms.fast.evaluate(step, ["linear"], [0.0], [1.0], [10], begin)
        assert found.item() == pytest.approx(0.2)


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.0, 1.0), (1.0, -1.0), ([1.0, 1.0], [0.1, 0.0])])
def test_a_geometric_segment_through_zero_is_refused(a: object, b: object) -> None:
    part = {"ease": "geometric", "init": a, "end": b, "length": 10}
    with pytest.raises(ValueError, match=r"\[from_dict\] segments\[0\] is geometric and must go between"):
        ms.Schedule.from_dict({"name": "schedule", "version": 1, "segments": [part]})
    with pytest.raises(ValueError, match=r"\[evaluate\] segment 0 is geometric"):
        ms.fast.evaluate(1, ["geometric"], [a], [b], [10])


@pytest.mark.parametrize("factor", [[1.0, 0.0], 0.0, 1e-50, 1e-44, mx.array(0.0)])
def test_a_geometric_segment_times_almost_nothing_is_zero(factor: object) -> None:
    schedule = KINDS["tail"]
    steps = mx.array([0, 27, 28, 29, 30, 10**6])
    scaled = schedule * factor
    for kept in (scaled, eval(repr(scaled), {"mx": mx, **vars(ms)}), ms.Schedule.from_dict(scaled.to_dict())):
        for x in (steps, steps.astype(mx.float32)):
            with ms.exporting():
                graph = kept(x)
            values = mx.compile(lambda by, x=x: (schedule * by)(x))(mx.array(factor))
            for found in map(np.array, (kept(x), graph, values)):
                assert np.isfinite(found).all()
                assert (np.abs(found.reshape(len(steps), -1)[:, -1]) < 2e-44).all()
    assert (schedule * [1.0, 0.0])(steps)[:, 0].tolist() == schedule(steps).tolist()
    assert np.isfinite(np.array(mx.grad(lambda by: (schedule * by)(steps).sum())(mx.array(factor)))).all()
    assert mx.isnan((schedule * 0.0)(mx.array(float("nan")))).item()


@pytest.mark.parametrize("period", [1000, 3, 1000.5])
def test_float64_steps_are_folded_exactly(period: float) -> None:
    schedule = ms.linear_schedule(0.0, 1000.0, 1000).repeat(period)
    with mx.stream(mx.cpu):
        for k in range(10, 53):
            found = schedule(mx.array(2.0**k + 5, mx.float64)).item()
            assert found == pytest.approx(float((2**k + 5) % Fraction(period)), rel=1e-15, abs=1e-12)


def test_a_stack_with_a_geometric_segment_is_read_back() -> None:
    schedule = ms.stack([KINDS["tail"], ms.constant(0.0)])
    assert ms.Schedule.from_dict(schedule.to_dict()) == schedule
