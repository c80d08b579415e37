"""Stands in for the compiled module if the installed MLX has none, with the same functions made of MLX's ops."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Mapping, Sequence

import mlx.core as mx

from .._columns.numbers import real_for
from .._columns.values import common_shape
from . import eases as ease_functions
from .graph import Stream, graph, on_stream

_STEPS = ("length", "begin", "lead", "period")
_state = threading.local()


class Segments:
    """The numbers of a schedule, made once and passed to every call."""

    def __init__(self, eases: Sequence[str], operands: Mapping[str, mx.array], repeat: int | None = None) -> None:
        for ease in eases:
            if not hasattr(ease_functions, ease):
                raise ValueError(f"[schedule] There is no ease '{ease}'.")
        self.eases, self.operands, self.repeat = list(eases), dict(operands), -1 if repeat is None else repeat


def evaluate(step: mx.array, segments: Segments, *, stream: Stream | None = None) -> mx.array:
    operands = segments.operands
    out = result_dtype(step.dtype, operands["init"].dtype, operands["end"].dtype)
    with on_stream(stream):
        if out == mx.float64 and mx.default_device() != mx.Device(mx.cpu):
            raise ValueError("[schedule] float64 is computed on the CPU only: pass stream=mx.cpu.")
        _check_shapes(step, segments)
        inputs = {name: a.astype(_dtype_of(name, a.dtype, out)) for name, a in operands.items()}
        step = step.astype(out) if mx.issubdtype(step.dtype, mx.floating) else step
        return graph({"step": step, **inputs}, segments.eases, segments.repeat, exact=True)


def cosine_decay(
    step: mx.array, init: mx.array, decay_steps: mx.array, end: mx.array, *, stream: Stream | None = None
) -> mx.array:
    return evaluate(step, Segments(["cosine"], {"init": init, "length": decay_steps, "end": end}), stream=stream)


def _dtype_of(name: str, given: mx.Dtype, out: mx.Dtype) -> mx.Dtype:
    """Return the dtype in which the compiled op reads an operand."""
    if name in ("init", "end"):
        return out
    if name in _STEPS and not mx.issubdtype(given, mx.floating):
        if given.size > 4:
            return given
        return mx.int32 if mx.issubdtype(given, mx.signedinteger) else mx.uint32
    return given if given == mx.uint64 and name not in ("parameter", "parameter_rest") else real_for(out)


def _check_shapes(step: mx.array, segments: Segments) -> None:
    several = len(segments.eases) > 1
    shapes = {"step": step.shape}
    for name, a in segments.operands.items():
        front = several and a.ndim and not name.startswith("period")
        shapes[name] = a.shape[1:] if front else a.shape
    if common_shape(list(shapes.values())) is None:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"[schedule] Shapes do not broadcast: {given}")


@functools.cache
def result_dtype(step: mx.Dtype, *values: mx.Dtype) -> mx.Dtype:
    """The dtype of the values of a schedule made of numbers of dtypes ``values``, at steps of dtype ``step``."""
    if mx.complex64 in (step, *values):
        raise TypeError(f"[schedule] {'step' if step == mx.complex64 else 'A value'} must be real, got complex64.")
    return mx.result_type(step if mx.issubdtype(step, mx.floating) else mx.float32, *values)


def eases() -> list[tuple[str, bool, str]]:
    """Every ease in the order of their codes: its name, whether it ends at its length, and what its parameter is."""
    return ease_functions.EASES


def is_tracer(a: mx.array) -> bool:
    """Whether a transformation is tracing ``a``, so that its value cannot be read.

    MLX doesn't tell. But an array that is computed from a traced one keeps its graph when it is evaluated.
    """
    probe, picture = mx.reshape(a, (a.size,)), io.StringIO()
    try:
        mx.eval(probe)
    except (ValueError, RuntimeError):  # within compile or vmap
        return True
    mx.export_to_dot(picture, probe)
    return "rectangle" in picture.getvalue()


def unstack(row: mx.array) -> list[mx.array]:
    """The elements of a row as scalars. mx.unstack would be faster, but fails in functions compiled for any shapes."""
    return [row[i] for i in range(row.size)]


def set_exporting(on: bool) -> bool:
    """Set whether schedules are exported, which changes nothing here: they are graphs of MLX's ops already."""
    before = exporting()
    _state.exporting = on
    return before


def exporting() -> bool:
    """Whether schedules are exported."""
    found: bool = getattr(_state, "exporting", False)
    return found


def instruction_set() -> str:
    return "MLX's own"


def gpu_kernels() -> str:
    return "MLX's own"
