"""``[tune]``: grids that are refused, equal budgets, and settings drawn by rule."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.declaration.mistakes import SuiteError
from bench.declaration.suite import load
from bench.declaration.trials import points, trials
from bench.declaration.trials import settings as drawn
from bench.declaration.tune import Tune
from tests.unit.bench.declarations import write

GRID = """
[tune]
trials = 4
[tune.grid]
lr = [0.1, 0.01, 0.03, 0.3]
[tune.grid.fedprox]
mu = [0.001, 0.01, 0.1]
[tune.grid.fml]
alpha = [0.2, 0.5, 0.8]
beta = [0.2, 0.5, 0.8]
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("trials = 4", "trials = 5", "tune.trials: expected at most 4, all that the grid of fedavg has"),
        ("trials = 4", "trails = 4", "tune.trails: unknown key. Did you mean 'trials'?"),
        ("trials = 4", 'clients = "few"', "tune.clients: expected one of all, fewer, got 'few'"),
        ("trials = 4", "reserved = 1.0", "tune.reserved: expected a number >= 0 and < 1, got 1.0"),
        ("[tune.grid.fml]", "[tune.grid.fmll]", "tune.grid.fmll: no algorithm of this suite. Did you mean 'fml'?"),
        ("lr = [0.1, 0.01, 0.03, 0.3]", "lr = []", "tune.grid.lr: expected a list of values to try, at least one"),
        ("lr = [0.1, 0.01, 0.03, 0.3]", "lr = [0.1, 0.1]", "tune.grid.lr: expected each value once, got 0.1 more"),
        ("lr = [0.1, 0.01, 0.03, 0.3]", "lr = [0.0, 1.0]", "tune.grid.lr: expected a number > 0, got 0.0"),
        ("lr = [0.1, 0.01, 0.03, 0.3]", "mu = [0.1]", "tune.grid.mu: expected a table such as [tune.grid.mu]"),
        ("beta = [0.2", "beta = [1.5", "tune.grid.fml.beta: expected a number from 0 to 1, got 1.5"),
        ("beta = ", "betta = ", "tune.grid.fml.betta: unknown parameter of fml. Did you mean 'beta'?"),
        ("lr = [0.1, 0.01, 0.03, 0.3]", "", "tune.grid: expected lr for all algorithms, or values for fedavg"),
    ],
)
def test_a_grid_that_makes_no_sense_is_named(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert old in GRID
    with pytest.raises(SuiteError) as refused:
        load(write(tmp_path, more=GRID.replace(old, new)))
    assert line in str(refused.value)


def test_a_grid_may_hold_a_value_that_another_setting_excludes(tmp_path: Path) -> None:
    moving = ["fml.alpha_schedule=linear", "fml.alpha_end=0.8"]
    suite = load(write(tmp_path, more=GRID), {"set": moving})
    assert {setting["alpha"] for setting in drawn(suite, "fml", 4)} == {0.2, 0.5}  # 0.8 would not move


def test_the_command_line_can_declare_a_grid_and_drop_algorithms_from_one(tmp_path: Path) -> None:
    bare = load(write(tmp_path), {"algorithms": "local", "set": ["tune.grid.lr=[0.1, 0.2]"]})
    assert bare.tune is not None
    assert bare.tune.axes("local") == {"lr": (0.1, 0.2)}
    rest = load(write(tmp_path, more=GRID), {"algorithms": "fml,local", "trials": "2", "tuning_replicates": "1"})
    assert rest.tune is not None
    assert (rest.tune.budget(rest.algorithms), rest.tune.replicates) == (2, 1)
    with pytest.raises(SuiteError, match="--trials: expected at most 4"):
        load(write(tmp_path, more=GRID), {"trials": "5"})


def test_without_a_grid_there_is_nothing_to_tune(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"tune: missing, expected a table such as \[tune.grid\]"):
        trials(load(write(tmp_path)), "digits")


@st.composite
def grids(draw: st.DrawFn) -> dict[str, Any]:
    rates = draw(st.lists(st.floats(1e-4, 10), min_size=1, max_size=6, unique=True))
    shares = st.lists(st.integers(0, 100).map(lambda n: n / 100), min_size=1, max_size=4, unique=True)
    return {"lr": tuple(rates), "fml": {"alpha": tuple(draw(shares)), "beta": tuple(draw(shares))}}


@settings(deadline=None, max_examples=40, derandomize=True, database=None)
@given(grid=grids(), data=st.data())
def test_every_algorithm_gets_the_same_number_of_different_settings(grid: dict[str, Any], data: st.DataObject) -> None:
    """However many hyper-parameters it has: more of them are no more tries."""
    asked = data.draw(st.none() | st.integers(1, len(grid["lr"])))
    suite = load("smoke").model_copy(update={"tune": Tune(grid=grid, trials=asked)})
    assert suite.tune is not None
    budget = suite.tune.budget(suite.algorithms)
    assert budget == (asked or len(grid["lr"]))
    for name in suite.algorithms:
        found = drawn(suite, name, budget)
        assert len({tuple(each.items()) for each in found}) == len(found) == budget
        assert all(each[axis] in values for each in found for axis, values in suite.tune.axes(name).items())


def test_a_larger_budget_keeps_what_was_tried_and_spreads_over_every_axis() -> None:
    axes = {"lr": tuple(range(12)), "alpha": (0.2, 0.5, 0.8), "beta": (0.2, 0.5, 0.8)}
    first = [point for point, _ in zip(points(axes), range(12), strict=False)]
    assert first[0] == {"lr": 6, "alpha": 0.5, "beta": 0.2}
    for name, values in axes.items():
        used = [point[name] for point in first]
        assert len(set(used)) >= min(len(values), 9)  # nine of twelve, and every value of the short axes
    assert first[:5] == [point for point, _ in zip(points(axes), range(5), strict=False)]
    assert len(list(points(axes))) == 12 * 9


def test_the_order_in_which_a_file_lists_values_does_not_matter(tmp_path: Path) -> None:
    other = GRID.replace("[0.1, 0.01, 0.03, 0.3]", "[0.01, 0.03, 0.1, 0.3]")
    assert other != GRID
    ours, theirs = (trials(load(write(tmp_path, more=text)), "digits") for text in (GRID, other))
    assert ours == theirs


def test_settings_that_a_plugin_refuses_together_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.declaration import hyperparameters

    def faults(registry: Any, name: str, given: Any) -> list[tuple[None, str]]:
        return [(None, "alpha + beta: expected at most 1")] if given.get("alpha", 0) + given.get("beta", 0) > 1 else []

    grid = {"lr": (0.1, 0.2), "fml": {"alpha": (0.2, 0.8), "beta": (0.2, 0.8)}}
    plain = load("smoke")
    monkeypatch.setattr(hyperparameters, "faults", faults)
    suite = plain.model_copy(update={"tune": Tune(grid=grid)})
    assert all(float(each["alpha"]) + float(each["beta"]) <= 1 for each in drawn(suite, "fml", 6))
    with pytest.raises(SuiteError, match="expected 7 settings that fml takes, as every algorithm gets, found 6"):
        drawn(suite, "fml", 7)


def test_trials_have_cells_for_every_place_in_draws_of_their_own(tmp_path: Path) -> None:
    suite = load(write(tmp_path, more=GRID + "[seeds]\nbase = 40\npartition = 7\n"), {"alphas": "0.1,1"})
    found = trials(suite, "digits")
    assert [trial.algorithm for trial in found] == [name for name in suite.algorithms for _ in range(4)]
    for trial in found:
        assert len(trial.cells) == 2 * 2 * 3  # alphas, zoos, replicates
        assert all(cell.tuning and cell.reserved == 0.5 for cell in trial.cells)
        assert {(cell.partition_seed, cell.training_seed) for cell in trial.cells} == {(0, 0), (1, 1), (2, 2)}
        for cell in trial.cells:
            own = {name: value for name, value in trial.setting.items() if name != "lr"}
            assert cell.training["optimizer"]["lr"] == trial.setting["lr"]
            assert own.items() <= cell.params.items()


@pytest.mark.parametrize("name", ["zoo", "tasks"])
def test_every_algorithm_of_these_suites_meets_every_learning_rate_once(name: str) -> None:
    suite = load(name)
    assert suite.tune is not None
    for algorithm in suite.algorithms:
        rates = [setting["lr"] for setting in drawn(suite, algorithm, suite.tune.budget(suite.algorithms))]
        assert sorted(rates) == sorted(suite.tune.grid["lr"]), algorithm
