"""Declared hyper-parameters: checked on construction, all mistakes in one message."""

import math
from dataclasses import dataclass

import pytest

from bench.parameters import ParameterError, check_fields, choice, number, whole


@dataclass(frozen=True)
class Settings:
    mu: float = number(0.5, low=0, high=1)
    steps: int = whole(3, low=1)
    shift: float = number(0.0)
    ceiling: float = number(0.0, high=2)
    kind: str = choice("mean", ("mean", "sum"))
    strict: bool = True

    def __post_init__(self) -> None:
        check_fields(self)


def test_defaults_and_bounds_are_in_range():
    assert Settings(mu=1.0, steps=1, kind="sum", strict=False) != Settings()


def test_a_whole_number_serves_as_a_number():
    settings = Settings(mu=1)
    assert settings == Settings(mu=1.0)
    assert type(settings.mu) is float


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mu": 1.5}, "mu: expected a number from 0 to 1, got 1.5"),
        ({"mu": math.nan}, "mu: expected a number from 0 to 1, got nan"),
        ({"mu": "0.1"}, "mu: expected a number, got '0.1'"),
        ({"mu": True}, "mu: expected a number, got True"),
        ({"steps": 0}, "steps: expected a whole number >= 1, got 0"),
        ({"steps": 2.0}, "steps: expected a whole number, got 2.0"),
        ({"steps": True}, "steps: expected a whole number, got True"),
        ({"shift": math.inf}, "shift: expected a number that is finite, got inf"),
        ({"ceiling": 3.0}, "ceiling: expected a number <= 2, got 3.0"),
        ({"kind": "meen"}, "kind: expected one of mean, sum, got 'meen'. Did you mean 'mean'?"),
        ({"kind": "zzz"}, "kind: expected one of mean, sum, got 'zzz'"),
        ({"kind": 1}, "kind: expected a text, got 1"),
        ({"strict": 1}, "strict: expected true or false, got 1"),
    ],
)
def test_a_mistake_names_field_expectation_and_value(wrong, message):
    with pytest.raises(ParameterError) as caught:
        Settings(**wrong)
    assert str(caught.value) == message


def test_all_mistakes_come_at_once():
    with pytest.raises(ParameterError) as caught:
        Settings(mu=-1.0, steps=0, kind="x")
    assert [part.split(":")[0] for part in str(caught.value).split("; ")] == ["mu", "steps", "kind"]
