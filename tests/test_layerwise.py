"""Layer-wise rate decay for real module trees."""

import pickle

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map

import mlx_schedules as ms


class Classifier(nn.Module):
    def __init__(self, layers=4):
        super().__init__()
        self.embedding = nn.Embedding(10, 8)
        self.position = mx.zeros((5, 8))
        self.encoder = nn.TransformerEncoder(layers, 8, 2, mlp_dims=16)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def __call__(self, tokens):
        x = self.embedding(tokens) + self.position
        return self.head(self.norm(self.encoder(x, None)).mean(axis=1))


def mlp():
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))


def group_of(filters, path):
    return next((i for i, accepts in enumerate(filters) if accepts(path, None)), len(filters))


def rates_by_path(model, filters, schedule, step=0):
    rates = schedule(step).tolist()
    return {path: rates[group_of(filters, path)] for path, _ in tree_flatten(model.parameters())}


def test_transformer():
    model = Classifier()
    filters, rates = ms.layerwise_decay(model, ms.cosine_decay(1.0, 100, end=0.5), 0.5)
    assert rates == ms.cosine_decay(
        [2.0**-i for i in range(5, -1, -1)], 100, end=[0.5 * 2.0**-i for i in range(5, -1, -1)]
    )
    by_path = rates_by_path(model, filters, rates)
    for path, rate in by_path.items():
        if path.startswith(("embedding", "position")):
            assert rate == 2**-5
        elif path.startswith("encoder.layers."):
            assert rate == 2.0 ** -(4 - int(path.split(".")[2]))
        else:
            assert path.startswith(("encoder.ln", "norm", "head"))
            assert rate == 1
    assert len(set(by_path.values())) == 6


def test_ten_layers_are_not_mixed_up_by_their_prefix():
    filters, rates = ms.layerwise_decay(Classifier(layers=11), ms.cosine_decay(1.0, 10), 0.9)
    assert len(rates) == 13
    assert group_of(filters, "encoder.layers.1.linear1.weight") == 2
    assert group_of(filters, "encoder.layers.10.linear1.weight") == 11


def test_sequential_mlp():
    model = mlp()
    filters, rates = ms.layerwise_decay(model, ms.cosine_decay(0.1, 100), 0.1)
    assert rates.init == pytest.approx((1e-3, 1e-2, 0.1))
    assert [group_of(filters, f"layers.{i}.weight") for i in (0, 2, 4)] == [0, 1, 2]
    assert rates_by_path(model, filters, rates)["layers.0.bias"] == pytest.approx(1e-3)


def test_it_trains():
    """With plain SGD and gradients of 1, every weight moves by its own rate."""
    model = Classifier()
    filters, rates = ms.layerwise_decay(model, ms.cosine_decay(1.0, 100), 0.5)
    optimizer = ms.MultiOptimizer([optim.SGD(0.0) for _ in rates], filters, learning_rate=rates)
    before = {path: mx.array(weight) for path, weight in tree_flatten(model.parameters())}
    optimizer.update(model, tree_map(mx.ones_like, model.trainable_parameters()))
    expected = rates_by_path(model, filters, rates)
    for path, weight in tree_flatten(model.parameters()):
        assert mx.allclose(before[path] - weight, mx.array(expected[path]), atol=1e-6), path

    def loss_fn(model):
        return model(mx.array([[1, 2, 3, 4, 5]])).square().mean()

    _, gradients = nn.value_and_grad(model, loss_fn)(model)
    optimizer.update(model, gradients)
    assert optimizer.learning_rates.tolist() == rates(1).tolist()


def test_blocks_that_are_given():
    model = nn.Transformer(8, 2, 2, 2, mlp_dims=16)
    with pytest.raises(ValueError, match=r"found 2 \('encoder.layers', 'decoder.layers'\): pass blocks"):
        ms.layerwise_decay(model, ms.cosine_decay(1.0, 10), 0.5)
    filters, rates = ms.layerwise_decay(
        model, ms.cosine_decay(1.0, 10), 0.5, blocks=["encoder", ["decoder.layers.0", "decoder.layers.1"], "decoder.ln"]
    )
    assert rates.init == (0.25, 0.5, 1.0)
    assert group_of(filters, "encoder.ln.weight") == 0
    assert group_of(filters, "decoder.layers.1.ln1.weight") == 1
    assert group_of(filters, "decoder.ln.weight") == 2


