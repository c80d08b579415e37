"""TrainingArguments and torch's one-cycle momentum, as docs/coming-from.md translates them, against the libraries."""

import ast
import importlib.util
import math
import pathlib
import re
import types

import mlx.core as mx
import numpy as np
import pytest
import torch
import transformers
from test_coming_from import PAGE

import mlx_schedules as ms

pytestmark = pytest.mark.filterwarnings("default")  # warnings come from other libraries

SECTION = PAGE.read_text().split("### TrainingArguments")[1].split("\n## ")[0]
ROWS = re.findall(r'^\| `lr_scheduler_type="(\w+)"`(.*?) \| `(ms\..*?)` \|$', SECTION, re.MULTILINE)
NAMES = {"I": 5e-5, "T": 96, "W": 3, "n": 20, "E": 1e-6}


def test_the_table_has_the_types_that_are_used_most():
    assert {name for name, _, _ in ROWS} == {"linear", "cosine", "constant_with_warmup", "warmup_stable_decay"}


@pytest.mark.parametrize(("name", "options", "ours"), ROWS, ids=[name for name, _, _ in ROWS])
def test_a_scheduler_type(name, options, ours):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=NAMES["I"])
    given = re.search(r"lr_scheduler_kwargs=(\{.*?\})", options)
    extra = eval(given[1], dict(NAMES)) if given else None
    scheduler = transformers.get_scheduler(name, optimizer, NAMES["W"], NAMES["T"], extra)
    theirs = []
    for _ in range(NAMES["T"]):
        theirs.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    schedule = eval(ours, {**NAMES, "ms": ms})
    assert np.allclose(np.array(schedule(mx.arange(NAMES["T"]))), theirs, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("updates", "ratio"), [(1005, 0.05), (1010, 0.03), (1001, 0.1), (96, 0.03), (1000, 0.1)])
def test_a_ratio_is_rounded_up_there(updates, ratio):
    """The function is read from the source, because TrainingArguments can't be constructed without accelerate."""
    path = pathlib.Path(importlib.util.find_spec("transformers").origin).with_name("training_args.py")
    (function,) = (
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == "get_warmup_steps"
    )
    names = {"math": math}
    exec(compile(ast.Module([function], []), str(path), "exec"), names)
    arguments = types.SimpleNamespace(warmup_steps=ratio, warmup_ratio=ratio)
    assert names["get_warmup_steps"](arguments, updates) == math.ceil(ratio * updates)


def test_the_momentum_of_one_cycle():
    code = PAGE.read_text().split("## One-cycle")[1].split("```python\n")[1].split("```")[0]
    names = {"ms": ms}
    exec(code, names)
    total, peak = names["T"], names["I"]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=total)
    theirs = []
    for _ in range(total - 1):
        theirs.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        scheduler.step()
    steps = mx.arange(total - 1)
    rates, momenta = names["rate"](steps), names["momentum"](steps)
    assert np.allclose(np.stack([np.array(rates), np.array(momenta)], 1), theirs, rtol=2e-6, atol=1e-9)
