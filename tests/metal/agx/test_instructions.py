"""Every instruction of machine.cpp against its definition, in Python's integers and gmpy2's float32."""

import ctypes
import math
import pathlib
import re
from collections.abc import Callable

import gmpy2
import numpy as np
import pytest
from machine_code import decoded, link

HERE = pathlib.Path(__file__).parent
IEEE = gmpy2.ieee(32)
M32, M64 = 2**32 - 1, 2**64 - 1


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return link(tmp_path_factory.mktemp("machine") / "machine.so")


def run(machine: ctypes.CDLL, lines: list[str], registers: np.ndarray) -> str:
    """Run instructions of two bytes each on 256 registers of 32 lanes, and return the machine's error, or ""."""
    text = decoded([f"{2 * i:4x}: 0000 {line}" for i, line in enumerate([*lines, "stop"])])
    return machine.machine_try(text.encode(), registers.ctypes.data_as(ctypes.c_void_p)).decode()


def inputs() -> np.ndarray:
    """Return registers with small and random integers, and with float32 zeros, subnormals, infinities and NaN."""
    random = np.random.default_rng(3)
    registers = random.integers(0, 2**32, (256, 32), np.uint32)
    floats = [0.0, -0.0, 1.0, -1.5, 1e-40, -1e-45, 3e38, np.inf, -np.inf, np.nan, 0.5, 2.0**24 + 2, 1e-20, 4e9, 7.75]
    for register in registers[:8]:
        near = np.array([*floats, *random.normal(size=9)], np.float32).view(np.uint32)
        register[:24] = random.permutation(near)
        register[24:28] = random.integers(0, 70, 4)
    registers[0] &= 0xFFFF0000  # r0l counts the nesting of each thread
    return registers


def real(bits: int) -> gmpy2.mpfr:
    x = float(np.uint32(bits & M32).view(np.float32))
    return gmpy2.mpfr(x if abs(x) >= 2**-126 or np.isnan(x) else np.copysign(0.0, x))


def half(bits: int) -> gmpy2.mpfr:
    return gmpy2.mpfr(float(np.uint16(bits & 0xFFFF).view(np.float16)))


def bits(x: gmpy2.mpfr) -> int:
    """Return the bits of x as a float32, or those of a zero with its sign if x is subnormal."""
    f = np.float32(float(x))
    return int((f if abs(f) >= 2**-126 or np.isnan(f) else np.copysign(np.float32(0), f)).view(np.uint32))


def signed(x: int, size: int = 32) -> int:
    return ((x & (1 << size) - 1) ^ 1 << size - 1) - (1 << size - 1)


def of_reals(f: Callable[..., gmpy2.mpfr]) -> Callable[..., int]:
    def definition(*values: int) -> int:
        with gmpy2.context(IEEE):
            return bits(f(*map(real, values)))

    return definition


def to_integer(a: int, least: int, most: int) -> int:
    x = float(real(a))
    return 0 if math.isnan(x) else least if x <= least else most if x >= most else math.trunc(x)


def to_half(a: int) -> int:
    with np.errstate(over="ignore"):
        return int(np.float16(float(real(a))).view(np.uint16))


