import inspect
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import mlx.core as mx
import pytest
from hypothesis import HealthCheck, settings

import mlx_schedules as ms
from mlx_schedules import _compatibility
from support.helpers import needs

# No test has a time limit, so that none fails on a busy machine. pytest tells where a test hangs.
settings.register_profile("default", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

HERE = pathlib.Path(__file__).parent
DEFAULT = "not slow"  # as in pyproject.toml
SLOW = 8  # tests that take more seconds of CPU time should be marked slow
BEGIN, OWN = pytest.StashKey[float](), pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", choices=["cpu", "gpu"], default="cpu", help="MLX's default device for the whole run")
    parser.addoption("--agx", action="store_true", help="tests/metal/agx too: root's rights, a network")


def pytest_configure(config: pytest.Config) -> None:
    # mx.compile on the CPU keeps its kernels in the temporary folder, and may load one that another process is still
    # writing. So each process of this run has its own folder.
    folder = tempfile.TemporaryDirectory(prefix="mlx-kernels-")
    config.add_cleanup(folder.cleanup)
    os.environ["TMPDIR"] = folder.name
    if config.getoption("--device") == "gpu":
        mx.set_default_device(mx.gpu)  # without a GPU this fails here, and not in every test
        os.environ["MLX_ENABLE_TF32"] = "0"  # CUDA's products of float32 matrices would have 11 bits
    if config.option.markexpr == DEFAULT and any("::" in argument for argument in config.args):
        config.option.markexpr = ""  # a test that is named runs even if it is slow


def pytest_ignore_collect(collection_path: pathlib.Path, config: pytest.Config) -> bool | None:
    # Left out rather than skipped, because these tests have no meaning here and must not count as skipped.
    on_gpu = config.getoption("--device") == "gpu"
    left_out = {
        "test_gpu.py": not on_gpu,
        "metal": on_gpu and sys.platform != "darwin",  # the emulated device, which runs on the CPU
        "agx": not config.getoption("--agx"),
    }
    return True if left_out.get(collection_path.name) and collection_path.is_relative_to(HERE) else None


def pytest_report_header() -> str:
    return _compatibility.described()


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by marker
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for folder in ("metal", "numerics"):  # both test the kernels
            if item.path.is_relative_to(HERE / folder):
                item.add_marker(folder)
                item.add_marker("extension")
        if isinstance(item, pytest.Function) and starts_processes(inspect.unwrap(item.function), set()):
            item.add_marker("processes")
    if ms.backend().name == "ops":  # MLX_SCHEDULES_EXTENSION=0, or an MLX without a compiled module
        left_out = [item for item in items if item.get_closest_marker("extension")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def starts_processes(function: Any, seen: set[str]) -> bool:
    """Tell whether a function uses subprocess, directly or through functions of its module."""
    names = set(function.__code__.co_names) - seen
    seen |= names
    called = (function.__globals__.get(name) for name in names)
    return "subprocess" in names or any(starts_processes(f, seen) for f in called if inspect.isfunction(f))


def cpu_time() -> float:
    """Return the CPU seconds of this process and of the processes that it has waited for."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.stash[BEGIN] = cpu_time()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    begin = cpu_time()
    try:
        return (yield)
    finally:
        item.stash[OWN] = cpu_time() - begin  # without fixtures, which other tests may share


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        unmarked = item.get_closest_marker("slow") is None
        times = {"cpu time": cpu_time() - item.stash[BEGIN], "unmarked": item.stash.get(OWN, 0.0) if unmarked else 0.0}
        item.user_properties.extend(times.items())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the CPU time, which hardly depends on how busy the machine is, and tests that should be marked slow."""
    reports = [report for report in terminalreporter.getreports("") if report.when == "teardown"]
    times = {report.nodeid: dict(report.user_properties) for report in reports}
    for name, of in sorted(times.items()):
        if of["unmarked"] > SLOW:
            terminalreporter.write_line(f"not marked slow, {of['unmarked']:.0f} s of CPU time: {name}")
    if times:
        terminalreporter.write_line(f"CPU time of the tests: {sum(of['cpu time'] for of in times.values()):.0f} s")


@pytest.fixture(autouse=True)
def the_same_default_device() -> Iterator[None]:
    """Restore the default device, which the fuzzer sets, and which threads that use `mx.stream` at once may change."""
    before = mx.default_device()
    yield
    mx.set_default_device(before)


@pytest.fixture
def cpu_only(the_same_default_device: None) -> None:
    """Run a test on the CPU, because MLX has float64 only there."""
    mx.set_default_device(mx.cpu)


@pytest.fixture
def closed_figures() -> Iterator[None]:
    """Use matplotlib without a screen, and close all figures at the end."""
    needs("plotext")  # draws in the terminal what matplotlib draws elsewhere
    needs("matplotlib").use("agg")
    import matplotlib.pyplot as plt

    yield
    plt.close("all")
