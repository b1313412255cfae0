"""``[[tasks]]``: what is refused and in which words, and what a cell holds of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.declaration.cell import Cell, cells
from bench.declaration.suite import load
from bench.declaration.tasks import ClientTask, facts, label
from bench.registry import DATASETS
from tests.unit.bench.declarations import refusal, write

NO_DATA = ('datasets = ["digits"]\n', "")
LOW = {"name": "low", "dataset": "digits", "classes": [0, 1, 2]}
HIGH = {"name": "high", "dataset": "digits", "classes": [9, 8]}


def suite_file(folder: Path, *tasks: dict[str, Any], keep: bool = False) -> Path:
    """The documented example with tasks in the place of its data set (beside it: `keep`); it has 10 clients."""
    blocks = [
        "[[tasks]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in task.items()) for task in tasks
    ]
    return write(folder, *([] if keep else [NO_DATA]), more="".join(blocks))


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            [{**LOW, "classes": [0, 10, 12]}, HIGH],
            "tasks.classes: task 'low': expected classes of digits, which has 10 (0 to 9), got 10, 12",
        ),
        (
            [{**LOW, "classes": [3, 4, 3]}, HIGH],
            "tasks.classes: task 'low': expected each class once, got 3 more than once",
        ),
        ([{**LOW, "classes": [3]}, HIGH], "tasks.classes: task 'low': expected at least 2 classes, got [3]"),
        ([{**LOW, "classes": []}], "tasks.classes: task 'low': expected at least 2 classes, got []"),
        (
            [LOW, {"name": "big", "dataset": "mnist"}],
            "tasks: expected data sets with images of one shape, or no net could be shared, got 1x8x8 (digits), "
            "1x28x28 (mnist)",
        ),
        ([LOW, {**HIGH, "name": "low"}], "tasks: expected a name of its own for each, got 'low' more than once"),
        (
            [{**LOW, "name": "a+b"}],
            "tasks.name: expected letters, digits and . _ - only (tables and files name it), got 'a+b'",
        ),
        ([{**LOW, "clients": 4}, HIGH], "tasks: expected 'clients' in every task or in none, got none in high"),
        (
            [{**LOW, "clients": 4}, {**HIGH, "clients": 5}],
            "tasks: expected 'clients' that add up to the suite's 10, got 4 + 5",
        ),
        (
            [{**LOW, "name": f"t{n}"} for n in range(11)],
            "tasks: expected at most as many tasks as the suite has clients (10), got 11",
        ),
        (
            [{**LOW, "images": 10}, HIGH],
            "tasks: task 'low': expected at most 3 clients (it has about 10 training images and a client needs 3), "
            "got 5",
        ),
        ([{**LOW, "dataset": "digit"}], "tasks.dataset: unknown dataset 'digit'. Did you mean 'digits'?"),
        ([{**LOW, "clases": [1]}], "tasks.clases: unknown key. Did you mean 'classes'?"),
    ],
)
def test_a_task_that_cannot_be_is_refused(tmp_path: Path, tasks: list[dict[str, Any]], message: str) -> None:
    assert refusal(suite_file(tmp_path, *tasks)) == [f"- {message}"]


@pytest.mark.parametrize("text", ["[]", "3"])
def test_tasks_are_a_list_of_tables(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, NO_DATA, ("[training]", f"tasks = {text}\n[training]"))
    (line,) = refusal(path)
    assert line in (
        "- tasks: expected at least one, or no such key",
        "- tasks: expected a list of tables, got 3",
    )


def test_tasks_name_their_data_sets_and_nobody_else_does(tmp_path: Path) -> None:
    said = "expected none beside [[tasks]], each of which names its own, got ['{}']"
    assert refusal(suite_file(tmp_path, LOW, keep=True)) == [f"- datasets: {said.format('digits')}"]
    assert load(suite_file(tmp_path, LOW)).datasets == ("digits",)


def made(folder: Path, *tasks: dict[str, Any]) -> list[Cell]:
    return cells(load(suite_file(folder, *tasks), {"replicates": 1, "zoo": "cnn", "alphas": "1"}))


def test_a_cell_holds_its_tasks_settled(tmp_path: Path) -> None:
    md5 = DATASETS.get("digits").md5
    (cell, *_) = made(tmp_path, LOW, HIGH, {"name": "all", "dataset": "digits", "images": 90})
    assert cell.tasks == (
        ClientTask("low", "digits", md5, (0, 1, 2), 4),  # 10 clients over three tasks: the first have one more
        ClientTask("high", "digits", md5, (9, 8), 3),
        ClientTask("all", "digits", md5, tuple(range(10)), 3, 90),
    )
    assert cell.dataset == "low+high+all"
    assert cell.data == {"digits": md5}
    identity = cell.identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity["tasks"][1] == {
        "name": "high", "dataset": "digits", "md5": md5, "classes": [9, 8], "clients": 3, "images": None,
    }  # fmt: skip


def test_clients_are_given_to_tasks_as_declared(tmp_path: Path) -> None:
    (cell, *_) = made(tmp_path, {**LOW, "clients": 7}, {**HIGH, "clients": 3})
    assert [task.clients for task in cell.tasks] == [7, 3]


def test_every_setting_of_a_task_decides_the_name(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"name": "lower"}, {"classes": [0, 1]}, {"classes": [1, 0, 2]}, {"images": 90}, {"images": 91},
    ]  # fmt: skip
    names = {made(tmp_path, {**LOW, **change}, HIGH)[0].hash for change in changes}
    names.add(made(tmp_path, {**LOW, "clients": 6}, {**HIGH, "clients": 4})[0].hash)
    assert len(names) == len(changes) + 1


def test_a_cell_without_tasks_has_the_name_that_it_had_before_there_were_any(tmp_path: Path) -> None:
    (cell, *_) = cells(load(write(tmp_path)))
    assert "tasks" not in cell.identity()
    assert load(write(tmp_path)).model_dump(mode="json")["tasks"] is None  # as if the key were not there


def test_many_tasks_have_a_short_label() -> None:
    tasks = [ClientTask(f"t{n}", "digits", "", (0, 1), 1) for n in range(6)]
    assert label(tasks[:4]) == "t0+t1+t2+t3"
    assert label(tasks) == "t0+5-more"


def test_costs_are_known_without_loading_anything() -> None:
    plain = facts("mnist", ())
    assert (plain.shape, plain.classes, plain.train_size, plain.test_size) == ((1, 28, 28), 10, 60_000, 10_000)
    both = facts(
        "?", [ClientTask("a", "mnist", "", (0, 1), 1), ClientTask("b", "fashion-mnist", "", (0, 1, 2, 3), 3, 50)]
    )
    assert (both.shape, both.classes, both.train_size, both.test_size) == (
        (1, 28, 28),
        4,
        12_050,
        (2000 + 3 * 4000) // 4,
    )
