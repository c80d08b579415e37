# ruff: noqa: NPY002 (mlx-lm draws from NumPy's global generator)
"""The batches of mlx-lm's trainer, one after another, with a look at every step between two of them.

mlx-lm draws a new order from NumPy's global generator at the begin of each epoch. With the generator's state at that
moment and the number of batches taken since, the same order is gone on with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
import numpy as np

_Numpy = tuple[Any, ...]  # what np.random.get_state returns


class DataOrder:
    """Where the data and the random numbers are: `taken` batches of an epoch that began with `epoch`."""

    def __init__(self, batches_in_epoch: int) -> None:
        self.batches_in_epoch = batches_in_epoch
        self.taken = 0
        self.epoch = _numpy()
        self._to_restore: tuple[_Numpy, mx.array] | None = None

    def batches(self, make: Callable[..., Iterator[Any]], keywords: dict[str, Any]) -> Iterator[Any]:
        """Without end, from where the order is."""
        skipped = self.taken
        if skipped:
            np.random.set_state(self.epoch)
        inner = make(**keywords)
        for _ in range(skipped):
            next(inner)
        self._restore_random()
        while True:
            if self.taken == 0:
                self.epoch = _numpy()
            batch = next(inner)
            self.taken = (self.taken + 1) % self.batches_in_epoch
            yield batch

    def arrays(self) -> dict[str, mx.array]:
        """For the state's file: those of MLX's and NumPy's generators now, and of NumPy's when the epoch began."""
        random: Any = mx.random.state
        return {"mlx": random[0], **_written("now", _numpy()), **_written("epoch", self.epoch)}

    def restore(self, arrays: dict[str, mx.array], taken: int) -> None:
        self.taken, self.epoch = taken, _read("epoch", arrays)
        self._to_restore = _read("now", arrays), arrays["mlx"]
        self._restore_random()

    def _restore_random(self) -> None:
        if self._to_restore:
            now, key = self._to_restore
            np.random.set_state(now)
            mx.random.seed(_seed(key))


def _numpy() -> _Numpy:
    state: Any = np.random.get_state()
    return tuple(state)


def _seed(key: mx.array) -> int:
    """A key of MLX's generator is the two halves of a seed."""
    halves: Any = key.tolist()
    high, low = halves
    return int(high) << 32 | int(low)


def _written(name: str, state: _Numpy) -> dict[str, mx.array]:
    _, keys, position, has_gauss, gauss = state
    rest = np.array([position, has_gauss, 0, 0], np.uint32)
    rest[2:] = np.array([gauss], np.float64).view(np.uint32)
    return {name: mx.array(np.concatenate([keys, rest]))}


def _read(name: str, arrays: dict[str, mx.array]) -> _Numpy:
    numbers = np.array(arrays[name])
    keys, rest = numbers[:-4], numbers[-4:]
    return "MT19937", keys, int(rest[0]), int(rest[1]), float(rest[2:].view(np.float64)[0])
