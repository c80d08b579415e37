"""What the run command adds to mlx-lm, tested with a stand-in that has mlx-lm's modules, functions and loop.

tests/conformance tests the same with mlx-lm itself.
"""

import subprocess
import sys

import mlx.core as mx
import numpy as np
import pytest

from mlx_schedules.__main__ import main
from mlx_schedules._mlx_lm import state_file
from mlx_schedules._mlx_lm.data_order import _read, _written
from mlx_schedules._mlx_lm.waiting import Waiting
from support.helpers import evaluated

UTILS = """
import mlx.optimizers as opt

def build_schedule(schedule_config):
    \"\"\"Theirs.\"\"\"
    return getattr(opt.schedulers, schedule_config["name"])(*schedule_config["arguments"])
"""
TRAINER = """
from dataclasses import dataclass
import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten, tree_map

@dataclass
class TrainingArgs:
    iters: int = 12
    batch_size: int = 2
    grad_accumulation_steps: int = 2
    steps_per_save: int = 3
    adapter_file: str = "adapters.safetensors"

def iterate_batches(dataset, batch_size, loop=False):
    while True:
        for i in np.random.permutation(len(dataset) // batch_size):
            yield mx.array(dataset[i * batch_size : (i + 1) * batch_size], mx.float32)
        if not loop:
            break

def train(model, optimizer, train_dataset, val_dataset=None, args=TrainingArgs(), iterate_batches=iterate_batches):
    gradient_of = nn.value_and_grad(model, lambda x: (model(x) + mx.random.normal((2, 1))).square().sum())
    kept = None
    for it, batch in zip(range(FIRST, args.iters + 1), iterate_batches(dataset=train_dataset, batch_size=2, loop=True)):
        _, gradient = gradient_of(batch)
        kept = gradient if kept is None else tree_map(lambda a, b: a + b, kept, gradient)
        if it % args.grad_accumulation_steps == 0:
            optimizer.update(model, kept)
            kept = None
        mx.eval(model.state, optimizer.state, kept)
        if it % args.steps_per_save == 0:
            mx.save_safetensors(f"{it:07d}_adapters.safetensors", dict(tree_flatten(model.trainable_parameters())))
    mx.save_safetensors(args.adapter_file, dict(tree_flatten(model.trainable_parameters())))
"""
PROGRAM = """
import json, sys
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx_lm.tuner.trainer import TrainingArgs, train
from mlx_lm.tuner.utils import build_schedule
lr_schedule, more = json.loads(sys.argv[1]), json.loads(sys.argv[2])
mx.random.seed(3), np.random.seed(3)
model, make = nn.Linear(3, more.pop("outputs", 1)), getattr(optim, more.pop("optimizer", "AdamW"))
constant = more.pop("rate", 1e-3)
rate = build_schedule(lr_schedule) if lr_schedule else constant
first = optimizer = make(rate)
if more.pop("groups", False):
    optimizer = optim.MultiOptimizer([first, optim.SGD(rate)], [lambda name, weight: weight.ndim == 2])
data, before = [[i, 1, 2] for i in range(10)], more.pop("before", 0)
if before:
    train(model, optimizer, data, args=TrainingArgs(iters=before))
train(model, optimizer, data, args=TrainingArgs(**more))
print(first.step.item(), first.learning_rate.item(), build_schedule.__doc__)
"""
AUTO = '{"name": "warmup_cosine", "peak": 1e-2, "total_steps": "auto", "warmup": 0.4, "init": 1e-3, "end": 1e-4}'
THEIRS = '{"name": "cosine_decay", "arguments": [1e-2, 20]}'


@pytest.fixture
def folder(tmp_path):
    tuner = tmp_path / "mlx_lm" / "tuner"
    tuner.mkdir(parents=True)
    for package in (tuner.parent, tuner):
        (package / "__init__.py").touch()
    (tuner / "utils.py").write_text(UTILS)
    (tuner / "trainer.py").write_text(TRAINER.replace("FIRST", "1"))
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def run(folder, *options, config=AUTO, more="{}"):
    line = [sys.executable, "-m", "mlx_schedules", "run", *options, "program.py", config, more]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True)


def adapters(folder):
    loaded = mx.load(str(folder / "adapters.safetensors"))
    mx.eval(loaded)  # MLX reads arrays when they are used, and the next run overwrites the file
    return loaded


