"""Indices and offsets beyond 32 bits, on the emulated device in its sparse mode, which runs the ends of each grid.

    PYTHONPATH=tests MLXS_SPARSE=64 MLXS_KERNELS=kernels.so python tests/metal/large_cases.py emulated/_ext.abi3.so

The 2^32 steps take 8 GiB of addresses but only a few pages of RAM, because most of them are never accessed.
"""

import ctypes
import sys

import metal_cases
import mlx.core as mx
from metal_cases import cpu

from support.helpers import KERNEL_TYPES, differing

EXT = metal_cases.load(sys.argv[1])
ROWS, COLUMNS = 2**16 + 16, 2**16  # 2^32 + 2^20 elements, which are whole rows of the general kernel's grid
END = slice(COLUMNS - 64, COLUMNS)


def launches() -> list[str]:
    library = ctypes.CDLL(EXT.__file__)
    library.take_launches.restype = ctypes.c_char_p
    return [line.split()[0] for line in library.take_launches().decode().splitlines()]


def check(name: str, a: mx.array, b: mx.array) -> None:
    if count := differing(a, b):
        sys.exit(f"{name}: {count} of {a.size} differ")


def scalars(dtype: str) -> tuple[mx.array, mx.array, mx.array]:
    return metal_cases.scalars(dtype, mx.array(128, mx.int32))


def index() -> mx.array:
    """Use indices of 33 bits, with hyperparameters for each row of the output."""
    step = (mx.arange(COLUMNS) % 128).astype(mx.bfloat16)
    init = (mx.arange(ROWS) % 7 + 1).astype(mx.bfloat16)[:, None]
    _, time, end = scalars("bfloat16")
    out = EXT.cosine_decay(step, init, time, end)
    mx.eval(out)
    assert launches() == ["cosine_general_large_bfloat16"]
    for row, part in ((0, slice(0, 64)), (ROWS - 1, END)):
        check("index", out[row, part], cpu.cosine_decay(step[part], init[row], time, end))
    return out


def offsets(huge: mx.array) -> None:
    """Use two rows that are more than 2^31 elements apart."""
    for dtype in KERNEL_TYPES:
        wide = getattr(mx, dtype).size == 8  # 8 GiB hold too few of these
        far = huge.view(mx.float32 if wide else getattr(mx, dtype))[:: ROWS - 1, -8:]
        init, time, end = scalars(dtype)
        step = mx.arange(8).astype(getattr(mx, dtype)) if wide else far
        init = far if wide else init
        for times in (time, mx.broadcast_to(time, (2, 8))):
            out = EXT.cosine_decay(step, init, times, end)
            mx.eval(out)
            assert launches() == [f"cosine_general_large_{dtype}"]
            check(f"offsets, {dtype}", out, cpu.cosine_decay(step, init, time, end))
        both = {name: mx.stack([mx.broadcast_to(a, (2, 8))] * 2) for name, a in (("init", init), ("end", end))}
        times = {"length": mx.array([64, 64])[:, None, None], "begin": mx.array([0, 64])[:, None, None]}
        segments = cpu.Segments(["linear", "cosine"], both | times)
        out = EXT.evaluate(far if not wide else step, segments)
        mx.eval(out)
        expected = "" if wide else "large_"  # mx.stack makes a contiguous array
        assert launches()[-1] == f"columns_general_{expected}{dtype}"
        check(f"columns, {dtype}", out, cpu.evaluate(far if not wide else step, segments))
    rows = huge.view(mx.float32)[:: ROWS - 1, -8:]  # numbers of two columns
    segments = cpu.Segments(
        ["linear", "cosine"], {"init": rows, "end": rows} | {k: t[..., 0] for k, t in times.items()}
    )
    for step in (mx.array(32.0), mx.array(96.0)):
        out = EXT.evaluate(step, segments)
        mx.eval(out)
        assert launches() == ["columns_general_large_float32"]
        check("columns far apart", out, cpu.evaluate(step, segments))


def pieces() -> None:
    """Use contiguous steps, which are cut into pieces of 2^31, and compare both ends of each piece."""
    step = index()
    ends = [(0, slice(0, 64)), (ROWS - 1, END)]
    before = [mx.contiguous(step[row, part]) for row, part in ends]
    mx.eval(before)
    init, time, end = scalars("bfloat16")
    out = EXT.cosine_decay(step, init, time, end)
    del step  # donated
    mx.eval(out)
    assert launches() == ["cosine_contiguous_bfloat16"] * 3
    for (row, part), steps in zip(ends, before, strict=True):
        check("pieces", out[row, part], cpu.cosine_decay(steps, init, time, end))
    for row in (2**15 - 1, 2**15, 2**16 - 1, 2**16):  # where two pieces meet; the steps there are 0
        part = slice(0, 4) if row % 2**15 == 0 else slice(COLUMNS - 4, COLUMNS)
        check(f"piece at row {row}", out[row, part], cpu.cosine_decay(mx.zeros(4, mx.bfloat16), init, time, end))
    check("outside the sparse threads", out[2**15 + 1, :4], mx.zeros(4, mx.bfloat16))


def columns() -> None:
    """Use indices of 33 bits: 65 552 rows, each with its own values, of 65 536 steps."""
    step = (mx.arange(COLUMNS) % 128).astype(mx.bfloat16)
    rows = (mx.arange(ROWS) % 7 + 1).astype(mx.bfloat16)[:, None]
    times = {"length": mx.array([64, 64])[:, None, None], "begin": mx.array([0, 64])[:, None, None]}

    def segments(rows: mx.array) -> cpu.Segments:
        ends = {"init": mx.stack([rows, rows + 1]), "end": mx.stack([rows + 2, rows + 3])}
        return cpu.Segments(["linear", "cosine"], ends | times)

    out = EXT.evaluate(step, segments(rows))
    mx.eval(out)
    assert launches() == ["columns_general_large_bfloat16"]
    for row, part in ((0, slice(0, 64)), (ROWS - 1, END)):
        check("columns, index", out[row, part], cpu.evaluate(step[part], segments(rows[row : row + 1]))[0])


if __name__ == "__main__":
    columns()
    if sys.argv[2:] != ["columns"]:
        offsets(index())
        pieces()
