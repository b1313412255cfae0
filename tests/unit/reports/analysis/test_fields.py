"""Interquartile means, profiles and ranks over the cells that all algorithms of a field finished."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from reports.analysis.fields import THRESHOLDS
from tests.unit.reports import given, synthetic
from tests.unit.reports.given import noisy


def test_a_zoo_that_some_skip_is_a_field_of_its_own(tmp_path: Path) -> None:
    made = given.cells({name: noisy(0.8, seed=place) for place, name in enumerate(("fedavg", "fml", "local"))})
    made += given.cells({"fml": noisy(0.7, seed=5), "local": noisy(0.6, seed=6)}, zoo="mixed")
    made += [synthetic.ended(cell, "skipped") for cell in given.cells({"fedavg": noisy(0.8)}, zoo="mixed")]
    found = given.analysis(tmp_path, made).fields
    assert [(list(f.algorithms), {s.zoo for s in f.settings}) for f in found] == [
        (["fedavg", "fml", "local"], {"cnn"}),
        (["fml", "local"], {"mixed"}),
    ]


def test_numbers_are_those_of_scipy(tmp_path: Path) -> None:
    tables = {name: noisy(0.8, alphas=8, own=0.02, seed=place) for place, name in enumerate(("fedavg", "b", "c", "d"))}
    (field,) = given.analysis(tmp_path, given.cells(tables)).fields
    scores = np.asarray([tables[name] for name in field.algorithms])
    for place, table in enumerate(scores):
        assert field.iqm[place].mean == pytest.approx(stats.trim_mean(table, 0.25, axis=1).mean())
        assert field.profile[place].mean[80] == pytest.approx((table > THRESHOLDS[80]).mean())
    cells = scores.mean(axis=1).T
    assert field.ranking is not None
    np.testing.assert_allclose(field.ranking.mean, stats.rankdata(-cells, axis=1).mean(axis=0))
    chi2 = stats.friedmanchisquare(*cells.T).statistic
    assert field.ranking.test is not None
    assert field.ranking.test.statistic == pytest.approx(7 * chi2 / (8 * 3 - chi2))


def test_what_one_lacks_counts_for_none(tmp_path: Path) -> None:
    mine: list[list[float | None]] = [list(row) for row in noisy(0.9)]
    mine[2][1] = None
    (field,) = given.analysis(tmp_path, given.cells({"fedavg": noisy(0.8), "mine": mine})).fields
    assert (list(field.replicates), len(field.settings), list(field.left_out)) == ([0, 1, 3, 4], 4, [])
    assert {estimate.n for estimate in field.iqm} == {4}


def test_few_cells_have_ranks_but_no_test_and_one_cell_has_none(tmp_path: Path) -> None:
    tables = {"fedavg": noisy(0.8), "mine": noisy(0.9)}
    (field,) = given.analysis(tmp_path / "four", given.cells(tables)).fields
    assert field.ranking is not None
    assert field.ranking.test is None
    one = {name: [row[:1] for row in table] for name, table in tables.items()}
    (field,) = given.analysis(tmp_path / "one", given.cells(one)).fields
    assert field.ranking is None


def test_one_algorithm_is_no_field(tmp_path: Path) -> None:
    assert given.analysis(tmp_path, given.cells({"fedavg": noisy(0.8)})).fields == []
