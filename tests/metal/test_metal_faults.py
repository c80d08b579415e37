"""Seeded faults in the shipped kernels and host code: the cases that prove them must catch every one."""

import pathlib
from types import MappingProxyType

import emulated
import pytest

# What stands there, and what is put in its place.
KERNEL_FAULTS = MappingProxyType(
    {
        "init and end swapped": ("float(init[0]), float(end[0])", "float(end[0]), float(init[0])"),
        "bindings swapped": ("end [[buffer(kEnd)]]", "end [[buffer(kInit)]]"),
        "one step too many": ("i < Index(extent.count); i +=", "i <= Index(extent.count); i +="),
        "a thread's first step alone": ("i += Index(extent.threads), s += extent.apart", "i = Index(extent.count)"),
        "a thread's first step again": (", s += extent.apart", ""),
        "last steps forgotten": ("i < count; i += threads", "i < vectors * kVector; i += threads"),
        "one vector too many": ("i < vectors; i += threads", "i <= vectors; i += threads"),
        "threads do not stride": ("i < vectors; i += threads", "i < vectors; i += vectors"),
        "strides of another order": ("strides[k * extent.axes + axis]", "strides[axis * 4 + k]"),
        "remainder forgotten": ("Offset(rest - outer * Index(shape[axis]))", "Offset(rest)"),
        "unsigned offsets": ("int type, long i)", "int type, uint i)"),
        "one step for a vector": ("value(S(s[k]), d)", "value(S(s[0]), d)"),
        "contracted multiply-add": ("R x = v - C::center();", "R x = fused(n2.hi, rate.hi, -C::center());"),
        "fused multiply-add rounded twice": ("return metal::fma(a, b, c);", "return a * b + c;"),
        "32-bit overflow of index and offset": (
            "general_decay, S, Out, ulong, long",
            "general_decay, S, Out, uint, int",
        ),
        "32-bit overflow of the offset": ("general_decay, S, Out, ulong, long", "general_decay, S, Out, ulong, int"),
        "32-bit overflow of the index": ("general_decay, S, Out, ulong, long", "general_decay, S, Out, uint, long"),
        "wide steps cut": ("sizeof(S) > sizeof(U) && step > S(U(-1)) ? U(-1) : U(step)", "U(step)"),
        "negative steps": ("step = step < S(0) ? S(0) : step;", ""),
        "negative times": ("ulong(max(((const device int*)time)[i], 0))", "ulong(((const device int*)time)[i])"),
        "signed times": ("(((const device uint*)time)[i])", "(ulong(((const device int*)time)[i]))"),
        "fractions of T ignored": (" || t.fraction != R(0)", ""),
        "narrow too far": ("t.whole > (1u << 24)", "t.whole > (1u << 31)"),
        "T in 32 bits": ("if (t.whole >> 32)", "if (false)"),
    }
)
HOST_FAULTS = MappingProxyType(
    {
        "misspelt kernel": ('"cosine_decay_general_"', '"cosine_decay_genera_"'),
        "bindings swapped": ("inputs[k], k);", "inputs[k], k == kInit ? kEnd : k == kEnd ? kInit : k);"),
        "a binding forgotten": ("k < kOperands; k++", "k < kEnd; k++"),
        "wrong type of T": ("return kUint64;", "return kInt64;"),
        "grid a row short": (
            "(extent.threads + kRow - 1) / kRow)",
            "std::max<size_t>(extent.threads / kRow, 1))",
        ),
        "grid of no threads": ("(count + kPerThread - 1) / kPerThread", "count / kPerThread"),
        "alignment ignored": ("return step.offset() %", "return 0 *"),
        "donates what is held": ("any_order && step.is_donatable()", "any_order"),
        "donates what is too small": (" && step.itemsize() == out.itemsize();", ";"),
        "launches nothing's work": ("if (out.size() == 0)", "if (false)"),
        "32-bit offset of a piece": ("kOut, first * out.itemsize()", "kOut, int32_t(first * out.itemsize())"),
        "pieces too long": ("size_t(1) << 31", "size_t(1) << 33"),
        "threads across entries": ("extent.threads = entries * plan.entry();", "extent.threads = entries * plan.entry() + 1;"),
        "too near": ("extent.apart = entries * axes.stride(kStep, 0);", "extent.apart = axes.stride(kStep, 0);"),
        "init changes unseen": ("int k = kStep + 1; k < kOperands; k++", "int k = kInit + 1; k < kOperands; k++"),
        "T changes unseen": ("axes.stride(k, 0) != 0", "k != kDecaySteps && axes.stride(k, 0) != 0"),
        "end changes unseen": ("axes.stride(k, 0) != 0", "k != kEnd && axes.stride(k, 0) != 0"),
        "never large": ("bool large = plan.count > INT32_MAX || axes.reach > INT32_MAX", "bool large = false"),
        "reach ignored": (" || axes.reach > INT32_MAX", ""),
        "dense in another order": (
            "plan.count, step.strides(), step.flags()",
            "plan.count, out.strides(), out.flags()",
        ),
        "strides bound as shape": ("axes.strides, kStrides", "axes.strides, kShape"),
    }
)


