"""For another library's name of an argument, the error gives the name here, but never one that means something else."""

import inspect

import mlx.optimizers as optim
import pytest

import mlx_schedules as ms
from mlx_schedules.__main__ import main
from mlx_schedules._columns.names import meant

WRITE = [
    (lambda: ms.warmup_cosine(1e-3, 1000, warmup_steps=100), "'warmup_steps': write warmup=100, a number of steps, or"),
    (lambda: ms.warmup_linear(1e-3, 1000, warmup_ratio=0.1), "write warmup=0.1, a number of steps, or below 1 a frac"),
    (
        lambda: ms.warmup_cosine(lr=1e-3, total_steps=1000),
        "There is no argument 'lr': write peak=0.001.",
    ),
    (lambda: ms.cosine_decay(lr=1e-3, decay_steps=1000), "[cosine_decay] There is no argument 'lr': write init=0.001."),
    (lambda: ms.cosine_decay(1e-3, total_steps=1000), "write decay_steps=1000."),
    (lambda: ms.warmup_cosine(1e-3, num_training_steps=1000), "write total_steps=1000, the updates of the whole run"),
    (lambda: ms.cosine_decay(1e-3, 1000, eta_min=1e-5), "write end=1e-05."),
    (lambda: ms.cosine_decay(1e-3, 1000, warmup_steps=10), "write ms.warmup_cosine(peak, total_steps, warmup=...), or"),
    (lambda: ms.exponential_decay(1e-3, gamma=0.9), "write decay_rate=0.9."),
    (lambda: ms.constant(learning_rate=1e-3), "write value=0.001."),
    (lambda: ms.warmup_stable_decay(1e-3, 1000, decay_ratio=0.2), "write decay=0.2, a number of steps, or below 1"),
    (lambda: ms.warmup_stable_decay(1e-3, 1000, decay_type="linear"), "write tail='linear'."),
    (lambda: ms.cosine_decay(1e-3, 1000, alpha=0.1), "There is no argument 'alpha'; there are init, decay_steps, end."),
    (lambda: ms.total_updates(1000, 8, gradient_accumulation_steps=4), "write accumulation=4."),
    (lambda: ms.MultiOptimizer([optim.AdamW(0.0)], lr=[1e-3]), "AdamW, has no 'lr': did you mean 'learning_rate'?"),
    (lambda: ms.MultiOptimizer([optim.AdamW(0.0)], lr=1e-3), "AdamW, has no 'lr': did you mean 'learning_rate'?"),
    (
        lambda: ms.one_cycle(max_lr=1e-3, total_steps=1000),
        "[one_cycle] There is no argument 'max_lr': write peak=0.001.",
    ),
    (
        lambda: ms.constant(1.0).warmup(warmup_steps=10),
        "write ms.warmup_cosine(peak, total_steps, warmup=...), or .warm",
    ),
    (lambda: ms.cosine_decay(1.0, 10).repeat(10, T_mult=2), "[repeat] There is no argument 'T_mult': write period_fac"),
    (lambda: ms.layerwise_decay(None, None, decay=0.9), "'decay'; there are model, schedule, factor, blocks."),
]


@pytest.mark.parametrize(("call", "says"), WRITE, ids=[says[:40] for _, says in WRITE])
def test_a_wrong_name_says_what_to_write(call, says):
    with pytest.raises(TypeError) as error:
        call()
    assert says in str(error.value)


def test_other_mistakes_keep_python_s_message():
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'total_steps'"):
        ms.warmup_cosine(1e-3)
    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        ms.warmup_cosine(1e-3, 1000, 100)


ANSWERS = [
    (["--lr", "1e-3", "--total-steps", "10"], "--lr is not known here: write --peak."),
    (["--lr", "1e-3", "--decay-steps", "10"], "--lr is not known here: write --init."),
    (
        ["--peak", "1", "--total-steps", "10", "--warmup-ratio", "0.1"],
        "write --warmup, a number of steps, or below 1",
    ),
    (["--peak", "1", "--total-steps", "10", "--warmup_steps=3"], "write --warmup, a number of steps"),
    (["--peak", "1", "--total-steps", "10", "--tail", "cosine"], "--tail cosine needs --wsd, which keeps the peak"),
    (["--init", "1", "--decay-steps", "10", "--tail", "cosine"], "--tail cosine needs --wsd, which keeps the peak"),
    (["--tail", "cosine"], "--tail cosine needs --wsd"),
    (["--decay", "0.2"], "--decay 0.2 needs --wsd"),
    (["--peak", "1", "--total-steps", "10", "--alpha", "0.1"], "--alpha is not known here: --help lists the options."),
]


@pytest.mark.parametrize(("arguments", "says"), ANSWERS, ids=lambda x: " ".join(x) if isinstance(x, list) else None)
def test_a_wrong_option_says_what_to_write(arguments, says, capsys):
    with pytest.raises(SystemExit):
        main(["preview", *arguments])
    assert says in " ".join(capsys.readouterr().err.split())


def test_run_alone_says_what_to_write(capsys):
    with pytest.raises(SystemExit):
        main(["run"])
    said = " ".join(capsys.readouterr().err.split())
    assert "write a module, as in 'run -m mlx_lm lora --config lora.yaml', or a script, as in 'run train.py'" in said


# Names in optax, torch, transformers, timm, keras and MLX, with the name here that means the same.
SAME = {
    "lr": "peak", "learning_rate": "peak", "base_lr": "peak", "max_lr": "peak", "peak_value": "peak",
    "num_training_steps": "total_steps", "decay_steps": "total_steps", "max_steps": "total_steps",
    "iters": "total_steps", "warmup_steps": "warmup", "num_warmup_steps": "warmup", "warmup_ratio": "warmup",
    "warmup_t": "warmup", "min_lr": "end", "eta_min": "end", "end_value": "end", "lr_min": "end",
    "warmup_init": "init", "warmup_lr_init": "init", "total_iters": "total_steps",
}  # fmt: skip
OTHERS = [
    *("alpha", "min_lr_ratio", "min_lr_rate", "num_cycles", "last_epoch", "power", "exponent", "cycle_mul", "t_mul"),
    *("momentum", "gamma", "decay_rate", "step_size", "transition_begin", "staircase", "k_decay", "pct_start", "beta"),
    *("div_factor", "start_factor", "end_factor", "weight_decay", "timescale", "epochs", "final_div"),
]


def test_no_name_is_offered_that_means_something_else():
    known = [*inspect.signature(ms.warmup_cosine).parameters]
    assert {name: meant(name, known) for name in SAME} == SAME
    assert {name: found for name in OTHERS if (found := meant(name, known))} == {}
    for typo, right in (("warmpu", "warmup"), ("total_step", "total_steps"), ("Peak", "peak"), ("end-at", "end_at")):
        assert meant(typo, known) == right
