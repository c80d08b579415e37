"""What the run command adds to mlx-lm: the schedules of its configs, what will be trained, and states that are saved."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import mlx.core as mx

from . import state_file
from .importing import after_import
from .resume import Run


class Options:
    """Of the run command."""

    def __init__(self, save: bool = False, resume: Path | None = None) -> None:
        self.save, self.resume = save or resume is not None, resume
        self.used = False  # whether mlx-lm's train() was called


def install(options: Options) -> None:
    """Before mlx-lm is imported, by whatever program."""
    after_import({"mlx_lm.tuner.trainer": lambda module: _change(module, "train", training(module, options))})


def _change(module: ModuleType, name: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    setattr(module, name, change(getattr(module, name)))


def training(trainer: ModuleType, options: Options) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def changed(train: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(train)

        @functools.wraps(train)
        def run(*args: Any, **kwargs: Any) -> None:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            options.used = True
            if not options.save:
                train(*given.args, **given.kwargs)
                return
            resumable = Run(trainer, given.arguments)
            if options.resume:
                try:
                    resumable.restore(state_file.load(options.resume))
                except ValueError as error:
                    raise SystemExit(f"--resume-from {options.resume}: {error}") from None
                _note(f"goes on from iteration {resumable.first - 1} of {given.arguments['args'].iters}.")
            resumable.train(train, given)

        return run

    return changed


def _note(text: str) -> None:
    if mx.distributed.init().rank() == 0:
        print(f"note: {text}", file=sys.stderr, flush=True)
