"""The accuracy rule, on synthetic differences whose truth is known."""

import numpy as np
import pytest

from bench.gate.accuracy import ERROR, Outcome, judge, looks
from tests.gate.simulation import passes

MARGIN = 0.02


def look(differences: list[list[float]], *, last: bool = False, margin: float = MARGIN) -> Outcome:
    now = 0.8 + np.array(differences)
    return judge(np.full_like(now, 0.8), now, margin, 3, last=last).outcome


def test_identical_results_pass_without_a_test():
    found = judge(np.full((3, 2), 0.8), np.full((3, 2), 0.8), MARGIN, 3, last=False)
    assert found.outcome is Outcome.PASSED
    assert found.overall.identical
    assert all(cell.identical for cell in found.cells)


def test_a_small_loss_that_is_shown_to_be_small_passes():
    assert look([[-0.001, 0.0], [-0.002, 0.001], [0.0, -0.001]]) is Outcome.PASSED


def test_a_gain_passes():
    assert look([[0.05, 0.06], [0.04, 0.07], [0.05, 0.05]]) is Outcome.PASSED


def test_half_the_margin_is_the_limit_for_all_cells_together():
    steady = [[-0.011, -0.011], [-0.0111, -0.0109], [-0.0109, -0.0111]]
    assert look(steady) is Outcome.FAILED
    assert look(steady, margin=0.04) is Outcome.PASSED


def test_one_cell_that_loses_more_than_the_margin_fails_however_good_the_others_are():
    good = [[0.001] * 15 + [-0.03], [0.0] * 15 + [-0.031], [-0.001] * 15 + [-0.029]]
    found = judge(np.full((3, 16), 0.8), 0.8 + np.array(good), MARGIN, 3, last=False)
    assert found.overall.outcome is Outcome.PASSED
    assert [cell.outcome for cell in found.cells] == [Outcome.PASSED] * 15 + [Outcome.FAILED]
    assert found.outcome is Outcome.FAILED


def test_noise_is_inconclusive_and_never_passes_for_want_of_proof():
    noisy = [[-0.06, 0.0], [0.03, 0.01], [0.02, -0.02]]
    assert look(noisy) is Outcome.OPEN
    found = judge(np.full((3, 2), 0.8), 0.8 + np.array(noisy), MARGIN, 3, last=True)
    assert found.outcome is Outcome.OPEN  # which the gate reports as a failure


def test_a_cell_below_its_margin_is_looked_at_again_and_fails_at_the_last_look():
    unsure = [[-0.08] + [0.01] * 15, [0.03] + [0.0] * 15, [-0.02] + [0.0] * 15]
    assert look(unsure) is Outcome.OPEN
    assert look(unsure, last=True) is Outcome.FAILED


def test_a_baseline_needs_three_replicates():
    with pytest.raises(ValueError, match="at least 3 replicates, got 2"):
        looks(2)


@pytest.mark.parametrize("noise", [0.0025, 0.01, 0.02])
def test_a_loss_of_half_the_margin_passes_in_at_most_five_per_cent(noise: float):
    share = passes(MARGIN / 2, noise, trials=300).share
    assert share <= ERROR + 2.6 * np.sqrt(ERROR * (1 - ERROR) / 300)  # one simulation in 200 would exceed it by chance


def test_float_order_of_another_machine_raises_no_alarm_and_a_loss_of_the_margin_is_caught():
    assert passes(0.0, 0.01, trials=200).share == 1.0
    assert passes(MARGIN, 0.01, trials=200).share == 0.0
    assert passes(2 * MARGIN, 0.01, cells=1, trials=200).share <= 0.02


def test_more_replicates_are_asked_for_only_where_needed():
    assert passes(0.0, 0.0025, trials=100).replicates == 3
    assert passes(MARGIN / 2, 0.01, trials=100).replicates > 8
