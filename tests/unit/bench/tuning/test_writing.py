"""Chosen values in a suite file: they load, and not a letter of the rest is touched."""

from pathlib import Path

import pytest

from bench.declaration.cell import cells
from bench.declaration.mistakes import SuiteError
from bench.declaration.suite import load
from bench.records.tuning import Choice, Tried, Tuning
from bench.tuning.writing import changed, snippet, write
from tests.unit.bench import declarations

VALUES = {"fml": {"lr": 0.2, "alpha": 0.7, "beta": 0.3}, "local": {"lr": 0.1}}


def tuning(dataset: str = "digits", edge: tuple[str, ...] = (), **values: dict[str, float]) -> Tuning:
    choices = [
        Choice(name, {axis: (value,) for axis, value in own.items()}, [one], one, edge, 3, 0.02, "0123456789abcdef")
        for name, own in values.items()
        for one in [Tried(1, own, (), (0.81234567, 0.8))]
    ]
    return Tuning("noniid", "1.0", dataset, "python -m bench.tune 'my suite.toml'", 9, 2, 0.5, 5, 1.0, choices, {})


def test_what_is_written_loads_and_gives_the_tuned_cells(tmp_path: Path) -> None:
    path = declarations.write(tmp_path, more="\n[tune.grid]  # mine\nlr = [0.1, 0.2]\n")
    write(path, [tuning(edge=("lr",), **VALUES)])
    suite = load(path)
    made = {cell.algorithm: cell for cell in cells(suite) if cell.replicate == 0}
    assert {name: made[name].training["optimizer"]["lr"] for name in made} == {
        **{"fml": 0.2, "local": 0.1},
        **{"fedavg": 0.05, "fedprox": 0.05},
    }
    assert (made["fml"].params["alpha"], made["fml"].params["beta"]) == (0.7, 0.3)
    assert suite.tuned is not None
    source = suite.tuned["digits"]["fml"].source
    assert source is not None
    assert (source.trials, source.replicates, source.reserved, source.edge) == (1, 2, 0.5, ("lr",))
    assert source.accuracy == 0.8062
    assert source.command == "python -m bench.tune 'my suite.toml'"


def test_not_a_letter_of_the_rest_is_touched(tmp_path: Path) -> None:
    path = declarations.write(tmp_path, more="\n[seeds]\nbase   =  3 # odd spacing\n\n\n# the end, without a newline")
    before = path.read_text()
    write(path, [tuning(**VALUES)])
    assert path.read_text().startswith(before)


def test_writing_again_replaces_what_was_tuned_and_keeps_the_others(tmp_path: Path) -> None:
    path = declarations.write(tmp_path)
    write(path, [tuning(**VALUES), tuning("mnist", local={"lr": 0.3})])
    once = path.read_text()
    write(path, [tuning(**VALUES), tuning("mnist", local={"lr": 0.3})])
    assert path.read_text() == once
    write(path, [tuning(local={"lr": 0.4})])
    suite = load(path, {"dataset": "digits,mnist"})
    assert suite.tuned is not None
    held = {(d, name): each.values for d, tables in suite.tuned.items() for name, each in tables.items()}
    assert held == {
        ("digits", "fml"): VALUES["fml"],
        ("digits", "local"): {"lr": 0.4},
        ("mnist", "local"): {"lr": 0.3},
    }
    assert path.read_text().replace("lr = 0.4", "lr = 0.1") == once


def test_values_for_tasks_of_two_data_sets_stand_under_both(tmp_path: Path) -> None:
    tasks = "".join(f'[[tasks]]\nname = "{name}"\ndataset = "{name}"\n' for name in ("mnist", "fashion-mnist"))
    path = declarations.write(tmp_path, ('datasets = ["digits"]\n', ""), more=tasks)
    write(path, [tuning("fashion-mnist+mnist", **VALUES)])
    assert '[tuned."fashion-mnist+mnist".fml]\nlr = 0.2' in path.read_text()
    rates = {cell.algorithm: cell.training["optimizer"]["lr"] for cell in cells(load(path))}
    assert rates == {"fml": 0.2, "local": 0.1, "fedavg": 0.05, "fedprox": 0.05}
    once = path.read_text()
    write(path, [tuning("fashion-mnist+mnist", **VALUES)])
    assert path.read_text() == once


def test_values_that_the_file_cannot_hold_leave_it_as_it_was(tmp_path: Path) -> None:
    path = declarations.write(tmp_path, ('algorithms = ["fml", "fedavg", "fedprox", "local"]', 'algorithms = ["fml"]'))
    path.write_text(path.read_text().replace("[params.fedprox]\nmu = 0.01\n", ""))
    before = path.read_text()
    with pytest.raises(SuiteError) as refused:
        write(path, [tuning(**VALUES)])
    assert "which is left as it was" in str(refused.value)
    assert "tuned.digits.local: no algorithm of this suite" in str(refused.value)
    assert path.read_text() == before


@pytest.mark.parametrize(("text", "words"), [("a = [", "is not TOML"), (None, "cannot be read")])
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "suite.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SuiteError, match=words):
        write(path, [tuning(**VALUES)])


def test_the_snippet_is_what_a_file_gets(tmp_path: Path) -> None:
    path = declarations.write(tmp_path)
    before = path.read_text()
    path.write_text(before + "\n" + snippet([tuning(**VALUES)]) + "\n")
    assert load(path).tuned == load(_written(tmp_path, before)).tuned


def _written(folder: Path, text: str) -> Path:
    path = folder / "other.toml"
    path.write_text(changed(text, [tuning(**VALUES)]))
    return path
