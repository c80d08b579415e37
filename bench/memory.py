"""What one call allocates."""

import mlx.core as mx

import mlx_schedules as ms


def peak(n: int = 10_000_000) -> dict[str, int]:
    """Bytes beyond what was there, for steps that are kept and for steps that the output may take the place of."""
    schedule, steps = ms.cosine_decay(0.1, 1_000_000), mx.arange(n).astype(mx.uint32)
    mx.eval(steps, schedule(0))
    found = {}
    for name, call, base in (
        ("steps held", lambda: schedule(steps), 0),
        ("steps donated", lambda: schedule(steps + 1), steps.nbytes),  # the sum is the donated buffer
    ):
        mx.clear_cache()
        before = mx.get_active_memory()
        mx.reset_peak_memory()
        mx.eval(call())
        found[name] = mx.get_peak_memory() - before - base
    return found
