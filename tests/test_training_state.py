"""The file that a run of mlx-lm resumes from is complete at any moment, however the process that writes it ends."""

import json
import os

import mlx.core as mx
import pytest

from mlx_schedules._mlx_lm import state_file
from mlx_schedules._mlx_lm.state_file import State
from support.killing import kill_while_saving


def state(i):
    optimizer = {"step": mx.array(i, mx.uint64), "a.m": mx.full((3,), i, mx.float32)}
    return State(
        {"a": mx.full((3,), i, mx.bfloat16)}, optimizer, {"mlx": mx.array([1, i], mx.uint32)}, {"iteration": i}
    )


def same(a, b):
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and mx.array_equal(a[name], b[name]) for name in a
    )


def test_what_is_saved_is_loaded(tmp_path):
    for i in (1, 2):
        path = state_file.save(tmp_path, state(i))
        for found in (state_file.load(tmp_path), state_file.load(path)):
            assert all(
                same(getattr(found, part), getattr(state(i), part)) for part in ("weights", "optimizer", "random")
            )
            assert found.facts == {"iteration": i, "version": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["training_state.safetensors"]


def test_a_save_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    state_file.save(tmp_path, state(1))

    def full(*_):
        raise OSError("No space left on device")

    for function in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, full)
            with pytest.raises(OSError, match="No space"):
                state_file.save(tmp_path, state(2))
        assert state_file.load(tmp_path).facts["iteration"] == 1
    state_file.save(tmp_path, state(3))
    assert state_file.load(tmp_path).facts["iteration"] == 3


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_killed_at_any_moment_a_whole_state_is_there(tmp_path):
    """tests/conformance/test_mlx_lm_resume.py does this fifty times."""
    kill_while_saving(tmp_path, times=6)


def test_a_file_that_is_no_training_state_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"there is no .*training_state.safetensors: it is written at the first"):
        state_file.load(tmp_path)
    other = tmp_path / "adapters.safetensors"
    mx.save_safetensors(str(other), {"a": mx.array(1.0)})
    with pytest.raises(ValueError, match=r"adapters\.safetensors is not a training state"):
        state_file.load(other)
    (tmp_path / "training_state.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match=r"training_state\.safetensors is not a training state"):
        state_file.load(tmp_path)
    mx.save_safetensors(str(other), {"a": mx.array(1.0)}, {"mlx_schedules": json.dumps({"version": 1})})
    with pytest.raises(ValueError, match="is of version 1; this mlx-schedules reads 2"):
        state_file.load(other)
