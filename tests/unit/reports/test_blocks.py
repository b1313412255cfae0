"""What is averaged over what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.blocks import Block, blocks
from reports.results import read
from tests.unit.reports import synthetic


def block(out: Path, cells: Sequence[dict[str, Any]], **changes: Any) -> Block:
    (found,) = blocks(read(synthetic.write(out, cells, synthetic.suite(**changes))))
    return found


def cells(
    algorithms: Sequence[str] = ("fml", "local"), replicates: int = 3, alphas: Sequence[float] = (0.1, 1.0)
) -> Any:
    return [
        synthetic.record(name, alpha, replicate, rounds=3)
        for replicate in range(replicates)
        for alpha in alphas
        for name in algorithms
    ]


def end(record: dict[str, Any], status: str, reason: str = "why") -> dict[str, Any]:
    return {**record, "status": status, "reason": reason, "result": None, "timing": None}


def accuracy(record: dict[str, Any]) -> float:
    result = record["result"]
    return float(result["at_headline"][result["headline"]["view"]]["accuracy"])


def of(found: Sequence[dict[str, Any]], name: str, alpha: float) -> list[dict[str, Any]]:
    return [r for r in found if r["identity"]["algorithm"] == name and r["identity"]["alpha"] == alpha]


def test_means_over_replicates(tmp_path: Path) -> None:
    made = cells()
    group = block(tmp_path, made).groups[0]
    fml, local = ([accuracy(r) for r in of(made, name, 0.1)] for name in ("fml", "local"))
    row = group.rows[0]
    assert (row.algorithm, group.alphas, list(group.replicates)) == ("fml", [0.1], [0, 1, 2])
    assert row.accuracy is not None
    assert row.to_local is not None
    assert row.accuracy.mean == pytest.approx(np.mean(fml))
    assert row.to_local.mean == pytest.approx(np.mean(np.subtract(fml, local)))
    assert row.worst10 == pytest.approx(
        np.mean([r["result"]["at_headline"]["personal"]["worst10"] for r in of(made, "fml", 0.1)])
    )
    assert group.floor == pytest.approx(np.mean([r["result"]["partition"]["floor"] for r in of(made, "fml", 0.1)]))
    assert group.rows[1].to_local is None


def test_only_what_all_finished_counts(tmp_path: Path) -> None:
    made = cells()
    lost = next(
        i for i, r in enumerate(made) if r["identity"]["replicate"] == 1 and r["identity"]["algorithm"] == "fml"
    )
    made[lost] = end(made[lost], "diverged")
    found = block(tmp_path, made)
    low, high, mean = found.groups
    assert list(low.replicates) == [0, 2]
    assert list(high.replicates) == [0, 1, 2]
    assert list(mean.replicates) == [0, 2]
    local = [accuracy(r) for r in of(made, "local", 0.1)]
    assert low.rows[1].accuracy is not None
    assert low.rows[1].accuracy.mean == pytest.approx((local[0] + local[2]) / 2)
    assert [(gap.algorithm, gap.alpha, gap.replicate, gap.status) for gap in found.gaps] == [
        ("fml", 0.1, 1, "diverged")
    ]
    assert found.dropped == [(0.1, 1)]


def test_a_cell_that_was_never_run_is_a_gap(tmp_path: Path) -> None:
    made = cells(alphas=[0.1])
    found = block(tmp_path, [r for r in made if (r["identity"]["algorithm"], r["identity"]["replicate"]) != ("fml", 2)])
    assert [(gap.algorithm, gap.replicate, gap.status) for gap in found.gaps] == [("fml", 2, "not run")]


def test_the_mean_over_alphas_takes_each_replicate_once(tmp_path: Path) -> None:
    made = cells()
    mean = block(tmp_path, made).groups[-1]
    each = np.mean([[accuracy(r) for r in of(made, "fml", alpha)] for alpha in (0.1, 1.0)], axis=0)
    assert list(mean.alphas) == [0.1, 1.0]
    assert mean.rows[0].accuracy is not None
    assert mean.rows[0].accuracy.n == 3
    assert mean.rows[0].accuracy.mean == pytest.approx(each.mean())
    half = 4.302652729749462 * each.std(ddof=1) / np.sqrt(3)
    assert mean.rows[0].accuracy.high == pytest.approx(each.mean() + half)


def test_the_mean_over_alphas_leaves_out_an_alpha_that_one_algorithm_lost(tmp_path: Path) -> None:
    made = cells(alphas=[0.1, 0.5, 1.0])
    made = [
        end(r, "failed") if (r["identity"]["algorithm"], r["identity"]["alpha"]) == ("fml", 0.1) else r for r in made
    ]
    groups = block(tmp_path, made).groups
    assert list(groups[-1].alphas) == [0.5, 1.0]
    assert (groups[0].rows[0].accuracy, groups[0].rows[0].note) == (None, "3 failed")
    assert groups[0].rows[1].accuracy is not None


def test_no_mean_over_a_single_alpha(tmp_path: Path) -> None:
    assert len(block(tmp_path, cells(alphas=[0.1])).groups) == 1


def test_what_was_skipped_everywhere_is_absent_and_no_gap(tmp_path: Path) -> None:
    made = [
        end(r, "skipped", "no such nets") if r["identity"]["algorithm"] == "fedavg" else r
        for r in cells(("fml", "fedavg"))
    ]
    found = block(tmp_path, made)
    assert found.absent == [("fedavg", "skipped: no such nets")]
    assert [row.algorithm for row in found.groups[0].rows] == ["fml"]
    assert list(found.gaps) == []


def test_without_local_there_is_no_difference_to_it(tmp_path: Path) -> None:
    assert all(row.to_local is None for group in block(tmp_path, cells(("fml", "fedavg"))).groups for row in group.rows)


def test_one_replicate_and_no_alpha(tmp_path: Path) -> None:
    (group,) = block(
        tmp_path, [synthetic.record(name, None, 0, partition="iid", rounds=2) for name in ("fml", "local")]
    ).groups
    assert group.alphas == [None]
    assert group.rows[0].accuracy is not None
    assert (group.rows[0].accuracy.n, group.rows[0].accuracy.low) == (1, None)


def test_no_replicate_that_all_finished(tmp_path: Path) -> None:
    made = cells(replicates=2, alphas=[0.1])
    made = [end(made[0], "failed"), made[1], made[2], end(made[3], "timeout")]
    (group,) = block(tmp_path, made).groups
    assert (group.floor, list(group.replicates)) == (None, [])
    assert {row.note for row in group.rows} == {"no replicate was finished by all algorithms"}


def test_nothing_finished(tmp_path: Path) -> None:
    found = block(tmp_path, [end(r, "failed") for r in cells(replicates=1)])
    assert (list(found.groups), found.absent) == ([], [("fml", "2 failed"), ("local", "2 failed")])


def test_zoos_are_never_pooled(tmp_path: Path) -> None:
    made = [synthetic.record("fml", 0.1, 0, zoo=zoo, rounds=2) for zoo in ("mixed", "cnn")]
    found = blocks(read(synthetic.write(tmp_path, made)))
    assert [b.zoo for b in found] == ["cnn", "mixed"]
