"""Compile a Metal source to Apple GPU machine code, in a library with an executor that the emulated device can load.

    python machine_code.py kernels.metal kernels.so [CONSTANT...]   # builds kernels when they are first launched
    python machine_code.py --build kernels NAME ...    # builds kernels now

../emulation/compile.py reads the source. clang compiles it to SPIR-V. Mesa's driver for Apple GPUs, running on its
stand-in for the device, compiles that to machine code, which machine.cpp executes. The folder `kernels` gets NAME.main,
NAME.preamble, and NAME.json with the driver's report.
"""

import ctypes
import json
import os
import pathlib
import re
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import root

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent))
import emulation.compile as emulation  # noqa: E402

# -O2 would create 128-bit integers, which SPIR-V lacks. Everything is inlined, because this GPU has no calls.
SPIRV = ["-x", "clcpp", "-cl-std=CLC++2021", "-cl-no-stdinc", "-cl-single-precision-constant", "-w"]
SPIRV += ["-O1", "-funroll-loops", "-mllvm", "-inline-threshold=1000000", "--target=spirv64-unknown-unknown"]
DRIVER = {
    "RUSTICL_ENABLE": "asahi",
    "LD_PRELOAD": "libasahi_noop_drm_shim.so",
    "AGX_MESA_DEBUG": "shaders,shaderdb,nopromote",  # keeps constants in the code, where the executor sees them
    "MESA_SHADER_CACHE_DISABLE": "true",
}
OPENCL = "ulong __attribute__((const, overloadable)) get_global_id(uint);\n"
POSITION = {
    "thread_position_in_grid": "emulation::Position<{type}>::of(uint(get_global_id(0)), uint(get_global_id(1)))",
    "threads_per_grid": "emulation::Position<{type}>::of(width, height)",
}
LAUNCHER = """extern "C" const struct Slot slots_{name}[];
extern "C" void run_{name}(const ulong* buffers, unsigned width, unsigned height, ulong first, ulong last) {{
  static const struct Kernel* kernel = machine_load("{name}", "{folder}/{name}", "{build} {name}");
  machine_run(kernel, slots_{name}, buffers, width | (ulong)height << 32, first, last);
}}
"""
DECLARATIONS = """typedef unsigned long ulong;
extern "C" const struct Kernel* machine_load(const char* name, const char* path, const char* build);
extern "C" void machine_run(const struct Kernel*, const struct Slot*, const ulong*, ulong, ulong, ulong);
"""


def entry(kernel: emulation.Kernel) -> str:
    parameters, arguments = [], []
    for i, (attribute, _) in enumerate(kernel.attributes):
        if attribute == "buffer":
            kind = f"emulation::Buffer<{kernel.parameter(i)}>"
            parameters.append(f"{kind}::pointer buffer{i}, ")
            arguments.append(f"{kind}::of(buffer{i})")
        else:
            arguments.append(POSITION[attribute].format(type=kernel.parameter(i)))
    return (
        f"__attribute__((reqd_work_group_size(256, 1, 1))) __kernel void {kernel.name}"
        f"({''.join(parameters)}uint width, uint height) {{ {kernel.function}({', '.join(arguments)}); }}\n"
    )


def used(assembly: str) -> list[int]:
    """Return the positions of the parameters that the kernel uses. The driver passes no others."""
    _, head, body = re.split(r"^define (.*spir_kernel .*)\n", assembly, maxsplit=1, flags=re.MULTILINE)
    body = body[: body.index("\n}\n")]
    names = re.findall(r" (%\w+)(?=[,)])", head)
    return [place for place, name in enumerate(names) if re.search(rf"{name}\b", body)]


def printed(source: str, contraction: str) -> tuple[str, list[int]]:
    """Return what the driver prints, and which parameters our kernel uses.

    The driver prints code and statistics of its own kernels and then, twice, of ours.
    """
    with tempfile.TemporaryDirectory(dir=root.ROOT / "tmp") as path:
        folder, clang = pathlib.Path(path), f"clang-{root.LLVM}"
        inside = f"/tmp/{folder.name}"
        (folder / "kernel.clcpp").write_text(source)
        (folder / "build.c").write_text((HERE / "build.c").read_text())
        root.run(clang, *SPIRV, contraction, "-emit-llvm", "-S", "kernel.clcpp", folder=inside)
        if contraction.endswith("fast"):  # SPIR-V forbids contraction by default
            with (folder / "kernel.ll").open("a") as file:
                file.write("!opencl.enable.FP_CONTRACT = !{}\n")
        parameters = used((folder / "kernel.ll").read_text())
        root.run(clang, SPIRV[-1], "-c", "kernel.ll", "-o", "kernel.spv", folder=inside)
        root.run(clang, "build.c", "-rdynamic", "-o", "build", "-lOpenCL", folder=inside)
        done = root.run("sh", "-c", "./build < kernel.spv", folder=inside, **DRIVER)
        return done.stdout + done.stderr, parameters


REGISTER = re.compile(r"[$^]?(d?)([ru])(\d+)([lh]?)((?:\.(?:sx|neg|abs))*)")  # $ and ^: hints about the last use
NUMBER = re.compile(r"-?\d+(\.\d+)?")


AXES = {"thread_in_grid_x": "r256", "thread_in_grid_y": "r257"}


