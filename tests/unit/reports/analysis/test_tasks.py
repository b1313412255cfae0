"""Tasks of clients' own: each one's numbers and verdict, worked out by hand, and what the page says of them."""

from pathlib import Path
from typing import Any

import pytest

from bench.records import tidy
from reports import contents
from reports.analysis import Analysis, analyse
from reports.figures import gather
from reports.joining import CannotJoin, join
from reports.results import read
from reports.sections import sections
from reports.tables.headline import headline
from tests.unit.reports import given, synthetic
from tests.unit.reports.figures.cases import drawings

TASKS = [
    {"name": "low", "dataset": "digits", "md5": "0", "classes": [0, 1, 2], "clients": 3, "images": None},
    {"name": "high", "dataset": "digits", "md5": "0", "classes": [8, 9], "clients": 1, "images": 90},
]
PLACE: dict[str, Any] = {"dataset": "low+high", "rounds": 2, "clients": 4}


def cell(name: str, replicate: int, clients: list[float], tasks: Any = TASKS) -> dict[str, Any]:
    """A finished cell whose clients have these accuracies, in a personal view: heads are private."""
    made = synthetic.record(name, 0.1, replicate, changes={"tasks": tasks}, **PLACE)
    made["identity"]["data_md5"] = "1"
    result = made["result"]
    for key in ("views", "at_headline"):
        result[key] = {"personal": result[key].get("personal") or result[key]["global"]}
    result["headline"]["view"] = "personal"
    result["at_headline"]["personal"]["accuracy"] = sum(clients) / len(clients)
    result["at_headline"]["personal"]["clients"] = {"accuracy": clients, "loss": [0.0] * 4, "global_accuracy": clients}
    kept = {"fml": ["meme"], "fedavg": ["model"]}.get(name, [])
    return {**made, "result": {**result, "tasks": {"of_clients": [0, 0, 0, 1], "private_heads": kept}}}


def cells() -> list[dict[str, Any]]:
    """Five replicates in which Local loses 10 points to FML on the first task and wins 10 on the second."""
    made = []
    for replicate in range(5):
        draw, own = 0.01 * replicate, 0.001 * (replicate % 2)
        made.append(cell("fml", replicate, [0.7 + draw, 0.8 + draw, 0.9 + draw, 0.6 + draw]))
        made.append(cell("fedavg", replicate, [0.7 + draw + own] * 3 + [0.6 + draw]))
        made.append(cell("local", replicate, [0.7 + draw - own] * 3 + [0.7 + draw + own]))
    return made


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    folder = tmp_path_factory.mktemp("tasks")
    declared = synthetic.suite(
        algorithms=["fml", "fedavg", "local"], zoos=["cnn"], alphas=[0.1], datasets=["digits"], tasks=TASKS
    )
    return analyse(read(synthetic.write(folder, cells(), declared)))


def test_a_task_is_the_mean_over_the_clients_that_have_it(found: Analysis) -> None:
    run = next(run for run in found.results.runs if run.algorithm == "fml" and run.replicate == 0)
    assert run.score is not None
    assert run.score.tasks == pytest.approx({"low": 0.8, "high": 0.6})


def test_each_task_has_its_numbers_over_replicates(found: Analysis) -> None:
    (table,) = found.tasks
    assert table.replicates == 5
    rows = {(row.task, row.algorithm): row for row in table.rows}
    assert list(rows)[:3] == [("low", "fml"), ("low", "fedavg"), ("low", "local")]
    assert rows["low", "fml"].accuracy.mean == pytest.approx(0.82)
    assert rows["high", "fml"].accuracy.mean == pytest.approx(0.62)
    to_local = rows["low", "fml"].to_local
    assert to_local is not None
    assert to_local.mean == pytest.approx(0.1 + 0.0004)
    assert to_local.n == 5
    assert rows["low", "local"].to_local is None


def test_each_task_has_its_verdict_where_the_mean_over_both_says_something_else(found: Analysis) -> None:
    judged = {(each.where, each.pair.first): each for each in found.task_verdicts}
    assert judged["low", "local"].verdict == "worse"
    assert judged["low", "local"].estimate.mean == pytest.approx(-0.1004)
    assert judged["high", "local"].verdict == "better"
    overall = next(each for each in found.verdicts if each.pair.first == "local")
    assert overall.estimate.mean == pytest.approx((3 * -0.1004 + 0.1004) / 4)


def test_the_page_says_what_the_tasks_are_and_that_no_model_is_everyones(found: Analysis) -> None:
    facts = dict(contents.facts(found.results))
    assert facts["Tasks"] == "low: 3 classes of digits on 3 clients; high: 2 classes of digits, 90 images on 1 client"
    assert facts["Heads kept private"] == "fml (of meme), fedavg (of model), because tasks differ; bodies are shared"
    assert dict(contents.protocol(found.results))["Global accuracy"].startswith("There is none: every head is private")
    section = next(each for each in sections(found) if each.anchor == "tasks")
    assert [shown.table.stem for shown in section.tables] == ["tasks", "verdicts-tasks"]
    lines = section.tables[0].table.csv().splitlines()
    assert lines[0] == "block,task,algorithm,accuracy,accuracy_low,accuracy_high,to_local,to_local_low,to_local_high"
    assert lines[1].startswith('"low+high, dirichlet-capped, zoo cnn",low,fml,82.0,')
    titles = [group.label for group in section.tables[0].table.groups]
    assert titles == [f"task {task} of low+high, dirichlet-capped, zoo cnn" for task in ("low", "high")]
    (block,) = found.blocks
    table = headline(block, {block.setting(level): "x" for level in block.levels})
    assert "global_accuracy" not in {column.key for column in table.columns}
    assert "on the test images of the client's task" in table.caption
    assert gather.personal_and_general(block) is None


def test_the_figure_of_who_holds_what_says_which_task_a_class_is_of(found: Analysis) -> None:
    (plate,) = (each for each in drawings(found.results, with_compared=False) if each.family == "partition")
    assert "Classes are numbered task by task: low has 0 to 2, high has 3 to 4. One draw" in plate.caption


def test_without_tasks_nothing_is_said_of_them(tmp_path: Path) -> None:
    plain = given.analysis(tmp_path, given.cells({"fedavg": [[0.8]], "mine": [[0.9]]}))
    assert not plain.tasks
    assert not plain.task_verdicts
    assert "tasks" not in {each.anchor for each in sections(plain)}
    assert not {"Tasks", "Heads kept private"} & dict(contents.facts(plain.results)).keys()
    assert dict(contents.protocol(plain.results))["Global accuracy"].startswith("The global model")


def test_the_tidy_clients_name_their_task() -> None:
    table = tidy.clients([cells()[0], synthetic.record("fml", 0.1, 0, rounds=2)])
    named = table[table["dataset"] == "low+high"]
    assert list(named["task"]) == ["low", "low", "low", "high"]
    assert table[table["dataset"] == "digits"]["task"].isna().all()


def test_one_name_for_other_tasks_cannot_be_joined(tmp_path: Path) -> None:
    other = [{**TASKS[0], "classes": [0, 1, 3]}, TASKS[1]]
    declared = synthetic.suite(algorithms=["fml"], datasets=["digits"])
    folders = [
        synthetic.write(tmp_path / name, [cell("fml", number, [0.5] * 4, tasks)], declared)
        for number, (name, tasks) in enumerate([("a", TASKS), ("b", other)])
    ]
    with pytest.raises(CannotJoin, match=r"dataset low\+high: expected one 'tasks'"):
        join(folders, tmp_path / "c")