def test_auto_is_the_updates_that_are_trained_and_told(folder):
    done = run(folder)
    assert done.stderr == "note: 6 updates; the last one has 1e-4.\n"
    assert done.stdout.split() == ["6", str(mx.array(1e-4).item()), "Theirs."]


def test_mlx_lms_own_schedules_are_told_with_the_remedy(folder):
    done = run(folder, config=THEIRS)
    assert done.stderr == (
        "note: 6 updates; the last one has 0.00854; the schedule's end, 0, is at step 20, and the last update at 5. "
        "For an end at the last update write arguments: [0.01, 5].\n"
    )
    done = run(folder, config='{"name": "cosine_decay", "arguments": [1e-2, 20], "warmup": 0.1}')
    assert "[from_dict] warmup must be a number of steps, as mlx-lm counts it, got 0.1" in done.stderr
    for config in (THEIRS, AUTO):
        done = run(folder, config=config, more='{"iters": 1}')
        assert done.stderr == "note: there are fewer iterations than one update takes: nothing will be trained.\n"


def test_a_constant_rate_is_told(folder):
    assert run(folder, config="null").stderr == "note: 6 updates; the last one has 0.001.\n"


def test_a_rate_that_two_groups_share_is_made_for_the_run(folder):
    done = run(folder, more='{"groups": true}')
    assert done.stderr == "note: 6 updates.\n"
    assert done.stdout.split() == ["6", str(mx.array(1e-4).item()), "Theirs."]


def test_numbers_as_text_are_taken_and_auto_in_their_form_is_explained(folder):
    done = run(folder, config='{"name": "cosine_decay", "arguments": ["1e-2", "5"]}')
    assert done.stderr == "note: 6 updates; the last one has 0.\n"
    done = run(folder, config='{"name": "cosine_decay", "arguments": [1e-2, "auto"]}')
    assert "[from_dict] arguments must be numbers, got [0.01, 'auto']: 'auto' is for the total_steps of" in done.stderr


@pytest.mark.parametrize(
    "config",
    [
        "0.001",
        '"arguments auto"',
        '{"name": "cosine_decay", "arguments": {"init": 1e-2, "decay_steps": 10}}',
        '{"name": "cosine_decay", "arguments": 1e-2}',
        '{"name": "cosine_decay", "arguments": [1e-2]}',
        '{"name": "cosine_decay", "arguments": [1e-2, 10], "warmup_steps": 3}',
        '{"name": "cosine_decay", "arguments": [1e-2, 10], "warmup": "3 steps"}',
        '{"name": "warmup_cosine", "pek": 1e-2, "total_steps": "auto"}',
    ],
)
def test_a_config_that_is_wrong_is_refused_as_preview_does(folder, config, capsys):
    (folder / "lora.json").write_text(f'{{"iters": 12, "lr_schedule": {config}}}')
    with pytest.raises(SystemExit):
        main(["preview", "--config", str(folder / "lora.json")])
    message = capsys.readouterr().err.partition("lora.json: ")[2]
    assert message.startswith("[from_dict] ")
    assert run(folder, config=config).stderr.endswith(f"Error: {message}")


