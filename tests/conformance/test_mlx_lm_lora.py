"""The trainer of mlx-lm-lora, a separate program for mlx-lm's models, with these schedules in place of MLX's."""

import json
import sys
from functools import partial

import mlx.core as mx
import pytest
from mlx_lm_lora import train
from tiny import Rates

import mlx_schedules as ms

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries


def program(monkeypatch, arguments):
    """Run the program and return what it reports.

    Release 5.10.2 asks every device for a property that only a Mac has. Adding it lets the program run on a CPU.
    """
    seen, info = Rates(), mx.device_info
    monkeypatch.setattr(mx, "device_info", lambda *of: {**info(*of), "max_recommended_working_set_size": 0})
    monkeypatch.setattr(train, "run", partial(train.run, training_callback=seen))
    monkeypatch.setattr(sys, "argv", ["mlx_lm_lora.train", *arguments])
    mx.random.seed(0)  # the program makes adapters before it sets its own seed
    train.main()
    return seen


def test_accumulation_in_its_config_has_no_effect(tmp_path, monkeypatch, command):
    from test_mlx_lm import CONFIG, ours, rates_of

    path = tmp_path / "lora.yaml"
    path.write_text(json.dumps({**CONFIG, "gradient_accumulation_steps": 2}))
    with ms.in_place_of_mlx():
        seen = program(monkeypatch, command(tmp_path, "--config", path))
    assert seen.rates == rates_of(ours())


@pytest.mark.parametrize("accumulated", [1, 2])
def test_the_yaml_of_mlx_lm_drives_it(tmp_path, monkeypatch, command, accumulated):
    from test_mlx_lm import ours, rates_of

    count = 14 * accumulated
    arguments = command(tmp_path, "--iters", count, "--gradient-accumulation-steps", accumulated)
    with monkeypatch.context() as undone:
        theirs = program(undone, arguments)
    with ms.in_place_of_mlx():
        seen = program(monkeypatch, arguments)
    assert seen.rates[accumulated - 1 :: accumulated] == rates_of(ours())  # one rate per update, exactly
    assert theirs.rates != seen.rates
    assert seen.rates == pytest.approx(theirs.rates, rel=1e-5)
    assert seen.losses == pytest.approx(theirs.losses, rel=1e-5)
    assert seen.losses[-1] < seen.losses[0]
