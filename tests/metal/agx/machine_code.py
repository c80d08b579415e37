"""Compile a Metal source to Apple GPU machine code, and that to what the emulated device loads: an executor with it.

    python machine_code.py kernels.metal kernels.so [kernel ...]

../emulation/compile.py reads the source. clang makes SPIR-V of it, Mesa's driver for Apple GPUs on its stand-in for the
device the machine code, which machine.cpp executes. kernels.json gets what the driver says of each kernel.
"""

import ctypes
import json
import pathlib
import re
import sys
from collections.abc import Container

import root

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent))
import emulation.compile as emulation  # noqa: E402

# -O2 makes integers of 128 bits, which SPIR-V has not. This GPU has no calls.
SPIRV = ["-x", "clcpp", "-cl-std=CLC++2021", "-cl-no-stdinc", "-cl-single-precision-constant", "-w"]
SPIRV += ["-O1", "-funroll-loops", "-mllvm", "-inline-threshold=1000000", "--target=spirv64-unknown-unknown"]
DRIVER = {
    "RUSTICL_ENABLE": "asahi",
    "LD_PRELOAD": "libasahi_noop_drm_shim.so",
    "AGX_MESA_DEBUG": "shaders,shaderdb,nopromote",  # constants stay in the code, where the executor sees them
    "MESA_SHADER_CACHE_DISABLE": "true",
}
# A kernel is known by the size of its threadgroup, which the driver prints; up to 384 threads it has no other effect.
FIRST_GROUP, LAST_GROUP = 129, 384
POSITION = {
    "thread_position_in_grid": "emulation::Position<{type}>::of(uint(get_global_id(0)), uint(get_global_id(1)))",
    "threads_per_grid": "emulation::Position<{type}>::of(width, height)",
}


LAUNCHER = """extern "C" const Slot slots_{name}[];
extern "C" void run_{name}(const uint64_t* buffers, uint32_t width, uint32_t height, uint64_t first, uint64_t last) {{
  static Kernel kernel("{name}", {preamble}, {main}, slots_{name});
  kernel.run(buffers, width, height, first, last);
}}
"""


def entry(kernel, group: int) -> str:
    parameters, arguments = [], []
    for i, (attribute, _) in enumerate(kernel.attributes):
        if attribute == "buffer":
            kind = f"emulation::Buffer<{kernel.parameter(i)}>"
            parameters.append(f"{kind}::pointer buffer{i}, ")
            arguments.append(f"{kind}::of(buffer{i})")
        else:
            arguments.append(POSITION[attribute].format(type=kernel.parameter(i)))
    return (
        f"__attribute__((reqd_work_group_size({group}, 1, 1))) __kernel void {kernel.name}"
        f"({''.join(parameters)}uint width, uint height) {{ {kernel.function}({', '.join(arguments)}); }}\n"
    )


def machine_code(text: str, contraction: str) -> str:
    """What the driver prints: the code and statistics of each kernel."""
    with root.folder() as folder:
        inside = "/" + str(folder.relative_to(root.ROOT))
        (folder / "kernels.clcpp").write_text(text)
        (folder / "build.c").write_text(root.HOST.read_text())
        clang = f"clang-{root.LLVM}"
        root.run(clang, *SPIRV, contraction, "-emit-llvm", "-S", "kernels.clcpp", folder=inside)
        if contraction.endswith("fast"):  # else SPIR-V forbids it
            with (folder / "kernels.ll").open("a") as file:
                file.write("!opencl.enable.FP_CONTRACT = !{}\n")
        root.run(clang, SPIRV[-1], "-c", "kernels.ll", "-o", "kernels.spv", folder=inside)
        root.run(clang, "build.c", "-o", "build", "-lOpenCL", folder=inside)
        done = root.run("sh", "-c", "./build < kernels.spv 2>&1", folder=inside, **DRIVER)
    return done.stdout


LINE = re.compile(
    r"workgroup_size: (?P<group>\d+),.*|(?P<code> *[0-9a-f]+: [0-9a-f]{4,} +(?P<name>\w+).*)|CS shader: (?P<said>.*)"
)


def programs(printed: str) -> dict[int, tuple[str, str, dict[str, int]]]:
    """By the size of the threadgroup: the main program, the preamble, and what the driver says of both. It builds each
    kernel twice, the second time for a grid that begins at 0."""
    found, group, texts, lines = {}, 0, [], []
    for line in map(LINE.fullmatch, printed.splitlines()):
        if not line:
            continue
        if line["group"]:
            group, texts = int(line["group"]), []
        elif line["said"]:
            said = {name: int(number) for number, name in re.findall(r"(\d+) ([a-z ]+)", line["said"])}
            spills, fills = re.findall(r"(\d+):(\d+) spills:fills", line["said"])[0]
            found[group] = (*texts, said | {"spills": int(spills), "fills": int(fills)})
        else:
            lines.append(line["code"])
            if line["name"] == "stop":
                texts.append("\n".join(lines))
                lines = []
    return found


def link(output: pathlib.Path, *parts: str) -> ctypes.CDLL:
    """A library of the executor and what else there is, loaded."""
    machine = ["-std=c++20", "-O2", "-march=x86_64_v3", "-I", str(HERE), "-x", "c++", str(HERE / "machine.cpp")]
    emulation.clang("c++", "-shared", "-fPIC", *emulation.TARGET, *machine, *parts, "-o", str(output))
    library = ctypes.CDLL(str(output))
    library.machine_try.restype = library.machine_counts.restype = ctypes.c_char_p
    return library


def compile_metal(source: str, output: pathlib.Path, names: Container[str] = ()) -> None:
    """All kernels, or those of these names."""
    bfloat = f'-DMLXS_BFLOAT="{HERE / "bfloat.h"}"'
    text, kernels = emulation.read(source, output.with_suffix(".metal"), bfloat)
    kernels = [kernel for kernel in kernels if not names or kernel.name in names]
    groups = range(FIRST_GROUP, FIRST_GROUP + len(kernels))
    assert groups[-1] <= LAST_GROUP
    entries = "".join(entry(kernel, group) for kernel, group in zip(kernels, groups, strict=True))
    position = "ulong __attribute__((const, overloadable)) get_global_id(uint);\n"
    found = programs(machine_code(text + position + entries, emulation.contraction(source)))
    slots, object_, functions = (output.with_suffix(suffix) for suffix in (".clcpp", ".o", ".cpp"))
    slots.write_text(text + "".join(kernel.slots() for kernel in kernels))
    emulation.clang("clang", *emulation.LANGUAGE, "-fPIC", "-c", str(slots), "-o", str(object_))
    said = {}
    with functions.open("w") as file:
        file.write('#include "machine.h"\n')
        for kernel, group in zip(kernels, groups, strict=True):
            main, preamble, said[kernel.name] = found[group]
            file.write(LAUNCHER.format(name=kernel.name, preamble=json.dumps(preamble), main=json.dumps(main)))
    library = link(output, str(functions), "-x", "none", str(object_))
    for group in groups:
        for text in found[group][:2]:
            if error := library.machine_try(text.encode(), None):
                raise SystemExit(error.decode())
    output.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    compile_metal(pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2]), sys.argv[3:])
