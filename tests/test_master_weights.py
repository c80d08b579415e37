"""ms.MultiOptimizer(master_weights=True): half-precision weights train like float32 weights, also after a resume."""

from itertools import count

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map, tree_unflatten

import mlx_schedules as ms
from mlx_schedules import _ext
from mlx_schedules._optimizer import one_kernel
from support.helpers import COMPILED, primitives, same_bits
from support.training import NUMBERS, decay, first

HALVES = [mx.bfloat16, mx.float16]
SHAPE = (6, 4)


def start(dtype):
    return {
        "embed": 0.02 * mx.random.normal(SHAPE, key=mx.random.key(0)).astype(dtype),
        "layers": [{"weight": mx.random.normal(SHAPE, key=mx.random.key(1)).astype(dtype)}, {"x.y": mx.ones(4, dtype)}],
    }


def gradients(i, dtype):
    def one(j, weight):
        return 1e-3 * mx.random.normal(weight.shape, key=mx.random.key(100 * i + j)).astype(dtype)

    numbers = count()
    return tree_map(lambda weight: one(next(numbers), weight), start(dtype))


def like(tree, dtype):
    return tree_map(lambda leaf: leaf.astype(dtype), tree)


def train(optimizer, weights, gradient_dtype, updates, compiled=False, since=0):
    """Train with gradients rounded to `gradient_dtype`. Float32 weights get the same gradients in float32."""
    optimizer.init(weights)
    update = optimizer.apply_gradients
    update = mx.compile(update, optimizer.state, optimizer.state) if compiled else update
    own = weights["embed"].dtype
    for i in range(since, since + updates):
        given = gradients(i, gradient_dtype)
        weights = update(like(given, mx.float32) if own == mx.float32 else given, weights)
        mx.eval(weights, optimizer.state)
    return weights


def make(name, master_weights=True, **hyperparameters):
    maker, numbers = NUMBERS[name]
    schedules = {key: [tuple(map(decay, value)) if isinstance(value, tuple) else decay(value)]
                 for key, value in numbers.items()}  # fmt: skip
    return ms.MultiOptimizer(
        [maker(learning_rate=0.0)],
        learning_rate=ms.warmup_cosine(1e-3, 200, warmup=9, end=2e-7),
        master_weights=master_weights,
        **{**schedules, **hyperparameters},
    )


def use(kernels, monkeypatch):
    """Set how compiled bfloat16 masters are updated, which otherwise is one kernel on CUDA and several elsewhere."""
    one = kernels == "one kernel" and COMPILED
    monkeypatch.setattr(one_kernel, "is_used", lambda optimizer: one and _ext.is_tracer(optimizer.step))


@pytest.fixture(params=["one kernel", "several kernels"])
def kernels(request, monkeypatch):
    use(request.param, monkeypatch)
    return request.param


def equal(a, b):
    one, other = dict(tree_flatten(a)), dict(tree_flatten(b))
    return one.keys() == other.keys() and all(same_bits(leaf, other[path]) for path, leaf in one.items())


def moments(optimizer):
    found = tree_flatten(optimizer.state)
    return {path: leaf for path, leaf in found if not path.endswith(".master")}


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", NUMBERS)
def test_half_precision_trains_as_float32(name, dtype):
    """Masters and moments have the same bits, and each weight is its master, rounded."""
    ours, theirs = make(name), make(name, master_weights=False)
    updates = 200 if name == "adamw" else 20
    found = train(ours, start(dtype), dtype, updates)
    expected = train(theirs, like(start(dtype), mx.float32), dtype, updates)
    assert {leaf.dtype for _, leaf in tree_flatten(found)} == {dtype}
    assert equal(ours.masters(found), expected)
    assert equal(moments(ours), moments(theirs))
    assert equal(found, like(expected, dtype))
    assert not same_bits(found["embed"], start(dtype)["embed"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "kernels"),
    [(mx.bfloat16, "one kernel"), (mx.bfloat16, "several kernels"), (mx.float16, "several kernels")],
    indirect=["kernels"],
    ids=str,
)
@pytest.mark.parametrize("name", NUMBERS)
def test_compiled_half_precision_trains_as_compiled_float32(name, dtype, kernels):
    """The bits are the same because joining and splitting is exact, or isn't fused into the optimizer's own kernels."""
    ours, theirs = make(name), make(name, master_weights=False)
    found = train(ours, start(dtype), dtype, 20, compiled=True)
    expected = train(theirs, like(start(dtype), mx.float32), dtype, 20, compiled=True)
    assert equal(ours.masters(found), expected)
    assert equal(moments(ours), moments(theirs))
    assert not same_bits(found["embed"], start(dtype)["embed"])


