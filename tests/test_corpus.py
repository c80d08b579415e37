"""The corpus of public schedules against their original arithmetic, to the end of the run; and claims about it."""

import importlib.util
import pathlib
from collections import Counter

import mlx.core as mx
import numpy as np
import pytest

from support import corpus
from support.corpus import CORPUS, OTHER, SHARES
from support.helpers import primitives, rounding

REPOSITORY = pathlib.Path(__file__).parent.parent
SERVED = [entry for entry in CORPUS if entry.ours is not None]


@pytest.mark.parametrize("entry", SERVED, ids=lambda entry: entry.what)
@pytest.mark.filterwarnings("ignore:mlx-lm starts a schedule")
def test_it_is_the_original_to_the_end(entry):
    schedule, steps = corpus.ours(entry), corpus.steps(entry)
    assert steps[0] == 0
    assert steps[-1] == entry.run
    theirs = np.array([corpus.original(entry, s) for s in steps])
    ours = np.array(schedule(mx.array(steps)), np.float64)
    assert ours.shape == theirs.shape
    wrong = np.flatnonzero(np.abs(theirs - ours) > rounding(theirs))
    assert not len(wrong), [(theirs.flat[i], ours.flat[i]) for i in wrong[:5]]


@pytest.mark.extension
@pytest.mark.parametrize("entry", SERVED, ids=lambda entry: entry.what)
@pytest.mark.filterwarnings("ignore:mlx-lm starts a schedule")
def test_it_is_one_op(entry):
    names = primitives(corpus.ours(entry)(mx.array(3, mx.uint64)))
    assert names.count("Schedule") == 1
    assert set(names) <= {"Schedule", "Broadcast", "ExpandDims"}


def test_it_is_in_the_surveys_proportion():
    counts = Counter(entry.kind for entry in CORPUS)
    assert counts.keys() == SHARES.keys()
    rates = len(CORPUS) - counts[OTHER]
    for kind, share in SHARES.items():
        assert share is None or abs(100 * counts[kind] / rates - share) < 2, kind


def test_no_entry_is_there_twice():
    assert len({entry.what for entry in CORPUS}) == len(CORPUS) >= 40
    assert len({(repr(entry.numbers), entry.original) for entry in CORPUS}) == len(CORPUS)


def test_the_readme_says_how_many_are_one_op():
    assert len(SERVED) / len(CORPUS) >= 0.97
    readme = " ".join((REPOSITORY / "README.md").read_text().split())
    assert f"{len(SERVED)} of {len(CORPUS)} schedules" in readme


def test_the_gallery_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_gallery", REPOSITORY / "docs" / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (REPOSITORY / "docs" / "gallery.md").read_text() == module.page(), "run python docs/make_gallery.py"
