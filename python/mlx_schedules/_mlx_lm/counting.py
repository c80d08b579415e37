"""Makes mlx-lm's loop, `for it in range(1, iters + 1)`, start at a later iteration.

The iteration decides when gradients are applied, losses reported and weights saved, and under which name. So a run that
is resumed must count like the whole run, but train() has no argument for its first iteration.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


class Counting:
    begun = False  # whether the loop has started


@contextmanager
def counting_from(first: int, iters: int, trainer: ModuleType) -> Iterator[Counting]:
    """Within this context, the call of range(1, iters + 1) in the module `trainer` starts at `first`."""
    counting = Counting()

    def from_first(*bounds: int) -> range:
        if bounds != (1, iters + 1):
            return range(*bounds)
        counting.begun = True
        return range(first, iters + 1)

    vars(trainer)["range"] = from_first
    try:
        yield counting
    finally:
        del vars(trainer)["range"]
