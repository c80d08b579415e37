"""Data-parallel training with MLX's ring backend, over this machine's loopback interface."""

import contextlib
import hashlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlx.utils import tree_flatten

import mlx_schedules as ms
from support.helpers import needs

EXAMPLE = Path(__file__).parent.parent / "examples" / "data_parallel.py"
sys.path.insert(0, str(EXAMPLE.parent))
for library in ("sklearn", "tqdm", "matplotlib"):
    needs(library)

from data_parallel import make_training  # noqa: E402

LAUNCH = Path(sys.executable).with_name("mlx.launch")

# Rank 1 loses its state after step 5, and resumes from the checkpoint that rank 0 wrote.
REJOIN = """
import json, sys
from pathlib import Path
sys.path.insert(0, {examples!r})
import mlx.core as mx, mlx.nn as nn
from data_parallel import digest, loss_fn, make_training, restore, save
group = mx.distributed.init(strict=True)
model, optimizer = make_training(10, 0)
lines = []
for step in range(10):
    if step == 5:
        if group.rank() == 0:
            save(Path({folder!r}, 'run.safetensors'), model, optimizer)
        mx.eval(mx.distributed.all_sum(mx.array(1)))  # waits until the file is there
        if group.rank() == 1:
            model, optimizer = make_training(10, 7)
            restore(Path({folder!r}, 'run.safetensors'), model, optimizer)
    x = mx.random.normal((8, 64), key=mx.random.key(100 * step + group.rank()))
    _, gradients = nn.value_and_grad(model, loss_fn)(model, x, mx.arange(8))
    optimizer.update(model, nn.average_gradients(gradients))
    mx.eval(model.state, optimizer.state)
    lines.append(json.dumps([step, optimizer.learning_rates.tolist(), digest(model, optimizer)]))
Path({folder!r}, f"rank{{group.rank()}}").write_text("\\n".join(lines))
"""


def free_ports(n: int) -> int:
    """Return the first of n consecutive free ports."""
    for start in random.sample(range(20000, 32000, 10), 100):  # random, so that runs at the same time don't collide
        sockets = []
        try:
            for port in range(start, start + n):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
            return start
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise OSError("no free ports")


def launch(ranks: int, *command: str) -> str:
    """Return what the ranks print. mlx.launch may lose a rank's last lines."""
    launcher = [str(LAUNCH), "-n", str(ranks), "--backend", "ring", "--starting-port", str(free_ports(ranks)), "--"]
    with subprocess.Popen(
        [*(launcher if ranks > 1 else []), sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate()
        finally:  # also ends ranks that are still running
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, output + errors
    return output


def train(ranks: int, *options: str) -> tuple[int, str, str]:
    """Return the last step, the rates, and the digest that all ranks must share."""
    printed = launch(ranks, str(EXAMPLE), "--epochs", "3", "--batch", "256", *options)
    found = re.search(rf"step (\d+), rates (.*), digests of {ranks} ranks: (.*)", printed)
    assert found, printed
    digests = found[3].split()
    assert len(digests) == ranks
    assert len(set(digests)) == 1
    return int(found[1]), found[2], digests[0]


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_agree_and_a_relaunch_goes_on_with_the_same_bits(tmp_path, ranks):
    out = ("--out", str(tmp_path / "plot.png"))
    whole = train(ranks, *out)
    checkpoint = ("--checkpoint", str(tmp_path / "run.safetensors"))
    half = train(ranks, *out, *checkpoint, "--stop-after", "1")
    assert half != whole
    assert train(ranks, *out, *checkpoint) == whole
    assert whole[0] == 3 * (1797 // 256)


@pytest.mark.slow
def test_the_rates_do_not_depend_on_the_number_of_ranks(tmp_path):
    out = ("--out", str(tmp_path / "plot.png"))
    assert train(1, *out)[:2] == train(2, *out)[:2]


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 1)])
def test_a_job_relaunched_on_other_ranks_goes_on_with_the_schedule(tmp_path, before, after):
    out, checkpoint = ("--out", str(tmp_path / "plot.png")), ("--checkpoint", str(tmp_path / "run.safetensors"))
    train(before, *out, *checkpoint, "--stop-after", "1")
    assert train(after, *out, *checkpoint)[:2] == train(1, *out)[:2]


def replica(start: int) -> ms.MultiOptimizer:
    """Return the optimizer of a rank that joins at update `start`."""
    _, optimizer = make_training(12, 0)
    optimizer.state = {"states": [{**part, "step": start} for part in optimizer.state["states"]]}
    return optimizer


def test_1024_ranks_have_one_digest():
    """Ranks don't communicate, and join at twelve different updates."""
    digests = set()
    for rank in range(1024):
        optimizer = replica(rank % 12)
        while optimizer.step.item() < 12:
            optimizer.update({}, {})
        values = tree_flatten(
            [optimizer.hyperparameters, [part["learning_rate"] for part in optimizer.state["states"]]]
        )
        digests.add(hashlib.sha256(b"".join(np.array(value).tobytes() for _, value in values)).hexdigest())
    assert len(digests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_a_rank_restarted_from_a_checkpoint_rejoins(tmp_path, ranks):
    script = tmp_path / "rejoin.py"
    script.write_text(REJOIN.format(examples=str(EXAMPLE.parent), folder=str(tmp_path)))
    launch(ranks, str(script))
    first, *others = [(tmp_path / f"rank{rank}").read_text() for rank in range(ranks)]
    assert all(other == first for other in others)
    lines = [json.loads(line) for line in first.splitlines()]
    assert [line[0] for line in lines] == list(range(10))
    assert len({tuple(line[1]) for line in lines}) == 10  # the rates change at every step
