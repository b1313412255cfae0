"""Verdicts and differences against intervals and tests of SciPy and statsmodels, worked out from the same numbers."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from reports.analysis import Analysis
from tests.unit.reports import given, synthetic
from tests.unit.reports.given import noisy


def difference(a: list, b: list) -> np.ndarray:  # type: ignore[type-arg]
    return (np.asarray(a) - np.asarray(b)).mean(axis=1)


@pytest.fixture(scope="module")
def tables() -> dict[str, list[list[float]]]:
    return {
        "fedavg": noisy(0.8, seed=1),
        "copy": noisy(0.8, own=0.0005, seed=2),
        "good": noisy(0.83, seed=3),
        "bad": noisy(0.75, seed=4),
        "unclear": noisy(0.805, own=0.02, seed=5),
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, list[list[float]]]) -> Analysis:
    return given.analysis(tmp_path_factory.mktemp("run"), given.cells(tables))


def test_words_follow_the_planted_differences(found: Analysis) -> None:
    words = {each.pair.first: each.verdict for each in found.verdicts}
    assert words == {"copy": "practically equal", "good": "better", "bad": "worse", "unclear": "undecided"}
    assert {each.pair.second for each in found.verdicts} == {"fedavg"}


def test_intervals_are_of_the_replicates_means_and_hold_together(found: Analysis, tables: dict) -> None:  # type: ignore[type-arg]
    for each in found.verdicts:
        d = difference(tables[each.pair.first], tables["fedavg"])
        theirs = stats.ttest_1samp(d, 0).confidence_interval(1 - 0.05 / 4)
        assert each.estimate.n == 5
        assert each.estimate.mean == pytest.approx(d.mean())
        assert (each.estimate.low, each.estimate.high) == pytest.approx((theirs.low, theirs.high))
        assert (each.cells, each.bounds, each.descriptive) == (4, None, False)


def test_clients_and_cells_are_no_replicates(found: Analysis, tables: dict) -> None:  # type: ignore[type-arg]
    """Twenty numbers a side, but five redraws: the interval must be that of five."""
    d = np.asarray(tables["good"]) - np.asarray(tables["fedavg"])
    wrong = stats.ttest_1samp(d.ravel(), 0).confidence_interval(1 - 0.05 / 4)
    good = next(each for each in found.verdicts if each.pair.first == "good")
    assert good.estimate.low is not None
    assert good.estimate.low < wrong.low


def test_each_cell_has_its_own_interval_and_all_share_one_correction(found: Analysis, tables: dict) -> None:  # type: ignore[type-arg]
    p = []
    for each in found.cells:
        column = given.ALPHAS.index(each.setting.alpha or 0)
        a, b = (np.asarray(tables[name])[:, column] for name in (each.algorithm, "fedavg"))
        test = stats.ttest_rel(a, b)
        p.append(test.pvalue)
        assert each.p == pytest.approx(test.pvalue)
        interval = test.confidence_interval(0.95)
        assert (each.estimate.low, each.estimate.high) == pytest.approx((interval.low, interval.high))
    assert len(p) == 16
    adjusted = multipletests(p, method="fdr_bh")[1]
    assert [each.adjusted for each in found.cells] == pytest.approx(adjusted)
    assert [each.discovered for each in found.cells] == [bool(value <= 0.05) for value in adjusted]


def test_probabilities_agree_with_the_words(found: Analysis) -> None:
    held = {each.pair.first: each.posterior for each in found.bayes}
    assert held["good"].better > 0.9 < held["bad"].worse
    assert held["copy"].equal > 0.9
    assert {posterior.n for posterior in held.values()} == {4}


def test_the_reference_decides_the_direction(tmp_path: Path, tables: dict) -> None:  # type: ignore[type-arg]
    chosen = {name: tables[name] for name in ("fedavg", "good")}
    turned = given.analysis(tmp_path, given.cells(chosen), reference="good")
    (verdict,) = turned.verdicts
    assert (verdict.pair.first, verdict.pair.second, verdict.verdict) == ("fedavg", "good", "worse")


def test_a_renamed_copy_is_practically_equal_and_nowhere_different(tmp_path: Path) -> None:
    table = noisy(0.8)
    found = given.analysis(tmp_path, given.cells({"fedavg": table, "copy": table}))
    (verdict,) = found.verdicts
    assert verdict.verdict == "practically equal"
    assert (verdict.estimate.low, verdict.estimate.high) == (0, 0)
    assert [(each.p, each.discovered) for each in found.cells] == [(1.0, False)] * 4


def test_replicates_that_are_copies_of_one_another_prove_nothing(tmp_path: Path) -> None:
    found = given.analysis(tmp_path, given.cells({"fedavg": [[0.8]] * 5, "mine": [[0.9]] * 5}))
    (verdict,) = found.verdicts
    assert (verdict.verdict, verdict.estimate.low) == ("undecided", None)
    assert "copies of one another" in verdict.why
    assert found.cells[0].p is None


def test_one_replicate_has_no_interval(tmp_path: Path) -> None:
    found = given.analysis(tmp_path, given.cells({"fedavg": [[0.8, 0.7]], "mine": [[0.9, 0.9]]}))
    (verdict,) = found.verdicts
    assert (verdict.verdict, verdict.estimate.low, verdict.detectable) == ("undecided", None, None)
    assert verdict.descriptive
    assert verdict.why == "one replicate has no interval"


def test_an_algorithm_that_fails_on_hard_draws_gets_bounds(tmp_path: Path) -> None:
    mine: list[list[float | None]] = [list(row) for row in noisy(0.85)]
    mine[0][0] = mine[3][0] = None
    found = given.analysis(tmp_path, given.cells({"fedavg": noisy(0.8, seed=1), "mine": mine}))
    (verdict,) = found.verdicts
    assert verdict.bounds is not None
    assert (verdict.bounds.missing, verdict.bounds.pairs) == (2, 20)
    assert verdict.bounds.low < verdict.estimate.mean - 0.03


def test_blocks_are_judged_together(tmp_path: Path) -> None:
    made = given.cells({"fedavg": noisy(0.8, seed=1), "good": noisy(0.83, seed=2)}, zoo="cnn")
    made += given.cells({"fedavg": noisy(0.8, seed=3), "good": noisy(0.7, seed=4)}, zoo="mlp")
    found = given.analysis(tmp_path, made, zoos=["cnn", "mlp"])
    assert [(each.where, each.verdict) for each in found.block_verdicts] == [
        ("digits, dirichlet-capped, zoo cnn", "better"),
        ("digits, dirichlet-capped, zoo mlp", "worse"),
    ]
    d = difference(noisy(0.83, seed=2), noisy(0.8, seed=1))
    theirs = stats.ttest_1samp(d, 0).confidence_interval(1 - 0.05 / 2)
    assert found.block_verdicts[0].estimate.low == pytest.approx(theirs.low)
    assert found.verdicts[0].cells == 8


def test_zoos_that_one_side_cannot_use_leave_the_pair_alone(tmp_path: Path) -> None:
    made = given.cells({"fedavg": noisy(0.8, seed=1), "good": noisy(0.83, seed=2)})
    made += given.cells({"good": noisy(0.2)}, zoo="mixed")
    made += [synthetic.ended(cell, "skipped") for cell in given.cells({"fedavg": noisy(0.8)}, zoo="mixed")]
    (verdict,) = given.analysis(tmp_path, made).verdicts
    assert (verdict.cells, verdict.verdict, verdict.bounds) == (4, "better", None)


@pytest.mark.parametrize(
    ("tables", "reference"),
    [
        ({"mine": [[0.8]] * 3}, "mine"),
        ({"mine": [[0.8]] * 3, "other": [[0.7]] * 3}, "absent"),
        ({"fedavg": [[None]] * 3, "mine": [[0.7]] * 3}, "fedavg"),
        ({"fedavg": [[None]] * 3}, "fedavg"),
    ],
)
def test_without_a_pair_there_is_no_verdict(tmp_path: Path, tables: dict, reference: str) -> None:  # type: ignore[type-arg]
    found = given.analysis(tmp_path, given.cells(tables), reference=reference)
    assert (list(found.verdicts), list(found.cells), list(found.bayes)) == ([], [], [])
    assert (found.matrix is None) == (reference != "absent")


def test_a_difference_that_never_varies_has_no_interval_anywhere(tmp_path: Path) -> None:
    found = given.analysis(tmp_path, given.cells({"fedavg": [[0.8], [0.7]], "mine": [[0.9], [0.8]]}))
    assert found.matrix is not None
    estimates = [found.verdicts[0].estimate, found.cells[0].estimate, found.matrix.entries[0].difference]
    assert [estimate.low for estimate in estimates] == [None] * 3