@pytest.mark.parametrize("maker", [optim.AdamW, optim.Lion, optim.SGD])
def test_how_many_kernels_an_update_has(maker, kernels):
    optimizer = ms.MultiOptimizer([maker(1e-3)], master_weights=True)
    weights, gradients = ({"w": mx.random.normal(SHAPE).astype(mx.bfloat16)} for _ in range(2))
    optimizer.init(weights)
    mx.eval(weights, gradients, optimizer.state)
    update = mx.compile(optimizer.apply_gradients, inputs=optimizer.state, outputs=optimizer.state)
    names = primitives(update(gradients, weights)["w"], *optimizer.state["states"][0]["w"].values())
    of_bits, of_choices = ([one for one in names if operation in one] for operation in ("LeftShift", "Select"))
    expected = (0, 1) if kernels == "one kernel" and COMPILED else (2, 2)
    assert (len(of_bits), len(of_choices)) == expected, names


@pytest.mark.skipif(not COMPILED, reason="without the compiled op, MLX's own kernels do it")
def test_a_differentiated_model_is_updated_in_one_kernel(monkeypatch):
    """MLX no longer calls an array a tracer when it has differentiated a function that uses it."""
    fused, fuse = [], _ext.fuse
    use("one kernel", monkeypatch)
    monkeypatch.setattr(_ext, "fuse", lambda *arrays: fused.append(fuse(*arrays)) or fused[-1])
    model = nn.Linear(4, 1)  # the bias is one number, and not fused
    model.set_dtype(mx.bfloat16)
    optimizer = make("adamw")
    optimizer.init(model.trainable_parameters())
    state = [model.state, optimizer.state]

    def step(x):
        loss, gradients = nn.value_and_grad(model, lambda x: model(x).sum() * optimizer.step)(x)
        assert _ext.is_tracer(optimizer.step)
        optimizer.update(model, gradients)
        return loss

    before, optimizer.step = model.weight, 1
    mx.eval(mx.compile(step, inputs=state, outputs=state)(mx.ones((2, 4))), state)
    assert sorted(outputs is None for outputs in fused) == [False, True]
    assert mx.all(optimizer.masters(model)["weight"] != before).item()


def test_weights_of_any_shape_and_layout_in_one_kernel(monkeypatch):
    found = []
    for kernels in ("several kernels", "one kernel"):
        use(kernels, monkeypatch)
        weights = {
            "scalar": mx.array(0.5), "one": mx.ones(1), "none": mx.ones((0, 3)), "three": mx.ones((2, 3, 5)),
            "turned": mx.arange(6.0).reshape(2, 3).T, "every other": mx.arange(8.0)[::2], "wide": mx.ones(3),
        }  # fmt: skip
        weights = {name: weight if name == "wide" else weight.astype(mx.bfloat16) for name, weight in weights.items()}
        optimizer = make("adamw")
        optimizer.init(weights)
        gradients = tree_map(lambda weight: mx.cos(weight + 1).astype(mx.float32), weights)
        update = mx.compile(optimizer.apply_gradients, inputs=optimizer.state, outputs=optimizer.state)
        for _ in range(3):
            weights = update(gradients, weights)
        found.append({"weights": weights, "state": optimizer.state})
    assert equal(*found)