@pytest.mark.parametrize("config", ["{}", "null", "0"])
def test_an_empty_schedule_is_none_as_in_mlx_lm(folder, config, capsys):
    (folder / "lora.json").write_text(f'{{"iters": 6, "lr_schedule": {config}, "learning_rate": 1e-3}}')
    assert main(["preview", "--config", str(folder / "lora.json")]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert run(folder, config=config).stderr == f"note: {told}\n" == "note: 6 updates; the last one has 0.001.\n"


def test_a_run_that_was_cut_goes_on_to_the_bit(folder):
    """The run is cut after 9 of 12 iterations, in the middle of an accumulation and of the second epoch."""
    run(folder)
    plain = adapters(folder)
    assert not (folder / state_file.NAME).exists()
    assert run(folder, "--save-state").returncode == 0
    assert all(mx.array_equal(plain[name], weight) for name, weight in adapters(folder).items())
    assert state_file.load(folder).facts["iteration"] == 12
    run(folder, "--save-state", config=AUTO.replace('"auto"', '6, "end_at": "last_update"'), more='{"iters": 9}')
    assert state_file.load(folder).facts["iteration"] == 8
    (folder / "0000006_adapters.safetensors").unlink()
    done = run(folder, "--resume-from", ".")
    assert "note: goes on from iteration 8 of 12.\n" in done.stderr
    assert all(mx.array_equal(plain[name], weight) for name, weight in adapters(folder).items())
    assert not (folder / "0000006_adapters.safetensors").exists()  # files are numbered by the whole run's iterations
    assert state_file.load(folder).facts["iteration"] == 12


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('{"iters": 12}', "the state is that of iteration 12 of 12: nothing is left to do."),
        ('{"iters": 20, "batch_size": 5}', "the state was saved with batch_size 2, and here it is 5."),
        ('{"iters": 20, "optimizer": "Lion"}', "the state was saved with optimizer AdamW, and here it is Lion."),
        ('{"iters": 20, "outputs": 2}', "the weight weight is (2, 3) here and (1, 3) in the state: fine_tune_type,"),
    ],
)
def test_a_state_of_another_run_is_refused(folder, more, message):
    run(folder, "--save-state")
    done = run(folder, "--resume-from", ".", more=more)
    assert done.returncode == 1
    assert f"--resume-from .: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_constant_rate_is_refused_and_the_same_goes_on(folder):
    """The state has the rate of the last update, which would be used in place of the one that is told."""
    run(folder, "--save-state", config="null")
    assert run(folder, "--resume-from", ".", config="null", more='{"iters": 20}').returncode == 0
    run(folder, "--save-state")
    done = run(folder, "--resume-from", ".", config="null", more='{"iters": 20}')
    assert "--resume-from .: the state was saved with learning_rate 1e-4, and here it is 0.001.\n" in done.stderr
    assert done.returncode == 1
    run(folder, "--save-state", config="null", more='{"rate": 1.2345e-5}')
    done = run(folder, "--resume-from", ".", config="null", more='{"iters": 20, "rate": 1.23e-5}')
    assert "saved with learning_rate 1.2345e-05, and here it is 1.23e-5.\n" in done.stderr


def test_an_adafactor_that_computes_its_own_rate_is_told(folder):
    done = run(folder, more='{"optimizer": "Adafactor"}')
    assert (
        "note: 6 updates. Adafactor computes its own rate and ignores this one: write optimizer_config" in done.stderr
    )


def test_a_schedule_of_one_group_is_told_by_its_updates(folder):
    done = run(folder, config='{"name": "warmup_cosine", "peak": [1e-3], "total_steps": 10}')
    assert done.stderr == "note: 6 updates.\n"


def test_a_run_of_one_update_has_the_first_rate(folder):
    done = run(folder, more='{"iters": 2}')
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("note: 1 update; the last one has 0.001;")


def test_a_second_call_of_train_goes_on_to_the_end(folder):
    done = run(folder, more='{"before": 12}')
    assert done.stderr == 2 * "note: 6 updates; the last one has 1e-4.\n"
    assert done.stdout.split()[:2] == ["12", str(mx.array(1e-4).item())]


def test_the_rates_of_a_programs_other_runs_need_not_fit(folder):
    """A warmup that is longer than another run of the program was refused."""
    more = "build_schedule({**lr_schedule, 'warmup': 6})"
    (folder / "program.py").write_text(PROGRAM.replace("first =", f"other = optim.SGD({more})\nfirst ="))
    done = run(folder, more='{"iters": 10}')
    assert done.stderr == "note: 5 updates; the last one has 1e-4.\n"


@pytest.mark.parametrize("resumed", [AUTO, AUTO.replace('"auto"', '12, "end_at": "last_update"')])
def test_a_run_after_another_of_the_same_optimizer_goes_on_to_the_bit(folder, resumed):
    """The program that resumes it does not train the other again, but its steps are in the optimizer's state."""
    config = AUTO.replace('"auto"', '12, "end_at": "last_update"')
    run(folder, config=config, more='{"before": 12}')
    whole = adapters(folder)
    run(folder, "--save-state", config=config, more='{"before": 12, "iters": 9}')
    done = run(folder, "--resume-from", ".", config=resumed)
    assert done.stderr == "note: goes on from iteration 8 of 12.\nnote: 6 updates; the last one has 1e-4.\n"
    assert all(mx.array_equal(whole[name], weight) for name, weight in adapters(folder).items())