# An instruction with operands r1, r2 and r3, and the result in r4 (or dr4) as a function of their bits.
Definition = tuple[str, Callable[[int, int, int], int]]
DEFINITIONS: dict[str, list[Definition]] = {
    "fadd": [
        ("r4, r1, r2", of_reals(lambda a, b, c: a + b)),
        ("r4, ^r1.neg, $r2.abs", of_reals(lambda a, b, c: -a + abs(b))),
        ("r4, r1.abs.neg, -0.25", of_reals(lambda a, b, c: -abs(a) - gmpy2.mpfr(0.25))),
        ("r4, r1h, -0.0", lambda a, b, c: bits(half(a >> 16))),
        ("r4l, r1, -0.0", lambda a, b, c: to_half(a)),
    ],
    "fmul": [("r4, r1, r2", of_reals(lambda a, b, c: a * b))],
    "ffma": [("r4, r1, r2.neg, r3", of_reals(lambda a, b, c: gmpy2.fma(a, -b, c)))],
    "trunc": [("r4, r1", of_reals(lambda a, b, c: gmpy2.rint_trunc(a)))],
    "rcp": [("r4, r1", of_reals(lambda a, b, c: 1 / a))],
    "u8_to_f": [("r4, r1l, rte", lambda a, b, c: bits(gmpy2.mpfr(a & 0xFF)))],
    "u16_to_f": [("r4, r1h, rte", lambda a, b, c: bits(gmpy2.mpfr(a >> 16)))],
    "u32_to_f": [("r4, r1, rte", lambda a, b, c: bits(gmpy2.mpfr(a)))],
    "s32_to_f": [("r4, r1, rte", lambda a, b, c: bits(gmpy2.mpfr(signed(a))))],
    "f_to_u32": [("r4, r1, rtz", lambda a, b, c: to_integer(a, 0, M32))],
    "f_to_s32": [("r4, r1, rtz", lambda a, b, c: to_integer(a, -(2**31), 2**31 - 1))],
    "mov": [("r4, r1", lambda a, b, c: a), ("dr4, dr1", lambda a, b, c: a | b << 32), ("r4, 7", lambda a, b, c: 7)],
    "ldimm": [("r4, 4294967292", lambda a, b, c: 4294967292), ("r4l, 5", lambda a, b, c: 5)],
    "not": [("r4, r1", lambda a, b, c: ~a)],
    "and": [("r4, r1, r2", lambda a, b, c: a & b), ("r4, r1h, 15", lambda a, b, c: a >> 16 & 15)],
    "or": [("r4, r1, r2", lambda a, b, c: a | b)],
    "xor": [("r4, r1, r2", lambda a, b, c: a ^ b)],
    "shl": [("r4, r1, r2", lambda a, b, c: a << (b & 127) & M32), ("r4, r1l, 9", lambda a, b, c: (a & 0xFFFF) << 9)],
    "shr": [("r4, r1, r2", lambda a, b, c: a >> (b & 127)), ("r4, r1, 8", lambda a, b, c: a >> 8)],
    "asr": [("r4, r1, 31, 0, 0", lambda a, b, c: signed(a) >> 31), ("r4, r1, 3, 0, 0", lambda a, b, c: signed(a) >> 3)],
    "extr": [
        ("r4, r1, r2, 30, 0", lambda a, b, c: (a | b << 32) >> 30 & M32),
        ("r4, r1, r2, 9, 12", lambda a, b, c: (a | b << 32) >> 9 & 0xFFF),
    ],
    "bfeil": [("r4, r1, r2, 6, 11", lambda a, b, c: a & ~0x7FF | b >> 6 & 0x7FF)],
    "ffs": [("r4, r1", lambda a, b, c: a.bit_length() - 1 & M32)],
    "iadd": [
        ("r4, r1.sx, r2.sx", lambda a, b, c: a + b),
        ("r4, r1, 1", lambda a, b, c: a + 1),
        ("dr4, dr1, r3.sx, lsl 3", lambda a, b, c: (a | b << 32) + (signed(c) << 3)),
        ("dr4, dr1, r3", lambda a, b, c: (a | b << 32) + c),
    ],
    "isub": [("r4, 0, r1.sx", lambda a, b, c: -a), ("dr4, dr1, r3", lambda a, b, c: (a | b << 32) - c)],
    "iadd_sat": [
        ("r4, r1, r2", lambda a, b, c: min(a + b, M32)),
        ("r4, r1.sx, r2.sx", lambda a, b, c: min(max(signed(a) + signed(b), -(2**31)), 2**31 - 1)),
    ],
    "isub_sat": [("r4, r1, r2", lambda a, b, c: max(a - b, 0)), ("r4, 2, r1", lambda a, b, c: max(2 - a, 0))],
    "imul": [
        ("r4, r1.sx, r2.sx", lambda a, b, c: a * b),
        ("dr4, r1, r2", lambda a, b, c: a * b),
        ("dr4, r1.sx, r2.sx", lambda a, b, c: signed(a) * signed(b)),
    ],
    "imadd": [
        ("r4, r1.sx, r2.sx, r3.sx", lambda a, b, c: a * b + c),
        ("dr4, r1, r2, r3, lsl 2", lambda a, b, c: a * b + 4 * c),
    ],
}
CONDITIONS: dict[str, Callable[[int, int], bool]] = {
    "ieq": lambda a, b: a == b,
    "ine": lambda a, b: a != b,
    "ult": lambda a, b: a < b,
    "ugt": lambda a, b: a > b,
    "ugte": lambda a, b: a >= b,
    "slt": lambda a, b: signed(a) < signed(b),
    "sgt": lambda a, b: signed(a) > signed(b),
    "sgte": lambda a, b: signed(a) >= signed(b),
    "feq": lambda a, b: real(a) == real(b),
    "fneq": lambda a, b: real(a) != real(b),
    "flt": lambda a, b: real(a) < real(b),
    "fgt": lambda a, b: real(a) > real(b),
    "flte": lambda a, b: real(a) <= real(b),
    "fgte": lambda a, b: real(a) >= real(b),
}
ELSEWHERE = {"exp2", "csel", "if", "else", "while", "pop_exec", "jmp_none", "jmp_any", "load", "store", "stop", "wait"}
ELSEWHERE |= {"stack_load", "stack_store", "stack_adjust"}