def test_compiled_training_is_traced_once():
    optimizer, traces = make("adamw"), []
    apply = optimizer.apply_gradients

    def counted(*trees):
        traces.append(None)
        return apply(*trees)

    optimizer.apply_gradients = counted
    train(optimizer, start(mx.bfloat16), mx.bfloat16, 3, compiled=True)
    assert len(traces) == 1


@pytest.mark.parametrize("device", [mx.cpu, mx.gpu], ids=str)
@pytest.mark.parametrize("masters", [False, True])
def test_gradients_are_laid_in_rows_for_a_gpu(masters, device, monkeypatch):
    def updated(gradient):
        optimizer = ms.MultiOptimizer([optim.SGD(0.1)], master_weights=masters)
        return optimizer.apply_gradients({"w": gradient}, {"w": mx.ones((3, 2), mx.bfloat16)})["w"]

    monkeypatch.setattr(mx, "default_device", lambda: device)
    gradient = mx.arange(6.0).reshape(2, 3).T
    weight = updated(gradient)
    assert ("Contiguous" in primitives(weight)) == (device == mx.gpu)
    assert same_bits(weight, updated(mx.array(gradient.tolist())))
    with ms.exporting():  # a copy that MLX can't export
        assert "Contiguous" not in primitives(updated(gradient))


@pytest.mark.parametrize("gradient_dtype", [mx.bfloat16, mx.float16, mx.float32], ids=str)
def test_gradients_of_any_dtype(gradient_dtype):
    ours, theirs = make("adam"), make("adam", master_weights=False)
    found = train(ours, start(mx.bfloat16), gradient_dtype, 3)
    expected = train(theirs, like(start(mx.bfloat16), mx.float32), gradient_dtype, 3)
    assert equal(ours.masters(found), expected)


def test_groups_frozen_weights_clipping_and_float32_weights():
    def run(dtype, masters):
        optimizer = ms.MultiOptimizer(
            [optim.SGD(0.0, momentum=0.9), optim.AdamW(0.0)],
            [first],
            ms.cosine_decay([0.1, 1e-3], [50, 90]),
            master_weights=masters,
        )
        weights = {"a": mx.ones(3, dtype), "b": mx.full(3, 0.1, dtype), "frozen": mx.ones(3, dtype), "wide": mx.ones(3)}
        for i in range(20):
            given = {name: mx.array([0.5, -0.25, 0.125 * (i % 3)], dtype) for name in "ab"}
            given, _ = optim.clip_grad_norm({**like(given, weights["a"].dtype), "wide": mx.ones(3)}, 0.75)
            given = {name: one.astype(mx.bfloat16).astype(one.dtype) for name, one in given.items()}
            weights = {**weights, **optimizer.apply_gradients(given, weights)}
        return optimizer, weights

    ours, found = run(mx.bfloat16, True)
    _, expected = run(mx.float32, False)
    assert [leaf.dtype for leaf in found.values()] == [mx.bfloat16] * 3 + [mx.float32]
    masters = ours.masters(found)
    for name in ("b", "frozen", "wide"):
        assert mx.allclose(masters[name], expected[name].astype(mx.float32), rtol=1e-2), name
    assert same_bits(masters["frozen"], mx.ones(3))
    assert "master" not in ours.state["states"][1]["wide"]
    assert ours.state["states"][0]["a"]["master"].dtype == mx.int16


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_weights_changed_from_outside_begin_anew(dtype):
    optimizer = ms.MultiOptimizer([optim.SGD(1e-4)], master_weights=True)
    weights = {"w": mx.ones(4, dtype)}
    weights = optimizer.apply_gradients({"w": mx.ones(4)}, weights)
    weights = {"w": mx.array([8.0, -8.0, 0.0, 1.0], dtype)}
    weights = optimizer.apply_gradients({"w": mx.zeros(4)}, weights)
    assert weights["w"].tolist() == [8.0, -8.0, 0.0, 1.0]
    assert optimizer.masters(weights)["w"][3].item() == np.float32(1.0) - np.float32(1e-4)


