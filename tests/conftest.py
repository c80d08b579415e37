import os
import pathlib
import tempfile
from collections.abc import Iterator

import mlx.core as mx
import pytest
from hypothesis import HealthCheck, settings

# Nothing here is limited in time, so that a busy machine fails no test: pytest tells where one that hangs is.
settings.register_profile("default", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", choices=["cpu", "gpu"], default="cpu", help="MLX's default device for the whole run")
    parser.addoption("--agx", action="store_true", help="tests/metal/agx too: root's rights, a network")


def pytest_configure(config: pytest.Config) -> None:
    # mx.compile on the CPU keeps its kernels in the temporary folder, and loads one there that another process is still
    # writing. So each of this run's processes has its own.
    folder = tempfile.TemporaryDirectory(prefix="mlx-kernels-")
    config.add_cleanup(folder.cleanup)
    os.environ["TMPDIR"] = folder.name
    if config.getoption("--device") == "gpu":
        mx.set_default_device(mx.gpu)  # fails here, not test by test, where there is none


def pytest_ignore_collect(collection_path: pathlib.Path, config: pytest.Config) -> bool | None:
    # Not skipped but left out: without a GPU it has no meaning, and it must not count as something that could have run.
    left_out = {"test_gpu.py": config.getoption("--device") == "cpu", "agx": not config.getoption("--agx")}
    return True if left_out.get(collection_path.name) else None


@pytest.fixture(autouse=True)
def the_same_default_device() -> Iterator[None]:
    """The fuzzer sets it, and threads that enter and leave `mx.stream` at once restore what another had set."""
    before = mx.default_device()
    yield
    mx.set_default_device(before)


@pytest.fixture
def cpu_only(the_same_default_device: None) -> None:
    """For float64, which MLX has on the CPU alone."""
    mx.set_default_device(mx.cpu)


@pytest.fixture
def closed_figures() -> Iterator[None]:
    """For matplotlib: no screen, and no figure is left open."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")