@lru_cache(None)
def operand(text: str) -> str:
    """Return an operand as machine.cpp reads it: kind, index, bits, high, sign-extended, negative, absolute, value.

    The result is empty if the text isn't an operand.
    """
    if found := REGISTER.fullmatch(AXES.get(text, text)):
        wide, file, index, half, modifiers = found.groups()
        flags = (int(flag) for flag in (half == "h", "sx" in modifiers, "neg" in modifiers, "abs" in modifiers))
        return " ".join(map(str, ("ru".index(file), index, 64 if wide else 16 if half else 32, *flags, 0)))
    if not (found := NUMBER.fullmatch(text)):
        return ""
    if float(text) * 16 % 1:
        raise SystemExit(f"an immediate that is printed with six digits: {text}")
    value = struct.unpack("<I", struct.pack("<f", float(text)))[0] if found[1] else text
    return f"{3 if found[1] else 2} 0 32 0 0 0 0 {value}"


def decoded(lines: list[str]) -> str:
    """Translate lines such as `  1c: 9e0b8421  imul  $dr2, u2, ^r1.sx, lsl 2` to lines for machine.cpp."""
    parts = [line.split(maxsplit=3) for line in lines]
    at = {int(address[:-1], 16): i for i, (address, *_) in enumerate(parts)}
    return "".join(f"{instruction(at, *part)}\n" for part in parts)


def instruction(at: dict[int, int], address: str, _: str, name: str, rest: str = "") -> str:
    words, operands, listed = [word.strip() for word in rest.split(",")] if rest else [], [], []
    condition, shift, width, target = "-", 0, 0, 0
    if "load" in name or "store" in name:
        listed = [operand(word) for word in words.pop(0).split("_")]
    ignored = {"x", "xy", "xyz", "xyzw", "a", "b"} | ({"rtz" if name[0] == "f" else "rte"} if "_to_" in name else set())
    for word in words:
        if text := operand(word):
            operands.append(text)
        elif word.startswith("lsl "):
            shift = int(word[4:])
        elif word == "sat":
            name += "_sat"
        elif word in ("i8", "i16", "i32"):
            width = int(word[1:]) // 8
        elif word not in ignored:
            condition = word
    if name.startswith("jmp"):
        target = at[int(address[:-1], 16) + int(rest)]
    return " ".join(map(str, (name, condition, shift, width, target, len(listed), len(operands), *listed, *operands)))


def build(folder: pathlib.Path, name: str) -> None:
    text, parameters = printed((folder / f"{name}.clcpp").read_text(), (folder / "contraction").read_text())
    lines = re.findall(r"^ *[0-9a-f]+: [0-9a-f]{4,} +\w.*$", text, re.MULTILINE)
    ends = [i + 1 for i, line in enumerate(lines) if line.endswith(" stop")][-3:]
    statistics = re.findall(r"CS shader: (.*)", text)[-1]
    said = {what: int(number) for number, what in re.findall(r"(\d+) ([a-z ]+)", statistics)}
    said["spills"], said["fills"] = map(int, re.findall(r"(\d+):(\d+) spills", statistics)[0])
    (folder / f"{name}.json").write_text(json.dumps(said))
    (folder / f"{name}.parameters").write_text(" ".join(map(str, parameters)))
    (folder / f"{name}.preamble").write_text(decoded(lines[ends[1] : ends[2]]))
    (folder / f"{name}.main").write_text(decoded(lines[ends[0] : ends[1]]))


def build_all(folder: pathlib.Path, names: list[str]) -> None:
    """Build these kernels, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, [folder] * len(names), names))


def link(output: pathlib.Path, *parts: str) -> ctypes.CDLL:
    """Link the executor and other parts into a library, and load it."""
    machine = output.parent / "machine.o"
    if not machine.exists():
        made = machine.with_suffix(f".{os.getpid()}")  # other processes may compile it at the same time
        code = ["-std=c++20", "-O2", "-march=x86_64_v3", "-c", str(HERE / "machine.cpp")]
        emulation.clang("c++", "-fPIC", *emulation.TARGET, *code, "-o", str(made))
        made.replace(machine)
    emulation.clang("c++", "-shared", "-fPIC", *emulation.TARGET, str(machine), *parts, "-o", str(output))
    library = ctypes.CDLL(str(output))
    library.machine_try.restype = library.machine_counts.restype = ctypes.c_char_p
    return library


def compile_metal(source: str, output: pathlib.Path, *constants: str) -> list[str]:
    """Compile a source and return the names of its kernels."""
    folder = output.with_suffix("")
    folder.mkdir(exist_ok=True)
    bfloat = f'-DMLXS_BFLOAT="{HERE / "bfloat.h"}"'
    text, kernels = emulation.read(source, folder / "kernels.metal", bfloat, constants=constants)
    (folder / "contraction").write_text(emulation.contraction(source))
    slots, object_, launchers = folder / "slots.clcpp", folder / "slots.o", folder / "launchers.cpp"
    slots.write_text(text + emulation.within("".join(kernel.slots() for kernel in kernels)))
    emulation.clang("clang", *emulation.LANGUAGE, "-fPIC", "-c", str(slots), "-o", str(object_))
    command = f"{sys.executable} {__file__} --build {folder}"
    with launchers.open("w") as file:
        file.write(DECLARATIONS)
        for kernel in kernels:
            (folder / f"{kernel.name}.clcpp").write_text(text + OPENCL + emulation.within(entry(kernel)))
            file.write(LAUNCHER.format(name=kernel.name, folder=folder, build=command))
    link(output, str(launchers), str(object_))
    return [kernel.name for kernel in kernels]


if __name__ == "__main__":
    if sys.argv[1] == "--build":
        for name in sys.argv[3:]:
            build(pathlib.Path(sys.argv[2]), name)
    else:
        compile_metal(pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2]), *sys.argv[3:])
