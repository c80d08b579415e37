"""Tests against the real libraries. They need the extra `conformance` and run with ``pytest tests/conformance``."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest


@pytest.fixture(scope="session")
def command(tmp_path_factory):
    """Return a function that makes a trainer's command line for a folder of adapters."""
    import tiny  # needs mlx-lm, which most files here do without

    folder = tmp_path_factory.mktemp("tiny")
    tiny.save(folder)
    config = os.path.join(os.path.dirname(__file__), "lora.yaml")

    def arguments(adapters, *more):
        files = ["--model", str(folder / "model"), "--data", str(folder / "data"), "--adapter-path", str(adapters)]
        return ["--config", config, *files, *map(str, more)]

    return arguments
