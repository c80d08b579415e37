"""What the run command adds to mlx-lm: more schedules in its configs, forecasts, and saved states."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten

from .._columns.numbers import amount
from .._optimizer.given import ignores_its_rate
from .._schedule.by_name import AUTO, is_mlx_lms, numeric
from .._schedule.schedule import Schedule
from . import state_file
from .forecast import forecast, without_rate
from .importing import after_import
from .resume import Run
from .waiting import Waiting


class Trainer:
    """Changes mlx-lm as the options of the run command say."""

    def __init__(self, save: bool = False, resume: Path | None = None) -> None:
        self.save, self.resume = save or resume is not None, resume
        self.calls = 0  # of its train()
        self._made: list[tuple[Any, Mapping[str, Any]]] = []  # schedules, with what they were made of

    def install(self) -> None:
        """Change mlx-lm when it is imported. To be called before that."""
        after_import({"mlx_lm.tuner.utils": self.change_utils, "mlx_lm.tuner.trainer": self.change_trainer})

    def change_utils(self, utils: ModuleType) -> None:
        """Make build_schedule read configs as preview does. Schedules of mlx-lm's own form stay as they are."""
        build: Callable[[Any], Any] = vars(utils)["build_schedule"]

        @functools.wraps(build)
        def build_schedule(schedule_config: Any) -> Any:
            made = _schedule_of(schedule_config)  # raises an error that says what is wrong
            if is_mlx_lms(schedule_config):
                made = build(_in_numbers(schedule_config))
            self._made.append((made, schedule_config))
            return made

        vars(utils)["build_schedule"] = build_schedule

    def change_trainer(self, trainer: ModuleType) -> None:
        """Make train() tell what it will train, and save and restore states."""
        train: Callable[..., None] = vars(trainer)["train"]
        signature = inspect.signature(train)

        @functools.wraps(train)
        def run(*args: Any, **kwargs: Any) -> None:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            if self.resume and self.calls:
                raise SystemExit(
                    f"--resume-from {self.resume}: the state was restored into the program's first train(), and this "
                    "is another: resume one run at a time, in a program that calls train() once."
                )
            self.calls += 1
            optimizer, arguments = given.arguments["optimizer"], given.arguments["args"]
            if not self.save:
                self._tell(optimizer, arguments)
                train(*given.args, **given.kwargs)
                return
            resumable = Run(trainer, given.arguments, self.calls)
            if self.resume:
                self._restore(resumable)
            self._tell(optimizer, arguments, resumable.first)
            resumable.train(train, given)

        vars(trainer)["train"] = run

    def _tell(self, optimizer: Any, arguments: Any, first: int = 1) -> None:
        """Tell what a run will train. If it goes on at iteration `first`, its optimizer has the steps before that."""
        accumulation = arguments.grad_accumulation_steps
        if accumulation < 1:
            return  # mlx-lm raises an error
        updates, done = arguments.iters // accumulation, _updates_done(optimizer) - (first - 1) // accumulation
        if updates < 1:
            _note("there are fewer iterations than one update takes: nothing will be trained.")
            return
        for made, _ in self._made:
            if isinstance(made, Waiting):
                made.settle(done + updates)
        if ignores_its_rate(optimizer):
            _note(without_rate(updates))
            return
        rate = _rate_of(optimizer)
        config = next((config for made, config in self._made if made is rate), None)
        schedule = rate.schedule if isinstance(rate, Waiting) else rate  # raises an error if it does not fit the run
        found = None if schedule is None else forecast(schedule, updates, config, first=done)
        _note(found.text if found else f"{amount(updates, 'update')}.")

    def _restore(self, run: Run) -> None:
        assert self.resume
        try:
            run.restore(state_file.load(self.resume))
        except ValueError as error:
            raise SystemExit(f"--resume-from {self.resume}: {error}") from None
        _note(f"goes on from iteration {run.first - 1} of {run.arguments.iters}.")


def _in_numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config of mlx-lm's own form with numbers in place of text such as "1e-5"."""
    return {key: list(map(numeric, value)) if key == "arguments" else numeric(value) for key, value in config.items()}


def _schedule_of(config: Any) -> Schedule | Waiting:
    if AUTO in repr(config) and not is_mlx_lms(config):
        return Waiting(config)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "mlx-lm starts a schedule")  # with or without this package
        return Schedule.from_dict(config)


def _updates_done(optimizer: Any) -> int:
    """Return an optimizer's step, or with parameter groups that of the first."""
    leaves: dict[str, Any] = dict(tree_flatten(optimizer.state))
    return next((leaf.item() for path, leaf in leaves.items() if path.split(".")[-1] == "step"), 0)


def _rate_of(optimizer: Any) -> Any:
    """Return an optimizer's schedule, its rate as a constant one, or None if there are groups."""
    constant = optimizer.state.get("learning_rate")
    otherwise = None if constant is None else lambda step: constant
    return getattr(optimizer, "_schedulers", {}).get("learning_rate", otherwise)


def _note(text: str) -> None:
    if mx.distributed.init().rank() == 0:
        print(f"note: {text}", file=sys.stderr, flush=True)