def folder(name: str) -> str:
    return name.replace(" ", "_").replace("'", "")


@pytest.fixture(scope="session")
def faults(build_folder: pathlib.Path, extension_path: pathlib.Path) -> pathlib.Path:
    """The extensions with faults in the host code."""
    csrc = emulated.ROOT / "csrc"
    files = {file.name: file.read_text() for file in (csrc / "metal" / "eval.cpp", csrc / "plan.cpp")}
    for name, (before, after) in HOST_FAULTS.items():
        [file] = [file for file, text in files.items() if before in text]
        path = build_folder / "faults" / folder(name) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        faulty = files[file].replace(before, after)
        if not path.exists() or path.read_text() != faulty:
            path.write_text(faulty)
    emulated.build(build_folder, "faults")
    return build_folder


def caught(extension: pathlib.Path, kernels: pathlib.Path) -> str:
    """What the cases have to say; empty where they pass."""
    done = emulated.run_cases(extension, kernels)
    if done.returncode == 0:
        done = emulated.run_cases(extension, kernels, sparse=64, script="large_cases.py")
    return f"exit status {done.returncode}: {done.stderr[-500:]}" if done.returncode else ""


@pytest.fixture(scope="session")
def kernels(build_folder: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    output = tmp_path_factory.mktemp("shipped") / "kernels.so"
    done = emulated.compile_kernels(emulated.source(output.parent), output)
    assert done.returncode == 0, done.stderr
    return output


def test_without_a_fault_nothing_is_caught(extension_path: pathlib.Path, kernels: pathlib.Path) -> None:
    assert caught(extension_path, kernels) == ""


@pytest.mark.parametrize("name", KERNEL_FAULTS)
def test_faults_in_kernels(name: str, extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    before, after = KERNEL_FAULTS[name]
    text = emulated.source(tmp_path)
    assert before in text
    output = tmp_path / "kernels.so"
    done = emulated.compile_kernels(text.replace(before, after), output)
    assert done.returncode == 0, done.stderr
    message = caught(extension_path, output)
    assert message
    print(message)


def test_the_pragma_keeps_products_apart(extension_path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """The same product, of one use so that it may be contracted: the emulation does unless the pragma forbids it."""
    text = emulated.source(tmp_path).replace("R x = v -", "R x = mul(n2.hi + n2.hi, R(0.5) * rate.hi) -")
    for name, source in (("kept", text), ("contracted", text.replace("#pragma METAL fp contract(off)", ""))):
        output = tmp_path / f"{name}.so"
        assert emulated.compile_kernels(source, output).returncode == 0
        assert bool(caught(extension_path, output)) == (name == "contracted")


@pytest.mark.parametrize("name", HOST_FAULTS)
def test_faults_in_host_code(name: str, faults: pathlib.Path, kernels: pathlib.Path) -> None:
    message = caught(faults / folder(name) / "_ext.abi3.so", kernels)
    assert message
    print(message)
