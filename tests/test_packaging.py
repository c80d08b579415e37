"""What breaks other compiled MLX extensions: rpaths, nanobind's tag, versions, import order, instruction sets."""

import ast
import importlib.metadata
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any

import mlx.core as mx
import pytest

import mlx_schedules as ms
from mlx_schedules import _build, _compatibility, _ext
from support.helpers import needs

lief = needs("lief")

REPOSITORY = pathlib.Path(__file__).parent.parent
PACKAGE = pathlib.Path(ms.__file__).parent
MLX = pathlib.Path(next(iter(importlib.util.find_spec("mlx").submodule_search_locations)))


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("first", ["mlx_schedules", "mlx.core"])
def test_mlx_or_this_package_may_be_imported_first(first):
    run = python(
        f"import {first}\nimport mlx.core as mx, mlx_schedules as ms\nprint(ms.cosine_decay(1.0, 2)(mx.array(1)))"
    )
    assert run.stdout == "array(0.5, dtype=float32)\n", run.stderr


MODULES = [PACKAGE / f"mlx-{version}" / "_ext.abi3.so" for version in _build.MLX_VERSIONS]


def rpaths(binary: Any) -> list[str]:
    if sys.platform == "darwin":
        return [str(c.path) for c in binary.commands if isinstance(c, lief.MachO.RPathCommand)]
    tags = (lief.ELF.DynamicEntry.TAG.RUNPATH, lief.ELF.DynamicEntry.TAG.RPATH)
    entries = [e.runpath if e.tag == tags[0] else e.rpath for e in binary.dynamic_entries if e.tag in tags]
    return [path for entry in entries for path in entry.split(":")]


@pytest.mark.extension
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.parent.name)
def test_a_module_finds_its_libraries_and_names_no_path_of_its_builder(module):
    origin = "@loader_path" if sys.platform == "darwin" else "$ORIGIN"
    assert rpaths(lief.parse(module)) == [f"{origin}/../lib", f"{origin}/../../mlx/lib"]
    for library in lief.parse(module).libraries:
        assert not str(library).startswith(str(REPOSITORY))
    (shared,) = PACKAGE.glob("lib/libmlx_schedules.*")
    assert rpaths(lief.parse(shared)) == []
    assert (PACKAGE.parent / "mlx" / "lib").exists()


@pytest.mark.extension
def test_the_module_is_the_one_for_the_installed_mlx():
    assert importlib.metadata.version("mlx") in _build.MLX_VERSIONS
    assert pathlib.Path(_ext.__file__).parent.name == f"mlx-{importlib.metadata.version('mlx')}"
    assert sorted(PACKAGE.glob("mlx-*/_ext.abi3.so")) == sorted(MODULES)


@pytest.mark.extension
def test_the_wheel_is_for_every_python_and_carries_its_types():
    files = {pathlib.Path(f).name: f for f in importlib.metadata.files("mlx-schedules")}
    assert ".abi3." in pathlib.Path(_ext.__file__).name
    assert {"py.typed", "_ext.pyi", "_build.py"} <= files.keys()
    (wheel,) = (f.read_text() for f in importlib.metadata.files("mlx-schedules") if f.name == "WHEEL")
    assert "Tag: cp310-abi3-" in wheel


@pytest.mark.extension
def test_the_stub_is_what_stubgen_makes_of_the_module(tmp_path):
    stub = tmp_path / "_ext.pyi"
    subprocess.run([sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "mlx_schedules._ext", "-o", stub], check=True)
    assert ast.dump(ast.parse(stub.read_text())) == ast.dump(ast.parse((PACKAGE / "_ext.pyi").read_text()))


def test_the_version_is_in_one_place():
    assert ms.__version__ == importlib.metadata.version("mlx-schedules")
    assert f'version = "{ms.__version__}"' in (REPOSITORY / "pyproject.toml").read_text()


NEWEST = _build.MLX_VERSIONS[-1]
SUPPORTED = " to ".join(dict.fromkeys([_build.MLX_VERSIONS[0], NEWEST]))
WITH_MLX = """
import sys, mlx.core as mx
mx.__version__ = {version!r}
import mlx_schedules as ms
assert not any(name.endswith("_ext") and "mlx_schedules._graph" not in module.__name__
               for name, module in sys.modules.items() if name.startswith("mlx_schedules")), "it was loaded"
print(ms.backend())
print(ms.warmup_cosine(1.0, 100, warmup=10)(mx.array([0, 5, 10, 100])))
"""


