"""Compile a Metal source for this machine, with one exported function per kernel that runs some threads of a grid.

    python compile.py [OPTION...] kernels.metal kernels.so [CONSTANT...]

The unmodified source is preprocessed with the metal_stdlib beside this file. The explicit instantiations with their
host names are removed, and for each of them a function is appended, whose types come from the kernel's signature.
Function constants get the given values, from the first index on, or none. OPTION is clang's, such as -O0. clang is
PyPI's `ziglang`; its C++ for OpenCL has Metal's address spaces.
"""

import pathlib
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

HERE = pathlib.Path(__file__).parent
ZIG = [sys.executable, "-m", "ziglang"]
MACHINE = platform.machine()
TARGET = ["-target", f"{MACHINE}-linux-gnu"]
LANGUAGE = ["-x", "clcpp", "-cl-std=CLC++2021", "-cl-no-stdinc", "-cl-single-precision-constant"]
LANGUAGE += [*TARGET, "-w"]
# fma and half need instructions instead of library calls. MLX's buffers on Linux begin 8 bytes after a multiple of 16,
# so vectors must not be assumed to be aligned; the emulated device checks offsets instead.
CODE = ["-O2", "-fPIC", "-fmax-type-align=1", *(["-mfma", "-mf16c"] if MACHINE == "x86_64" else [])]
GRID = {
    "thread_position_in_grid": "emulation::Position<{type}>::of(uint(t % width), uint(t / width))",
    "threads_per_grid": "emulation::Position<{type}>::of(width, height)",
}

# Metal contracts unless this pragma is there. Clang's C++ for OpenCL ignores the pragma, so an option replaces it.
CONTRACTION_OFF = re.compile(r"^\s*#pragma METAL fp contract\(off\)", re.MULTILINE)

INSTANTIATION = re.compile(
    r'template\s*\[\[host_name\((?P<name>(?:\s*"[^"]*")+)\)\]\]\s*\[\[kernel\]\]\s*'
    r"decltype\((?P<function>\w+)<(?P<arguments>[^>]*)>\)[^;]*;"
)


FUNCTION_CONSTANT = re.compile(r"__constant int (\w+) \[\[function_constant\((\w+)\)\]\];")


def parameters(source: str) -> dict[str, list[tuple[str, str]]]:
    """Return the attributes of each kernel's parameters, as pairs of name and argument."""
    kernels = {}
    for kernel in re.finditer(r"\[\[kernel\]\]\s*void\s+(\w+)\((.*?)\)\s*\{", source, re.DOTALL):
        attributes = re.findall(r"\[\[(\w+)(?:\((\w+)\))?\]\]", kernel[2])
        if len(attributes) != kernel[2].count(",") - len(re.findall(r"<[^<>]*,[^<>]*>", kernel[2])) + 1:
            raise SystemExit(f"{kernel[1]}: a parameter without an attribute")
        kernels[kernel[1]] = attributes
    return kernels


def check_pointers(source: str) -> None:
    """Check that every pointer and reference has an address space, as Metal requires. C++ for OpenCL has a default."""
    source = source[source.rindex("struct Slot") :]  # the part after our metal_stdlib
    names = r"\w*(?:char|short|int|long|float|half|void)(?:\d*_t|\d*)"
    names = "|".join([names, *re.findall(r"\b(?:typename|struct)\s+(\w+)", source)])
    for found in re.finditer(rf"([^;{{}}(,<]*)\b(?:vec<[^<>]*>|(?:{names})(?:<[^<>]*>)?)\s*[*&](?![=&])", source):
        if not re.search(r"__(?:global|constant|private|local)\b", found[1]):
            raise SystemExit(f"a pointer or reference without an address space: {found[0].strip()}")


class Kernel(NamedTuple):
    """An instantiation of a kernel."""

    name: str
    function: str
    attributes: list[tuple[str, str]]

    def parameter(self, i: int) -> str:
        return f"typename emulation::Signature<decltype({self.function})>::template parameter<{i}>"

    def slots(self) -> str:
        """Return code that lists the buffers that must be bound."""
        buffers = [
            (argument, f"emulation::Buffer<{self.parameter(i)}>")
            for i, (attribute, argument) in enumerate(self.attributes)
            if attribute == "buffer"
        ]
        slots = "".join(f"{{{index}, {kind}::size, {kind}::alignment}}, " for index, kind in buffers)
        return f'extern "C" __constant const emulation::Slot slots_{self.name}[] = {{{slots}{{-1, 0, 0}}}};\n'

    def run(self) -> str:
        arguments = [
            f"emulation::Buffer<{self.parameter(i)}>::at(buffers[{argument}])"
            if attribute == "buffer"
            else GRID[attribute].format(type=self.parameter(i))
            for i, (attribute, argument) in enumerate(self.attributes)
        ]
        return (
            f'extern "C" void run_{self.name}'
            "(__global const ulong* buffers, uint width, uint height, ulong from, ulong to) {\n"
            f"  for (ulong t = from; t < to; t++) {self.function}({', '.join(arguments)});\n}}\n"
        )


def within(functions: str) -> str:
    """Put functions into the namespace of the kernels."""
    return f"namespace mlx_schedules {{\n{functions}}}\n"


def clang(*arguments: str) -> str:
    done = subprocess.run([*ZIG, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def read(source: str, metal: pathlib.Path, *options: str, constants: Sequence[str] = ()) -> tuple[str, list[Kernel]]:
    """Write the source to `metal`. Return it preprocessed, without its instantiations, and the instantiations."""
    metal.write_text(source)
    specialised = f"-DMLXS_SPECIALISED={'true' if constants else 'false'}"
    text = clang("clang", *LANGUAGE, *options, specialised, "-I", str(HERE), "-E", "-P", str(metal))
    indices = re.findall(r"\w+", re.findall(r"enum FunctionConstant {([^}]*)}", text)[0])
    if constants and len(constants) != len(indices):
        raise SystemExit(f"{len(constants)} function constants for {len(indices)}")
    values = dict(zip(indices, constants or ["0"] * len(indices), strict=True))
    text = FUNCTION_CONSTANT.sub(lambda found: f"enum {{ {found[1]} = {values[found[2]]} }};", text)
    check_pointers(text)
    attributes = parameters(text)
    kernels = [
        Kernel(
            "".join(re.findall(r'"([^"]*)"', instance["name"])),
            f"{instance['function']}<{instance['arguments']}>",
            attributes[instance["function"]],
        )
        for instance in INSTANTIATION.finditer(text)
    ]
    return INSTANTIATION.sub("", text), kernels


def contraction(source: str) -> str:
    return "-ffp-contract=" + ("off" if CONTRACTION_OFF.search(source) else "fast")


def compile_metal(source: str, output: pathlib.Path, *constants: str, options: Sequence[str] = ()) -> None:
    code, object_ = output.with_suffix(".clcpp"), output.with_suffix(".o")
    text, kernels = read(source, output.with_suffix(".metal"), constants=constants)
    code.write_text(text + within("\n".join(kernel.slots() + kernel.run() for kernel in kernels)))
    clang("clang", *LANGUAGE, *CODE, *options, contraction(source), "-c", str(code), "-o", str(object_))
    clang("cc", "-shared", "-O2", *TARGET, str(object_), str(HERE / "bfloat.c"), "-o", str(output))


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if argument.startswith("-O")]
    metal, library, *values = [argument for argument in sys.argv[1:] if argument not in given]
    compile_metal(pathlib.Path(metal).read_text(), pathlib.Path(library), *values, options=given)
