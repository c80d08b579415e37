"""A schedule of a config that can only be made when the number of updates is known, after the optimizer is made."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import mlx.core as mx

from .. import _ext
from .._schedule.schedule import Schedule


class Waiting:
    """A function of the step that waits for its schedule. MLX's optimizers call it at step 0 when they are made."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.updates: int | None = None

    def settle(self, updates: int) -> None:
        """Set the number of updates. If that is of a run with another rate, it may not fit this schedule."""
        self.updates = updates
        vars(self).pop("schedule", None)

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule.from_dict(self.config, self.updates)

    def __call__(self, step: mx.array) -> mx.array:
        if self.updates is not None:
            return self.schedule(step)
        if _ext.is_tracer(step) or bool(step > 0):  # an update, but not the first of a trainer that doesn't compile
            raise RuntimeError(
                "[run] total_steps is 'auto', and this trainer does not train by mlx-lm's train(), which says how many "
                "updates there are: write their number."
            )
        return mx.array(0.0)  # shown until the first update, and used by that one if it isn't compiled
