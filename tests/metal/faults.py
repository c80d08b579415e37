"""Seeded faults, which replace functions by name, so that they still apply when a function's body changes.

faults/kernels.metal and faults/host.cpp have one fault in each section, headed `// ---- what is wrong`: a function as
it would be with the fault. It replaces the function with that name and these parameters, which it may still call as
`right_NAME`. If a section is an enum, the enumerators of these names get its values.
"""

import pathlib
import re
from collections.abc import Iterator

FOLDER = pathlib.Path(__file__).parent / "faults"


def sections(file: str) -> dict[str, str]:
    _, *parts = re.split(r"^// ---- (.*)\n", (FOLDER / file).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


KERNELS, HOST = sections("kernels.metal"), sections("host.cpp")


def closing(source: str, start: int) -> int:
    """Return the index after the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(source)):
        depth += (source[i] in "({") - (source[i] in ")}")
        if depth == 0:
            return i + 1
    raise ValueError(f"nothing closes {source[start : start + 40]}")


def definitions(source: str, name: str) -> Iterator[tuple[int, str, int]]:
    """Yield the position, the parameters and the end of the body of each function of this name."""
    code = re.sub(r'//.*|"[^"\n]*"', lambda found: " " * len(found[0]), source)
    for found in re.finditer(rf"\b{name}\(", code):
        end = closing(code, found.end() - 1)
        if body := re.compile(r"(\s*const)?\s*\{").match(code, end):
            parameters = " ".join(code[found.end() : end - 1].split())
            yield found.start(), parameters, closing(code, body.end() - 1)


def target(source: str, fault: str) -> list[tuple[int, str, int]]:
    """Return the functions in the source that the fault could replace. There should be exactly one."""
    function = re.search(r"(\w+)\(", fault)
    assert function, fault
    wanted = next(definitions(fault, function[1]))[1]
    found = list(definitions(source, function[1]))
    return found if len(found) < 2 else [one for one in found if one[1] == wanted]


def seeded(source: str, fault: str) -> str:
    if fault.startswith("enum"):
        for name, value in re.findall(r"(\w+) = ([^,}]+)", fault):
            source, count = re.subn(rf"\b{name} = [^,}}\n]+", f"{name} = {value}", source)
            assert count == 1, f"{count} enumerators {name}"
        return source
    found = target(source, fault)
    assert len(found) == 1, f"{len(found)} functions to take the place of in\n{fault}"
    ((start, _, end),) = found
    return f"{source[:start]}right_{source[start:end]}\n{fault}{source[end:]}"
