"""Data-parallel training over MLX's ring backend, on this machine's loopback."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "data_parallel.py"
LAUNCH = Path(sys.executable).with_name("mlx.launch")

# Rank `bad` loses everything it knows after step 5, and comes back from the checkpoint its neighbour wrote.
REJOIN = """
import sys
from pathlib import Path
sys.path.insert(0, {examples!r})
import mlx.core as mx, mlx.nn as nn
from data_parallel import digest, loss_fn, make_training, restore, save
group = mx.distributed.init(strict=True)
model, optimizer = make_training(10, 0)
for step in range(10):
    if step == 5:
        if group.rank() == 0:
            save(Path({checkpoint!r}), model, optimizer)
        mx.eval(mx.distributed.all_sum(mx.array(1)))  # the file is there
        if group.rank() == 1:
            model, optimizer = make_training(10, {seed})
            restore(Path({checkpoint!r}), model, optimizer)
    x = mx.random.normal((8, 64), key=mx.random.key(100 * step + group.rank()))
    _, gradients = nn.value_and_grad(model, loss_fn)(model, x, mx.arange(8))
    optimizer.update(model, nn.average_gradients(gradients))
    mx.eval(model.state, optimizer.state)
    rates = ", ".join(map(repr, optimizer.learning_rate.tolist()))
    where = f"rank {{group.rank()}} of {{group.size()}}: step {{step}}"
    print(f"{{where}}, rates {{rates}}, digest {{digest(model, optimizer)}}")
"""


def free_ports(n: int) -> int:
    """The first of n free ports in a row."""
    for start in range(20000, 60000, 97):
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


def launch(ranks: int, *command: str) -> list[tuple[int, int, int, str, str]]:
    """Each printed line's rank, number of ranks, step, rates and digest."""
    launcher = [str(LAUNCH), "-n", str(ranks), "--backend", "ring", "--starting-port", str(free_ports(ranks)), "--"]
    done = subprocess.run(
        [*(launcher if ranks > 1 else []), sys.executable, *command], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"rank (\d+) of (\d+): step (\d+), rates (.*), digest (\w+)", done.stdout)
    assert found, done.stdout + done.stderr
    return [(int(rank), int(of), int(step), rates, bits) for rank, of, step, rates, bits in found]


def train(ranks: int, *options: str) -> tuple[int, str, str]:
    lines = launch(ranks, str(EXAMPLE), "--epochs", "3", "--batch", "256", *options)
    assert sorted(line[0] for line in lines) == list(range(ranks))
    assert {line[1] for line in lines} == {ranks}
    assert len({line[2:] for line in lines}) == 1  # every rank has the same step, rates and bits
    return lines[0][2:]


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_agree_and_a_relaunch_goes_on_with_the_same_bits(tmp_path, ranks):
    out = ("--out", str(tmp_path / "plot.png"))
    whole = train(ranks, *out)
    checkpoint = ("--checkpoint", str(tmp_path / "run.safetensors"))
    half = train(ranks, *out, *checkpoint, "--stop-after", "1")
    assert half != whole
    assert train(ranks, *out, *checkpoint) == whole
    assert whole[0] == 3 * (1797 // 256)


def test_the_rates_do_not_depend_on_the_number_of_ranks(tmp_path):
    out = ("--out", str(tmp_path / "plot.png"))
    assert train(1, *out)[:2] == train(2, *out)[:2]


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_rank_restarted_from_a_checkpoint_rejoins(tmp_path, ranks):
    script = tmp_path / "rejoin.py"
    script.write_text(REJOIN.format(examples=str(EXAMPLE.parent), checkpoint=str(tmp_path / "c.safetensors"), seed=7))
    lines = launch(ranks, str(script))
    assert len(lines) == 10 * ranks
    for step in range(10):
        assert len({line[3:] for line in lines if line[2] == step}) == 1
    assert len({line[3] for line in lines}) == 10  # the rates change at every step
