"""A process that saves one training state after another and is killed at a random moment."""

import random
import signal
import subprocess
import sys
import time

import mlx.core as mx

from mlx_schedules._mlx_lm import state_file

WRITER = """
import pathlib, sys
import mlx.core as mx
from mlx_schedules._mlx_lm.state_file import State, save
for i in range(1, 100_000):
    weights = {f"layers.{k}": mx.full((64, 1024), i, mx.float32) for k in range(16)}
    optimizer, random = {"step": mx.array(i, mx.uint64)}, {"mlx": mx.array([0, i], mx.uint32)}
    save(pathlib.Path(sys.argv[1]), State(weights, optimizer, random, {"iteration": i}))
    print(i, flush=True)
"""


def kill_while_saving(folder, times):
    """Kill a process within its first thirty or so saves, mostly in the middle of one. The file must be whole then."""
    draw, cut = random.Random(times), 0
    for i in range(times):
        here = folder / str(i)
        here.mkdir()
        with subprocess.Popen([sys.executable, "-c", WRITER, str(here)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "1\n"
            time.sleep(draw.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
            told = [1, *map(int, process.stdout.read().split())]
        cut += (here / "training_state.unfinished.safetensors").exists()
        found = state_file.load(here)
        iteration = found.facts["iteration"]
        assert iteration in (told[-1], told[-1] + 1)  # it may be killed before it can report the save
        assert found.optimizer["step"].item() == found.random["mlx"][1].item() == iteration
        assert len(found.weights) == 16
        assert all(mx.all(weight == iteration).item() for weight in found.weights.values())
    assert cut >= times // 4, "hardly any was killed in the middle of a save"
