"""What is a pair, what counts of it, and what is missing."""

from pathlib import Path

import numpy as np
import pytest

from reports.analysis.pairs import Pair, client_accuracy, global_accuracy, index, pair
from reports.results import Results, read
from tests.unit.reports import given, synthetic


def of(results: Results, first: str = "mine", second: str = "fedavg", measure=client_accuracy) -> Pair:  # type: ignore[no-untyped-def]
    settings = list(dict.fromkeys(run.setting for run in results.runs))
    return pair(first, second, index(results.runs), settings, measure)


def results(out: Path, made: list) -> Results:  # type: ignore[type-arg]
    return read(synthetic.write(out, made))


def test_both_sides_of_each_draw_stand_beside_each_other(tmp_path: Path) -> None:
    mine, theirs = [[0.9, 0.8], [0.7, 0.6]], [[0.5, 0.4], [0.3, 0.2]]
    found = of(results(tmp_path, given.cells({"fedavg": theirs, "mine": mine})))
    assert (found.a.tolist(), found.b.tolist()) == (mine, theirs)
    assert [setting.alpha for setting in found.settings] == [0.1, 0.5]
    assert found.replicates == [0, 1]
    np.testing.assert_allclose(np.subtract(*found.by_replicate()), [0.4, 0.4])
    np.testing.assert_allclose(found.by_cell()[0], [0.8, 0.7])
    assert found.bounds.missing == 0


def test_a_hole_takes_the_side_that_costs_fewer_pairs_and_is_named(tmp_path: Path) -> None:
    mine = [[0.9, 0.8, 0.7], [0.9, None, 0.7], [0.9, 0.8, 0.7], [0.9, 0.8, 0.7]]
    found = of(results(tmp_path, given.cells({"fedavg": [[0.5] * 3] * 4, "mine": mine})))
    assert found.kept_replicates == [0, 2, 3]  # one of its three cells is missing; of the cell, one of four replicates
    assert [setting.alpha for setting in found.kept_settings] == [0.1, 0.5, 1.0]
    (hole,) = found.holes
    assert (hole.setting.alpha, hole.replicate, hole.lacking) == (0.5, 1, ("mine",))
    assert found.bounds.missing == 1
    known = 4 * 0.4 + 3 * 0.3 + 4 * 0.2
    assert (found.bounds.low, found.bounds.high) == pytest.approx(((known - 0.5) / 12, (known + 0.5) / 12))
    assert len(found.in_cell(1)[0]) == 3  # the cell on its own keeps what it has


def test_what_is_skipped_everywhere_is_no_pair(tmp_path: Path) -> None:
    made = given.cells({"fedavg": [[0.5]] * 2, "mine": [[0.6]] * 2}, zoo="cnn")
    made += [synthetic.ended(cell, "skipped") for cell in given.cells({"fedavg": [[0.5]] * 2}, zoo="mixed")]
    made += given.cells({"mine": [[0.9]] * 2}, zoo="mixed")
    found = of(results(tmp_path, made))
    assert [setting.zoo for setting in found.settings] == ["cnn"]
    assert found.holes == []


def test_what_failed_everywhere_is_missing(tmp_path: Path) -> None:
    found = of(results(tmp_path, given.cells({"fedavg": [[0.5, 0.5]] * 2, "mine": [[0.6, None]] * 2})))
    assert [setting.alpha for setting in found.settings] == [0.1, 0.5]
    assert [setting.alpha for setting in found.kept_settings] == [0.1]
    assert found.bounds.share == 0.5


def test_algorithms_without_a_global_model_have_no_global_pair(tmp_path: Path) -> None:
    folder = results(tmp_path, given.cells({"fedavg": [[0.5]], "local": [[0.6]], "fml": [[0.7]]}))
    assert not of(folder, "local", measure=global_accuracy).any
    assert of(folder, "fml", measure=global_accuracy).any


def test_a_replicate_that_nobody_began_is_not_missing(tmp_path: Path) -> None:
    found = of(results(tmp_path, given.cells({"fedavg": [[0.5], [0.5]], "mine": [[0.6]], "other": [[0.6]] * 5})))
    assert found.replicates == [0, 1]
    assert found.kept_replicates == [0]


def test_part_of_a_pair(tmp_path: Path) -> None:
    found = of(results(tmp_path, given.cells({"fedavg": [[0.5, 0.4]] * 2, "mine": [[0.6, 0.6]] * 2})))
    part = found.within(found.settings[1:])
    np.testing.assert_allclose(np.subtract(*part.by_replicate()), [0.2, 0.2])


def test_what_nobody_began_widens_no_bounds(tmp_path: Path) -> None:
    """Five replicates on one data set, three on another: nothing is missing, though not everything counts."""
    made = given.cells({"fedavg": [[0.5]] * 5, "mine": [[0.6]] * 5})
    made += given.cells({"fedavg": [[0.5]] * 3, "mine": [[0.6]] * 3}, dataset="mnist")
    found = of(results(tmp_path, made))
    assert (found.bounds.pairs, found.bounds.missing, found.holes) == (8, 0, [])
    assert found.kept_replicates == [0, 1, 2]
    assert found.within(found.settings[1:]).bounds.pairs == 3
