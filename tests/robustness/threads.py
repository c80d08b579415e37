"""A program for ThreadSanitizer: several Python threads, each with its own stream and work for several CPU threads."""

from concurrent.futures import ThreadPoolExecutor

import mlx.core as mx

import mlx_schedules as ms

STEPS = 2**20
one = ms.cosine_decay(1.0, STEPS)
groups = ms.cosine_decay([1.0, 0.5, 0.1], [STEPS, 1000, 2**40])


def work(seed: int) -> float:
    with mx.stream(mx.new_stream(mx.cpu)):
        steps = mx.arange(STEPS + seed)
        for i in range(5):
            results = one(steps), groups(steps), one(steps[::-1]), one(steps.astype(mx.bfloat16)), one(i)
            mx.eval(*results)
        return results[1][STEPS // 2, 0].item()


if __name__ == "__main__":
    mx.set_default_device(mx.cpu)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [0.5] * 8
    print("8 streams, no report")
