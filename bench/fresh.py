"""Times first calls in processes of their own, in which no kernel has been compiled and no cache is filled."""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable

import mlx.core as mx

from .measure import Call, seconds

ROOT = pathlib.Path(__file__).parent.parent


def fresh(make: Callable[..., Call], *arguments: object) -> Callable[[], float]:
    """Return a function that gives the seconds of a first call in a new process: the call of what `make` returns there.

    The time of `make` itself is not counted.
    """
    device = "gpu" if mx.default_device() == mx.gpu else "cpu"
    command = [sys.executable, "-m", __name__, json.dumps([device, make.__module__, make.__name__, *arguments])]

    def call() -> float:
        with tempfile.TemporaryDirectory() as empty:
            environment = os.environ | {"TMPDIR": empty, "MLX_PTX_CACHE_DIR": empty}
            run = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        return float(run.stdout)

    return call


def main() -> None:
    device, module, name, *arguments = json.loads(sys.argv[1])
    mx.set_default_device(getattr(mx, device))
    mx.eval(mx.array(1.0) + 1)  # initialises the device
    print(seconds(getattr(importlib.import_module(module), name)(*arguments), 1))


if __name__ == "__main__":
    main()
