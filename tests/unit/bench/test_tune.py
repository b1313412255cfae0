"""The command: equal trials through the executor, one table, one file, and messages for what cannot be done."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import tune as module
from bench.declaration.cell import cells
from bench.declaration.suite import load
from bench.records.store import Store
from bench.tune import main
from bench.tuning import running
from tests.unit.bench.declarations import write
from tests.unit.bench.tuning import planted
from tests.unit.bench.tuning.test_choice import GRID

Command = Callable[..., int]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write(
        tmp_path, ('zoos = ["cnn", "mixed"]', 'zoos = ["mlp"]'), ("[0.1, 0.5, 1.0, 100.0]", "[0.5]"), more=GRID
    )


@pytest.fixture
def command(tmp_path: Path, suite: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs planted trials through the whole command; options as on the command line."""
    monkeypatch.setattr("bench.execution.preflight.check", lambda cells, root: None)
    real = running.compute

    def compute(study: Any, how: running.How) -> Any:
        return real(study, replace(how, function=planted.HERE, together=planted.TOGETHER))

    monkeypatch.setattr(running, "compute", compute)
    common = ("--out", str(tmp_path / "out"), "--jobs", "1", "--data-root", str(tmp_path))
    return lambda *options: main([str(suite), *common, *options])


def test_every_algorithm_gets_as_many_trials_and_its_planted_best(
    command: Command, tmp_path: Path, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--write", str(suite)) == 0
    told = capsys.readouterr().out
    assert "tuning fml, fedavg, fedprox, local of suite noniid 1.0 on digits: 5 settings each, 60 cells; about" in told
    assert re.search(r"fedavg +5 +lr 0\.1 +90\.\d ± 0\.\d +\d\d\.\d +3 of 3\n", told)
    assert f"values written into {suite}; raise its version" in told
    found = json.loads((tmp_path / "out" / "tuning.json").read_text())
    assert {each["algorithm"]: len(each["tried"]) for each in found["choices"]} == dict.fromkeys(
        ("fml", "fedavg", "fedprox", "local"), 5
    )
    tuned = load(suite).tuned
    assert tuned is not None
    assert tuned["digits"]["local"].values == {"lr": 0.1}
    source = tuned["digits"]["local"].source
    assert source is not None
    assert source.command == f"python -m bench.tune {suite}"
    rows = list(csv.DictReader((tmp_path / "out" / "tidy" / "trials.csv").read_text().splitlines()))
    assert len(rows) == 60
    assert {row["fedprox.mu"] for row in rows if row["algorithm"] == "fedprox"} <= {"0.001", "0.01", "0.1"}
    assert len({row["trial"] for row in rows if row["chosen"] == "1" and row["algorithm"] == "fml"}) == 1


def test_a_dry_run_says_whether_a_suites_values_are_of_these_trials(
    command: Command, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("--algorithms", "fml,local", "--write", str(suite))
    capsys.readouterr()
    command("--dry-run")
    assert "the suite's values are of these trials: fml, local" in capsys.readouterr().out
    suite.write_text(suite.read_text().replace("alpha = [0.3, 0.5, 0.7]", "alpha = [0.2, 0.5, 0.7]"))
    command("--dry-run")
    told = capsys.readouterr().out
    assert "the suite's values are of these trials: local" in told
    assert "the suite's values are of other trials (settings, budget or source code): fml" in told


def test_without_a_file_to_write_it_prints_what_to_put_into_one(
    command: Command, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = suite.read_text()
    assert command("--algorithms", "local") == 0
    told = capsys.readouterr().out
    assert "give --write FILE, or put this into a suite file:\n\n[tuned.digits.local]\nlr = 0.1\nsource = {" in told
    assert suite.read_text() == before


def test_the_same_command_again_computes_nothing_and_says_the_same(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("--algorithms", "local")
    first = (tmp_path / "out" / "tuning.json").read_text()
    log = (tmp_path / "log").read_text()
    capsys.readouterr()
    assert command("--algorithms", "local") == 0
    assert (tmp_path / "log").read_text() == log
    assert (tmp_path / "out" / "tuning.json").read_text() == first
    assert "15 cells, all finished before" in capsys.readouterr().out


def test_a_stop_keeps_what_is_finished_and_says_how_to_go_on(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.execution.progress import Progress

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "show", lambda self, text, status: os.kill(os.getpid(), signal.SIGINT))
        assert command("--algorithms", "local", "--rerun", "failed") == 130
    told = capsys.readouterr().out
    assert "stopped by SIGINT: " in told
    assert "go on with: python -m bench.tune" in told
    assert "--rerun" not in told
    assert 0 < len(list((tmp_path / "out" / "cells").glob("*.json"))) < 15
    assert command("--algorithms", "local") == 0
    assert len(list((tmp_path / "out" / "cells").glob("*.json"))) == 15


def test_an_algorithm_with_broken_cells_gets_no_value_and_the_others_do(
    command: Command, tmp_path: Path, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").touch()
    assert command("--algorithms", "local,fedavg", "--write", str(suite)) == 3
    assert re.search(r"local: nothing chosen, cell \w+ ended as failed: ZeroDivisionError", capsys.readouterr().out)
    tuned = load(suite).tuned
    assert tuned is not None
    assert list(tuned["digits"]) == ["fedavg"]
    (tmp_path / "broken").unlink()
    assert command("--algorithms", "local,fedavg", "--rerun", "failed") == 0


def test_trials_are_no_results(
    command: Command, tmp_path: Path, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a report, nor a comparison, nor a joined folder, nor a run takes them for such."""
    from bench.compare import main as compare
    from bench.report import main as report
    from bench.run import main as run

    command("--algorithms", "local")
    capsys.readouterr()
    out = str(tmp_path / "out")
    joined = [out, out, "--out", str(tmp_path / "joined")]
    for reader, asked in ((report, [out]), (compare, [out, out]), (report, joined)):
        assert reader(asked) == 2
        assert "holds trials of bench.tune, which are no results" in capsys.readouterr().err
    assert run(["--suite", str(suite), "--out", out]) == 2
    assert "belongs to suite 'tune-noniid' on digits" in capsys.readouterr().err


def test_a_dry_run_shows_the_settings_and_writes_nothing(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def untouched(*_: object) -> None:
        raise AssertionError("a dry run loads no data")

    monkeypatch.setattr("bench.rounds.loading.load", untouched)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main([str(suite), "--dataset", "digits,mnist", "--algorithms", "fml,local", "--dry-run"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "noniid on digits"
    assert told[2].split() == ["fml", "1", "lr", "0.1,", "alpha", "0.5,", "beta", "0.3", "3"]
    assert told[-2] == "60 cells, 0 of them finished in results/tune-noniid-digits, results/tune-noniid-mnist"
    assert told[-1].startswith("estimated time on ")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--algorithms", "fedporx"], "Did you mean 'fedprox'?"),
        (["--trials", "9"], "--trials: expected at most 5, all that the grid of fedavg has"),
        (["--trials", "many"], "--trials: expected a whole number, got 'many'"),
        (["--dataset", "digits,mnist", "--out", "x"], "--out: expected one data set, which has one folder"),
        (["--plugin", "no-such-file.py"], "no-such-file.py"),
        (["--set", "tune.grid.fml.alpha=[2.0]"], "--set tune.grid.fml.alpha"),
    ],
)
def test_what_cannot_be_tuned_exits_with_2(
    suite: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(suite), *options]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert len(told.splitlines()) <= 15


def test_a_suite_without_a_grid_says_what_to_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write(tmp_path))]) == 2
    assert "tune: missing, expected a table such as [tune.grid]" in capsys.readouterr().err


def test_a_real_trial_runs_from_suite_to_choice(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--algorithms", "fedavg", "--rounds", "2", "--clients", "3", "--trials", "2", "--tuning-replicates", "1"]
    grid = ["--set", "tune.grid.lr=[1e-6, 0.1]"]
    assert main([str(suite), *options, *grid, "--jobs", "1", "--out", str(tmp_path / "out")]) == 0
    assert "fedavg     2       lr 0.1" in capsys.readouterr().out
    records = list(Store(tmp_path / "out").latest())
    assert [record["identity"]["tuning"] for record in records] == [True, True]
    for record in records:
        (view,) = record["result"]["views"].values()
        assert view["accuracy"] == view["validation_accuracy"]  # a trial has no other held-out data
    assert (tmp_path / "out" / "report" / "tuning.md").is_file()


TASKS = """
[[tasks]]
name = "low"
dataset = "digits"
classes = [0, 1, 2]
[[tasks]]
name = "high"
dataset = "digits"
classes = [9, 8]
images = 100
"""


def test_tasks_are_tuned_together_from_suite_to_values(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    suite.write_text(suite.read_text().replace('datasets = ["digits"]\n', "") + TASKS)
    options = ["--algorithms", "fedavg", "--rounds", "2", "--clients", "4", "--trials", "2", "--tuning-replicates", "1"]
    grid = ["--set", "tune.grid.lr=[1e-6, 0.1]"]
    assert main([str(suite), *options, *grid, "--jobs", "1", "--write", str(suite)]) == 0
    told = capsys.readouterr().out
    assert "of suite noniid 1.0 on digits: 2 settings each, 2 cells" in told
    assert "fedavg     2       lr 0.1" in told
    out = tmp_path / "results" / "tune-noniid-digits"
    for record in Store(out).latest():
        result = record["result"]
        assert sum(result["partition"]["train_sizes"][2:]) == 70  # of the second task's 100 images
        assert result["views"]["personal"]["accuracy"] == result["views"]["personal"]["validation_accuracy"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["suite"]["datasets"] == list(manifest["data"]) == ["digits"]
    (cell,) = (cell for cell in cells(load(suite, {"algorithms": "fedavg", "replicates": "1"})))
    assert (cell.dataset, cell.training["optimizer"]["lr"]) == ("low+high", 0.1)
    main([str(suite), *options, *grid, "--dry-run"])
    assert "the suite's values are of these trials: fedavg" in capsys.readouterr().out


def test_tasks_of_two_data_sets_are_one_study_with_one_folder(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = TASKS.replace('"digits"\nclasses = [0, 1, 2]', '"mnist"').replace('"digits"', '"fashion-mnist"')
    suite.write_text(suite.read_text().replace('datasets = ["digits"]\n', "") + two)
    assert main([str(suite), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0] == "noniid on fashion-mnist+mnist"
    assert "60 cells, 0 of them finished in results/tune-noniid-fashion-mnist+mnist\n" in told
    assert main([str(suite), "--dry-run", "--out", "elsewhere"]) == 0
    assert "finished in elsewhere\n" in capsys.readouterr().out


def test_help_needs_no_torch() -> None:
    program = (
        "import sys, bench.tune\nbench.tune.parser().format_help()\n"
        "print(sorted({'torch', 'pandas', 'pydantic', 'sklearn', 'rich', 'numpy', 'tomlkit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_foreign_package_in_our_place_is_said_at_once(
    suite: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "shadowed", lambda: "Python finds the package 'datasets' elsewhere")
    assert main([str(suite)]) == 2
    assert capsys.readouterr().err == "Python finds the package 'datasets' elsewhere\n"
