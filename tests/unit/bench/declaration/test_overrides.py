"""Options of the command line: what they change of a suite, and how mistakes in them are named."""

from pathlib import Path
from typing import Any

import pytest

from bench.declaration.suite import load
from tests.unit.bench.declarations import EXAMPLE, refusal, write


def test_options_replace_what_the_file_says(tmp_path: Path) -> None:
    suite = load(
        write(tmp_path),
        {
            "dataset": "digits",
            "algorithms": "local,fml",
            "alphas": "0.2,1",
            "zoo": "mlp",
            "partition": "dirichlet",
            "replicates": 2,
            "rounds": "3",
            "clients": "4",
            "time_limit": "60",
            "set": ["fml.alpha=0.7", "fml.average=examples", "dirichlet.minimum=5", "training.optimizer.lr=0.1"],
        },
    )
    assert (suite.datasets, suite.algorithms, suite.alphas) == (("digits",), ("local", "fml"), (0.2, 1.0))
    assert (suite.zoos, suite.partitions, suite.replicates) == (("mlp",), ("dirichlet",), 2)
    assert (suite.training.rounds, suite.training.clients, suite.time_limit) == (3, 4, 60.0)
    assert suite.params == {"fml": {"alpha": 0.7, "beta": 0.5, "average": "examples"}, "dirichlet": {"minimum": 5}}
    assert suite.training.optimizer.lr == 0.1
    assert suite.reference == "fml"


def test_options_that_are_not_given_change_nothing(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert load(path, {"rounds": None, "set": None, "algorithms": None}) == load(path)


def test_a_narrower_choice_takes_the_parameters_and_the_reference_along(tmp_path: Path) -> None:
    path = write(tmp_path, more="[params.dirichlet-capped]\nminimum = 5\n")
    suite = load(path, {"algorithms": "fedavg,local", "partition": "iid"})
    assert suite.params == {}
    assert suite.reference == "fedavg"


def test_a_mistake_of_the_file_is_not_forgiven_by_a_narrower_choice(tmp_path: Path) -> None:
    path = write(tmp_path, ("[params.fedprox]", "[params.fedporx]"))
    assert refusal(path, algorithms="fml") == [
        "- params.fedporx: no algorithm or partition of this suite. Known: dirichlet-capped, fml."
    ]


def test_steps_from_the_command_line_replace_the_files_epochs(tmp_path: Path) -> None:
    training = load(write(tmp_path), {"set": ["training.local_steps=7"]}).training
    assert (training.local_steps, training.local_epochs) == (7, None)


OPTION_MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "alpha": ({"alphas": "0.1,0"}, "--alphas: expected a number > 0, got 0.0"),
    "alpha text": ({"alphas": "0.1,x"}, "--alphas: expected numbers separated by commas, got '0.1,x'"),
    "no names": ({"algorithms": ","}, "--algorithms: expected names separated by commas, got ','"),
    "name": ({"algorithms": "fml,fedporx"}, "--algorithms: unknown algorithm 'fedporx'. Did you mean 'fedprox'?"),
    "zoo": ({"zoo": "cn"}, "--zoo: unknown zoo 'cn'. Did you mean 'cnn'?"),
    "rounds": ({"rounds": "0"}, "--rounds: expected a whole number >= 1, got 0"),
    "rounds text": ({"rounds": "ten"}, "--rounds: expected a whole number, got 'ten'"),
    "time": ({"time_limit": "soon"}, "--time-limit: expected a number, got 'soon'"),
    "clients": (
        {"clients": 5000},
        "--clients: expected at most 479 (digits has 1437 training images and a client needs 3), got 5000",
    ),
    "set range": ({"set": ["fedprox.mu=-1"]}, "--set fedprox.mu: expected a number >= 0, got -1.0"),
    "set name": (
        {"set": ["fedprx.mu=1"]},
        "--set fedprx.mu: no algorithm or partition of this suite. Did you mean 'fedprox'?",
    ),
    "set parameter": (
        {"set": ["fml.gamma=1"]},
        "--set fml.gamma: unknown parameter of fml. Known: alpha, alpha_end, alpha_schedule, average, "
        "beta, beta_end, beta_schedule, step_percent.",
    ),
    "set choice": (
        {"set": ["fml.average=example"]},
        "--set fml.average: expected one of uniform, examples, got 'example'. Did you mean 'examples'?",
    ),
    "set contradiction": (
        {"set": ["fml.alpha_end=0.2"]},
        "--set fml.alpha_end: expected none with alpha_schedule 'constant', got 0.2",
    ),
    "set training": ({"set": ["training.round=1"]}, "--set training.round: unknown key. Did you mean 'rounds'?"),
    "set a whole table": (
        {"set": ['training.optimizer={name="adam", lr=0}']},
        "--set training.optimizer.lr: expected a number > 0, got 0",
    ),
    "set value": ({"set": ["fedprox.mu=1 2"]}, "--set fedprox.mu: expected a TOML value (quote a text), got '1 2'"),
    "set two values": (
        {"set": ["fedprox.mu=1\nx=2"]},
        "--set fedprox.mu: expected a TOML value (quote a text), got '1\\nx=2'",
    ),
    "set nothing": (
        {"set": ["mu=1"]},
        "--set: expected NAME.PARAM=VALUE, such as fedprox.mu=0.01 or training.batch_size=16, got 'mu=1'",
    ),
    "set without value": (
        {"set": ["fedprox.mu"]},
        "--set: expected NAME.PARAM=VALUE, such as fedprox.mu=0.01 or training.batch_size=16, got 'fedprox.mu'",
    ),
    "set twice": (
        {"set": ["fedprox.mu=1", "fedprox.mu=2"]},
        "--set fedprox.mu: given twice, as --set fedprox.mu before; a run takes one value",
    ),
    "set and option": (
        {"rounds": 3, "set": ["training.rounds=4"]},
        "--set training.rounds: given twice, as --rounds before; a run takes one value",
    ),
}


@pytest.mark.parametrize(("options", "line"), OPTION_MISTAKES.values(), ids=list(OPTION_MISTAKES))
def test_a_mistake_in_an_option_is_named_by_the_option(options: dict[str, Any], line: str) -> None:
    assert refusal("noniid", **options) == [f"- {line}"]


def test_mistakes_of_file_and_options_stand_in_one_list(tmp_path: Path) -> None:
    path = write(tmp_path, ("batch_size = 32", "batch_size = 0"))
    assert refusal(path, rounds="x", alphas="-1") == [
        "- --rounds: expected a whole number, got 'x'",
        "- --alphas: expected a number > 0, got -1.0",
        "- training.batch_size: expected a whole number >= 1, got 0",
    ]


def test_options_survive_a_file_whose_tables_are_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "suite.toml"
    head = EXAMPLE.partition("[training]")[0]
    path.write_text(f"{head}\ntraining = 5\nparams = 3\n", encoding="utf-8")
    assert refusal(path, rounds=3, set=["fml.alpha=0.1"]) == [
        "- training: expected a table, got 5",
        "- params: expected tables such as [params.fedprox], got 3",
    ]


def test_an_unknown_override_is_the_callers_mistake() -> None:
    with pytest.raises(TypeError, match="no such override: round"):
        load("noniid", {"round": 3})
