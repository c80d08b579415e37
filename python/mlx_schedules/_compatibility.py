"""Which of the compiled modules is for the MLX that is installed."""

import importlib
import importlib.metadata
import importlib.util
import pathlib
import sys

from ._build import MLX_VERSIONS


def version() -> str:
    """This package's own version."""
    return importlib.metadata.version("mlx-schedules")


def module_folder() -> str:
    """Where the compiled module for the installed MLX lies; an ImportError that names the fix where none would load."""
    if not _in_main_interpreter():
        raise ImportError(
            "mlx-schedules works in Python's main interpreter only, as mlx does. In place of a subinterpreter use a "
            "thread, or a process (multiprocessing with the start method 'spawn')."
        )
    install = "cpu" if sys.platform.startswith("linux") else ""
    fix = f"pip install 'mlx{f'[{install}]' if install else ''}=={MLX_VERSIONS[-1]}'"
    supported = " to ".join(dict.fromkeys([MLX_VERSIONS[0], MLX_VERSIONS[-1]]))
    try:
        found = importlib.metadata.version("mlx")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(f"mlx-schedules needs mlx {supported}, and no mlx is installed. Run: {fix}") from None
    if found not in MLX_VERSIONS:
        raise ImportError(
            f"mlx-schedules {version()} was built for mlx {supported}, but mlx {found} is installed; "
            f"MLX's C++ interface changes with every release. Run: {fix}"
        )
    if not _has_backend():
        extra = "mlx-schedules[cpu] or mlx-schedules[cuda13]"
        raise ImportError(
            f"mlx {found} is installed without a backend (no libmlx beside it). Run: {fix} "
            f"(on Linux a backend comes from an extra: {extra})"
        )
    return str(pathlib.Path(__file__).parent / f"mlx-{found}")


def _in_main_interpreter() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # Python 3.13 renamed it
        if importlib.util.find_spec(name):
            interpreters = importlib.import_module(name)
            return bool(interpreters.get_current() == interpreters.get_main())
    return True  # a Python without subinterpreters


def _has_backend() -> bool:
    spec = importlib.util.find_spec("mlx")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return any(list(pathlib.Path(folder, "lib").glob("libmlx.*")) for folder in folders)
