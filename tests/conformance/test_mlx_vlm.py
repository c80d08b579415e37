"""mlx-vlm's training loop, given an optimizer with a schedule of this package."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import pytest

import mlx_schedules as ms

pytest.importorskip("mlx_vlm", reason="its other requirements are many: pip install --no-deps mlx-vlm requests")
from mlx_vlm.trainer.common.config import CoreTrainingArgs
from mlx_vlm.trainer.common.engine import train
from mlx_vlm.trainer.common.task import TrainingTask

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries


class Rates:
    def __init__(self):
        self.rates = []

    def on_train_loss_report(self, info):
        self.rates.append(info["learning_rate"])

    def __getattr__(self, name):
        return lambda *_: None


def batches(dataset, **_):
    while True:
        yield from dataset


@pytest.mark.parametrize(("iters", "accumulation", "updates"), [(12, 1, 12), (12, 4, 3), (14, 4, 4)])
@pytest.mark.parametrize("compiled", [False, True])
def test_its_updates_and_rates(tmp_path, iters, accumulation, updates, compiled):
    """Unlike mlx-lm, it makes an update of the iterations left over at the end."""
    rate = ms.warmup_cosine(1e-2, updates, warmup=1, init=1e-3, end=1e-4, end_at="last_update")
    optimizer, seen = optim.AdamW(rate), Rates()
    args = CoreTrainingArgs(
        iters=iters,
        gradient_accumulation_steps=accumulation,
        steps_per_report=1,
        compile=compiled,
        adapter_file=str(tmp_path / "adapters.safetensors"),
    )
    task = TrainingTask(loss=lambda model, batch: ((model(batch) ** 2).sum(), {"weight": mx.array(1)}), batches=batches)
    train(nn.Linear(2, 1), optimizer, [mx.ones((1, 2))], None, args, task, seen)
    assert optimizer.step.item() == updates == -(-iters // accumulation)
    assert optimizer.learning_rate.item() == rate(updates - 1).item() == mx.array(1e-4).item()
    used = [rate(n // accumulation).item() for n in range(iters)]
    assert seen.rates[accumulation - 1 :: accumulation] == used[accumulation - 1 :: accumulation]
