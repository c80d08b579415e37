"""The names of ms.MultiOptimizer's groups: which weights each has, and names that are refused."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import pytest

import mlx_schedules as ms


def test_groups_name_every_weight():
    model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    optimizer = ms.MultiOptimizer(
        [optim.Muon(0.0), optim.AdamW(0.0), optim.AdamW(0.0)],
        [lambda _, weight: weight.ndim == 2, lambda path, _: "norm" in path],
        names=["matrices", "norms", "rest"],
    )
    model.layers[0].freeze()
    rest = ["layers.1.bias", "layers.1.weight", "layers.2.bias"]
    assert optimizer.groups(model) == {"matrices": ["layers.2.weight"], "norms": [], "rest": rest}
    tree = {"norm.a": mx.ones(1), "0": (mx.ones(1),)}
    assert optimizer.groups(tree) == {"matrices": [], "norms": ["norm.a"], "rest": ["0.0"]}
    with pytest.raises(TypeError, match="model must be a Module or a tree of weights, got None"):
        optimizer.groups(None)


@pytest.mark.parametrize("masters", [False, True])
def test_filters_get_the_weight_in_every_update(masters):
    """The gradients that are accumulated are often in float32, while only some weights are."""
    weights = {"projection": mx.ones(2, mx.bfloat16), "norm": mx.ones(2)}
    optimizer = ms.MultiOptimizer(
        [optim.SGD(0.5), optim.SGD(0.125)], [lambda _, weight: weight.dtype == mx.float32], master_weights=masters
    )
    assert optimizer.groups(weights) == {"0": ["norm"], "1": ["projection"]}
    updated = optimizer.apply_gradients({"projection": mx.ones(2), "norm": mx.ones(2)}, weights)
    assert [updated["projection"].tolist(), updated["norm"].tolist()] == [[0.875, 0.875], [0.5, 0.5]]


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", ""], ["a", 1], [["a"], "b"], []], ids=str)
def test_wrong_names(names):
    with pytest.raises(ValueError, match="names must be 2 strings, all different, got"):
        ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [lambda *_: True], names=names)


def test_names_that_are_no_list():
    with pytest.raises(TypeError, match="names must be a list of strings, got 'ab': one for each optimizer"):
        ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [lambda *_: True], names="ab")
