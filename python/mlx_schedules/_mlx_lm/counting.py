"""mlx-lm's loop, `for it in range(1, iters + 1)`, made to go on from a later iteration.

Its numbers decide when gradients are applied, losses reported and weights saved, and under which name. So a run that
continues must have those of the whole run, and train() has no argument for the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


class Counting:
    begun = False  # whether the loop was met


@contextmanager
def counting_from(first: int, iters: int, trainer: ModuleType) -> Iterator[Counting]:
    """While it is in force, the one call of range(1, iters + 1) in the module `trainer` begins at `first`."""
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
