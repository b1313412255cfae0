"""The choice: a planted optimum is found, by validation data alone, by a rule that leaves nothing open."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.declaration.cell import Cell
from bench.declaration.suite import load
from bench.declaration.trials import Trial
from bench.records.tuning import Choice, Tried
from bench.tuning.choice import NoChoice, best, bounds, choose, edges
from bench.tuning.study import Study
from tests.unit.bench.declarations import write
from tests.unit.bench.tuning import planted

GRID = """
[tune.grid]
lr = [0.01, 0.03, 0.1, 0.3, 0.9]
[tune.grid.fedprox]
mu = [0.001, 0.01, 0.1]
[tune.grid.fml]
alpha = [0.3, 0.5, 0.7]
beta = [0.3, 0.5, 0.7]
"""


def study(folder: Path, grid: str = GRID, **options: Any) -> Study:
    return Study.of(load(write(folder, more=grid), options), "digits", folder / "out", "reference", "cpu")


def records(made: Study) -> dict[str, dict[str, Any]]:
    """What running every trial would leave."""
    found = {}
    for cell in made.cells:
        entry: dict[str, Any] = {"identity": cell.identity(), "status": "done", "reason": None}
        try:
            entry |= planted.run(cell, None)
        except planted.Skip:
            entry["status"] = "skipped"
        except planted.Diverged:
            entry["status"] = "diverged"
        found[cell.hash] = entry
    return found


def chosen(made: Study, held: Mapping[str, dict[str, Any]]) -> dict[str, Choice]:
    return {choice.algorithm: choice for choice in made.found(held.get, "command").choices}


def test_a_planted_optimum_is_found(tmp_path: Path) -> None:
    """The whole grid of FedAvg and Local holds it; of FML and FedProx what is nearest among their five trials."""
    made = study(tmp_path)
    found = chosen(made, records(made))
    assert found["fedavg"].chosen.setting == found["local"].chosen.setting == {"lr": 0.1}
    for name in ("fml", "fedprox"):
        exact = {t.number: planted.accuracy(dataclasses.replace(t.cells[0])) for t in made.of_algorithm(name)}
        assert found[name].chosen.number == max(exact, key=lambda number: exact[number])
    assert all(len(choice.tried) == 5 for choice in found.values())
    assert all(choice.agree == 3 for choice in found.values())  # noise of half a point cannot turn it
    assert all(choice.kept_gain is not None and choice.kept_gain > 0.03 for choice in found.values())


def test_with_the_whole_grid_every_coordinate_is_found(tmp_path: Path) -> None:
    rates = "lr = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]"
    own = "lr = [0.1]\nalpha = [0.3, 0.5, 0.7]\nbeta = [0.3, 0.5, 0.7]"
    grid = f"[tune]\ntrials = 9\n[tune.grid]\n{rates}\n[tune.grid.fml]\n{own}\n"
    made = study(tmp_path, grid, algorithms="fml,local")
    assert chosen(made, records(made))["fml"].chosen.setting == {"lr": 0.1, "alpha": 0.7, "beta": 0.3}


def test_test_accuracies_have_no_say(tmp_path: Path) -> None:
    """They say the opposite here; turned round, or broken, they change nothing."""
    made = study(tmp_path, algorithms="local")
    held = records(made)
    before = chosen(made, held)["local"]
    for entry in held.values():
        entry["result"]["at_headline"]["global"]["accuracy"] = float("nan")
        entry["result"]["views"]["global"]["accuracy"] = None
    assert chosen(made, held)["local"] == before
    assert before.chosen.setting == {"lr": 0.1}


def test_a_setting_that_diverges_counts_with_nothing_and_is_no_failure(tmp_path: Path) -> None:
    made = study(tmp_path, GRID.replace("0.9]\n[tune.grid.fedprox]", "2.0]\n[tune.grid.fedprox]"), algorithms="local")
    found = chosen(made, records(made))["local"]
    wild = next(each for each in found.tried if each.setting["lr"] == 2.0)
    assert (wild.accuracy, wild.diverged) == (0.0, len(wild.outcomes))
    assert found.chosen.setting == {"lr": 0.1}


def test_places_that_an_algorithm_cannot_serve_do_not_count(tmp_path: Path) -> None:
    made = study(tmp_path, algorithms="fedavg")
    found = chosen(made, records(made))["fedavg"]
    assert {each.status for tried in found.tried for each in tried.outcomes} == {"done", "skipped"}
    assert found.chosen.accuracy > 0.89


@pytest.mark.parametrize(
    ("status", "reason"),
    [("failed", "ended as failed: why"), ("timeout", "ended as timeout: why"), (None, "have not been run")],
)
def test_nothing_is_chosen_while_a_cell_is_missing(tmp_path: Path, status: str | None, reason: str) -> None:
    made = study(tmp_path, algorithms="local,fml")
    held = records(made)
    cell = made.of_algorithm("local")[2].cells[0].hash
    if status is None:
        del held[cell]
    else:
        held[cell] |= {"status": status, "reason": "why"}
    found = made.found(held.get, "command")
    assert [choice.algorithm for choice in found.choices] == ["fml"]
    assert reason in found.without["local"]


@pytest.mark.parametrize(
    ("status", "reason"), [("skipped", "skipped everywhere"), ("diverged", "every cell of every setting diverged")]
)
def test_nothing_is_chosen_where_nothing_was_learnt(tmp_path: Path, status: str, reason: str) -> None:
    made = study(tmp_path, algorithms="local")
    held = {name: {**entry, "status": status} for name, entry in records(made).items()}
    assert reason in made.found(held.get, "command").without["local"]


def tried(number: int, lr: float, *by_replicate: float) -> Tried:
    return Tried(number, {"lr": lr}, (), by_replicate)


AXES: dict[str, Sequence[Any]] = {"lr": (0.1, 0.2, 0.3, 0.4)}


def test_of_equal_settings_the_one_nearest_the_middle_is_taken_then_the_smaller() -> None:
    rows = [tried(1, 0.4, 0.5, 0.9), tried(2, 0.3, 0.9, 0.5), tried(3, 0.2, 0.7, 0.7), tried(4, 0.1, 0.7, 0.7)]
    assert best(rows, AXES).setting == {"lr": 0.2}
    assert best(rows[:2], AXES).setting == {"lr": 0.3}
    assert best([rows[0], rows[3]], AXES).setting == {"lr": 0.1}
    assert best(rows, AXES, leave_out=0).setting == {"lr": 0.4}


def test_the_ends_of_an_axis_are_edges_unless_nothing_lies_beyond_them() -> None:
    axes = {"lr": (0.1, 0.2, 0.3), "alpha": (0.0, 0.5, 1.0), "average": ("a", "b"), "beta": (0.5,)}
    limits = bounds("fml")
    assert limits["alpha"] == (0, 1)
    middle = {"lr": 0.2, "alpha": 0.5, "average": "a", "beta": 0.5}
    assert edges(middle, axes, limits) == []
    assert edges({**middle, "lr": 0.1}, axes, limits) == ["lr"]
    assert edges({**middle, "lr": 0.3, "alpha": 1.0}, axes, limits) == ["lr"]
    assert edges({**middle, "alpha": 0.5}, {**axes, "alpha": (0.5, 1.0)}, limits) == ["alpha"]


def test_the_digest_names_all_that_decides(tmp_path: Path) -> None:
    made = study(tmp_path)
    assert made.digest("fml") == study(tmp_path).digest("fml")
    assert len({made.digest(name) for name in made.suite.algorithms}) == 4
    assert made.digest("local") != study(tmp_path, tuning_replicates="2").digest("local")
    assert made.digest("local") != study(tmp_path, alphas="0.1").digest("local")
    assert made.digest("local") == study(tmp_path, algorithms="local,fml").digest("local")


def test_a_choice_needs_a_trial_of_every_setting(tmp_path: Path) -> None:
    cell: Cell = study(tmp_path, algorithms="local").cells[0]
    with pytest.raises(NoChoice, match="have not been run"):
        choose([Trial("local", 1, {"lr": 0.1}, (cell,))], {"lr": (0.1,)}, lambda _: None, "digest")
