"""Suite files of several studies and of two sizes: what each study becomes, and what is wrong with a file."""

from pathlib import Path
from typing import Any

import pytest

from bench import suites
from bench.declaration import suite as one
from bench.declaration.cell import cells
from bench.declaration.mistakes import SuiteError
from bench.declaration.studies import Declared, load, merged
from tests.unit.bench import declarations

STUDIES = """
[[studies]]
name = "few"
title = "Two algorithms"
about = "Is it so?"
algorithms = ["fml", "local"]
alphas = [0.1]
zoos = ["cnn"]

[[studies]]
name = "steps"
title = "In steps"
zoos = ["mixed"]
[studies.training]
local_steps = 7
optimizer = {lr = 0.5}
[studies.params.fml]
alpha = 0.9

[full]
replicates = 9
[full.training]
rounds = 300
[[full.studies]]
name = "steps"
alphas = [100.0]
"""


def read(folder: Path, more: str = STUDIES, options: dict[str, Any] | None = None, **how: Any) -> Declared:
    return load(declarations.write(folder, more=more), options, **how)


def test_a_study_is_the_file_with_its_own_keys_laid_over(tmp_path: Path):
    few, steps = read(tmp_path).studies
    assert (few.name, few.title, few.about, steps.about) == ("few", "Two algorithms", "Is it so?", "")
    assert few.suite.algorithms == ("fml", "local")
    assert few.suite.params == {"fml": {"alpha": 0.5, "beta": 0.5}}  # FedProx's are for its neighbour
    assert steps.suite.params["fml"] == {"alpha": 0.9, "beta": 0.5}
    assert (steps.suite.training.local_steps, steps.suite.training.local_epochs) == (7, None)
    assert (steps.suite.training.optimizer.lr, steps.suite.training.optimizer.momentum) == (0.5, 0.9)
    assert {few.suite.name, steps.suite.name} == {"noniid"}


def test_the_whole_is_all_axes_together(tmp_path: Path):
    whole = read(tmp_path).whole
    assert whole["zoos"] == ["cnn", "mixed"]
    assert whole["algorithms"] == ["fml", "local", "fedavg", "fedprox"]
    assert read(tmp_path, only="few").whole == whole  # the folder belongs to all studies, whichever are run


def test_a_suite_without_studies_is_what_it_was():
    for name in ("noniid", "smoke", "ci"):
        declared = load(name)
        assert declared.studies == ()
        assert declared.suite == one.load(name)
        assert declared.whole == declared.suite.model_dump(mode="json")


TUNED = """
[tune.grid]
lr = [0.1]
[tune.grid.fedprox]
mu = [0.1, 1.0]
[tuned.digits.fedprox]
mu = 1.0
[tuned.digits.local]
lr = 0.2
"""


def test_what_is_tuned_goes_to_the_studies_that_run_it(tmp_path: Path):
    few, steps = read(tmp_path, TUNED + STUDIES).studies
    assert few.suite.tuned is not None
    assert few.suite.tuned["digits"].keys() == {"local"}
    assert few.suite.tune is not None
    assert few.suite.tune.grid.keys() == {"lr"}
    assert steps.suite.tuned is not None
    assert steps.suite.tuned["digits"].keys() == {"fedprox", "local"}
    assert {cell.training["optimizer"]["lr"] for cell in cells(few.suite) if cell.algorithm == "local"} == {0.2}
    for more, words in (
        ("[tuned.digits.scaffold]\nlr = 0.1\n", "tuned.digits.scaffold: expected a name that some study lists"),
        ("[tune.grid.scaffold]\nlr = [0.1]\n", "tune.grid.scaffold: expected a name that some study lists"),
    ):
        with pytest.raises(SuiteError, match=words):
            read(tmp_path, TUNED + more + STUDIES)


TASKS = """
[[studies]]
name = "tasks"
title = "Different tasks"
[[studies.tasks]]
name = "low"
dataset = "digits"
classes = [0, 1, 2]
[[studies.tasks]]
name = "high"
dataset = "digits"
classes = [9, 8]

[[full.studies]]
name = "tasks"
[[full.studies.tasks]]
name = "clothes"
dataset = "fashion-mnist"
[[full.studies.tasks]]
name = "digits"
dataset = "mnist"
"""


