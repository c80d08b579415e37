"""Work on several CPU threads gives the bits that one thread gives, also when no further thread can be started."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.extension
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted and limited as Linux does")

DIGESTS = """
import hashlib
import mlx.core as mx
import numpy as np
import mlx_schedules as ms

mx.set_default_device(mx.cpu)
n = 2**20 + 77  # four pieces and more
steps = mx.arange(n)
groups = ms.cosine_decay([1.0, 0.5, 0.1], [n, 1000, 2**40], [0.0, 0.1, 0.2])
one = ms.cosine_decay(1.0, n - 7, 0.25)
table = mx.array(np.random.default_rng(3).integers(0, 1200, (1031, 1033), np.int64))
rates = ms.cosine_decay(mx.linspace(0.1, 1.0, 1033), 1100)
results = {
    "dense": one(steps.astype(mx.uint32)),
    "its own type": one(steps.astype(mx.bfloat16)),
    "converted for float64": ms.fast.cosine_decay(steps.astype(mx.uint8), mx.array(1.0, mx.float64), 200, 0.0),
    "columns of groups": groups(steps),
    "rows of groups": ms.fast.cosine_decay(steps, mx.array([[1.0], [2.0], [3.0]]), 10**6),
    "strided": one(mx.arange(2 * n)[::2]),
    "reversed": one(steps[::-1]),
    "transposed": ms.fast.cosine_decay(table.T, mx.linspace(0.1, 1.0, 1031), 1100),
    "moved axes": one(mx.arange(n - 77).reshape(4, 512, 512).transpose(2, 0, 1)[:, ::-1]),
    "a row each": rates(table[:, 0]),
    "two halves": ms.fast.cosine_decay(steps, mx.array([[1.0], [0.5]]), mx.array([[n], [500]])),
}
for name, result in results.items():
    bits = mx.contiguous(result).view(mx.uint16 if result.itemsize == 2 else mx.uint32)
    print(name, result.dtype, result.shape, hashlib.sha256(np.array(bits)).hexdigest())
"""


def output(code: str, threads: int, *arguments: str) -> str:
    environment = os.environ | {"MLX_SCHEDULES_THREADS": str(threads)}
    run = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def expected() -> str:
    return output(DIGESTS, 1)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_the_same_bits_on_any_number_of_threads(threads: int, expected: str) -> None:
    assert output(DIGESTS, threads).splitlines() == expected.splitlines()


MOST = """
import os, sys, threading
import mlx.core as mx
import mlx_schedules as ms

mx.set_default_device(mx.cpu)
steps, schedule = mx.arange(2**23), ms.cosine_decay(0.1, 2**23)
mx.eval(steps, schedule(1))
most, before, ended = 0, 0, False

def watch():
    global most
    while not ended:
        most = max(most, len(os.listdir("/proc/self/task")))

watcher = threading.Thread(target=watch)
watcher.start()
before = len(os.listdir("/proc/self/task"))
for _ in range(int(sys.argv[1])):
    mx.eval(schedule(steps))
    if most > before:
        break
ended = True
watcher.join()
print(most - before)
"""


@linux
def test_threads_are_started_for_large_work_and_only_as_many_as_asked_for() -> None:
    assert int(output(MOST, 1, "50")) == 0
    assert 1 <= int(output(MOST, 3, "20000")) <= 2  # repeats until it sees one, however busy the machine is


# A thread would need a gigabyte of addresses for its stack, more than the process is allowed.
NONE = """
import resource
import mlx.core as mx
import mlx_schedules as ms

mx.set_default_device(mx.cpu)
steps = mx.arange(2**21)
mx.eval(steps, steps + 1, ms.cosine_decay(0.1, 2**21)(1))
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (300 << 20),) * 2)
import threading
try:
    threading.Thread(target=print).start()
except RuntimeError:
    print("no thread")
rates = ms.cosine_decay(1.0, 2**21)(steps)
print(rates[0].item(), rates[2**20].item(), mx.min(rates).item() > 0)
"""


@linux
def test_where_no_thread_can_be_started_one_does_it_all() -> None:
    shell = ["bash", "-c", 'ulimit -s 1048576 && exec "$0" -c "$1"', sys.executable, NONE]
    run = subprocess.run(shell, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["no thread", "1.0 0.5 True"]
