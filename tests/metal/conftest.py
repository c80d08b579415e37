import os
import pathlib
import sys
from types import ModuleType

import emulated
import metal_cases
import pytest

# On a Mac, the real GPU is tested. Elsewhere the emulated device is, which takes over the CPU's stream and defines
# names that MLX's library has on a Mac.
collect_ignore = (
    ["test_metal.py", "test_metal_faults.py", "test_doctor.py"] if sys.platform == "darwin" else ["test_metal_gpu.py"]
)


@pytest.fixture(scope="session")
def build_folder(pytestconfig: pytest.Config) -> pathlib.Path:
    return pathlib.Path(pytestconfig.cache.mkdir("emulated-metal"))


@pytest.fixture(scope="session")
def extension_path(build_folder: pathlib.Path) -> pathlib.Path:
    """Build the shipped host code for the emulated device."""
    return emulated.build(build_folder, "shipped")


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Compile all kernels for the emulated device."""
    output = tmp_path_factory.mktemp("kernels") / "kernels.so"
    done = emulated.compile_kernels(emulated.source(output.parent), output)
    assert done.returncode == 0, done.stderr
    return output


@pytest.fixture(scope="session")
def extension(extension_path: pathlib.Path, kernels: pathlib.Path) -> ModuleType:
    """Load the extension into this process, with all kernels."""
    os.environ["MLXS_KERNELS"] = str(kernels)
    return metal_cases.load(str(extension_path))