def test_a_study_may_have_tasks_in_the_place_of_the_files_data_sets(tmp_path: Path):
    few, tasks = read(tmp_path, TUNED + STUDIES.split('[[studies]]\nname = "steps"')[0] + TASKS).studies
    assert few.suite.tasks is None
    assert tasks.suite.tasks is not None
    assert [task.numbers for task in tasks.suite.tasks] == [(0, 1, 2), (9, 8)]
    assert {cell.dataset for cell in cells(tasks.suite)} == {"low+high"}
    assert few.suite.tuned is not None
    assert tasks.suite.tune is tasks.suite.tuned is None  # the file's values are for clients that know all digits
    ofdata = read(tmp_path, TASKS + '[[studies]]\nname = "one"\ntitle = "One"\ndatasets = ["digits"]\n').studies[1]
    assert ofdata.suite.tasks is None


OWN = """
[studies.tune.grid]
lr = [0.3]
[studies.tuned.digits.local]
lr = 0.7
"""


def test_a_study_with_tasks_may_be_tuned_by_itself(tmp_path: Path):
    (tasks,) = read(tmp_path, TUNED + TASKS.split("[[full")[0] + OWN).studies
    assert tasks.suite.tune is not None
    assert tasks.suite.tune.grid == {"lr": (0.3,)}
    assert tasks.suite.tuned is not None
    assert {name: table.values for name, table in tasks.suite.tuned["digits"].items()} == {"local": {"lr": 0.7}}
    rates = {cell.algorithm: cell.training["optimizer"]["lr"] for cell in cells(tasks.suite)}
    assert rates == {"fml": 0.05, "fedavg": 0.05, "fedprox": 0.05, "local": 0.7}


def test_values_for_the_files_tasks_do_not_reach_a_study_with_data_sets(tmp_path: Path):
    of_the_file = TASKS.split("[[full")[0].replace("[[studies.tasks]]", "[[tasks]]").split('tasks"\n', 1)[1]
    of_the_file = TUNED + of_the_file.split("\n", 1)[1]
    more = of_the_file + '[[studies]]\nname = "a"\ntitle = "A"\n[[studies]]\nname = "b"\ntitle = "B"\n'
    path = declarations.write(tmp_path, ('datasets = ["digits"]\n', ""), more=more + 'datasets = ["digits"]\n')
    a, b = load(path).studies
    assert a.suite.tuned is not None
    assert {cell.training["optimizer"]["lr"] for cell in cells(a.suite) if cell.algorithm == "local"} == {0.2}
    assert b.suite.tune is b.suite.tuned is None


def test_values_for_data_sets_do_not_reach_the_tasks_of_the_full_size(tmp_path: Path):
    full = TASKS.split("[[full")[0].replace("studies.tasks", "full.tasks").split('tasks"\n', 1)[1].split("\n", 1)[1]
    path = declarations.write(tmp_path, more=TUNED + full)
    assert load(path).suite.tuned is not None
    tasks = load(path, full=True).suite
    assert [task.name for task in tasks.tasks or ()] == ["low", "high"]
    assert tasks.tune is tasks.tuned is None


def test_a_study_replaces_the_tasks_of_its_file(tmp_path: Path):
    of_the_file = TASKS.split("[[full")[0].replace("[[studies.tasks]]", "[[tasks]]").split('tasks"\n', 1)[1]
    of_the_file = of_the_file.split("\n", 1)[1]
    more = of_the_file + '[[studies]]\nname = "a"\ntitle = "A"\n[[studies]]\nname = "b"\ntitle = "B"\n'
    path = declarations.write(tmp_path, ('datasets = ["digits"]\n', ""), more=more + 'datasets = ["digits"]\n')
    a, b = load(path).studies
    assert (cells(a.suite)[0].dataset, cells(b.suite)[0].dataset) == ("low+high", "digits")


def test_the_full_size_may_have_other_tasks(tmp_path: Path):
    (tasks,) = read(tmp_path, TASKS, full=True).studies
    assert {cell.dataset for cell in cells(tasks.suite)} == {"clothes+digits"}


def test_dataset_takes_the_tasks_of_one_data_set_along(tmp_path: Path):
    more = STUDIES.split("[full]")[0] + TASKS
    *_, tasks = read(tmp_path, more, {"dataset": "mnist"}).studies
    assert tasks.suite.datasets == ("mnist",)
    assert [task.dataset for task in tasks.suite.tasks or ()] == ["mnist", "mnist"]
    for asked, full, words in (
        ("mnist,digits", False, r"study tasks cannot run, one mistake:\n- --dataset: expected one, to which all"),
        ("mnist", True, r"study tasks cannot run, one mistake:\n- --dataset: expected none, for .* are of 2 data sets"),
        ("mnits", False, r"in each of 3 studies:\n- --dataset: unknown dataset 'mnits'. Did you mean 'mnist'"),
        (",", False, r"in each of 3 studies:\n- --dataset: expected names separated by commas, got ','"),
    ):
        with pytest.raises(SuiteError, match=words):
            read(tmp_path, more, {"dataset": asked}, full=full)


