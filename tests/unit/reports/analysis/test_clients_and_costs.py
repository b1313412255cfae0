"""What clients and runs show, worked out by hand."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.reports import given, synthetic


def with_clients(name: str, accuracies: list[float], replicate: int, **shape: Any) -> dict[str, Any]:
    cell = synthetic.record(name, 0.1, replicate, rounds=4, clients=4, **shape)
    view = cell["result"]["headline"]["view"]
    cell["result"]["at_headline"][view]["clients"]["accuracy"] = accuracies
    return cell


def test_clients_beside_training_alone(tmp_path: Path) -> None:
    made = []
    for replicate, mine in enumerate(([0.5, 0.9, 0.7, 0.7], [0.5, 0.5, 0.5, 0.5])):
        made.append(with_clients("fedavg", mine, replicate))
        made.append(with_clients("local", [0.6, 0.8, 0.7, 0.5], replicate))
    (table,) = given.analysis(tmp_path, made).clients
    mine, local = table.rows
    assert table.draws == 2
    assert (mine.algorithm, mine.below_local) == ("fedavg", (0.25 + 0.75) / 2)
    assert mine.accuracy == pytest.approx((0.7 + 0.5) / 2)
    assert mine.worst10 == mine.lowest == 0.5
    assert mine.deviation == pytest.approx(((0.08 / 3) ** 0.5 + 0) / 2)
    assert mine.gini == pytest.approx(2.4 / (2 * 16 * 0.7) / 2)  # the sum of all distances, and no distance at all
    assert local.below_local is None


def test_costs_are_of_whole_runs_and_censored_ones_count(tmp_path: Path) -> None:
    made = []
    for replicate, reached in enumerate((2, 4, None)):
        cell = synthetic.record("fedavg", 0.1, replicate, rounds=4)
        view = cell["result"]["views"]["global"]
        view["accuracy"] = [0.9 if reached and number >= reached else 0.1 for number in (1, 2, 3, 4)]
        cell["result"]["bytes_up"], cell["result"]["bytes_down"] = [10, 20, 30, 40], [1, 1, 1, 1]
        cell["timing"]["shared"] = replicate == 0
        made += [cell, synthetic.record("fml", 0.1, replicate, rounds=4)]
    (table,) = given.analysis(tmp_path, made, target_accuracy=0.8).costs
    row = table.rows[0]
    assert (row.algorithm, str(row.rounds), row.up, row.down, row.shared) == ("fedavg", "4", 100, 4, True)
    assert row.rounds is not None
    assert (row.rounds.runs_reached, row.rounds.runs) == (2, 3)
    assert row.sent_until == 104
    assert not table.rows[1].shared
    assert len(table.machines) == 1


def test_an_unreached_target_has_no_bytes(tmp_path: Path) -> None:
    (table,) = given.analysis(tmp_path, given.cells({"fedavg": [[0.5]] * 2, "mine": [[0.9]] * 2})).costs
    assert [(str(row.rounds), row.sent_until is None) for row in table.rows] == [("> 2", True), ("1", False)]
