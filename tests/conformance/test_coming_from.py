"""Every row of docs/coming-from.md: the same rates as the library, with the parameters mapped as it says."""

import importlib.util
import sys
import types

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest

import mlx_schedules as ms

pytestmark = pytest.mark.filterwarnings("default")  # these are other people's warnings

CASES = [(0.1, 100, 0.0), (1e-3, 1000, 1e-5), (3e-4, 7, 3e-4 / 10), (1.0, 1, 0.25)]


def ours(schedule, count):
    return np.array([schedule(step).item() for step in range(count)])


def assert_same(theirs, mine, peak):
    """To the rounding of their float32 1 + cos: some 1e-7 of the peak; ours is within 0.51 ULP."""
    np.testing.assert_allclose(np.asarray(theirs, np.float64), mine, rtol=0, atol=3e-7 * peak)


def torch_rates(make, rate, count):
    """What a torch scheduler sets for updates 0, 1, ..."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = make(optimizer)
    rates = []
    for _ in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


def with_warmup(start, peak, steps, schedule):
    return optim.join_schedules([optim.linear_schedule(start, peak, steps), schedule], [steps])


@pytest.mark.parametrize(("init", "total", "end"), CASES)
def test_mlx(init, total, end):
    theirs = optim.cosine_decay(init, total, end)
    steps = mx.arange(2 * total + 2)
    assert_same(theirs(steps), np.array(ms.cosine_decay(init, total, end)(steps)), init)


@pytest.mark.parametrize(("init", "total", "end"), CASES)
def test_optax_alpha_is_a_fraction(init, total, end):
    import optax

    theirs = optax.cosine_decay_schedule(init, total, alpha=end / init)
    rates = [float(theirs(step)) for step in range(2 * total + 2)]
    assert_same(rates, ours(ms.cosine_decay(init, total, end), 2 * total + 2), init)


def test_optax_counts_warmup_inside_decay_steps():
    import optax

    theirs = optax.warmup_cosine_decay_schedule(0.0, 1e-3, warmup_steps=20, decay_steps=120, end_value=1e-5)
    mine = with_warmup(0.0, 1e-3, 20, ms.cosine_decay(1e-3, 120 - 20, 1e-5))
    assert_same([float(theirs(step)) for step in range(150)], ours(mine, 150), 1e-3)


@pytest.mark.parametrize(("init", "total", "end"), CASES)
def test_torch_up_to_t_max_and_it_rises_again(init, total, end):
    from torch.optim.lr_scheduler import CosineAnnealingLR

    rates = torch_rates(lambda o: CosineAnnealingLR(o, T_max=total, eta_min=end), init, 2 * total + 1)
    mine = ours(ms.cosine_decay(init, total, end), 2 * total + 1)
    assert_same(rates[: total + 1], mine[: total + 1], init)
    assert rates[2 * total] == pytest.approx(init)
    assert mine[2 * total] == np.float32(end)


@pytest.mark.parametrize(("init", "total", "end"), CASES)
def test_keras_alpha_is_a_fraction(init, total, end):
    import keras

    theirs = keras.optimizers.schedules.CosineDecay(init, total, alpha=end / init)
    rates = [float(theirs(step)) for step in range(2 * total + 2)]
    assert_same(rates, ours(ms.cosine_decay(init, total, end), 2 * total + 2), init)


def test_keras_counts_warmup_outside_decay_steps():
    import keras

    theirs = keras.optimizers.schedules.CosineDecay(0.0, 100, alpha=0.01, warmup_target=1e-3, warmup_steps=20)
    mine = with_warmup(0.0, 1e-3, 20, ms.cosine_decay(1e-3, 100, 1e-5))
    assert_same([float(theirs(step)) for step in range(150)], ours(mine, 150), 1e-3)


def timm_rates(rate, count, **arguments):
    """What timm sets for epochs 0, 1, ... Only its schedulers are imported:
    timm itself imports torchvision, whose wheels from PyPI do not work with the CPU build of torch."""
    import torch

    timm = types.ModuleType("timm")
    timm.__path__ = importlib.util.find_spec("timm").submodule_search_locations
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "timm", timm)
        CosineLRScheduler = importlib.import_module("timm.scheduler.cosine_lr").CosineLRScheduler
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    scheduler = CosineLRScheduler(optimizer, **arguments)
    rates = []
    for epoch in range(count):
        scheduler.step(epoch)
        rates.append(optimizer.param_groups[0]["lr"])
    return np.array(rates)


@pytest.mark.parametrize(("init", "total", "end"), CASES)
def test_timm(init, total, end):
    rates = timm_rates(init, 2 * total + 2, t_initial=total, lr_min=end)
    assert_same(rates, ours(ms.cosine_decay(init, total, end), 2 * total + 2), init)


def test_timm_cuts_the_warmup_out_of_the_curve():
    rates = timm_rates(1e-3, 150, t_initial=100, lr_min=1e-5, warmup_t=20, warmup_lr_init=1e-6)
    cosine = ms.cosine_decay(1e-3, 100, 1e-5)
    warm = optim.linear_schedule(1e-6, 1e-3, 20)
    mine = [warm(mx.array(s)).item() if s < 20 else cosine(s).item() for s in range(150)]
    assert_same(rates, mine, 1e-3)
    joined = optim.join_schedules([warm, lambda step: cosine(step + 20)], [20])
    assert_same(rates, [joined(mx.array(s)).item() for s in range(150)], 1e-3)


def test_timm_with_warmup_prefix():
    rates = timm_rates(1e-3, 150, t_initial=100, lr_min=1e-5, warmup_t=20, warmup_lr_init=1e-6, warmup_prefix=True)
    assert_same(rates, ours(with_warmup(1e-6, 1e-3, 20, ms.cosine_decay(1e-3, 100, 1e-5)), 150), 1e-3)


@pytest.mark.parametrize("warmup", [0, 20])
def test_transformers_counts_warmup_inside_and_rises_again(warmup):
    from transformers import get_cosine_schedule_with_warmup

    total = 120
    rates = torch_rates(lambda o: get_cosine_schedule_with_warmup(o, warmup, total), 1e-3, 2 * total)
    cosine = ms.cosine_decay(1e-3, total - warmup)
    mine = ours(with_warmup(0.0, 1e-3, warmup, cosine) if warmup else cosine, 2 * total)
    assert_same(rates[: total + 1], mine[: total + 1], 1e-3)
    assert rates[2 * total - warmup - 1] == pytest.approx(1e-3, rel=1e-2)
    assert mine[-1] == 0


def test_the_last_steps_are_kept_where_1_plus_cos_loses_them():
    """The reason for this package, seen in the libraries that compute in float32."""
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
