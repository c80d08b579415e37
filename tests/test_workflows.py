"""The hosted workflows: what runs on a Mac, in which order, and that nothing fails there unseen."""

import pathlib
import re

import pytest
import yaml

WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in (pathlib.Path(__file__).parent.parent / ".github" / "workflows").glob("*.yml")
}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]
CURRENT = {"checkout": "v7", "setup-python": "v7", "upload-artifact": "v7", "download-artifact": "v8"}


def steps(name, job):
    return WORKFLOWS[name]["jobs"][job]["steps"]


def position(commands, part):
    (found,) = [i for i, command in enumerate(commands) if part in command]
    return found


def test_there_are_three():
    assert {name: workflow["name"] for name, workflow in WORKFLOWS.items()} == {
        name: name for name in ("conformance", "lint", "wheels")
    }


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_fails_before_a_pipe_fails_the_step(name):
    assert WORKFLOWS[name]["defaults"]["run"]["shell"] == "bash"  # with pipefail, unlike the default


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_every_job_ends_and_takes_current_actions(name, job):
    assert WORKFLOWS[name]["jobs"][job]["timeout-minutes"] <= 180
    for step in steps(name, job):
        if action := re.fullmatch(r"actions/(.*)@(.*)", step.get("uses", "")):
            assert CURRENT[action[1]] == action[2]


def test_a_mac_runs_the_doctor_first_and_then_the_tests_on_its_gpu():
    gpu = WORKFLOWS["wheels"]["jobs"]["gpu"]
    assert gpu["strategy"]["matrix"]["os"] == ["macos-15", "macos-26"]
    assert gpu["timeout-minutes"] == 45
    commands = [step.get("run", step.get("uses")) for step in steps("wheels", "gpu")]
    doctor, artifact = position(commands, "doctor --json | tee doctor.json"), position(commands, "upload-artifact")
    assert doctor < artifact < position(commands, "pytest -n auto --device gpu")
    uploads = steps("wheels", "gpu")[artifact]
    assert (uploads["if"], uploads["with"]["path"]) == ("always()", "doctor.json")
