"""Finds which MLX is installed, and decides whether the compiled op or MLX's own ops evaluate schedules."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import sys
import warnings
from typing import NamedTuple

try:
    from ._build import MLX_VERSIONS
except ImportError:  # installed without the extension
    MLX_VERSIONS = []

OLDEST_MLX = (0, 32, 0)  # with older releases, mx.jvp of mx.where ends the process
VARIABLE = "MLX_SCHEDULES_EXTENSION"
_FOLDER = pathlib.Path(__file__).parent


class Backend(NamedTuple):
    """How schedules are evaluated, on which devices, and why."""

    name: str
    devices: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        how = "the compiled op" if self.name == "compiled" else "MLX's own ops"
        return f"{how} on {' and '.join(self.devices)} ({self.reason})"


def version() -> str:
    """Return this package's version."""
    import importlib.metadata  # only when needed, because importing it takes longer than this whole package

    return importlib.metadata.version("mlx-schedules")


def backend() -> Backend:
    """Tell how schedules are evaluated.

    Returns:
        Backend: A named tuple. ``name`` is ``"compiled"`` where the op that is built for the installed MLX is in use,
        and ``"ops"`` where schedules are graphs of MLX's own ops, whose accuracy :func:`exporting` states. ``devices``
        names the devices on which MLX runs it: ``"cpu"``, and ``"metal"`` or ``"cuda"`` where there is one. ``reason``
        says why this one is in use.

    Example:
        >>> import mlx_schedules as ms
        >>> name, devices, reason = ms.backend()
        >>> name in ("compiled", "ops"), devices[0]
        (True, 'cpu')
    """
    import mlx.core as mx

    gpus = [name for name in ("metal", "cuda") if hasattr(mx, name) and getattr(mx, name).is_available()]
    return Backend(_chosen, ("cpu", *gpus), _reason)


def described() -> str:
    """Return a line with this package's version and how schedules are evaluated."""
    return f"mlx-schedules {version()}, evaluated by {backend()}"


def _choose() -> tuple[str, str]:
    if not _in_main_interpreter():
        raise ImportError(
            "mlx-schedules works in Python's main interpreter only, as mlx does. In place of a subinterpreter use a "
            "thread, or a process (multiprocessing with the start method 'spawn')."
        )
    mlx = mlx_version()
    if tuple(map(int, re.findall(r"\d+", mlx)[:3])) < OLDEST_MLX:
        oldest = ".".join(map(str, OLDEST_MLX))
        raise ImportError(f"mlx-schedules needs mlx {oldest} or later, but mlx {mlx} is installed. Run: {_fix()}")
    if os.environ.get(VARIABLE) == "0":
        return "ops", f"{VARIABLE} is 0"
    if mlx in MLX_VERSIONS:
        return "compiled", f"built for mlx {mlx}"
    if not MLX_VERSIONS:
        return "ops", "installed without the compiled op"
    releases = " to ".join(dict.fromkeys([MLX_VERSIONS[0], MLX_VERSIONS[-1]]))
    return "ops", f"built for mlx {releases}, and mlx {mlx} is installed"


def mlx_version() -> str:
    try:
        import mlx.core as mx
    except ImportError as error:
        if importlib.util.find_spec("mlx") is None:
            raise ImportError(f"mlx-schedules needs mlx, and no mlx is installed. Run: {_fix()}") from None
        if _has_backend():
            raise
        extras = "mlx-schedules[cpu] or mlx-schedules[cuda13]"
        raise ImportError(
            f"mlx is installed without a backend (no libmlx beside it). Run: {_fix()} "
            f"(on Linux a backend comes from an extra: {extras})"
        ) from error
    return str(vars(mx)["__version__"])  # not in MLX's type stubs


def _fix() -> str:
    extra = f"[{_extra()}]" if sys.platform.startswith("linux") else ""
    newest = f"=={MLX_VERSIONS[-1]}" if MLX_VERSIONS else ""
    return f"pip install 'mlx{extra}{newest}'"


def _extra() -> str:
    """Return MLX's extra for the installed backend, because two backends must not be installed together."""
    import importlib.metadata

    installed = {found.name for found in importlib.metadata.distributions()}
    return next((extra for extra in ("cuda13", "cuda12") if f"mlx-cuda-{extra[4:]}" in installed), "cpu")


def _in_main_interpreter() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # Python 3.13 renamed it
        if name in sys.builtin_module_names or importlib.util.find_spec(name):
            interpreters = importlib.import_module(name)
            return bool(interpreters.get_current() == interpreters.get_main())
    return True  # a Python without subinterpreters


def _has_backend() -> bool:
    spec = importlib.util.find_spec("mlx")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return any(list(pathlib.Path(folder, "lib").glob("libmlx.*")) for folder in folders)


def module_folder() -> str | None:
    """Return the folder of the compiled module for the installed MLX, or None with a warning if there is none."""
    if _chosen == "compiled":
        return str(_FOLDER / f"mlx-{mlx_version()}")
    if os.environ.get(VARIABLE) != "0":  # no warning for users who have asked for it
        warnings.warn(
            f"mlx-schedules is {_reason}, so schedules are evaluated by MLX's own ops: the same values within "
            f"8 ULP, but several nodes of MLX's graph for each call instead of one. For the compiled op, install an "
            f"MLX that it is built for ({_fix()}), or build it for this one, which takes a C++20 compiler "
            f"(MLX_VERSIONS={mlx_version()} pip install --force-reinstall --no-deps --no-binary mlx-schedules "
            f"mlx-schedules).",
            RuntimeWarning,
            stacklevel=3,
        )
    return None


_chosen, _reason = _choose()
