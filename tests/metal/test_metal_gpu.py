"""The Metal backend on a Mac's own GPU. Collected only on macOS (conftest.py), where it fails without a GPU."""

import metal_cases
import mlx.core as mx
import pytest

from support.helpers import STEP_TYPES


@pytest.mark.parametrize("dtype", STEP_TYPES)
@pytest.mark.parametrize("cases", metal_cases.SETS)
def test_same_bits_as_the_cpu(dtype: str, cases: str) -> None:
    assert mx.is_available(mx.gpu), "MLX finds no GPU"

    def on_gpu(*operands: mx.array) -> mx.array:
        return metal_cases.cpu.cosine_decay(*operands, stream=mx.gpu)

    for name, operands in metal_cases.SETS[cases](dtype):
        try:
            metal_cases.compare(on_gpu, operands)
        except AssertionError as error:
            raise AssertionError(f"{dtype}, {name}: {error}") from error