def same(value: int, expected: int, size: int, real: bool) -> bool:
    """Tell whether two results are equal, ignoring the payload and sign of a NaN."""
    is_nan = {16: lambda x: x & 0x7FFF > 0x7C00, 32: lambda x: x & 0x7FFFFFFF > 0x7F800000}.get(size)
    return value == expected or (real and is_nan is not None and is_nan(value) and is_nan(expected))


CASES = [(name, *case) for name, cases in DEFINITIONS.items() for case in cases]


@pytest.mark.parametrize(("name", "operands", "definition"), CASES, ids=[f"{name} {text}" for name, text, _ in CASES])
def test_definitions(machine: ctypes.CDLL, name: str, operands: str, definition: Callable[..., int]) -> None:
    before = inputs()
    after = before.copy()
    assert run(machine, [f"{name} {operands}"], after) == ""
    destination = operands.split(",")[0]
    size = 64 if destination[0] == "d" else 16 if destination[-1] == "l" else 32
    for lane in range(32):
        value = int(after[4, lane]) | int(after[5, lane]) << 32
        expected = definition(*(int(before[k, lane]) for k in (1, 2, 3)))
        real = name in ("fadd", "fmul", "ffma", "trunc", "rcp")
        assert same(value & (1 << size) - 1, expected & (1 << size) - 1, size, real), lane
        if size == 16:
            assert value >> 16 & 0xFFFF == int(before[4, lane]) >> 16
    after[4:6] = before[4:6]
    assert (after == before).all()  # no other register changes


def test_every_instruction_has_a_definition() -> None:
    table = re.findall(r'^    \{"(\w+)", ', (HERE / "machine.cpp").read_text(), re.MULTILINE)
    assert set(table) == set(DEFINITIONS) | set(CONDITIONS) | ELSEWHERE


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(machine: ctypes.CDLL, condition: str) -> None:
    before = inputs()
    before[2, ::3] = before[1, ::3]
    after = before.copy()
    assert run(machine, [f"csel r4, r1, r2, r3, 9, {condition}"], after) == ""
    for lane in range(32):
        a, b, c = (int(before[k, lane]) for k in (1, 2, 3))
        assert after[4, lane] == (c if CONDITIONS[condition](a, b) else 9)


def test_powers_of_two(machine: ctypes.CDLL) -> None:
    r = inputs()
    r[1] = np.arange(-64, 64, 4).astype(np.float32).view(np.uint32)
    assert run(machine, ["exp2 r4, r1"], r) == ""
    assert (r[4].view(np.float32) == 2.0 ** np.arange(-64, 64, 4)).all()
    r[1] = np.float32(0.5).view(np.uint32)
    assert run(machine, ["exp2 r4, r1"], r) == ""
    assert np.isnan(r[4].view(np.float32)).all()  # the hardware's last bit is not known


def test_branches(machine: ctypes.CDLL) -> None:
    """Execute if (a < 10) { x = 1; if (a < 5) x = 2; else x = 3; } else x = 4;"""
    r = inputs()
    r[1] = np.arange(32)
    inner = ["if r1, 5, 1, ult", "ldimm r4, 2", "else 0.0, 0.0, 1, feq", "ldimm r4, 3", "pop_exec 1"]
    outer = ["if r1, 10, 1, ult", "ldimm r4, 1", *inner, "else 0.0, 0.0, 1, feq", "ldimm r4, 4", "pop_exec 1"]
    assert run(machine, [*outer, "ldimm r5, 8"], r) == ""
    assert r[4].tolist() == [2] * 5 + [3] * 5 + [4] * 22
    assert (r[5] == 8).all()