@pytest.mark.extension
@pytest.mark.parametrize("other", ["0.32.1", "0.33.0", NEWEST + ".dev20270101"])
def test_another_mlx_is_served_by_its_own_ops_with_a_warning_and_no_module_is_loaded(other):
    run = python(WITH_MLX.format(version=other))
    reason = f"built for mlx {SUPPORTED}, and mlx {other} is installed"
    assert run.stdout.splitlines() == [
        f"MLX's own ops on {' and '.join(ms.backend().devices)} ({reason})",
        "array([0, 0.5, 1, 0], dtype=float32)",
    ]
    assert run.stderr.count("RuntimeWarning") == 1
    assert f"mlx-schedules is {reason}, so schedules are evaluated by MLX's own ops" in run.stderr
    assert f"MLX_VERSIONS={other} pip install --force-reinstall --no-deps --no-binary mlx-schedules" in run.stderr
    assert sys.platform == "darwin" or re.search(
        rf"pip install 'mlx\[(cpu|cuda1[23])\]=={re.escape(NEWEST)}'", run.stderr
    )


@pytest.mark.skipif(sys.platform == "darwin", reason="MLX has no extras there")
def test_the_advised_mlx_keeps_its_backend(tmp_path):
    installed = tmp_path / "mlx_cuda_13-0.32.4.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mlx-cuda-13\nVersion: 0.32.4\n")
    run = python(WITH_MLX.format(version="0.28.0"), PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert f"pip install 'mlx[cuda13]=={NEWEST}'" in run.stderr


@pytest.mark.parametrize("version", ["0.28.0", "0.31.2"])
def test_an_mlx_that_is_too_old_is_named_with_the_fix(version):
    message = python(WITH_MLX.format(version=version)).stderr.splitlines()[-1]
    assert message.startswith(
        f"ImportError: mlx-schedules needs mlx 0.32.0 or later, but mlx {version} is installed. Run: pip"
    )


def test_a_missing_mlx_is_named_with_the_fix():
    run = python("import sys\nsys.modules['mlx'] = None\nimport mlx_schedules")
    assert "mlx-schedules needs mlx, and no mlx is installed. Run: pip install 'mlx" in run.stderr.splitlines()[-1]


def test_an_mlx_without_a_backend_is_named_with_the_fix(tmp_path):
    (tmp_path / "mlx").mkdir()
    (tmp_path / "mlx" / "__init__.py").touch()
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    run = python("import mlx_schedules", PYTHONPATH=paths)
    message = run.stderr.splitlines()[-1]
    assert message.startswith("ImportError: mlx is installed without a backend")
    assert "mlx-schedules[cpu] or mlx-schedules[cuda13]" in message


@pytest.mark.extension
def test_backend_and_version_name_the_module_in_use():
    installed = importlib.metadata.version("mlx")
    assert ms.backend()[::2] == ("compiled", f"built for mlx {installed}")
    run = subprocess.run([sys.executable, "-m", "mlx_schedules", "--version"], capture_output=True, text=True)
    assert run.stdout.split() == f"mlx-schedules {ms.__version__}, evaluated by {_compatibility.backend()}".split()


def test_doctor_has_nothing_to_compare_without_the_compiled_op():
    command = [sys.executable, "-m", "mlx_schedules", "doctor"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "MLX_SCHEDULES_EXTENSION": "0"})
    assert run.returncode == 0
    assert run.stdout.endswith("\nMLX's own ops evaluate schedules here, so there are no kernels to compare.\n")


IMPORTED = """
import sys, mlx.optimizers
before = set(sys.modules)
import mlx_schedules
print(*set(sys.modules) - before)
"""
# Importing any of these would add noticeably to the 0.09 s of CPU time that this package takes beyond mlx.core.
HEAVY = {"argparse", "asyncio", "email", "http", "importlib.metadata", "json", "logging", "matplotlib", "numpy"}
HEAVY |= {"random", "shutil", "socket", "ssl", "subprocess", "tempfile", "unittest", "yaml", "zipfile"}


@pytest.mark.parametrize("extension", ["0", pytest.param("1", marks=pytest.mark.extension)])
def test_importing_takes_nothing_that_is_seldom_needed(extension):
    run = python(IMPORTED, MLX_SCHEDULES_EXTENSION=extension)
    imported = set(run.stdout.split())
    assert "mlx_schedules.fast" in imported, run.stderr
    assert not HEAVY & imported
    assert not {name for name in imported if name.startswith(("mlx_schedules._commands", "mlx_schedules._mlx_lm"))}
    assert ("mlx_schedules._graph.module" in imported) == (extension == "0")


