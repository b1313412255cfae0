"""Who trains in trials of tuning: fewer clients that are as large as a result's, or all of them."""

from pathlib import Path

import pytest

from bench.declaration.cell import cells
from bench.declaration.mistakes import SuiteError
from bench.declaration.suite import Suite, load
from bench.declaration.trial_clients import size_of_trial_client, with_trial_clients
from bench.declaration.trials import trials
from bench.rounds.setting import prepare
from tests.unit.bench.declarations import write

GRID = """
[tune]
clients = "fewer"
[tune.grid]
lr = [0.1, 0.01]
"""


def declared(tmp_path: Path, *sets: str, partition: str = "iid") -> Suite:
    return load(write(tmp_path, more=GRID), {"partition": partition, "set": ["training.clients=10", *sets]})


def rows(suite: Suite) -> tuple[list[int], list[int]]:
    """Training rows of the clients of a first trial, and of a first result."""
    first = (trials(suite, "digits")[0].cells[0], cells(suite)[0])
    trial, result = ([len(share.train) for share in prepare(cell, None).shares] for cell in first)
    return trial, result


def test_fewer_clients_are_as_large_as_those_of_results(tmp_path: Path) -> None:
    suite = declared(tmp_path)
    trial, result = rows(suite)
    assert (len(trial), len(result)) == (5, 10)
    assert max(trial + result) - min(trial + result) <= 1
    assert size_of_trial_client(suite) == 1.0


def test_all_clients_are_as_much_smaller(tmp_path: Path) -> None:
    suite = declared(tmp_path, "tune.clients=all")
    trial, result = rows(suite)
    assert (len(trial), len(result)) == (10, 10)
    assert 0.45 * result[0] < trial[0] < 0.55 * result[0]
    assert size_of_trial_client(suite) == 0.5


def test_a_share_that_does_not_divide_leaves_larger_ones(tmp_path: Path) -> None:
    suite = declared(tmp_path, "tune.reserved=0.45")
    assert with_trial_clients(suite).training.clients == 4
    assert size_of_trial_client(suite) == pytest.approx(4.5 / 4)
    trial, result = rows(suite)
    assert min(trial) > max(result)


def test_trials_on_all_rows_have_all_clients(tmp_path: Path) -> None:
    suite = declared(tmp_path, "tune.reserved=0.0")
    assert with_trial_clients(suite) == suite
    assert size_of_trial_client(suite) == 1.0


def test_every_task_has_its_share_of_clients() -> None:
    suite = load("tasks")
    assert [task.clients for task in with_trial_clients(suite).tasks or ()] == [3, 2, 1]
    (first, *_) = trials(suite, "digits")[0].cells
    assert [task.clients for task in first.tasks] == [3, 2, 1]
    assert first.clients == 6
    assert size_of_trial_client(suite) == 1.0


def test_tasks_that_do_not_say_how_many_clients_they_have_share_them_first() -> None:
    suite = load("tasks")
    assert suite.tasks is not None
    unsaid = tuple(task.model_copy(update={"clients": None}) for task in suite.tasks)
    small = with_trial_clients(suite.model_copy(update={"tasks": unsaid}))
    assert [task.clients for task in small.tasks or ()] == [2, 2, 2]


def test_a_task_that_says_how_many_images_it_has_keeps_its_clients() -> None:
    suite = load("tasks")
    assert suite.tasks is not None
    one, *others = suite.tasks
    mixed = suite.model_copy(update={"tasks": (one.model_copy(update={"images": 300}), *others)})
    small = with_trial_clients(mixed)
    assert [task.clients for task in small.tasks or ()] == [6, 2, 1]
    assert small.training.clients == 9
    assert size_of_trial_client(mixed) == 1.0
    assert size_of_trial_client(load("tasks-images")) == 1.0


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (["tune.reserved=0.1"], '"fewer" leaves 1 of 10 clients for trials, expected at least 2. Use a larger'),
        (["tune.reserved=0.3"], "leaves 3 clients for trials, and zoo 'mixed' without cnn2"),
        (["training.participation=0.2"], "leaves cohorts of 1 in place of 2, which average nothing"),
    ],
)
def test_another_kind_of_federation_is_refused(tmp_path: Path, sets: list[str], words: str) -> None:
    with pytest.raises(SuiteError, match=r"tune\.clients: ") as refused:
        trials(declared(tmp_path, *sets), "digits")
    assert words in str(refused.value)


def test_a_task_without_clients_is_refused() -> None:
    with pytest.raises(SuiteError, match="leaves no client of task 'top' for trials"):
        trials(load("tasks", {"set": ["tune.reserved=0.4"]}), "digits")
