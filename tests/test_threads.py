"""Many threads, many streams, many calls."""

import gc
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import mlx.core as mx
import pytest

import mlx_schedules as ms
from support.helpers import COMPILED


def test_many_threads_each_with_its_own_stream():
    shared = ms.cosine_decay([0.1, 0.2, 0.3], [100, 200, 2**33])

    def work(seed):
        with mx.stream(mx.new_stream(mx.cpu)):
            results = []
            for i in range(60):
                own = ms.cosine_decay(0.1 + seed, 50 + i)
                steps = mx.arange(seed, seed + 400)
                results.append((shared(steps).tolist(), own(steps + i).tolist(), own(i).item()))
            return results

    expected = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == expected


RESIDENT = """
import resource, sys
import mlx.core as mx
import mlx_schedules as ms

def pages():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

schedule, groups = ms.cosine_decay(0.1, 1000), ms.cosine_decay([0.1] * 8, 1000)
step, steps = mx.array(5, mx.uint64), mx.arange(100)

def loop(count):
    for i in range(count):
        schedule(step)
        if i % 50 == 0:
            mx.eval(groups(steps), schedule(i))

loop(20_000)
before = pages()
loop(int(sys.argv[1]))
print((pages() - before) * resource.getpagesize())
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from Linux's /proc")
def test_resident_memory_is_flat_over_a_million_calls():
    calls = 1_000_000 if COMPILED else 50_000  # which MLX's own ops take as long for
    gc.collect()
    run = subprocess.run([sys.executable, "-c", RESIDENT, str(calls)], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1 << 20