@pytest.mark.slow
@pytest.mark.parametrize("required", ["", "1"])
def test_without_a_compiler_the_python_files_are_built(required, tmp_path):
    environment = {"CXX": "/nonexistent", "CC": "/nonexistent", "MLX_SCHEDULES_REQUIRE_EXTENSION": required}
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-v",
        "--no-deps",
        "-w",
        tmp_path,
        REPOSITORY,
    ]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    if required:
        assert run.returncode != 0
        return
    assert run.returncode == 0, run.stderr
    assert "The compiled op could not be built" in run.stdout + run.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    values = python(
        "import mlx.core as mx, mlx_schedules as ms\nprint(ms.backend().reason, ms.constant(2.0)(mx.array(1)))",
        PYTHONPATH=str(wheel),
    )
    assert values.stdout == "installed without the compiled op array(2, dtype=float32)\n", values.stderr


def tags(mlx: pathlib.Path) -> list[str]:
    script = REPOSITORY / "cmake" / "nanobind_tag.py"
    run = subprocess.run([sys.executable, script, mlx], capture_output=True, text=True, check=True)
    return run.stdout.strip().split(";")


def another_tag(folder: pathlib.Path) -> pathlib.Path:
    """Return a copy of the installed mlx whose core claims to have nanobind's previous internals."""
    mlx = folder / "mlx"
    shutil.copytree(MLX / "share", mlx / "share")
    for name in ("include", "lib"):
        (mlx / name).symlink_to(MLX / name)
    (core,) = MLX.glob("core.*.so")
    old, new = tags(MLX)[0].encode(), str(int(tags(MLX)[0]) - 1).encode()
    patched = re.sub(rb"(nanobind_system_[!-~]*?_v|\0v)" + old, rb"\g<1>" + new, core.read_bytes())
    (mlx / core.name).write_bytes(patched)
    return mlx


@pytest.mark.extension
def test_configuring_stops_where_nanobinds_tags_differ(tmp_path):
    assert tags(MLX)[0] == tags(MLX)[1] == _build.NANOBIND_TAG
    mlx = another_tag(tmp_path)
    cmake = [
        sys.executable,
        "-m",
        "cmake",
        "-S",
        REPOSITORY,
        "-B",
        tmp_path / "build",
        f"-DPython_EXECUTABLE={sys.executable}",
    ]
    run = subprocess.run([*cmake, f"-DMLX_PACKAGES={NEWEST}={mlx}"], capture_output=True, text=True)
    assert run.returncode != 0
    message = " ".join(run.stderr.split())
    tag = int(_build.NANOBIND_TAG)
    assert f"mlx {NEWEST} was built with nanobind internals v{tag - 1}" in message
    assert f"nanobind {_build.NANOBIND_VERSION} has v{tag}" in message
    assert "Build in isolation" in message


CHECKSUM = """
import hashlib, mlx.core as mx, mlx_schedules as ms, numpy as np
from mlx_schedules import _ext
rng, digest = np.random.default_rng(5), hashlib.sha256()
mx.set_default_device(mx.cpu)
for total in (1, 1000, 2**24, 2**24 + 1, 2**32 - 1, 2**40, 1000.25, 2**24 + 0.0):
    for dtype in (np.uint8, np.int16, np.uint32, np.int64, np.uint64, np.float16, np.float32, np.float64):
        top = min(int(total * 1.1) + 2, np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 60000)
        steps = mx.array(rng.integers(0, top, 700).astype(dtype))
        if dtype == np.float64:
            steps = steps.astype(mx.float64) + 0.25
        for schedule in (ms.cosine_decay(0.1, total, 0.001), ms.cosine_decay([0.1, 3.0, 7.0], total, [0.0, 1e-6, 1.0])):
            digest.update(np.array(schedule(steps)).tobytes())
print(_ext.instruction_set(), digest.hexdigest())
"""


@pytest.mark.extension
def test_every_instruction_set_gives_the_same_bits():
    levels = ["baseline", "avx2", "avx512"]
    best = _ext.instruction_set()
    results = [python(CHECKSUM, MLX_SCHEDULES_ISA=level) for level in levels[: levels.index(best) + 1]]
    assert [r.stdout.split()[0] for r in results] == levels[: len(results)], results[0].stderr
    assert len({r.stdout.split()[1] for r in results}) == 1
    assert python(CHECKSUM, MLX_SCHEDULES_ISA="avx9000").stdout.split()[0] == best


def test_ending_the_process_with_work_under_way_is_quiet():
    run = python(
        "import mlx.core as mx, mlx_schedules as ms\n"
        "keep = [ms.cosine_decay(0.1, 10**6)(mx.arange(10**6)) for _ in range(20)]\nmx.async_eval(keep)"
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_the_default_device_of_these_tests_is_what_was_asked_for(request):
    assert mx.default_device().type == getattr(mx, request.config.getoption("--device"))
