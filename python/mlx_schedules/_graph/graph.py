"""The value of a schedule, computed from the operands of the primitive, with their dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, TypeAlias

import mlx.core as mx

from .._columns.numbers import real_for
from . import eases, exact_eases
from .column import Column, columns_of
from .eases import Ends
from .elapsed import begun, elapsed, exactly_elapsed, fold
from .pairs import Pair, like, select

Stream: TypeAlias = "mx.Stream | mx.Device | mx.DeviceType"


def graph(inputs: Mapping[str, mx.array], names: Sequence[str], repeat: int, exact: bool) -> mx.array:
    """Return the value at the step among the inputs. `names` are the eases; `repeat` is -1 if nothing repeats.

    With ``exact``, each ease's value is computed with pairs, and has the derivatives of the one without.
    """
    out = inputs["init"].dtype
    columns = columns_of(inputs, len(names), real_for(out))
    if repeat >= 0:
        again = columns[repeat]
        fold(again)
        for c in columns:
            c.operands["step"], c.step_rest, c.folded = again.operands["step"], again.step_rest, again.folded
    in_force = [begun(c) for c in columns]
    value = None
    for k, (ease, c) in enumerate(zip(names, columns, strict=True)):
        if k + 1 < len(columns):  # a column that goes on growing would become infinite, and its slope NaN
            over, step = in_force[k + 1], c.operands["step"]
            c.operands["step"] = select(over, mx.array(0, step.dtype), step)
            c.step_rest = select(over, mx.array(0, c.step_rest.dtype), c.step_rest)
        own = _exact_column(ease, c) if exact and hasattr(exact_eases, ease) else _column(ease, c, exact)
        value = own if value is None else select(in_force[k], own, value)
    assert value is not None
    return value.astype(out)


def _ends(c: Column) -> Ends:
    return Ends(c.real_of("init"), c.real_of("end"))


def _still(c: Column) -> Column:
    operands = {name: mx.stop_gradient(a) for name, a in c.operands.items()}
    return replace(c, operands=operands, step_rest=mx.stop_gradient(c.step_rest))


def _column(ease: str, c: Column, exact: bool) -> mx.array:
    e, ends = elapsed(c), _ends(c)
    if exact and not c.all_whole:  # reals can't tell steps apart from 2^24 on
        distance = exactly_elapsed(_still(c)).nearer
        e = replace(e, nearer=distance.hi + distance.lo + (e.nearer - mx.stop_gradient(e.nearer)))
    nothing = e.nearer * 0.0  # NaN stays NaN
    e = replace(e, nearer=select(e.ended, nothing, e.nearer))
    own = getattr(eases, ease)(e, ends, eases.parameter_of(ease, c))
    return select(e.ended, ends.end + nothing, own)


def _exact_column(ease: str, c: Column) -> mx.array:
    """Return the value computed with pairs, with the derivatives of the one without."""
    rounded = _column(ease, c, exact=False)
    rounded = select(rounded - rounded == 0.0, rounded, like(rounded, 0.0))
    still = _still(c)
    e, ends = exactly_elapsed(still), _ends(still)
    own = getattr(exact_eases, ease)(e, ends, Pair(still.real_of("parameter"), still.rest("parameter")))
    value = select(e.ended, ends.end + e.nearer.hi * 0.0, own)
    return mx.stop_gradient(value) + (rounded - mx.stop_gradient(rounded))


def graph_on(stream: mx.Stream, *arguments: Any) -> mx.array:
    """Call `graph` on a stream. The compiled module gets derivatives and exported graphs from this."""
    with on_stream(stream):
        return graph(*arguments)


def on_stream(stream: Stream | None) -> AbstractContextManager[Any]:
    """Return a context for a stream, which does nothing if it is the default: all threads share the default device."""
    default = mx.default_device()
    if stream is not None and stream not in (default, mx.default_stream(default)):
        return mx.stream(stream)
    return nullcontext()