def test_loops_and_jumps(machine: ctypes.CDLL) -> None:
    """Execute n = 0; do n++; while (n < a); with an a for each thread, and jump over code that no thread runs."""
    r = inputs()
    r[1], r[4] = np.arange(32), 0
    loop = ["if 0, 0, 2, ieq", "iadd r4, r4, 1", "while r4, r1, 2, ult", "jmp_any -4", "pop_exec 2"]
    skipped = ["if 0, 0, 1, ine", "jmp_none 6", "exp2 r5, 0.5", "wait a", "pop_exec 1"]
    assert run(machine, [*loop, *skipped], r) == ""
    assert r[4].tolist() == [1, *range(1, 32)]


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize(("size", "registers"), [(4, "r4_r5"), (2, "r4l_r4h"), (1, "r4l_r4h")])
def test_memory(machine: ctypes.CDLL, size: int, registers: str, shift: int) -> None:
    memory = np.random.default_rng(4).integers(0, 256, 4096, np.uint8)
    original = memory.copy()
    r = inputs()
    address = memory.ctypes.data + 1024
    r[6], r[7] = address & M32, address >> 32
    r[1] = np.random.default_rng(5).permutation(32) - 16
    lsl = f"lsl {shift}, " if shift else ""
    form = f"i{8 * size}, xy, a"
    assert (
        run(machine, [f"load {registers}, dr6, r1.sx, {lsl}{form}", "wait a", f"stack_store {registers}, 8, {form}"], r)
        == ""
    )
    for lane in range(32):
        at = 1024 + (int(r[1, lane].view(np.int32)) << shift) * size
        low, high = (int.from_bytes(original[at + k * size :][:size].tobytes(), "little") for k in (0, 1))
        assert (int(r[4, lane]), int(r[5, lane])) == (low, high) if size == 4 else int(r[4, lane]) == low | high << 16
    store = ["if r1, 9, 1, sgt", f"store {registers}, dr6, r1.sx, lsl 3, {form}", "pop_exec 1"]
    assert run(machine, store, r) == ""
    for lane in range(32):
        if int(r[1, lane].view(np.int32)) > 9:
            at, words = (
                1024 + 8 * size * int(r[1, lane]),
                [r[4, lane], r[5, lane]] if size == 4 else [r[4, lane], r[4, lane] >> 16],
            )
            original[at : at + 2 * size] = np.concatenate(
                [np.array([w], np.uint32).view(np.uint8)[:size] for w in words]
            )
    assert (memory == original).all()
    r[6] += 1
    if size > 1:
        assert "not aligned" in run(machine, [f"load r4, dr6, 0, i{8 * size}, x, a"], r)


def test_the_stack(machine: ctypes.CDLL) -> None:
    r = inputs()
    r[8] = r[4]
    lines = ["stack_adjust 16", "stack_store r4_r5, 8, i32, xy, a", "stack_load r4_r5, 8, i32, xy, a"]
    expected = r[4:6].copy()
    lines.insert(2, "mov r4, 0")
    assert run(machine, lines, r) == ""
    assert (r[4:6] == expected).all()


UNKNOWN = ["fsin r4, r1", "fadd r4, r1", "fadd.sat r4, r1, r2", "fadd r4, r1, r2, sat", "fadd r4, r1.cache, r2"]
UNKNOWN += ["u32_to_f r4, r1, rtz", "asr r4, r1, 3, 1, 0", "csel r4, r1, r2, r3, r3, sometimes"]


@pytest.mark.parametrize("line", UNKNOWN)
def test_what_is_not_known_is_an_error(machine: ctypes.CDLL, line: str) -> None:
    assert "unknown" in run(machine, [line], inputs())


def test_what_cannot_be_read_is_an_error() -> None:
    with pytest.raises(SystemExit, match="six digits"):
        decoded(["   0: 0000 fadd r4, r1, 0.007812"])
    with pytest.raises(KeyError, match="400"):
        decoded(["   0: 0000 jmp_any 400"])
