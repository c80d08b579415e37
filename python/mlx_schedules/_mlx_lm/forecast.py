"""A forecast of a run: its updates, the rate of the last one, and what to write for an end at the last update."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import mlx.core as mx

from .._columns.numbers import Number, amount, simplest
from .._schedule.by_name import AUTO, is_mlx_lms, makers, numeric, parameters_of
from .._schedule.schedule import Schedule

_LENGTHS = ("total_steps", "decay_steps", "steps")  # the arguments that decide where a schedule ends
_DIGITS = 3  # of a rate; if it equals the end to so many digits, the end counts as reached
_IGNORED = (
    "Adafactor computes its own rate and ignores this one: write optimizer_config: {adafactor: {relative_step: false}}"
)


class Forecast(NamedTuple):
    """A forecast of a run: its updates, the rate of the last one, and a text."""

    updates: int
    last_rate: float
    text: str

    @property
    def last_update(self) -> int:
        return self.updates - 1


def forecast(schedule: Any, updates: int, config: Mapping[str, Any] | None = None, first: int = 0) -> Forecast | None:
    """Forecast a run that follows a schedule, any function of the step, from step `first` on.

    `config` is the lr_schedule that the schedule was made of.
    """
    if updates < 1:
        return None
    last = first + updates - 1
    with mx.stream(mx.cpu):
        found = schedule(mx.array(last, mx.uint64))
    if found.ndim:
        return None
    rate = float(found.item())
    text, remedy = f"{amount(updates, 'update')}; the last one has {written(rate)}", ""
    if isinstance(schedule, Schedule) and not _is_well(schedule, last, rate):
        end = written(schedule.segments[-1].end)
        text += f"; the schedule's end, {end}, is at step {schedule.last_step}, and the last update at {last}"
        remedy = remedy_of(config, last) if config else ""
    return Forecast(updates, rate, f"{text}.{remedy}")


def without_rate(updates: int) -> str:
    """Return the text for an optimizer that ignores its rate."""
    return f"{amount(updates, 'update')}. {_IGNORED}."


def ignores_rate(config: Mapping[str, Any]) -> bool:
    """Tell whether the optimizer of mlx-lm's config is an Adafactor that computes its own rate."""
    if str(config.get("optimizer")).lower() != "adafactor":
        return False
    options = config.get("optimizer_config")
    own = options.get("adafactor") if isinstance(options, Mapping) else None
    return bool(own.get("relative_step", True)) if isinstance(own, Mapping) else True


def written(rate: Number) -> str:
    """Write a rate as people do, such as 1e-4."""
    rate = float(rate)
    if not 0 < abs(rate) < 1e-3:
        return f"{rate:.{_DIGITS}g}".replace("e+0", "e+")
    digits, exponent = f"{rate:.{_DIGITS - 1}e}".split("e")
    return f"{float(digits):g}e{int(exponent)}"


def _is_well(schedule: Schedule, last: int, rate: float) -> bool:
    """Tell whether a run's last rate is fine.

    That is so if the schedule has no end, if the end is at the last update, or if it comes later but the last rate is
    equal to the end to three digits.
    """
    end, segment = schedule.last_step, schedule.segments[-1]
    if end is None or segment.ease == "hold" or end == last:
        return True
    assert not isinstance(end, tuple)  # there are no groups
    return last < end and written(rate) == written(segment.end)


def remedy_of(config: Mapping[str, Any], last: int) -> str:
    """Return what to write for an end at step `last`, or "" if no single argument decides where the end is."""
    name = config.get("name")  # missing in a whole config of mlx-lm
    parameters = parameters_of(name) if name in makers() else ()
    length = next((parameter for parameter in _LENGTHS if parameter in parameters), None)
    if length is None:
        return ""
    arguments, before = list(config.get("arguments", ())), _before(config)
    if last <= before:
        return " The warmup takes the whole run: make it shorter." if before else ""
    place, steps = parameters.index(length), AUTO if length == "total_steps" else last - before
    mended = {key: value for key, value in config.items() if key != "end_at"}
    if place < len(arguments):
        arguments[place] = steps
        mended["arguments"] = arguments
        wanted = f"arguments: [{', '.join(map(_plainly, arguments))}]"
    else:
        mended[length] = steps
        wanted = f"{length}: {steps}"
    if steps == AUTO and not _is_right(mended, last + 1):
        if "decay" in parameters:
            return " The warmup and the decay take more than the run: make them shorter."
        return " The warmup takes the whole run: make it shorter."
    return f" For an end at the last update write {wanted}{' without end_at' if 'end_at' in config else ''}."


def _is_right(config: Mapping[str, Any], updates: int) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Schedule.from_dict(config, updates)
        except ValueError:
            return False
    return True


def _before(config: Mapping[str, Any]) -> Number:
    """Return the number of steps before the schedule itself, which begins one step after the warmup in mlx-lm."""
    warmup = numeric(config.get("warmup", 0)) if is_mlx_lms(config) else 0
    return simplest(warmup + 1) if warmup else 0


def _plainly(value: Any) -> str:
    """Write a number as people do."""
    return repr(value).replace("e-0", "e-") if isinstance(value, float) else str(value)
