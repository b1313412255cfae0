"""What a report says of where hyper-parameters come from, and which doubts that leaves."""

from pathlib import Path
from typing import Any

import pytest

from reports import contents
from reports.analysis.guards import Guard
from reports.analysis.tuned import origins, threats
from tests.unit.reports import given
from tests.unit.reports.given import noisy

TABLES = {"fedavg": noisy(0.8), "mine": noisy(0.83, seed=2)}


def source(**changes: Any) -> dict[str, Any]:
    return {
        **{"digest": "0123456789abcdef", "command": "python -m bench.tune mine", "trials": 9, "replicates": 3},
        **{"reserved": 0.5, "accuracy": 0.9, "edge": []},
        **changes,
    }


def tuned(mine: dict[str, Any] | None = None, values: Any = None, **other: Any) -> dict[str, Any]:
    """Declarations of a suite whose two algorithms are tuned."""
    return {
        "tune": {"reserved": 0.5},
        "tuned": {
            "digits": {
                "fedavg": {"values": {"lr": 0.2}, "source": source()},
                "mine": {"values": {"lr": 0.1, "mu": 0.5} if values is None else values, "source": mine or source()},
            }
        },
        **other,
    }


def guard(folder: Path, **declared: Any) -> Guard:
    found = given.analysis(folder, given.cells(TABLES), **declared)
    return next(each for each in found.guards if each.name == "Tuning")


def test_tuned_alike_on_rows_that_are_kept_out_is_no_threat(tmp_path: Path) -> None:
    quiet = guard(tmp_path, **tuned())
    assert not quiet.fired
    assert quiet.text == (
        "Every algorithm had 9 settings to choose from, on draws and rows that no client is tested on."
    )


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({}, "No hyper-parameter was tuned"),
        ({"tuned": {"mnist": {"mine": {"values": {"lr": 0.1}, "source": source()}}}}, "No hyper-parameter was tuned"),
        (tuned(values={}), "Not tuned, unlike the others: mine on digits."),
        (tuned(source(trials=20)), "Unequal budgets: some algorithms got 9 settings to choose from, others 20."),
        (
            tuned(source(reserved=0.0)),
            "The pools overlap: clients are tested on rows that the tuning of mine on digits",
        ),
        (tuned(tune={"reserved": 0.2}), "the tuning of fedavg on digits, mine on digits has seen"),
        (tuned(tune=None), "The pools overlap"),
        (tuned(source(edge=["mu"])), "perhaps better beyond it: mine on digits (mu 0.5)."),
    ],
)
def test_what_is_a_threat(tmp_path: Path, declared: dict[str, Any], words: str) -> None:
    loud = guard(tmp_path, **declared)
    assert loud.fired
    assert words in loud.text


def test_an_edge_that_an_option_took_away_is_none(tmp_path: Path) -> None:
    assert not guard(tmp_path, **tuned(source(edge=["mu"]), values={"lr": 0.1})).fired


def test_the_page_says_which_values_by_which_command(tmp_path: Path) -> None:
    results = given.analysis(tmp_path, given.cells(TABLES), **tuned()).results
    facts = dict(contents.facts(results))
    assert facts["Tuned on digits"] == (
        "fedavg lr 0.2 (the best of 9 settings, trials 0123456789abcdef); "
        "mine lr 0.1, mu 0.5 (the best of 9 settings, trials 0123456789abcdef)"
    )
    assert facts["Tuned by"] == "python -m bench.tune mine"
    assert facts["Training"].endswith("; other learning rates where tuned")
    assert "A fixed 50 % of each data set's training rows is reserved" in dict(contents.protocol(results))["Splits"]


@pytest.mark.parametrize(
    ("datasets", "key"),
    [(("digits", "digits"), "digits"), (("a", "b"), "a+b"), (("b", "a"), "a+b"), (("a", "c"), None)],
)
def test_values_for_tasks_are_found_by_the_data_sets_of_the_tasks(
    tmp_path: Path, datasets: tuple[str, str], key: str | None
) -> None:
    tasks = [
        {"name": name, "dataset": dataset, "md5": "0", "classes": [0, 1], "clients": 1, "images": None}
        for name, dataset in zip(("low", "high"), datasets, strict=True)
    ]
    made = given.cells(TABLES)
    for cell in made:
        cell["identity"] |= {"dataset": "low+high", "tasks": tasks}
    values = {"values": {"lr": 0.2}, "source": source()}
    declared = {"tune": {"reserved": 0.5}, "tuned": {key or "a+b": {"fedavg": values, "mine": values}}}
    results = given.analysis(tmp_path, made, **declared, datasets=list(dict.fromkeys(datasets)), tasks=tasks).results
    assert [origin.tuned for origin in origins(results)] == [key is not None] * 2
    facts = dict(contents.facts(results))
    assert facts.get("Tuned on low+high", "").startswith("fedavg lr 0.2 (the best of 9" if key else "")
    assert bool(list(threats(results))) == (key is None)


def test_values_by_hand_are_called_that(tmp_path: Path) -> None:
    by_hand = {"tuned": {"digits": {"mine": {"values": {"lr": 0.1}, "source": None}}}}
    results = given.analysis(tmp_path, given.cells(TABLES), **by_hand).results
    facts = dict(contents.facts(results))
    assert facts["Tuned on digits"] == "mine lr 0.1 (by hand)"
    assert "Tuned by" not in facts


def test_a_suite_without_tuned_values_says_nothing_of_them(tmp_path: Path) -> None:
    results = given.analysis(tmp_path, given.cells(TABLES)).results
    assert not [name for name, _ in contents.facts(results) if "Tuned" in name]
    assert "reserved" not in dict(contents.protocol(results))["Splits"]