def test_a_state_is_restored_into_the_first_call_of_train_alone(folder):
    """It used to replace the program's other runs too, without a word."""
    run(folder, "--save-state")
    whole = adapters(folder)
    run(folder, "--save-state", config=AUTO.replace('"auto"', '6, "end_at": "last_update"'), more='{"iters": 9}')
    (folder / state_file.NAME).rename(folder / "first.safetensors")
    done = run(folder, "--resume-from", "first.safetensors", more='{"before": 12}')
    assert done.returncode == 1
    assert done.stderr.endswith(
        "note: 6 updates; the last one has 1e-4.\n--resume-from first.safetensors: the state was restored into the "
        "program's first train(), and this is another: resume one run at a time, in a program that calls train() "
        "once.\n"
    )
    assert all(mx.array_equal(whole[name], weight) for name, weight in adapters(folder).items())
    assert state_file.load(folder).facts["iteration"] == 12


def test_a_state_of_a_later_run_is_not_restored_into_the_first(folder):
    """It used to be trained on and saved as the first run's adapters, which were complete."""
    (folder / "b").mkdir()
    second = '"iters": 9, "adapter_file": "b/adapters.safetensors"'
    run(folder, "--save-state", more=f'{{"before": 12, {second}}}')
    first = adapters(folder)
    done = run(folder, "--resume-from", "b", more=f'{{"before": 12, {second}}}')
    assert done.returncode == 1
    assert done.stderr == (
        "--resume-from b: the state is that of a program's train() number 2, which saves b/adapters.safetensors, and "
        "this is the first, which saves adapters.safetensors: let the program train only the run that was "
        "interrupted.\n"
    )
    assert all(mx.array_equal(first[name], weight) for name, weight in adapters(folder).items())
    for iters in (12, 15):  # the state that the first of them saves is that of a first run
        alone = second.replace("9", str(iters))
        assert run(folder, "--resume-from", "b", config="null", more=f'{{"rate": 1e-4, {alone}}}').returncode == 0


def test_without_a_state_nothing_is_trained(folder):
    done = run(folder, "--resume-from=absent")
    assert "--resume-from absent: there is no absent: it is written at the first save" in done.stderr
    assert not (folder / "adapters.safetensors").exists()


def test_another_way_of_counting_is_noticed(folder):
    """mlx-lm may change its loop one day."""
    (folder / "mlx_lm/tuner/trainer.py").write_text(
        TRAINER.replace("range(FIRST, args.iters + 1)", "range(args.iters)")
    )
    done = run(folder, "--save-state")
    assert "[run] The train() of this mlx-lm counts its iterations in another way" in done.stderr


def test_a_program_without_mlx_lm_is_told(folder):
    (folder / "program.py").write_text("print('done')")
    done = run(folder, "--save-state")
    assert done.stdout == "done\n"
    assert done.stderr == "note: mlx-lm's train() was not called, so no state was saved.\n"


def test_the_commands_do_without_numpy():
    """NumPy may be missing, since only mlx-lm requires it."""
    code = "import sys; sys.modules['numpy'] = None; from mlx_schedules.__main__ import main; main(sys.argv[1:])"
    line = [sys.executable, "-c", code, "preview", "--init", "1", "--decay-steps", "2", "--csv", "--steps", "1"]
    done = subprocess.run(line, capture_output=True, text=True)
    header, *rows = done.stdout.splitlines()
    assert header == "step,value", done.stderr
    assert [float(number) for row in rows for number in row.split(",")] == evaluated([0, 1, 1, 0.5])


def test_numpys_generator_goes_on_where_it_was():
    generator = np.random.RandomState(5)
    for draws in (0, 1, 2, 700):  # normal numbers are drawn in pairs, and the second is kept
        generator.standard_normal(draws)
        again = np.random.RandomState()
        again.set_state(_read(_written(tuple(generator.get_state()))))
        assert again.standard_normal(5).tolist() == generator.standard_normal(5).tolist()


def test_auto_where_no_train_of_mlx_lm_says_how_long_the_run_is():
    waiting = Waiting({"name": "warmup_cosine", "peak": 1.0, "total_steps": "auto"})
    for _ in range(2):
        assert waiting(mx.array(0)).item() == 0  # an optimizer makes this call when it is constructed
    for update, step in ((waiting, 1), (mx.compile(waiting), 0)):
        with pytest.raises(RuntimeError, match=r"total_steps is 'auto', and this trainer .* write their number"):
            update(mx.array(step))
    waiting.settle(11)
    for rate in (waiting, mx.compile(waiting), waiting.schedule):
        assert rate(mx.array(5)).item() == evaluated(0.5)
    waiting.settle(21)
    assert waiting(mx.array(10)).item() == evaluated(0.5)
