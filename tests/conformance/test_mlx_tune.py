"""mlx-tune's SFTTrainer, a separate program that uses mlx-lm's train(), started with the run command."""

import subprocess
import sys

import pytest
import tiny

from mlx_schedules._mlx_lm import state_file

SCRIPT = """
import sys
from mlx_tune import FastLanguageModel, SFTConfig, SFTTrainer
model, tokenizer = FastLanguageModel.from_pretrained("model", max_seq_length=64)
model = FastLanguageModel.get_peft_model(model, r=4, lora_alpha=8)
config = SFTConfig(output_dir="tuned", per_device_train_batch_size=2, gradient_accumulation_steps=2, learning_rate=1e-3,
                   max_steps=int(sys.argv[1]), warmup_steps=3, save_steps=5, lr_scheduler_type="cosine")
data = [{"text": "the quick brown fox"}] * 8
SFTTrainer(model=model, tokenizer=tokenizer, train_dataset=data, args=config).train()
"""


def test_its_schedule_is_told_and_its_runs_go_on(tmp_path):
    needed = "pip install --no-deps mlx-tune mlx-embeddings mlx-vlm requests"
    pytest.importorskip("mlx_tune", reason=f"its other requirements are many: {needed}")
    tiny.save(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)

    def run(*arguments):
        line = [sys.executable, "-W", "ignore", "-m", "mlx_schedules", "run", *arguments]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    told = run("--save-state", "train.py", "10")  # without warmup or accumulation
    assert "note: 10 updates; the last one has 2.45e-5; the schedule's end, 0, is at step 10" in told
    told = run("--resume-from", "tuned/adapters", "train.py", "20")
    assert "note: goes on from iteration 10 of 20." in told
    facts = state_file.load(tmp_path / "tuned/adapters").facts
    assert facts["iteration"] == 20
    assert facts["accumulation"] == 1
