"""What follows from a constructor's declaration: it is exported, reads and checks arguments, prints, and is stored."""

import json
import math
from fractions import Fraction

import mlx.core as mx
import numpy as np
import pytest

import mlx_schedules as ms
from mlx_schedules._schedule.constructor import CONSTRUCTORS

USUAL = {"init": 0.75, "end": 0.25, "length": 40, "parameter": 1.5}
NUMBERS = {  # every type of number that a user may pass
    "an integer": 2,
    "a float": 1.1,
    "a Fraction": Fraction(1, 3),
    "a whole Fraction": Fraction(7),
    "a large Fraction": Fraction(10**18, 7),
    "NumPy's float32": np.float32(0.1),
    "NumPy's int64": np.int64(3),
    "an array": mx.array(0.1),
    "bfloat16": mx.array([0.5, 0.3], mx.bfloat16),
    "uint64": mx.array(2**40 + 1, mx.uint64),
    "a list": [1, 2.5],
    "a list of Fractions": [Fraction(1, 3), Fraction(2, 7)],
    "nothing": [],
}
NAMES = {**vars(ms), "mx": mx, "Fraction": Fraction}
every_constructor = pytest.mark.parametrize("name", CONSTRUCTORS)


def usual(name: str) -> dict:
    return {argument: USUAL[field] for argument, field in CONSTRUCTORS[name].fields.items()}


def called(name: str, **given):
    return getattr(ms, name)(**{**usual(name), **given})


@every_constructor
def test_it_is_exported(name: str) -> None:
    assert name in ms.__all__, f"{name} is not in mlx_schedules.__all__"


@every_constructor
def test_it_prints_as_it_was_called(name: str) -> None:
    schedule = called(name)
    assert repr(schedule).startswith(f"{name}(")
    assert eval(repr(schedule), NAMES) == schedule


@every_constructor
@pytest.mark.parametrize("kind", NUMBERS)
def test_every_argument_survives_json_and_its_own_code(name: str, kind: str) -> None:
    for argument in CONSTRUCTORS[name].fields:
        if argument == "power" and kind in ("a large Fraction", "uint64"):
            continue  # an exponent is at most 2**24
        schedule = called(name, **{argument: NUMBERS[kind]})
        text = json.dumps(schedule.to_dict(), allow_nan=False)
        again = ms.Schedule.from_dict(json.loads(text))
        assert again == schedule, (argument, text)
        assert repr(again) == repr(schedule)
        assert eval(repr(schedule), NAMES) == schedule


@every_constructor
@pytest.mark.parametrize("number", [3, 1.1, "1/3", "7", [1, 2.5], ["1/3", 2]])
def test_configs_have_its_arguments(name: str, number) -> None:
    given = [Fraction(x) if isinstance(x, str) else x for x in (number if isinstance(number, list) else [number])]
    for argument in CONSTRUCTORS[name].fields:
        config = {"name": name, **usual(name), argument: number}
        schedule = called(name, **{argument: given if isinstance(number, list) else given[0]})
        assert ms.Schedule.from_dict(json.loads(json.dumps(config))) == schedule


@every_constructor
def test_what_is_wrong_is_named(name: str) -> None:
    for argument in CONSTRUCTORS[name].fields:
        with pytest.raises(ValueError, match=rf"\[{name}\] {argument} must be finite"):
            called(name, **{argument: math.nan})
        with pytest.raises(TypeError, match=rf"\[{name}\] {argument} must be a real number"):
            called(name, **{argument: "one"})
