"""The forecast of a run of mlx-lm: its updates, the rate of the last one, and what to write for another end."""

import mlx.core as mx
import pytest

import mlx_schedules as ms
from mlx_schedules._mlx_lm.forecast import forecast, remedy_of, written

pytestmark = pytest.mark.filterwarnings("ignore:mlx-lm starts")

COSINE = {"name": "cosine_decay", "arguments": [1e-5, 1000, 1e-7]}
WRITE = "For an end at the last update write "
TOLD = [
    (
        {"name": "warmup_cosine", "peak": 1e-3, "total_steps": 1000, "warmup": 20},
        10,
        "10 updates; the last one has 4.5e-4; the schedule's end, 0, is at step 1000, and the last update at 9. The "
        "warmup takes the whole run: make it shorter.",
    ),
    (
        {"name": "warmup_stable_decay", "peak": 1.0, "total_steps": 1000, "warmup": 2, "decay": 200},
        100,
        "100 updates; the last one has 1; the schedule's end, 0, is at step 1000, and the last update at 99. The "
        "warmup and the decay take more than the run: make them shorter.",
    ),
    (
        {"name": "linear_schedule", "arguments": [1e-4, 0, 100], "warmup": 2.5},
        50,
        "50 updates; the last one has 5.45e-5; the schedule's end, 0, is at step 103.5, and the last update at 49. "
        f"{WRITE}arguments: [0.0001, 0, 45.5].",
    ),
    (COSINE, 1000, "1000 updates; the last one has 1e-7."),  # equal to the end to three digits
    ({**COSINE, "arguments": [1e-5, 999, 1e-7]}, 1000, "1000 updates; the last one has 1e-7."),
    (
        {**COSINE, "warmup": 100},
        1000,
        "1000 updates; the last one has 3.52e-7; the schedule's end, 1e-7, is at step 1101, and the last update at "
        f"999. {WRITE}arguments: [1e-5, 898, 1e-7].",
    ),
    (
        {**COSINE, "arguments": [1e-5, 250, 1e-7], "warmup": 25},
        250,
        "250 updates; the last one has 3.82e-7; the schedule's end, 1e-7, is at step 276, and the last update at 249. "
        f"{WRITE}arguments: [1e-5, 223, 1e-7].",
    ),
    (
        {**COSINE, "arguments": [1e-5, 500]},
        1000,
        f"1000 updates; the last one has 0; the schedule's end, 0, is at step 500, and the last update at 999. {WRITE}"
        "arguments: [1e-5, 999].",
    ),
    (
        {"name": "linear_schedule", "arguments": ["1e-4", 0, 100], "warmup": 10},
        50,
        "50 updates; the last one has 6.2e-5; the schedule's end, 0, is at step 111, and the last update at 49. "
        f"{WRITE}arguments: [1e-4, 0, 38].",
    ),
    ({"name": "exponential_decay", "arguments": [1.0, 0.5]}, 4, "4 updates; the last one has 0.125."),
    ({"name": "step_decay", "arguments": [1.0, 0.1, 10], "warmup": 3}, 1, "1 update; the last one has 0."),
    ({"name": "constant", "value": 0.25}, 9, "9 updates; the last one has 0.25."),
    (
        {**COSINE, "warmup": 100},
        50,
        "50 updates; the last one has 4.9e-6; the schedule's end, 1e-7, is at step 1101, and the last update at 49. "
        "The warmup takes the whole run: make it shorter.",
    ),
    (
        {"name": "warmup_cosine", "peak": 1.0, "total_steps": 100, "warmup": 10},
        50,
        "50 updates; the last one has 0.604; the schedule's end, 0, is at step 100, and the last update at 49. "
        f"{WRITE}total_steps: auto.",
    ),
    (
        {"name": "warmup_linear", "arguments": [1.0, 100], "end_at": "total_steps"},
        51,
        "51 updates; the last one has 0.5; the schedule's end, 0, is at step 100, and the last update at 50. "
        f"{WRITE}arguments: [1.0, auto] without end_at.",
    ),
    ({"name": "warmup_cosine", "peak": 1.0, "total_steps": "auto"}, 50, "50 updates; the last one has 0."),
    (
        COSINE,
        1,
        "1 update; the last one has 1e-5; the schedule's end, 1e-7, is at step 1000, and the last update at 0.",
    ),
    (
        {"name": "polynomial_decay", "init": 1.0, "decay_steps": 100},
        51,
        "51 updates; the last one has 0.5; the schedule's end, 0, is at step 100, and the last update at 50. "
        f"{WRITE}decay_steps: 50.",
    ),
    (
        {"lr_schedule": {"name": "cosine_decay", "arguments": [1.0, 100]}},
        51,
        "51 updates; the last one has 0.5; the schedule's end, 0, is at step 100, and the last update at 50.",
    ),
    (
        ms.cosine_decay(1.0, 100).to_dict(),
        51,
        "51 updates; the last one has 0.5; the schedule's end, 0, is at step 100, and the last update at 50.",
    ),
]


@pytest.mark.parametrize(("config", "updates", "text"), TOLD)
def test_the_text_of_a_forecast(config, updates, text):
    schedule = ms.Schedule.from_dict(config, updates)
    found = forecast(schedule, updates, config)
    assert found.text == text
    assert found.last_rate == schedule(updates - 1).item()


@pytest.mark.parametrize(("config", "updates"), [(config, updates) for config, updates, text in TOLD if WRITE in text])
def test_the_remedy_has_the_end_at_the_last_update(config, updates):
    remedy, without, key_to_leave = remedy_of(config, updates - 1).removesuffix(".").partition(" without ")
    assert (key_to_leave in config) == bool(without)
    key, _, value = remedy.removeprefix(f" {WRITE}").partition(": ")
    mended = {**config, key: eval(value, {"auto": "auto"})}
    mended.pop(key_to_leave, None)
    schedule = ms.Schedule.from_dict(mended, updates)
    assert schedule.last_step == updates - 1
    assert schedule(updates - 1).item() == schedule(2 * updates).item() < schedule(updates - 2).item()


def test_a_run_that_goes_on_uses_later_steps():
    found = forecast(ms.linear_schedule(1.0, 0.0, 100), 10, first=40)
    assert found.last_rate == ms.linear_schedule(1.0, 0.0, 100)(49).item()


def test_a_forecast_for_any_function_of_the_step():
    assert forecast(lambda step: 1.0 / (step + 1), 4).text == "4 updates; the last one has 0.25."


def test_no_forecast_without_updates_or_with_groups():
    assert forecast(ms.constant(1.0), 0) is None
    assert forecast(ms.constant([1.0, 2.0]), 5) is None
    assert forecast(ms.cosine_decay([1.0], 10), 5) is None


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (1e-5, "1e-5"),
        (1e-4, "1e-4"),
        (9.996e-4, "1e-3"),
        (9.5e-10, "9.5e-10"),
        (0.001, "0.001"),
        (123456.0, "1.23e+5"),
        (0.0, "0"),
    ],
)
def test_rates_are_written_as_people_do(rate, text):
    assert written(rate) == text
    assert float(text) == pytest.approx(rate, rel=5e-3)


def test_the_last_update_is_not_rounded():
    """Steps are counted in uint64, which is exact where float32 is not."""
    assert forecast(ms.linear_schedule(0.0, 1.0, 2**40), 2**40).last_rate == pytest.approx(1.0)
    assert mx.array(2**40 - 1, mx.uint64).item() == 2**40 - 1
