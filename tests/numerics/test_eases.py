"""The eases by themselves: accuracy, endpoints, monotonicity, and that bits depend only on the arguments."""

import pathlib
import re

import numpy as np
import pytest

from mlx_schedules import _ext
from mlx_schedules._graph import eases as graph_eases
from numerics import kernels, reference, search
from numerics.kernels import Points
from support.helpers import needs

needs("ziglang")

WEIGHTS = [name for name in reference.NAMES if name not in reference.MULTIPLY]
every_ease = pytest.mark.parametrize("ease", reference.NAMES)
kinds_of_steps = pytest.mark.parametrize("real", [False, True], ids=["integer", "fractional"])


def at(step, length, init, end=0.0, parameter=0.0) -> Points:
    """Return the points of one segment. A step or length that is a Python float is real, otherwise whole."""
    step, length = (np.atleast_1d(np.array(x, float if isinstance(x, float) else None)) for x in (step, length))
    step, length = (x if x.dtype.kind == "f" else x.astype(np.uint64) for x in (step, length))
    high = float(np.float32(parameter))
    return Points(*np.broadcast_arrays(step, length, init, end, high, parameter - high))


def bits(x: np.ndarray) -> np.ndarray:
    return x.view(f"u{x.itemsize}")


def in_range(x: np.ndarray, least: float) -> np.ndarray:
    return (x == 0) | (np.abs(x) >= least)


def test_every_ease_is_listed() -> None:
    """The eases of list.h are in the compiled module, and so in Python, tests of random schedules and the doctor."""
    structs = [struct for struct, _, _ in reference.EASES.values()]
    for path in sorted((kernels.KERNELS / "ease").glob("*.h")):
        for struct in re.findall(r"^struct (\w+) \{[^\n]*\n  enum \{ counts", path.read_text(), re.MULTILINE):
            assert struct in structs, f"{struct} of kernels/ease/{path.name} is not in kernels/ease/list.h"


def test_the_compiled_module_has_the_list() -> None:
    assert _ext.eases() == [(name, ends, parameter) for name, (_, ends, parameter) in reference.EASES.items()]


def test_every_listed_ease_has_a_graph() -> None:
    for name, (_, ends, parameter) in reference.EASES.items():
        known = (name, ends, parameter) in graph_eases.EASES and hasattr(graph_eases, name)
        assert known, f"python/mlx_schedules/_graph/eases.py has no {name}"
    assert len(graph_eases.EASES) == len(reference.EASES)


@every_ease
def test_every_ease_has_a_formula(ease: str) -> None:
    try:
        reference.value(ease, 1, 2, 0.5, 0.25, 0.5)
    except KeyError:
        pytest.fail(f"tests/numerics/reference.py has no formula for {ease}")


@every_ease
@kinds_of_steps
def test_references_agree(ease: str, real: bool) -> None:
    points = search.points(ease, 300, 1, real=real)
    for many, *point in zip(search.exact(ease, points), *(x.tolist() for x in points), strict=True):
        one = reference.value(ease, *point[:4], reference.mp.mpf(point[4]) + point[5])
        near = reference.mp.mpf(float(many)) + float(many - np.longdouble(float(many)))
        assert abs(near - one) <= 2.0**-44 * abs(one) + 2.0**-200


