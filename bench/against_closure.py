"""The schedule against ``mlx.optimizers.cosine_decay`` on the CPU: ``python bench/against_closure.py``.

Contenders take turns within one process, so that whatever else the machine does hits all alike; a figure is the median
of the ratios round by round, with the smallest and the largest. A ratio above 1 says that the schedule is faster.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import mlx.core as mx
import mlx.optimizers as optim

import mlx_schedules as ms

STEPS, DECAY_STEPS = 10_000_000, 1_000_000


def seconds(call: Callable[[], object], repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def alternate(contenders: dict[str, Callable[[], object]], rounds: int, repeats: int = 1) -> None:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for i in range(rounds + 1):
        for name, call in contenders.items():
            elapsed = seconds(call, repeats)
            if i:  # the first round warms up
                times[name].append(elapsed)
    ours, *others = times
    for other in others:
        ratios = sorted(b / a for a, b in zip(times[ours], times[other], strict=True))
        print(f"    against {other:<20} {statistics.median(ratios):6.2f}   ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def trajectory(rounds: int, cache: int | None) -> None:
    if cache is not None:
        mx.set_cache_limit(cache)
    schedule, closure = ms.cosine_decay(0.1, DECAY_STEPS), optim.cosine_decay(0.1, DECAY_STEPS)
    compiled = mx.compile(closure)
    for dtype in (mx.uint32, mx.int64, mx.uint64, mx.float32):
        steps = mx.arange(STEPS).astype(dtype)
        mx.eval(steps)
        print(f"  {STEPS} {str(dtype).removeprefix('mlx.core.')} steps, with eval")
        alternate(
            {
                "schedule": lambda steps=steps: mx.eval(schedule(steps)),
                "eager closure": lambda steps=steps: mx.eval(closure(steps)),
                "compiled closure": lambda steps=steps: mx.eval(compiled(steps)),
                "steps + 1": lambda steps=steps: mx.eval(steps + 1),
            },
            rounds,
        )


def memory() -> None:
    schedule, steps = ms.cosine_decay(0.1, DECAY_STEPS), mx.arange(STEPS).astype(mx.uint32)
    mx.eval(steps, schedule(0))
    for name, call, base in (
        ("held steps", lambda: schedule(steps), 0),
        ("donated steps", lambda: schedule(steps + 1), 4 * STEPS),  # the sum is the donated buffer
    ):
        mx.clear_cache()
        before = mx.get_active_memory()
        mx.reset_peak_memory()
        mx.eval(call())
        extra = mx.get_peak_memory() - before - base
        print(f"  {name}: {extra / 1e6:.2f} MB beyond what was there; the output has {4 * STEPS / 1e6:.0f}")


def scalar(rounds: int) -> None:
    schedule, closure = ms.cosine_decay(0.1, 1000), optim.cosine_decay(0.1, 1000)
    compiled, step = mx.compile(closure), mx.array(5, mx.uint64)
    print("  one scalar step, graph only")
    alternate(
        {
            "schedule": lambda: schedule(step),
            "eager closure": lambda: closure(step),
            "compiled closure": lambda: compiled(step),
        },
        rounds,
        repeats=2000,
    )
    print("  one scalar step, with eval")
    alternate(
        {
            "schedule": lambda: mx.eval(schedule(step)),
            "eager closure": lambda: mx.eval(closure(step)),
            "compiled closure": lambda: mx.eval(compiled(step)),
        },
        rounds,
        repeats=500,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    mx.set_default_device(mx.cpu)
    print("Speed, as ratios: median (smallest to largest)")
    scalar(rounds)
    trajectory(rounds, None)
    print("The same with a cache that holds the output (mx.set_cache_limit), so that its pages are there already")
    trajectory(rounds, 1 << 30)
    print("Peak memory")
    memory()


if __name__ == "__main__":
    main()
