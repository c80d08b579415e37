"""The order of the batches of mlx-lm's trainer, which can be saved between two batches and continued.

mlx-lm draws a new order from NumPy's global generator at the beginning of each epoch. The generator's state at that
moment and the number of batches taken since are enough to continue in the same order.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import mlx.core as mx

_Numpy = tuple[Any, ...]  # what np.random.get_state returns


class Place(NamedTuple):
    """A place between two batches.

    It has the number of batches taken in this epoch, the current states of MLX's and NumPy's generators, and the state
    of NumPy's when the epoch began.
    """

    taken: int
    key: mx.array
    now: _Numpy
    epoch: _Numpy

    def arrays(self) -> dict[str, mx.array]:
        """Return the arrays for the state's file."""
        return {"mlx": self.key, **_written("now", self.now), **_written("epoch", self.epoch)}


class DataOrder:
    """The current place in the data: `taken` batches of an epoch that began with NumPy's state `epoch`."""

    def __init__(self, batches_in_epoch: int) -> None:
        self.batches_in_epoch = batches_in_epoch
        self.taken = 0
        self.epoch = _numpy()
        self._to_restore: tuple[_Numpy, mx.array] | None = None

    def batches(self, make: Callable[..., Iterator[Any]], keywords: dict[str, Any]) -> Iterator[Any]:
        """Yield batches without end, from the current place on."""
        skipped = self.taken
        if skipped:
            _generator().set_state(self.epoch)
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

    def here(self) -> Place:
        """Return the current place, which is noted at each update and saved with the state."""
        random: Any = mx.random.state
        return Place(self.taken, random[0], _numpy(), self.epoch)

    def restore(self, arrays: dict[str, mx.array], taken: int) -> None:
        self.taken, self.epoch = taken, _read("epoch", arrays)
        self._to_restore = _read("now", arrays), arrays["mlx"]
        self._restore_random()

    def _restore_random(self) -> None:
        if self._to_restore:
            now, key = self._to_restore
            _generator().set_state(now)
            mx.random.seed(_seed(key))


def _generator() -> Any:
    """Return NumPy's module of random numbers. mlx-lm requires NumPy, which this package doesn't."""
    return importlib.import_module("numpy").random


def _numpy() -> _Numpy:
    return tuple(_generator().get_state())


def _seed(key: mx.array) -> int:
    """Return the seed of an MLX key, which consists of the seed's two halves."""
    halves: Any = key.tolist()
    high, low = halves
    return int(high) << 32 | int(low)


def _written(name: str, state: _Numpy) -> dict[str, mx.array]:
    _, keys, position, has_gauss, gauss = state
    numbers = [*map(int, keys), position, has_gauss, *struct.unpack("=2I", struct.pack("=d", gauss))]
    return {name: mx.array(numbers, mx.uint32)}


def _read(name: str, arrays: dict[str, mx.array]) -> _Numpy:
    numbers: Any = arrays[name].tolist()
    *keys, position, has_gauss, low, high = numbers
    (gauss,) = struct.unpack("=d", struct.pack("=2I", low, high))
    return "MT19937", keys, position, has_gauss, gauss
