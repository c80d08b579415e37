"""Evaluates the expressions of docs/coming-from.md with their libraries, to rates at steps 0, 1, ...

Libraries that calculate in float32 by default are told to use float64, so that formulas are compared, not rounding.
"""

import contextlib
import importlib
import importlib.util
import sys
import types
from unittest import mock

import mlx.core as mx


def mlx(code, names, steps):
    import mlx.optimizers as optim

    with mx.stream(mx.cpu):
        schedule = eval(code, {**vars(optim), **names})
        return schedule(mx.array(steps, mx.float64)).tolist() if len(steps) else []


def mlx_lm(code, names, steps):
    from mlx_lm.tuner.utils import build_schedule

    with mx.stream(mx.cpu):
        return build_schedule(eval(code, dict(names)))(mx.array(steps, mx.float64)).tolist()


@contextlib.contextmanager
def float64():
    import jax
    import keras

    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    with jax.enable_x64(True):
        yield
    keras.config.set_floatx(before)


def optax(code, names, steps):
    import jax
    import optax

    with float64():
        schedule = eval(code, {**vars(optax), **names})
        return jax.vmap(schedule)(jax.numpy.array(steps)).tolist()


def keras(code, names, steps):
    import jax
    import keras

    with float64():
        schedule = eval(code, {**vars(keras.optimizers.schedules), **names})
        return jax.vmap(schedule)(jax.numpy.array(steps)).tolist()


def optimizer(rate):
    import torch

    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)


def stepped(make, rate, steps):
    """Return the rates of a torch scheduler, for as many steps as it takes."""
    found, opt = [], optimizer(rate)
    scheduler = make(opt)
    for _ in steps:
        found.append(opt.param_groups[0]["lr"])
        opt.step()
        with contextlib.suppress(ValueError):
            scheduler.step()
            continue
        break
    return found


def torch(code, names, steps):
    from torch.optim import lr_scheduler

    return stepped(lambda opt: eval(code, {**vars(lr_scheduler), **names, "opt": opt}), names["I"], steps)


def transformers(code, names, steps):
    from transformers import optimization

    return stepped(lambda opt: eval(code, {**vars(optimization), **names, "opt": opt}), names["I"], steps)


def timm_schedulers():
    """Import only timm.scheduler. timm itself imports torchvision, whose PyPI wheels don't work with a CPU's torch."""
    timm = types.ModuleType("timm")
    timm.__path__ = importlib.util.find_spec("timm").submodule_search_locations
    with mock.patch.dict(sys.modules, timm=timm):
        return vars(importlib.import_module("timm.scheduler"))


def timm(code, names, steps):
    opt = optimizer(names["I"])
    scheduler = eval(code, {**timm_schedulers(), **names, "opt": opt})
    found = []
    for step in steps:
        scheduler.step(step)
        found.append(opt.param_groups[0]["lr"])
    return found


RATES = {"MLX": mlx, "mlx-lm": mlx_lm, "optax": optax, "torch": torch, "transformers": transformers, "timm": timm,
         "keras": keras}  # fmt: skip
