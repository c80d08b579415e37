import os
import pathlib
import sys
from types import ModuleType

import emulated
import metal_cases
import pytest

# Where there is Metal its own GPU is tested; elsewhere the emulated device, which takes the CPU's stream and names that
# MLX's library has on a Mac.
collect_ignore = (
    ["test_metal.py", "test_metal_faults.py", "test_doctor.py"] if sys.platform == "darwin" else ["test_metal_gpu.py"]
)


@pytest.fixture(scope="session")
def build_folder(pytestconfig: pytest.Config) -> pathlib.Path:
    return pathlib.Path(pytestconfig.cache.mkdir("emulated-metal"))


@pytest.fixture(scope="session")
def extension_path(build_folder: pathlib.Path) -> pathlib.Path:
    """The shipped host code on the emulated device."""
    return emulated.build(build_folder, "shipped")


@pytest.fixture(scope="session")
def extension(extension_path: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The same in this process, with all kernels."""
    output = tmp_path_factory.mktemp("kernels") / "kernels.so"
    done = emulated.compile_kernels(emulated.source(output.parent), output)
    assert done.returncode == 0, done.stderr
    os.environ["MLXS_KERNELS"] = str(output)
    return metal_cases.load(str(extension_path))
