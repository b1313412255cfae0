"""Every guard fires where it should, and only there."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from reports.analysis import Analysis, Guard
from tests.unit.reports import given, synthetic
from tests.unit.reports.given import noisy

Cells = list[dict[str, Any]]


def guard(found: Analysis, name: str) -> Guard:
    return next(each for each in found.guards if each.name == name)


def whole(**more: Any) -> Cells:
    """Two data sets and partitions, seven cells each, five replicates, nothing missing."""
    made: Cells = []
    for place, dataset in enumerate(("digits", "mnist")):
        for partition in ("dirichlet-capped", "dirichlet"):
            for cell in given.cells({"fedavg": noisy(0.8, alphas=7, seed=1), "mine": noisy(0.83, alphas=7, seed=2)}):
                changed = deepcopy(cell)
                changed["identity"] |= {"dataset": dataset, "partition": partition, **more}
                changed["cell"] = f"{cell['cell'][:13]}{place}{len(partition)}"
                changed["result"]["partition"]["floor"] = 0.3
                changed["result"]["partition"]["hash"] = str(cell["identity"]["replicate"])
                for view in changed["result"]["views"].values():
                    view["rounds"] = [1, 2]
                changed["result"]["headline"]["round"] = 1
                made.append(changed)
    return made


SOURCE = {"digest": "0" * 16, "command": "python -m bench.tune x", "trials": 9, "replicates": 3, "reserved": 0.5}
VALUES = {"values": {"lr": 0.1}, "source": SOURCE}
AXES: Mapping[str, Any] = {
    "datasets": ["digits", "mnist"],
    "partitions": ["dirichlet-capped", "dirichlet"],
    "tune": {"reserved": 0.5},
    "tuned": {name: {"fedavg": VALUES, "mine": VALUES} for name in ("digits", "mnist")},
}


def test_nothing_fires_where_nothing_is_wrong(tmp_path: Path) -> None:
    found = given.analysis(tmp_path, whole(), **AXES)
    assert [each.name for each in found.guards if each.fired] == []
    assert guard(found, "Clients").text.startswith("Clients of a run share its draw and are never counted")
    assert "10 are advised" in guard(found, "Replicates").text


def test_guards_that_fire_come_first(tmp_path: Path) -> None:
    fired = [each.fired for each in given.analysis(tmp_path, given.cells({"fedavg": [[0.5]], "mine": [[0.6]]})).guards]
    assert fired == sorted(fired, reverse=True)
    assert any(fired)
    assert not all(fired)


@pytest.mark.parametrize(
    ("tables", "name", "words"),
    [
        (
            {"fedavg": noisy(0.8, 4), "mine": noisy(0.9, 4, seed=1)},
            "Replicates",
            "some means rest on 4",
        ),
        ({"fedavg": [[0.8]], "mine": [[0.9]]}, "Replicates", "no interval (n = 1)"),
        ({"fedavg": noisy(0.8), "mine": noisy(0.9, seed=1)}, "Rank tests", "needs 6 cells"),
        (
            {"fedavg": noisy(0.8), "mine": noisy(0.9, seed=1)},
            "Data sets",
            "One data set only (digits)",
        ),
        ({"fedavg": noisy(0.8), "mine": noisy(0.9, seed=1)}, "Partitions", "One kind of heterogeneity only"),
        ({"fedavg": [[0.8]] * 3, "mine": [[0.7], [None], [0.7]]}, "Missing pairs", "mine (1 of 3)"),
        (
            {"fedavg": [[0.8]] * 3, "mine": [[0.7], [None], [0.7]]},
            "Missing pairs",
            "1 cell missing beside",
        ),
        ({"fedavg": [[0.995]] * 3, "mine": [[0.991]] * 3}, "Ceiling", "zoo cnn alpha 0.1"),
        ({"fedavg": [[0.1]] * 3, "mine": [[0.12]] * 3}, "Floor", "No algorithm is above the majority floor"),
    ],
)
def test_what_fires(tmp_path: Path, tables: Any, name: str, words: str) -> None:
    fired = guard(given.analysis(tmp_path, given.cells(tables)), name)
    assert fired.fired
    assert words in fired.text


@pytest.mark.parametrize(
    ("tables", "name"),
    [
        ({"fedavg": noisy(0.8, 5), "mine": noisy(0.9, 5, seed=1)}, "Replicates"),
        ({"fedavg": noisy(0.8, alphas=6), "mine": noisy(0.9, alphas=6, seed=1)}, "Rank tests"),
        ({"fedavg": [[0.8]] * 3, "mine": [[0.7]] * 3}, "Missing pairs"),
        ({"fedavg": [[0.995]] * 3, "mine": [[0.95]] * 3}, "Ceiling"),
        ({"fedavg": [[0.99]] * 3, "mine": [[0.9]] * 3}, "Floor"),
    ],
)
def test_what_does_not_fire(tmp_path: Path, tables: Any, name: str) -> None:
    assert not guard(given.analysis(tmp_path, given.cells(tables)), name).fired


def changed(cells: Cells, change: Any, only: int = 0) -> Cells:
    cells = deepcopy(cells)
    change(cells[only])
    return cells


def seconds_shared(cell: dict[str, Any]) -> None:
    cell["timing"]["shared"] = True


def never_sampled(cell: dict[str, Any]) -> None:
    cell["result"]["never_sampled"] = 3


def another_draw(cell: dict[str, Any]) -> None:
    cell["result"]["partition"]["hash"] = "other"


def another_machine(cell: dict[str, Any]) -> None:
    cell["provenance"] = {**cell["provenance"], "processor": "another"}


def another_precision(cell: dict[str, Any]) -> None:
    cell["identity"] = {**cell["identity"], "precision": "bf16"}


def high_floor(cell: dict[str, Any]) -> None:
    cell["result"]["partition"]["floor"] = 5.0  # the mean over five replicates is then above the target


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (seconds_shared, "Seconds", "an equal share of what the stack took"),
        (another_machine, "Seconds", "their seconds are not of one kind"),
        (another_machine, "Origin", "2 kinds of processor"),
        (another_precision, "Origin", "2 precisions"),
        (never_sampled, "Sampling", "In 1 cell some clients were never sampled (up to 3 of 10)"),
        (another_draw, "Draws", "In 1 draw the algorithms did not meet the same partition"),
        (high_floor, "Floor", "above the target accuracy in digits, dirichlet-capped, zoo cnn alpha 0.1"),
    ],
)
def test_one_odd_cell_is_seen(tmp_path: Path, change: Any, name: str, words: str) -> None:
    fired = guard(given.analysis(tmp_path, changed(whole(), change), **AXES), name)
    assert fired.fired
    assert words in fired.text


def test_one_partition_for_all_replicates_is_seen(tmp_path: Path) -> None:
    cells = whole()
    for cell in cells:
        cell["result"]["partition"]["hash"] = "the same"
    assert "all replicates have one partition" in guard(given.analysis(tmp_path / "a", cells, **AXES), "Draws").text
    seeds = {"base": 0, "partition": 3, "training": 4}
    text = guard(given.analysis(tmp_path / "b", cells, seeds=seeds, **AXES), "Draws").text
    assert "fixes the partition and the training seed" in text


def test_headlines_in_the_last_round_are_seen(tmp_path: Path) -> None:
    cells = whole()
    for cell in cells:
        if cell["identity"]["algorithm"] == "mine":
            cell["result"]["headline"]["round"] = 2
    fired = guard(given.analysis(tmp_path, cells, **AXES), "Rounds")
    assert fired.fired
    assert "mine (140 of 140 cells)" in fired.text
    assert "fedavg" not in fired.text


def test_skipped_blocks_are_seen(tmp_path: Path) -> None:
    made: Sequence[dict[str, Any]] = [
        *given.cells({"fedavg": noisy(0.8), "mine": noisy(0.9)}),
        *given.cells({"mine": noisy(0.9)}, zoo="mixed"),
        *(synthetic.ended(cell, "skipped") for cell in given.cells({"fedavg": noisy(0.8)}, zoo="mixed")),
    ]
    assert "fedavg in 1 block" in guard(given.analysis(tmp_path, made), "Same cells for all").text