# ---- State


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_every_step_can_be_resumed_to_the_bit(tmp_path, dtype):
    path = str(tmp_path / "checkpoint.safetensors")
    whole = make("adamw")
    weights = start(dtype)
    for at in range(20):
        weights = train(whole, weights, dtype, 1, since=at)
        mx.save_safetensors(path, dict(tree_flatten({"weights": weights, "state": whole.state})))
        tree = tree_unflatten(list(mx.load(path).items()))
        tree["weights"]["layers"][1] = {"x.y": tree["weights"]["layers"][1]["x"]["y"]}
        again = make("adamw")
        again.state = tree["state"]
        resumed = train(again, tree["weights"], dtype, 2, since=at + 1)
        ahead = make("adamw")
        ahead.state = tree_map(lambda leaf: leaf, whole.state)
        expected = train(ahead, weights, dtype, 2, since=at + 1)
        assert equal(again.masters(resumed), ahead.masters(expected))


@pytest.mark.parametrize("initialised", [False, True])
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_a_state_without_masters_is_taken(initialised, dtype):
    old, new = make("adam", master_weights=False), make("adam")
    weights = train(old, start(dtype), dtype, 5)
    if initialised:
        new.init(weights)
    new.state = tree_map(lambda leaf: leaf, old.state)
    theirs = make("adam", master_weights=False)  # in float32 from here on
    theirs.state = tree_map(lambda leaf: leaf.astype(mx.float32) if leaf.dtype == dtype else leaf, old.state)
    found = train(new, weights, dtype, 5, since=5)
    expected = train(theirs, like(weights, mx.float32), dtype, 5, since=5)
    assert equal(new.masters(found), expected)


def test_masters_are_switched_off_without_loss():
    """Training goes on in float32 with the masters as weights, or in bfloat16 with unchanged moments."""
    ours, theirs = make("adam"), make("adam", master_weights=False)
    half = train(ours, start(mx.bfloat16), mx.bfloat16, 5)
    train(theirs, like(start(mx.bfloat16), mx.float32), mx.bfloat16, 5)
    for optimizer, weights in ((make("adam", False), ours.masters(half)), (make("adam", False), half)):
        optimizer.state = tree_map(lambda leaf: leaf, ours.state)
        assert equal(moments(optimizer), moments(theirs))
        assert not any(path.endswith("master") for path, _ in tree_flatten(optimizer.state))
        after = train(optimizer, weights, mx.bfloat16, 3, since=5)
        assert after["embed"].dtype == weights["embed"].dtype
        assert optimizer.state["states"][0]["embed"]["m"].dtype == mx.float32
    train(ours, half, mx.bfloat16, 3, since=5)


@pytest.mark.parametrize("initialised", [False, True])
@pytest.mark.parametrize("now", [lambda path, _: True, lambda path, _: path == "b"])
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_masters_are_those_of_the_group_that_a_weight_is_in_now(initialised, now, dtype):
    def make(body):
        return ms.MultiOptimizer(
            [optim.SGD(1e-3), optim.SGD(1e-3)], [body], names=["body", "head"], master_weights=True
        )

    weights, ones = ({name: mx.ones(1, of) for name in "ab"} for of in (dtype, mx.float32))
    old, new = make(first), make(now)
    for _ in range(3):
        weights = old.apply_gradients(ones, weights)
    if initialised:
        new.init(weights)
    new.restore(old.state, old.names)
    expected = old.masters(weights)["a"] if now("a", None) else weights["a"].astype(mx.float32)
    expected = {"a": expected, "b": weights["b"].astype(mx.float32)}  # b has always moved to another group
    for _ in range(2):
        weights = new.apply_gradients(ones, weights)
        expected = {name: master - 1e-3 for name, master in expected.items()}
    assert equal(new.masters(weights), expected)


