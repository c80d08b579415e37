"""The groups' values are views of one row, which can be transformed, compiled for any shapes, and exported."""

import mlx.core as mx
import mlx.optimizers as optim
import pytest
from mlx.utils import tree_map

import mlx_schedules as ms
from mlx_schedules import _ext
from support.training import first

ROW = mx.array([1.0, 2.0, 4.0])


def weighted(row):
    a, b, c = _ext.unstack(row)
    return a * a + 3 * b * c


@pytest.mark.parametrize(
    "row",
    [ROW, mx.array([1.0, 9.0, 2.0, 9.0, 4.0])[::2], ROW[::-1], mx.broadcast_to(mx.array(2.0), (3,)), mx.array([7])],
    ids=str,
)
def test_elements_of_any_row(row):
    assert [element.item() for element in _ext.unstack(row)] == row.tolist()
    assert all(element.shape == () and element.dtype == row.dtype for element in _ext.unstack(row))
    assert [element.item() for element in mx.compile(_ext.unstack)(row)] == row.tolist()


def test_transformations():
    assert mx.grad(weighted)(ROW).tolist() == [2.0, 12.0, 6.0]
    assert mx.jvp(weighted, [ROW], [mx.array([1.0, 10.0, 100.0])])[1][0].item() == 2 + 120 + 600
    rows = mx.stack([ROW, 2 * ROW])
    assert mx.vmap(weighted)(rows).tolist() == mx.vmap(weighted, in_axes=1)(rows.T).tolist() == [25.0, 100.0]
    assert mx.compile(mx.grad(weighted), shapeless=True)(ROW).tolist() == [2.0, 12.0, 6.0]


def two_groups(**options):
    return ms.MultiOptimizer(
        [optim.SGD(0.0), optim.SGD(0.0, momentum=0.9)],
        [first],
        learning_rate=ms.cosine_decay([0.1, 0.2], 10),
        weight_decay=[ms.linear_schedule(0.1, 0.0, 10), 0.01],
        **options,
    )


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16], ids=str)
def test_an_update_that_is_compiled_for_any_shapes(dtype):
    """The batch grows, as in training on texts of any length."""
    final = []
    for shapeless in (True, False):
        weights = {"a": mx.ones(4, dtype), "b": mx.ones(4, dtype)}
        optimizer = two_groups(master_weights=dtype != mx.float32)
        optimizer.init(weights)

        def update(batch, weights, optimizer=optimizer):
            gradients = tree_map(lambda weight: mx.mean(batch * weight, axis=0), weights)
            return optimizer.apply_gradients(gradients, weights)

        update = mx.compile(update, optimizer.state, optimizer.state, shapeless=shapeless)
        for size in (2, 2, 5):
            weights = update(mx.full((size, 4), 0.5, dtype), weights)
        assert optimizer.learning_rates.tolist() == ms.cosine_decay([0.1, 0.2], 10)(2).tolist()
        final.append([weights["a"].tolist(), weights["b"].tolist()])
    assert final[0] == final[1]


def test_a_rate_is_set_in_an_update_that_is_compiled_for_any_shapes():
    optimizer = ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [first])

    def update(rate, weights):
        optimizer.learning_rate = mx.stack([rate, 2 * rate])
        return optimizer.apply_gradients(tree_map(mx.ones_like, weights), weights)

    compiled = mx.compile(update, optimizer.state, optimizer.state, shapeless=True)
    weights = compiled(mx.array(0.25), {"a": mx.ones(2), "b": mx.ones(2)})
    assert [weights["a"].tolist(), weights["b"].tolist()] == [[0.75, 0.75], [0.5, 0.5]]


@pytest.mark.parametrize("shapeless", [False, True])
def test_an_exported_update(tmp_path, shapeless):
    path = str(tmp_path / "update.mlxfn")

    def update(gradient, step):
        optimizer = two_groups()
        optimizer.step = step
        updated = optimizer.apply_gradients({"a": gradient, "b": gradient}, {"a": mx.ones(4), "b": mx.ones(4)})
        return updated["a"], updated["b"]

    inputs = mx.full(4, 0.5), mx.array(5, mx.uint64)
    with ms.exporting():
        mx.export_function(path, update, *inputs, shapeless=shapeless)
    for found, expected in zip(mx.import_function(path)(*inputs), update(*inputs), strict=True):
        assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-6)
