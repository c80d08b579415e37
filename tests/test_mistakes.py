"""Natural mistakes: each error names the function, the argument and the value, and says what to do."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import pytest

import mlx_schedules as ms

RATE = ms.warmup_cosine(1e-3, 100, warmup=10)
PAIR = ms.cosine_decay([1e-3, 1e-4], 100)


def two(**hyperparameters):
    return ms.MultiOptimizer(
        [optim.AdamW(0.0), optim.SGD(0.0)], [lambda path, weight: weight.ndim == 2], **hyperparameters
    )


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def resume(change):
    optimizer = two(learning_rate=[RATE, 1e-3])
    optimizer.init(net().trainable_parameters())
    optimizer.state = change([dict(state) for state in optimizer.state["states"]])


def weight_decay_of_all():
    two(learning_rate=[RATE, 1e-3]).weight_decay = RATE


MISTAKES = {  # the call, the error, and what its message must contain
    "a warmup longer than the run": (
        lambda: ms.warmup_cosine(1e-3, 100, warmup=200),
        (ValueError, "[warmup_cosine] warmup", "got warmup=200 of total_steps=100", "which counts all of it"),
    ),
    "warmup and decay longer than the run": (
        lambda: ms.warmup_stable_decay(1e-3, 100, warmup=50, decay=0.6),
        (ValueError, "warmup and decay must not be longer", "warmup=50, decay=0.6", "which counts all of it"),
    ),
    "a negative warmup": (
        lambda: ms.warmup_cosine(1e-3, 100, warmup=-1),
        (ValueError, "[warmup_cosine] warmup must be at least 0, got -1"),
    ),
    "no steps": (lambda: ms.cosine_decay(1e-3, 0), (ValueError, "[cosine_decay] decay_steps must be above 0, got 0")),
    "steps not known yet": (
        lambda: ms.warmup_cosine(1e-3, None),
        (TypeError, "[warmup_cosine] total_steps must be a real number, a list or an array, got None"),
    ),
    "a rate as YAML reads it": (
        lambda: ms.warmup_cosine("1e-3", 100),
        (TypeError, "[warmup_cosine] peak", "got '1e-3', which is text", "needs a point and a sign, 1.0e-5"),
    ),
    "a tail of another name": (
        lambda: ms.warmup_stable_decay(1e-3, 100, tail="sqrt"),
        (ValueError, "[warmup_stable_decay] tail must be one of 'linear', 'cosine', '1-sqrt'", "got 'sqrt'"),
    ),
    "ratios down to 0": (
        lambda: ms.warmup_stable_decay(1e-3, 100, tail="exponential"),
        (ValueError, "[warmup_stable_decay] end must not be 0", "got 0", "give a hundredth of the peak"),
    ),
    "a rate that diverged": (
        lambda: ms.cosine_decay(float("nan"), 100),
        (ValueError, "[cosine_decay] init must be finite, got nan"),
    ),
    "groups of different numbers": (
        lambda: ms.cosine_decay([1, 2], [1, 2, 3]),
        (ValueError, "[cosine_decay]", "init (2,), decay_steps (3,)", "sizes must be equal or 1"),
    ),
    "a decay rate of 0": (
        lambda: ms.step_decay(1e-3, 0, 10),
        (ValueError, "[step_decay] decay_rate must be above 0, got 0"),
    ),
    "one schedule to join": (
        lambda: ms.join_schedules(RATE, [10]),
        (TypeError, "[join_schedules] schedules must be a list, got warmup_cosine", "write [...]"),
    ),
    "one boundary to join at": (
        lambda: ms.join_schedules([RATE, RATE], 10),
        (TypeError, "[join_schedules] boundaries must be a list, got 10", "write [...]"),
    ),
    "a boundary too many": (
        lambda: ms.join_schedules([RATE, RATE], [10, 20]),
        (ValueError, "[join_schedules] boundaries must be one less than the schedules: 1, got 2"),
    ),
    "boundaries out of order": (
        lambda: ms.join_schedules([RATE] * 3, [20, 10]),
        (ValueError, "[join_schedules] boundaries must not fall, got 10 after 20"),
    ),
    "a number to join": (
        lambda: ms.join_schedules([1e-3, RATE], [10]),
        (TypeError, "[join_schedules] schedules[0] must be a schedule, got 0.001", "ms.constant"),
    ),
    "half a cycle more": (
        lambda: RATE.repeat(100, times=2.5),
        (TypeError, "[repeat] times must be a whole number, got 2.5"),
    ),
    "restarts that fall for ever": (
        lambda: RATE.repeat(100, value_factor=0.5),
        (ValueError, "[repeat] value_factor must be 1", "got 0.5", "give times, or a period_factor of 2 or more"),
    ),
    "more cycles than can be held": (
        lambda: RATE.repeat(100, times=10**9),
        (ValueError, "[repeat] There must be at most 65536 segments", "give times=None"),
    ),
    "the optimizer for its step": (
        lambda: RATE(optim.SGD(0.1)),
        (TypeError, "[schedule] step must be a real number or an array, got <", "optimizer.step"),
    ),
    "groups of a schedule without": (
        lambda: RATE[0],
        (TypeError, "This schedule has no groups", "Give lists, or ms.stack schedules"),
    ),
    "one group beyond the last": (lambda: PAIR[2], (IndexError, "Group 2 of a schedule of 2 groups", "the first is 0")),
    "the class for a function": (
        lambda: ms.Schedule(1e-3, 100),
        (TypeError, "A schedule is made by a function: ms.cosine_decay"),
    ),
    "the decay steps of a whole run": (
        lambda: RATE.decay_steps,
        (AttributeError, "'decay_steps'", "this schedule has .segments and .last_step"),
    ),
    "one schedule to stack": (
        lambda: ms.stack(RATE),
        (TypeError, "[stack] schedules must be a list of schedules, got warmup_cosine", "write [schedule"),
    ),
    "MLX's schedule to stack": (
        lambda: ms.stack([RATE, optim.cosine_decay(1e-3, 10)]),
        (TypeError, "[stack] schedules[1] must be a schedule of mlx_schedules, got <", "make it with ms.cosine_decay"),
    ),
    "groups among singles": (
        lambda: ms.stack([RATE, PAIR]),
        (ValueError, "[stack] schedules must have groups of one shape, got (), (2,)", "*rates"),
    ),
    "more batches accumulated than there are": (
        lambda: ms.total_updates(100, 10, accumulation=20),
        (ValueError, "[total_updates] accumulation", "got 20", "there would be no update"),
    ),
    "JSON that isn't parsed": (
        lambda: ms.Schedule.from_dict('{"name": "constant"}'),
        (TypeError, '[from_dict] config must be a dict, got \'{"name": "constant"}\'', "parse its JSON or YAML first"),
    ),
    "mlx-lm's config without a schedule": (
        lambda: ms.Schedule.from_dict({"model": "a", "learning_rate": 1e-5, "lr_schedule": None}),
        (ValueError, "[from_dict] config has no lr_schedule, so its learning_rate 1e-05 is constant."),
    ),
    "the updates of a run that isn't known": (
        lambda: ms.Schedule.from_dict({"name": "warmup_cosine", "peak": 1e-3, "total_steps": "auto"}),
        (ValueError, "[from_dict] total_steps is 'auto'", "give updates=N, or mlx-lm's whole config, with its iters"),
    ),
    "a misspelt schedule": (
        lambda: ms.Schedule.from_dict({"name": "cosine", "arguments": [1, 2]}),
        (ValueError, "[from_dict] name must be that of a constructor", "got 'cosine'", "did you mean 'cosine_decay'?"),
    ),
    "a misspelt key": (
        lambda: ms.Schedule.from_dict({"name": "cosine_decay", "init": 1, "decay_step": 10}),
        (ValueError, "[from_dict] 'decay_step' is not a key of cosine_decay", "did you mean 'decay_steps'?"),
    ),
    "an optimizer for a list": (
        lambda: ms.MultiOptimizer(optim.AdamW(0.0), [], learning_rate=RATE),
        (TypeError, "[MultiOptimizer] optimizers must be a list of optimizers, got <", "write [optimizer]"),
    ),
    "a path for a filter": (
        lambda: ms.MultiOptimizer([optim.AdamW(0.0), optim.SGD(0.0)], ["layers.0"], learning_rate=PAIR),
        (TypeError, "[MultiOptimizer] filters[0]", "got 'layers.0'", "write lambda path, weight: path.startswith"),
    ),
    "filters left out": (
        lambda: ms.MultiOptimizer([optim.AdamW(0.0), optim.SGD(0.0)], learning_rate=PAIR),
        (ValueError, "[MultiOptimizer] Given 0 filters but 1 needed", "one for each optimizer but the last"),
    ),
    "one rate for two groups": (
        lambda: two(learning_rate=RATE),
        (ValueError, "[MultiOptimizer] learning_rate", "shape (2,)", "got ()", "schedule * ([1] * 2)"),
    ),
    "a number for two groups": (
        lambda: two(learning_rate=1e-3),
        (
            TypeError,
            "[MultiOptimizer] learning_rate",
            "got 0.001",
            "a list with a schedule, a number or None for each",
            "write a list of 2",
        ),
    ),
    "a list too short": (
        lambda: two(learning_rate=[RATE]),
        (ValueError, "[MultiOptimizer] learning_rate must hold one value for each of 2 optimizers, got 1", "None"),
    ),
    "momentum for AdamW": (
        lambda: two(momentum=[RATE, None]),
        (TypeError, "[MultiOptimizer] optimizers[0], AdamW, has no 'momentum'", "give None for it in a list"),
    ),
    "a misspelt hyperparameter": (
        lambda: two(weight_decays=[RATE, None]),
        (TypeError, "[MultiOptimizer] optimizers[0], AdamW, has no 'weight_decays'", "did you mean 'weight_decay'?"),
    ),
    "one schedule for both betas": (
        lambda: two(betas=[RATE, None]),
        (TypeError, "[MultiOptimizer] betas of optimizers[0] is [0.9, 0.999]", "give a tuple of 2"),
    ),
    "a schedule for a switch": (
        lambda: two(nesterov=[None, RATE]),
        (TypeError, "[MultiOptimizer] nesterov of optimizers[1] is False", "make the optimizer with it"),
    ),
    "a schedule in the optimizer too": (
        lambda: ms.MultiOptimizer([optim.SGD(RATE)], [], learning_rate=RATE),
        (ValueError, "[MultiOptimizer] optimizers[0] has a schedule", "learning_rate", "with a number"),
    ),
    "an Adafactor that finds its own rate": (
        lambda: ms.MultiOptimizer([optim.Adafactor()], [], learning_rate=RATE),
        (ValueError, "[MultiOptimizer] optimizers[0] is an Adafactor that ignores its rate", "relative_step=False"),
    ),
    "weight decay of all set at once": (
        weight_decay_of_all,
        (AttributeError, "[MultiOptimizer] weight_decay", "write optimizer.set(weight_decay=[...])"),
    ),
    "the state of fewer groups": (
        lambda: resume(lambda states: {"states": states[:1]}),
        (ValueError, "[MultiOptimizer] state must hold 'states' for 2 optimizers, found 1", "by another optimizer"),
    ),
    "a checkpoint in bfloat16": (
        lambda: resume(lambda states: {"states": [{**s, "step": mx.array(9, mx.bfloat16)} for s in states]}),
        (ValueError, "[MultiOptimizer] state['states'][0]['step']", "got an array of mlx.core.bfloat16", "mx.uint64"),
    ),
    "model and schedule exchanged": (
        lambda: ms.layerwise_decay(RATE, net(), 0.9),
        (TypeError, "[layerwise_decay] schedule must be a schedule of mlx_schedules, got Sequential"),
    ),
    "layers left out": (
        lambda: ms.layerwise_decay(net(), RATE, 0.9, blocks=["layers.0"]),
        (ValueError, "[layerwise_decay] blocks must hold every trainable weight", "layers.2.weight"),
    ),
    "a device by its name": (
        lambda: ms.fast.cosine_decay(1, 1e-3, 100, stream="cpu"),
        (TypeError, "[cosine_decay] stream must be a stream or a device of MLX, such as mx.cpu", "got 'cpu'"),
    ),
}


@pytest.mark.parametrize(("call", "answer"), MISTAKES.values(), ids=MISTAKES)
def test_the_error_says_what_to_write(call, answer):
    error, *parts = answer
    with pytest.raises(error) as raised:
        call()
    for part in parts:
        assert part in str(raised.value)


def test_there_are_forty_at_least():
    assert len(MISTAKES) >= 40