class Adapted(nn.Module):
    """A frozen layer with trainable adapters, like LoRA's."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.lora_a, self.lora_b = mx.zeros((8, 2)), mx.zeros((2, 8))
        self.linear.freeze()


def test_frozen_weights_do_not_count():
    model = Classifier()
    model.freeze()
    for layer in model.encoder.layers[1:]:
        layer.adapter = Adapted()
    filters, rates = ms.layerwise_decay(model, ms.cosine_decay(1.0, 100), 0.5)
    assert rates.init == (0.25, 0.5, 1.0)  # three layers have adapters; embedding, norm and head have none
    for i in (1, 2, 3):
        assert group_of(filters, f"encoder.layers.{i}.adapter.lora_a") == i - 1
    model.head.unfreeze()
    assert ms.layerwise_decay(model, ms.cosine_decay(1.0, 100), 0.5)[1].init == (0.125, 0.25, 0.5, 1.0)
    _, rates = ms.layerwise_decay(model, ms.cosine_decay(1.0, 100), 0.5, blocks=["encoder.layers", "head"])
    assert rates.init == (0.5, 1.0)
    with pytest.raises(
        ValueError, match=r"blocks\[0\] \('embedding',\) holds no weight of the model that is trainable"
    ):
        ms.layerwise_decay(model, ms.cosine_decay(1.0, 100), 0.5, blocks=["embedding", "encoder", "head"])
    model.freeze()
    with pytest.raises(ValueError, match="trainable weights, found none"):
        ms.layerwise_decay(model, ms.cosine_decay(1.0, 100), 0.5)


@pytest.mark.parametrize("factor", [np.float32(0.5), np.float16(0.5), np.float64(0.5), np.array(0.5), mx.array(0.5)])
def test_factors_that_are_scalars_of_numpy_or_mlx(factor):
    assert ms.layerwise_decay(mlp(), ms.cosine_decay(1.0, 10), factor)[1].init == (0.25, 0.5, 1.0)
    assert ms.layerwise_decay(mlp(), ms.cosine_decay(1.0, 10), np.int32(2))[1].init == (4.0, 2.0, 1.0)


@pytest.mark.parametrize("dtype", [mx.float16, mx.bfloat16, mx.float32])
def test_small_values_do_not_underflow(dtype):
    init = mx.array(1e-4, dtype)
    _, rates = ms.layerwise_decay(mlp(), ms.cosine_decay(init, 100, end=init), 1e-3)
    expected = [np.float32(init.item() * scale) for scale in (1e-6, 1e-3, 1.0)]
    for step in (0, 50, 100):
        assert rates(step).tolist() == expected
    assert rates.init.tolist() == expected
    assert rates(mx.array(0, mx.float16)).dtype == dtype if dtype == mx.float16 else mx.float32
    traced = mx.compile(lambda x: ms.layerwise_decay(mlp(), ms.cosine_decay(x, 100, end=x), 1e-3)[1](50))(init)
    assert traced.dtype == mx.float32
    assert traced.tolist() == pytest.approx(expected, rel=1e-6)


def test_rates_come_from_unrounded_numbers():
    """A slice of a stack has the dtype of the stack, but keeps its own number unrounded."""
    schedule = ms.stack(
        [ms.cosine_decay(0.1, 70000), ms.cosine_decay(mx.array(1.0, mx.float16), mx.array(10, mx.uint8))]
    )
    _, rates = ms.layerwise_decay(mlp(), schedule[0], 0.5)
    assert rates(0).tolist() == [np.float32(x) for x in (0.025, 0.05, 0.1)]
    assert rates(69999)[2].item() > 0
    assert rates(70000).tolist() == [0, 0, 0]


def test_filters_pickle():
    model = mlp()
    filters, rates = ms.layerwise_decay(model, ms.cosine_decay(1.0, 10), 0.5)
    again, rates_again = pickle.loads(pickle.dumps((filters, rates)))
    assert rates_again == rates
    assert rates_by_path(model, again, rates) == rates_by_path(model, filters, rates)
    assert repr(again[1]) == "<filter of block 1: layers.2>"
    assert all(len(repr(f)) < 150 for f in ms.layerwise_decay(Classifier(40), ms.cosine_decay(1.0, 10), 0.5)[0])


def test_the_path_of_a_list_is_its_layers():
    model = Classifier()
    by_itself = ms.layerwise_decay(model, ms.cosine_decay(1.0, 10), 0.5)
    filters, rates = ms.layerwise_decay(model, ms.cosine_decay(1.0, 10), 0.5, blocks="encoder.layers")
    assert rates == by_itself[1]
    assert rates_by_path(model, filters, rates) == rates_by_path(model, by_itself[0], rates)
    filters, rates = ms.layerwise_decay(
        nn.Transformer(8, 2, 2, 3, mlp_dims=16), ms.cosine_decay(1.0, 10), 0.5, blocks="decoder.layers"
    )
    assert len(rates) == 5
    assert group_of(filters, "encoder.layers.1.ln1.weight") == 0
    assert group_of(filters, "decoder.layers.0.ln1.weight") == 1


def test_a_list_inside_another_is_found_and_chosen():
    tower = nn.TransformerEncoder(3, 8, 2, mlp_dims=16)
    model = nn.Sequential(nn.Linear(8, 8), tower)
    expected = ["layers.0", "layers.1.layers.0", "layers.1.layers.1", "layers.1.layers.2", "layers.1.ln"]
    schedule = ms.cosine_decay(1.0, 10)
    assert len(ms.layerwise_decay(model, schedule, 0.5)[1]) == 2  # the outermost list
    filters, rates = ms.layerwise_decay(model, schedule, 0.5, blocks="layers.1.layers")
    assert [group_of(filters, f"{path}.weight") for path in expected] == list(range(len(rates)))
    model.layers[0].freeze()
    assert len(ms.layerwise_decay(model, schedule, 0.5)[1]) == 4  # the only list with two trainable layers


def test_hyperparameters_that_are_arrays():
    _, rates = ms.layerwise_decay(mlp(), ms.cosine_decay(mx.array(1.0, mx.bfloat16), 10, end=mx.array(1)), 0.5)
    assert rates.init.dtype == mx.bfloat16
    assert rates.init.tolist() == [0.25, 0.5, 1.0]
    assert rates.end.tolist() == [0.25, 0.5, 1.0]  # not truncated to whole numbers

    def total(init):
        return ms.layerwise_decay(mlp(), ms.cosine_decay(init, 10), 0.5)[1](0).sum()

    assert mx.grad(total)(mx.array(3.0)).item() == 1.75
    assert mx.compile(total)(mx.array(3.0)).item() == 5.25


class Keyed(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = {"0": nn.Linear(2, 2), "norm": nn.LayerNorm(2), "1": nn.Linear(2, 2)}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"factor": 0}, ValueError, "factor must be finite and above 0, got 0"),
        ({"factor": float("nan")}, ValueError, "factor must be finite and above 0, got nan"),
        ({"factor": "0.5"}, TypeError, "factor must be a number, got '0.5'"),
        ({"factor": True}, TypeError, "factor must be a number, got True"),
        ({"factor": 10**400}, ValueError, r"factor to the power 2 must be finite, got 1000.*\.\.\.\."),
        ({"factor": 1e300}, ValueError, r"factor to the power 2 must be finite, got 1e\+300"),
        ({"factor": float("inf")}, ValueError, "factor must be finite and above 0, got inf"),
        ({"factor": np.array([0.5])}, TypeError, r"factor must be a number, got array\(\[0.5\]\)"),
        ({"factor": np.True_}, TypeError, "factor must be a number, got True"),
        ({"factor": ms.constant(0.5)}, TypeError, "factor must be a number, got constant"),
        (
            {"schedule": nn.Transformer(8, 2)},
            TypeError,
            r"schedule must be a schedule of mlx_schedules, got Tr.{,80}$",
        ),
        ({"schedule": 1e-3}, TypeError, "schedule must be a schedule of mlx_schedules, got 0.001"),
        ({"schedule": ms.cosine_decay([1.0, 2.0], 3)}, ValueError, r"schedule must be a single one.*\(2,\)"),
        ({"model": {}}, TypeError, "model must be an mlx.nn.Module"),
        ({"model": [nn.Linear(2, 2)] * 1000}, TypeError, "model must be an mlx.nn.Module, got .{,81}$"),
        ({"model": nn.Linear(2, 2)}, ValueError, "found none: pass blocks"),
        ({"model": Keyed()}, ValueError, "no trainable weight between .*, found 'net.norm.weight': pass blocks"),
        ({"blocks": "layers.0"}, ValueError, r"path of a list of layers.*\('layers' in this model\), got 'layers.0'"),
        ({"blocks": "head"}, ValueError, r"\('layers' in this model\), got 'head'"),
        ({"blocks": 3}, TypeError, "blocks must be a list of paths and of tuples of paths.*, got 3"),
        ({"blocks": ["layers.0", 2]}, TypeError, r"blocks must be a list of paths.*, got \['layers.0', 2\]"),
        ({"blocks": []}, ValueError, r"blocks must hold at least one block, got \[\]"),
        ({"blocks": ["layers", "layers.0"]}, ValueError, r"blocks\[1\] \('layers.0',\) holds no weight"),
        ({"model": Classifier(30), "blocks": ["embedding"]}, ValueError, r"not in any: position, .{,80} and \d+ more"),
        ({"blocks": ["layers.0", "layers.4"]}, ValueError, "not in any: layers.2.weight, layers.2.bias"),
        ({"blocks": ["layers", "head"]}, ValueError, r"blocks\[1\] \('head',\) holds no weight"),
        ({"blocks": ["layers", "layer"]}, ValueError, r"blocks\[1\] \('layer',\) holds no weight"),
    ],
)
def test_refusals(change, error, message):
    arguments = {"model": mlp(), "schedule": ms.cosine_decay(1.0, 10), "factor": 0.5} | change
    with pytest.raises(error, match=message):
        ms.layerwise_decay(**arguments)