def test_every_header_states_a_bound_within_what_the_guide_promises() -> None:
    assert sorted(search.bounds()) == sorted(reference.NAMES)
    for ease, bounds in search.bounds().items():
        assert bounds.float32 <= 0.51
        assert bounds.float64 <= 1
        assert ease in reference.MULTIPLY or bounds.opposite_signs <= 0.51
    cosine, *others = (search.bounds()[ease].float32 for ease in ("cosine", *(set(reference.NAMES) - {"cosine"})))
    guide = (pathlib.Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    assert f"{cosine:.3f} for cosine and {max(others):.3f} for the other eases" in " ".join(guide.split())


@every_ease
@kinds_of_steps
def test_float32_is_correctly_rounded_but_for_one_in_a_thousand(ease: str, real: bool) -> None:
    found = search.errors(ease, search.points(ease, 500_000, 2, real=real))
    assert found.count > 450_000
    assert found.largest <= search.bounds()[ease].float32, found.where
    # A fifth of these points is next to the middle, where Cosine's errors are largest; test_accuracy.py has others.
    assert found.wrong <= found.count / (500 if ease == "cosine" else 1000)


@pytest.mark.parametrize("ease", WEIGHTS)
def test_opposite_signs_err_by_the_larger_end(ease: str) -> None:
    found = search.errors(ease, search.points(ease, 300_000, 3, opposite=True), opposite=True)
    assert found.largest <= search.bounds()[ease].opposite_signs, found.where


@every_ease
@kinds_of_steps
def test_float64_errs_as_stated_at_most(ease: str, real: bool) -> None:
    points, bound = search.points(ease, 1500, 4, real=real, dtype=np.float64), search.bounds()[ease].float64
    results = kernels.evaluate(ease, points, np.float64)
    for result, *point in zip(results.tolist(), *(x.tolist() for x in points), strict=True):
        exact = reference.value(ease, *point[:4], reference.mp.mpf(point[4]) + point[5], "float64")
        if 2.0**-900 < abs(exact) < 2.0**1000:
            assert abs(result - exact) <= bound * np.spacing(abs(float(exact))), point


@every_ease
def test_monotone(ease: str) -> None:
    assert search.turning(ease, search.points(ease, 2000, 5), 2000) == []


@pytest.mark.parametrize("ease", WEIGHTS)
def test_monotone_between_opposite_signs(ease: str) -> None:
    assert search.turning(ease, search.points(ease, 2000, 6, opposite=True), 2000) == []


@pytest.mark.parametrize("ease", sorted(set(reference.NAMES) - reference.ENDLESS))
def test_both_ends_are_exact_and_held(ease: str) -> None:
    points = search.points(ease, 20_000, 6)
    ends = points.init if ease == "hold" else points.end
    for step, end in ((0 * points.length, points.init), (points.length, ends), (points.length + np.uint64(9), ends)):
        np.testing.assert_array_equal(kernels.evaluate(ease, points._replace(step=step)), end)
    real = points._replace(step=np.full(len(ends), -0.5, np.float32))
    np.testing.assert_array_equal(kernels.evaluate(ease, real), points.init)
    real = points._replace(step=np.full(len(ends), np.inf, np.float32))
    np.testing.assert_array_equal(kernels.evaluate(ease, real), ends)


@every_ease
def test_an_ease_of_length_0_or_less_has_ended(ease: str) -> None:
    for length in (0, -1.0, np.nan):
        results = kernels.evaluate(ease, at(np.array([0, 1, 10**9]), length, 0.25, 0.125, 0.5))
        assert results.tolist() == [0.125] * 3


@every_ease
def test_nan_steps_give_nan(ease: str) -> None:
    for length in (10, 10**9, 10.5):
        for how in (0, kernels.WIDE):
            assert np.isnan(kernels.evaluate(ease, at(np.nan, length, 0.25, 0.125, 0.5), how=how)).all()


@every_ease
@kinds_of_steps
def test_bits_are_the_same_whichever_way_steps_are_counted(ease: str, real: bool) -> None:
    points = search.points(ease, 100_000, 7, real=real)
    narrow, wide, exact = (kernels.evaluate(ease, points, how=how) for how in (0, kernels.WIDE, kernels.EXACT))
    np.testing.assert_array_equal(bits(narrow), bits(wide))
    np.testing.assert_array_equal(bits(narrow), bits(exact))


@every_ease
@kinds_of_steps
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_are_the_same_without_optimization(ease: str, real: bool, dtype: type) -> None:
    points = search.points(ease, 20_000, 8, real=real, dtype=dtype)
    fast, plain = (kernels.evaluate(ease, points, dtype, flags=flags) for flags in (kernels.OPTIMIZED, kernels.PLAIN))
    np.testing.assert_array_equal(bits(fast), bits(plain))


@every_ease
def test_bits_are_the_same_in_vectors(ease: str) -> None:
    for length in (1000, 3 * 10**7):
        one = at(length // 2 - 500, length, 0.3, 1e-3, -1e-4 if ease in reference.RATES else 0.7)
        alone = one._replace(step=one.step + np.arange(2000, dtype=np.uint64))
        alone = Points(*np.broadcast_arrays(*alone))
        np.testing.assert_array_equal(
            bits(kernels.run(ease, one, 2000)), bits(kernels.evaluate(ease, alone, flags=kernels.PLAIN))
        )


@every_ease
@kinds_of_steps
def test_flushing_subnormals_changes_no_bit(ease: str, real: bool) -> None:
    """An interpolation may end in a tie, which the last bits of a product of pairs decide, 2^-48 of the value."""
    least = search.LEAST if ease in reference.MULTIPLY else 2.0**-76
    points = search.points(ease, 300_000, 9, real=real)
    scale = np.exp2(np.random.default_rng(9).integers(int(np.log2(least)), 20, len(points.step))).astype(np.float32)
    points = points._replace(init=points.init * scale, end=points.end * scale)
    results = kernels.evaluate(ease, points)
    flushed = kernels.evaluate(ease, points, how=kernels.FLUSH)
    counts = in_range(results, least) & in_range(points.init, least) & in_range(points.end, least)
    assert counts.sum() > 150_000
    np.testing.assert_array_equal(bits(results)[counts], bits(flushed)[counts])


def test_the_flushing_build_flushes_subnormals() -> None:
    assert kernels.evaluate("linear", at(1, 4, 0.0, 2.0**-130), how=kernels.FLUSH)[0] == 0


def test_reciprocals_are_correctly_rounded_whatever_a_division_gives() -> None:
    assert kernels.library().wrong_reciprocals(64) == 0


@pytest.mark.parametrize("length", [1, 2, 3, 7, 1000, 2**24 + 1, 2**32 - 1, 2**32, 2**40 + 3, 2**63 + 5, 2**64 - 1])
def test_stairs_count_exactly(length: int) -> None:
    random = np.random.default_rng(length % 97)
    counts = {
        0,
        1,
        2,
        3,
        (2**64 - 1) // length,
        (2**32 - 1) // length,
        *(int(2**x) for x in random.uniform(0, 40, 400)),
    }
    steps = {c * length + d for c in counts for d in (-1, 0, 1, length // 2)}
    steps = np.array(sorted(s for s in steps if 0 <= s < 2**64), np.uint64)
    for less in (2.0**-2, 2.0**-20, 2.0**-35):
        points = Points(*np.broadcast_arrays(steps, np.uint64(length), 1.0, 0.0, -less, 0.0))
        exact = [reference.mp.exp(int(s) // length * reference.mp.log1p(-less)) for s in steps.tolist()]
        results = kernels.evaluate("stairs", points)
        for step, result, value in zip(steps.tolist(), results.tolist(), exact, strict=True):
            if value > search.LEAST:
                unit = search.bounds()["stairs"].float32 * np.spacing(np.float32(float(value)))
                assert abs(result - value) <= unit, step


def test_stairs_of_fractional_lengths_fall_at_multiples() -> None:
    for length in (0.1, 0.75, 10.5, 3.3):
        length = float(np.float32(length))
        steps = np.float32(length) * np.arange(1, 2000, dtype=np.float32)
        for near in (steps, np.nextafter(steps, np.float32(0)), np.nextafter(steps, np.float32(np.inf))):
            counts = np.array([int(reference.mp.floor(reference.mp.mpf(s) / length)) for s in near.tolist()])
            results = kernels.evaluate("stairs", at(near.astype(float), length, 1.0, parameter=-(2.0**-10)))
            np.testing.assert_array_equal(results, np.exp(counts * np.log1p(-(2.0**-10))).astype(np.float32))


def test_a_decay_rate_is_not_rounded_to_float32() -> None:
    """0.9999 in float32 is 0.99989998, which would be 0.8 % off after 500 000 steps."""
    less_one = float(reference.mp.mpf("0.9999") - 1)
    result = kernels.evaluate("exponential", at(500_000, 1, 1.0, parameter=less_one))[0]
    assert abs(result / reference.mp.mpf("0.9999") ** 500_000 - 1) < 2.0**-24


def test_steps_beyond_all_bounds() -> None:
    assert kernels.evaluate("exponential", at(np.inf, 1, 1.0, parameter=-0.1))[0] == 0
    assert kernels.evaluate("exponential", at(np.inf, 1, 1.0, parameter=0.1))[0] == np.inf
    assert kernels.evaluate("stairs", at(2**64 - 1, 1, 1.0, parameter=0.0))[0] == 1
    assert kernels.evaluate("exponential", at(np.inf, 1, 1.0, parameter=0.0))[0] == 1
    assert kernels.evaluate("stairs", at(np.inf, 1, 1.0, parameter=-0.1))[0] == 0
    assert kernels.evaluate("power", at(1, 2**64 - 1, 0.0, 1.0, 20.0))[0] == 0
