"""The rule of the verdicts, at and around its borders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics import Estimate, Verdict, verdict


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.006, 0.02, "better"),
        (0.005, 0.02, "undecided"),  # touches the region
        (-0.02, -0.006, "worse"),
        (-0.02, -0.005, "undecided"),
        (-0.005, 0.005, "practically equal"),
        (0.001, 0.004, "practically equal"),  # not zero, and yet too small to matter
        (-0.006, 0.005, "undecided"),
        (-0.1, 0.1, "undecided"),
        (0.0, 0.0, "practically equal"),
        (None, None, "undecided"),
    ],
)
def test_words_by_rule(low: float | None, high: float | None, word: Verdict) -> None:
    assert verdict(Estimate(0.0, low, high, 5), 0.005) == word


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_swapping_the_sides_swaps_the_word(middle: float, half: float, rope: float) -> None:
    swapped = {"better": "worse", "worse": "better"}
    word = verdict(Estimate(middle, middle - half, middle + half, 5), rope)
    other = verdict(Estimate(-middle, -middle - half, -middle + half, 5), rope)
    assert other == swapped.get(word, word)


def test_without_a_region_only_a_point_is_equal() -> None:
    assert verdict(Estimate(0.0, 0.0, 0.0, 5), 0) == "practically equal"
    assert verdict(Estimate(0.1, 0.1, 0.1, 5), 0) == "better"


@pytest.mark.parametrize("bad", [-0.001, float("nan")])
def test_the_region_is_checked(bad: float) -> None:
    with pytest.raises(ValueError, match="rope >= 0"):
        verdict(Estimate(0.0, 0.0, 0.0, 5), bad)
