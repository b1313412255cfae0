"""All against all: Wilcoxon, Holm, wins and sizes, worked out beside it."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from tests.unit.reports import given
from tests.unit.reports.given import noisy

TABLES = {
    "fedavg": noisy(0.80, alphas=8, seed=1),
    "b": noisy(0.83, alphas=8, seed=2),
    "c": noisy(0.80, alphas=8, seed=3),
}


def test_eight_cells_and_three_pairs_are_tested_with_scipy_and_statsmodels(tmp_path: Path) -> None:
    found = given.analysis(tmp_path, given.cells(TABLES)).matrix
    assert found is not None
    assert found.algorithms[0] == "b"
    assert (found.needed, found.untested, len(found.entries)) == (7, [], 3)
    raw = []
    for each in found.entries:
        a, b = (np.asarray(TABLES[name]) for name in (each.pair.first, each.pair.second))
        raw.append(stats.wilcoxon(a.mean(axis=0), b.mean(axis=0), method="exact").pvalue)
        d = (a - b).mean(axis=0)
        assert (each.wins, each.losses) == ((d > 0.005).sum(), (d < -0.005).sum())
        assert each.wins + each.ties + each.losses == 8
        by_replicate = (a - b).mean(axis=1)
        assert each.difference.mean == pytest.approx(by_replicate.mean())
        interval = stats.ttest_1samp(by_replicate, 0).confidence_interval(1 - 0.05 / 3)
        assert each.difference.low == pytest.approx(interval.low)
        assert each.superiority.mean == (by_replicate > 0).mean()
        assert (each.superiority.n, each.difference.n) == (5, 5)
    assert [each.p for each in found.entries] == pytest.approx(multipletests(raw, method="holm")[1])


def test_with_too_few_cells_there_is_no_test(tmp_path: Path) -> None:
    four = {name: [row[:4] for row in table] for name, table in TABLES.items()}
    found = given.analysis(tmp_path, given.cells(four)).matrix
    assert found is not None
    assert [each.p for each in found.entries] == [None] * 3
    assert len(found.untested) == 3


def test_pairs_without_a_test_still_count_in_the_family(tmp_path: Path) -> None:
    """Of three pairs one has 8 cells in common, two have 4: Holm's factor is 3, not 1."""
    tables = {**TABLES, "c": [[*row[:4], *[None] * 4] for row in TABLES["c"]]}
    found = given.analysis(tmp_path, given.cells(tables)).matrix
    assert found is not None
    p = {frozenset((each.pair.first, each.pair.second)): each.p for each in found.entries}
    assert [p[frozenset(pair)] is None for pair in combinations(("fedavg", "b", "c"), 2)] == [False, True, True]
    assert p[frozenset(("fedavg", "b"))] == pytest.approx(3 * 2 / 2**8)


def test_an_entry_is_found_in_either_order(tmp_path: Path) -> None:
    found = given.analysis(tmp_path, given.cells(TABLES)).matrix
    assert found is not None
    assert found.entry("c", "b") is found.entry("b", "c") is not None
    assert found.entry("c", "nobody") is None
