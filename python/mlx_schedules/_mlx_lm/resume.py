"""Saves the whole state whenever mlx-lm's train() saves, and resumes from it with the same bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import BoundArguments
from pathlib import Path
from types import ModuleType
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

from . import state_file
from .counting import Counting, counting_from
from .data_order import DataOrder
from .forecast import written


class Run:
    """A program's first or later call of train(): its arguments, and the state at the last update."""

    def __init__(self, trainer: ModuleType, given: dict[str, Any], call: int) -> None:
        self.trainer, self.arguments, self.call = trainer, given["args"], call
        self.model, self.optimizer = given["model"], given["optimizer"]
        self.make_batches = given["iterate_batches"]
        self.first = 1
        self.order = DataOrder(_batches_in_epoch(given["train_dataset"], self.arguments.batch_size))
        self.folder = Path(self.arguments.adapter_file).parent
        self.saved = self.order.here()  # what a save needs from the last update

    @property
    def facts(self) -> dict[str, Any]:
        """What must be as when the state was saved."""
        return {
            "optimizer": type(self.optimizer).__name__,
            "accumulation": self.arguments.grad_accumulation_steps,
            "batch_size": self.arguments.batch_size,
            "batches_in_epoch": self.order.batches_in_epoch,
        }

    def restore(self, state: state_file.State) -> None:
        """Restore a state. ValueError if it is from another run."""
        _check_call(str(self.arguments.adapter_file), state.facts)
        for name, here in self.facts.items():
            if state.facts[name] != here:
                raise ValueError(f"the state was saved with {name} {state.facts[name]}, and here it is {here}.")
        done = state.facts["iteration"]
        if done >= self.arguments.iters:
            raise ValueError(f"the state is that of iteration {done} of {self.arguments.iters}: nothing is left to do.")
        _check_weights(dict(tree_flatten(self.model.trainable_parameters())), state.weights)
        _check_rate(self.optimizer, state.optimizer)
        self.model.load_weights(list(state.weights.items()), strict=False)
        self.optimizer.state = tree_unflatten(list(state.optimizer.items()))
        self.order.restore(state.random, done)
        self.first = done + 1
        self.saved = self.order.here()

    def train(self, train: Callable[..., None], given: BoundArguments) -> None:
        with counting_from(self.first, self.arguments.iters, self.trainer) as counting:
            given.arguments["iterate_batches"] = lambda **keywords: self._batches(counting, keywords)
            train(*given.args, **given.kwargs)
        self._after_iteration()
        self._save()

    def _batches(self, counting: Counting, keywords: dict[str, Any]) -> Iterator[Any]:
        if not keywords.get("loop"):  # batches for validation
            if self._validates_only_at_the_end():
                self.order.keep_numpy()
            yield from self.make_batches(**keywords)
            return
        if not counting.begun:
            raise RuntimeError(
                "[run] The train() of this mlx-lm counts its iterations in another way: update mlx-schedules."
            )
        for batch in self.order.batches(self.make_batches, keywords):
            yield batch
            self._after_iteration()  # asking for the next batch means that it is over, with update and save
            if self.order.done % self.arguments.steps_per_save == 0:
                self._save()

    def _validates_only_at_the_end(self) -> bool:
        """Tell whether this is a validation that a run with more iterations would not have."""
        last: int = self.arguments.iters
        every: int = self.arguments.steps_per_eval
        return self.order.done == last != 1 and last % every != 0

    def _after_iteration(self) -> None:
        """Note the place if there was an update. During an accumulation, weights are as they were at the last one."""
        if self.order.done % self.arguments.grad_accumulation_steps == 0:
            self.saved = self.order.here()

    def _save(self) -> None:
        if mx.distributed.init().rank() != 0:
            return
        weights = dict(tree_flatten(self.model.trainable_parameters()))
        optimizer = dict(tree_flatten(self.optimizer.state))
        place = {"call": self.call, "adapter_file": str(self.arguments.adapter_file)}
        facts = {**self.facts, **place, "iteration": self.saved.done}
        state_file.save(self.folder, state_file.State(weights, optimizer, self.saved.arrays(), facts))


def _batches_in_epoch(data: Any, size: int) -> int | None:
    """Return the batches in an epoch of mlx-lm, or None for data without a length."""
    try:
        return max(len(data) // size, 1)
    except TypeError:
        return None


def _check_call(here: str, saved: dict[str, Any]) -> None:
    """Raise ValueError if a program's first run would be replaced by a later one, and save over its own adapters."""
    call, there = saved.get("call", 1), saved.get("adapter_file")
    if call > 1 and here != there:
        raise ValueError(
            f"the state is that of a program's train() number {call}, which saves {there}, and this is the first, "
            f"which saves {here}: let the program train only the run that was interrupted."
        )


def _check_rate(optimizer: Any, saved: dict[str, mx.array]) -> None:
    """Raise ValueError if a constant rate isn't the saved one, which would be used in its place."""
    here, there = optimizer.state.get("learning_rate"), saved.get("learning_rate")
    scheduled = "learning_rate" in getattr(optimizer, "_schedulers", {})
    if not scheduled and here is not None and there is not None and here.item() != there.item():
        raise ValueError(f"the state was saved with learning_rate {_exactly(there)}, and here it is {_exactly(here)}.")


def _exactly(rate: mx.array) -> str:
    """Write a rate as people do or, if that isn't the same number, with all digits."""
    number: Any = rate.item()
    text = written(number)
    return text if mx.array(float(text), rate.dtype).item() == number else f"{number:.9g}"


def _check_weights(here: dict[str, mx.array], there: dict[str, mx.array]) -> None:
    for name in {**here, **there}:
        shapes = [tree[name].shape if name in tree else "not trained" for tree in (here, there)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"the weight {name} is {shapes[0]} here and {shapes[1]} in the state: fine_tune_type, num_layers or "
                "lora_parameters differ."
            )
