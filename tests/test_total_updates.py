"""total_updates against loops that count updates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlx_schedules as ms

few = st.integers(1, 50)


@given(few, few, st.integers(1, 5), few)
def test_it_counts_what_a_loop_does(examples, batch_size, epochs, accumulation):
    batches = updates = 0
    for _ in range(epochs):
        for _ in range(0, examples, batch_size):
            batches += 1
            updates += batches % accumulation == 0
    if updates:
        assert ms.total_updates(examples, batch_size, epochs, accumulation) == updates
    else:
        with pytest.raises(ValueError, match=rf"accumulation must not be above the batches of the run, {batches}, got"):
            ms.total_updates(examples, batch_size, epochs, accumulation)


@given(few, few, st.integers(1, 5))
def test_where_the_last_batch_is_dropped(examples, batch_size, epochs):
    """The docstring says what to pass in this case."""
    updates = sum(1 for _ in range(epochs) for i in range(0, examples, batch_size) if i + batch_size <= examples)
    if updates:
        assert ms.total_updates(examples // batch_size * batch_size, batch_size, epochs) == updates


@given(few, few, st.integers(1, 5), few)
def test_where_each_epoch_ends_with_an_update(examples, batch_size, epochs, accumulation):
    """The docstring says what to pass in this case."""
    batches = len(range(0, examples, batch_size))
    updates = sum(1 for _ in range(epochs) for i in range(1, batches + 1) if i % accumulation == 0 or i == batches)
    assert ms.total_updates(examples, batch_size * accumulation, epochs) == updates


def test_fractional_epochs():
    assert ms.total_updates(1000, 10, 2.1) == 210
    assert ms.total_updates(1000, 10, 1.1) == 110
    assert ms.total_updates(30, 10, 1 / 3) == 1
    assert ms.total_updates(1000, 32, 1.3) == 42  # of 41.6 batches


def test_numbers_of_any_size_and_kind():
    assert ms.total_updates(10**30 + 1, 10, 3) == 3 * (10**29 + 1)
    assert ms.total_updates(np.int64(101), np.uint8(10), np.float32(1.5), np.int32(2)) == 8
    assert type(ms.total_updates(np.int64(101), 10)) is int


ERRORS = [
    ((0, 1), ValueError, "examples must be at least 1, got 0"),
    ((1, -3), ValueError, "batch_size must be at least 1, got -3"),
    ((1, 1, 0), ValueError, "epochs must be above 0, got 0"),
    ((1, 1, float("nan")), ValueError, "epochs must be finite, got nan"),
    ((1, 1, 1, 0), ValueError, "accumulation must be at least 1, got 0"),
    ((10, 4, 1, 4), ValueError, "accumulation must not be above the batches of the run, 3, got 4: there would be no"),
    ((10, 1, None), TypeError, "epochs must be a number, got None."),
    ((10, 1, "1e1"), TypeError, "epochs must be a number, got '1e1', which is text: in YAML"),
    ((10, 1, 0.01), ValueError, "epochs must hold at least one of an epoch's 10 batches, got 0.01."),
    ((10.0, 1), TypeError, "examples must be a whole number, got 10.0"),
    ((True, 1), TypeError, "examples must be a whole number, got True"),
    (("10", 1), TypeError, "examples must be a whole number, got '10'"),
    ((1, [1]), TypeError, r"batch_size must be a whole number, got \[1\]"),
    ((1, 1, "1"), TypeError, "epochs must be a number, got '1'"),
    ((1, 1, [1]), TypeError, r"epochs must be a number, got \[1\]"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), ERRORS, ids=[message for _, _, message in ERRORS])
def test_errors(arguments, error, message):
    with pytest.raises(error, match=rf"\[total_updates\] {message}"):
        ms.total_updates(*arguments)