# ---- What it shows


def test_print_says_what_it_costs():
    optimizer = make("adamw")
    optimizer.init(start(mx.bfloat16))
    assert (
        "    master weights: 14 bytes a weight with its gradient and state (16 in float32, 8 in half precision without "
        "masters)" in repr(optimizer).splitlines()
    )
    sixteen = ms.MultiOptimizer([optim.Lion(1e-3)], master_weights=True)
    sixteen.init(start(mx.float16))
    assert "master weights: 12 bytes a weight" in repr(sixteen)
    assert "master weights" not in repr(make("adamw", master_weights=False))


@pytest.mark.parametrize("compiled", [False, True])
def test_the_share_of_weights_that_moved(compiled):
    def moved(**options):
        optimizer = ms.MultiOptimizer(
            [optim.SGD(0.0), optim.SGD(0.0)], [first], [ms.constant(1e-3), 0.0], track_moved=True, names=["a", "b"],
            **options,
        )  # fmt: skip
        weights = {"a": mx.array([1.0, 0.01, 100.0, 0.1], mx.bfloat16), "b": mx.ones(3, mx.bfloat16)}
        optimizer.init(weights)
        assert {name: share.item() for name, share in optimizer.moved.items()} == {"a": 0.0, "b": 0.0}
        update = optimizer.apply_gradients
        update = mx.compile(update, optimizer.state, optimizer.state) if compiled else update
        update(tree_map(mx.ones_like, weights), weights)
        return {name: share.item() for name, share in optimizer.moved.items()}, optimizer.state

    plain, state = moved()
    assert plain == {"a": 0.5, "b": 0.0}
    masters, _ = moved(master_weights=True)
    assert masters == {"a": 1.0, "b": 0.0}
    without = ms.MultiOptimizer([optim.SGD(0.0), optim.SGD(0.0)], [first])
    without.state = state
    assert "moved" not in without.state["states"][0]
    with pytest.raises(AttributeError, match="made with track_moved=True"):
        without.moved  # noqa: B018


def test_a_whole_schedule_moves_the_masters_to_its_end():
    """AdamW with warmup_cosine(2e-5, 400, end=2e-7): in bfloat16 the last update moves a thousandth of the weights."""
    shares = {}
    for name, masters, dtype in (("bfloat16", False, mx.bfloat16), ("masters", True, mx.bfloat16)):
        optimizer = ms.MultiOptimizer(
            [optim.AdamW(0.0)], (), ms.warmup_cosine(2e-5, 400, end=2e-7), master_weights=masters, track_moved=True
        )
        weights = {"w": (0.02 * mx.random.normal((10_000,), key=mx.random.key(0))).astype(dtype)}
        optimizer.init(weights)
        optimizer.step = 380
        for i in range(380, 400):
            weights = optimizer.apply_gradients(
                {"w": 1e-3 * mx.random.normal((10_000,), key=mx.random.key(i))}, weights
            )
        shares[name] = optimizer.moved["0"].item()
    assert shares["bfloat16"] < 0.01
    assert shares["masters"] >= 0.99


def test_masters_are_for_optimizers_of_one_rate():
    nested = optim.MultiOptimizer([optim.SGD(0.1)])
    for option in ("master_weights", "track_moved"):
        with pytest.raises(TypeError, match=r"optimizers\[0\] must be an optimizer of one rate, got"):
            ms.MultiOptimizer([nested], **{option: True})
    outer = ms.MultiOptimizer([ms.MultiOptimizer([optim.SGD(0.001)], master_weights=True)])
    weights = outer.apply_gradients({"a": mx.ones(1)}, {"a": mx.ones(1, mx.bfloat16)})
    assert outer.masters(weights)["a"].item() == np.float32(0.999)