def test_the_full_size_is_laid_over_the_file(tmp_path: Path):
    few, steps = read(tmp_path, full=True).studies
    assert few.suite.replicates == steps.suite.replicates == 9
    assert (few.suite.training.rounds, few.suite.training.local_epochs) == (300, 2)
    assert (few.suite.alphas, steps.suite.alphas) == ((0.1,), (100.0,))
    assert read(tmp_path).studies[0].suite.replicates == 5


def test_options_change_every_study_alike(tmp_path: Path):
    declared = read(tmp_path, options={"rounds": "3", "replicates": "2"})
    assert {study.suite.training.rounds for study in declared.studies} == {3}
    assert {study.suite.replicates for study in declared.studies} == {2}


def test_studies_are_chosen_by_name(tmp_path: Path):
    assert [study.name for study in read(tmp_path, only="steps").studies] == ["steps"]
    assert [study.name for study in read(tmp_path, only="steps,few").studies] == ["few", "steps"]


def test_a_cell_that_two_studies_share_is_one(tmp_path: Path):
    again = STUDIES.replace('name = "steps"', 'name = "again"', 1).split("[studies.training]")[0]
    few, others = (cells(study.suite) for study in read(tmp_path, again.replace('"mixed"', '"cnn"')).studies)
    assert {cell.hash for cell in few} < {cell.hash for cell in others}


@pytest.mark.parametrize(
    ("more", "how", "words"),
    [
        ("", {"full": True}, r"has one size only: it has no table \[full\], leave --full out"),
        ("", {"only": "few"}, "has no studies: leave --studies out"),
        (STUDIES, {"only": "fev"}, r"--studies: there is none called 'fev'. Did you mean 'few'"),
        (STUDIES, {"only": " , "}, "--studies: expected names separated by commas"),
        ("\nstudies = 3\n", {}, "studies: expected tables"),
        (STUDIES.replace('"few"', '"a b"'), {}, r"studies.name: expected letters, digits, _ and - only, got 'a b'"),
        (STUDIES.replace('"steps"', '"few"'), {}, "studies.name: expected each name once, got 'few' more than once"),
        (STUDIES.replace('title = "In steps"', ""), {}, "studies.steps.title: expected a text, got None"),
        (STUDIES.replace('title = "In steps"', 'title = "x"\nversion = "2.0"'), {}, "studies.steps.version: is of the"),
        (STUDIES.replace('zoos = ["mixed"]', 'zoos = ["mixd"]'), {}, r"study steps cannot run.*\n.*unknown zoo 'mixd'"),
        (STUDIES + "[params.fedporx]\nmu = 1.0\n", {}, "params.fedporx: expected a name that some study lists"),
        (STUDIES.replace('dies]]\nname = "steps"\na', 'dies]]\nname = "step"\na'), {"full": True}, "'step'"),
    ],
    ids=str,
)  # fmt: skip
def test_mistakes_are_one_clear_message(tmp_path: Path, more: str, how: dict[str, Any], words: str):
    if more.startswith("\nstudies"):
        path = declarations.write(tmp_path)
        path.write_text(more + path.read_text())
        with pytest.raises(SuiteError, match=words):
            load(path, **how)
        return
    with pytest.raises(SuiteError, match=words):
        read(tmp_path, more, **how)


def test_what_is_wrong_in_every_study_is_said_once(tmp_path: Path):
    with pytest.raises(SuiteError, match=r"in each of 2 studies:\n- --rounds: expected a whole number >= 1, got 0$"):
        read(tmp_path, options={"rounds": "0"})


def test_a_command_for_one_suite_says_so(tmp_path: Path):
    with pytest.raises(SuiteError, match="holds several studies: expected a file with one suite here"):
        one.load(declarations.write(tmp_path, more=STUDIES))


@pytest.mark.parametrize("name", suites.names())
def test_every_built_in_suite_is_sound_in_each_of_its_sizes(name: str):
    sizes = [False, True] if "full" in one.read(name) else [False]
    for full in sizes:
        for suite in load(name, full=full).suites:
            assert len({cell.hash for cell in cells(suite)}) == len(cells(suite)) > 0


def test_laying_over_replaces_a_named_table_as_a_whole():
    base = {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9}}
    assert merged(base, {"optimizer": {"name": "adam", "lr": 0.2}}) == {"optimizer": {"name": "adam", "lr": 0.2}}
    assert merged(base, {"optimizer": {"lr": 0.2}})["optimizer"] == {"name": "sgd", "lr": 0.2, "momentum": 0.9}
