"""The order of the batches of mlx-lm's trainer, which can be saved between two batches and continued.

mlx-lm draws a new order from NumPy's global generator at the beginning of each epoch. The generator's state at that
moment and the number of batches taken are enough to continue in the same order. For a trainer's own batches, its state
when the run began is kept too.
"""

from __future__ import annotations

import importlib
import itertools
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import mlx.core as mx

_Numpy = tuple[Any, ...]  # what np.random.get_state returns


class Place(NamedTuple):
    """A place between two batches.

    It has the number of batches taken in the run, the current states of MLX's and NumPy's generators, and the states of
    NumPy's when the run and the epoch began.
    """

    done: int
    key: mx.array
    now: _Numpy
    run: _Numpy
    epoch: _Numpy

    def arrays(self) -> dict[str, mx.array]:
        """Return the arrays for the state's file."""
        states = {"now": self.now, "run": self.run, "epoch": self.epoch}
        return {"mlx": self.key, **{name: _written(state) for name, state in states.items()}}


class DataOrder:
    """The current place in the data: `done` batches.

    NumPy's states when the run and the epoch began are `run` and `epoch`.
    """

    def __init__(self, batches_in_epoch: int | None) -> None:
        self.batches_in_epoch = batches_in_epoch  # None: all batches are one epoch
        self.done = 0
        self.run = self.epoch = _numpy()
        self._now: _Numpy | None = None
        self._to_restore: tuple[_Numpy, mx.array] | None = None

    @property
    def taken(self) -> int:
        """The number of batches taken in this epoch."""
        return self.done % self.batches_in_epoch if self.batches_in_epoch else self.done

    def batches(self, make: Callable[..., Iterable[Any]], keywords: dict[str, Any]) -> Iterator[Any]:
        """Yield batches from the current place on, until there are no more."""
        inner = self._after_those_done(make, keywords)
        self._restore_random()
        while True:
            if self.taken == 0:
                self.epoch = _numpy()
            try:
                batch = next(inner)
            except StopIteration:  # a trainer's own batches may end
                return
            self.done += 1
            yield batch

    def _after_those_done(self, make: Callable[..., Iterable[Any]], keywords: dict[str, Any]) -> Iterator[Any]:
        """Make the batches and skip those that are done.

        Whole epochs are skipped too: batches may end after some of them, or be shuffled with a seed set at the start.
        """
        if not self.done:
            return iter(make(**keywords))
        _generator().set_state(self.run)
        inner = iter(make(**keywords))
        _skip(inner, self.done - self.taken)
        _generator().set_state(self.epoch)
        _skip(inner, self.taken)
        return inner

    def here(self) -> Place:
        """Return the current place, which is noted at each update and saved with the state."""
        random: Any = mx.random.state
        return Place(self.done, random[0], self._now or _numpy(), self.run, self.epoch)

    def keep_numpy(self) -> None:
        """Keep NumPy's current state for all later places, whatever is drawn from now on."""
        self._now = _numpy()

    def restore(self, arrays: dict[str, mx.array], done: int) -> None:
        self.done, self.run, self.epoch = done, _read(arrays["run"]), _read(arrays["epoch"])
        self._to_restore = _read(arrays["now"]), arrays["mlx"]
        self._restore_random()

    def _restore_random(self) -> None:
        if self._to_restore:
            now, key = self._to_restore
            _generator().set_state(now)
            mx.random.seed(_seed(key))


def _skip(batches: Iterator[Any], count: int) -> None:
    for _ in itertools.islice(batches, count):
        pass


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


def _written(state: _Numpy) -> mx.array:
    _, keys, position, has_gauss, gauss = state
    numbers = [*map(int, keys), position, has_gauss, *struct.unpack("=2I", struct.pack("=d", gauss))]
    return mx.array(numbers, mx.uint32)


def _read(array: mx.array) -> _Numpy:
    numbers: Any = array.tolist()
    *keys, position, has_gauss, low, high = numbers
    (gauss,) = struct.unpack("=d", struct.pack("=2I", low, high))
    return "MT19937", keys, position, has_gauss, gauss
