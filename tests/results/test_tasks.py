"""A task-heterogeneous suite from its file to the tidy tables and the report, on real data."""

import json
from pathlib import Path

import pandas as pd
import pytest

from bench import run

SUITE = """
name = "two-tasks"
partitions = ["iid"]
zoos = ["mlp"]
algorithms = ["fml", "fedavg", "local"]
replicates = 2
reference = "fml"
target_accuracy = 0.8
[training]
rounds = 6
clients = 4
local_epochs = 2
batch_size = 16
optimizer = {name = "sgd", lr = 0.05, momentum = 0.9}
[[tasks]]
name = "few"
dataset = "digits"
classes = [0, 1, 2]
images = 120
[[tasks]]
name = "rest"
dataset = "digits"
classes = [9, 8, 7, 6, 5]
images = 120
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "suite.toml").write_text(SUITE)
    asked = ["--suite", str(folder / "suite.toml"), "--out", str(folder / "out"), "--jobs", "1", "--no-report"]
    assert run.main(asked) == 0
    return folder / "out"


def test_everyone_learns_its_own_task(out: Path) -> None:
    clients = pd.read_csv(out / "tidy" / "clients.csv")
    assert set(clients["view"]) == {"personal"}
    assert len(clients) == 3 * 2 * 4
    by_task = clients.groupby(["algorithm", "task"])[["accuracy", "floor"]].mean()
    assert by_task.index.get_level_values("task").unique().tolist() == ["few", "rest"]
    assert (by_task["accuracy"] - by_task["floor"]).min() > 0.3  # far from the best guess, on either task


def test_records_say_what_was_done(out: Path) -> None:
    records = [json.loads(path.read_text()) for path in (out / "cells").glob("*.json")]
    heads = {each["identity"]["algorithm"]: each["result"]["tasks"]["private_heads"] for each in records}
    assert heads == {"fml": ["meme"], "fedavg": ["model"], "local": []}
    assert {each["identity"]["dataset"] for each in records} == {"few+rest"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["suite"]["datasets"] == ["digits"]
    assert list(manifest["data"]) == ["digits"]
    assert [task["name"] for task in manifest["suite"]["tasks"]] == ["few", "rest"]


def test_a_second_run_finds_everything_finished(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--suite", str(out.parent / "suite.toml"), "--out", str(out), "--jobs", "1", "--no-report"]
    assert run.main(asked) == 0
    assert "6 cells, all finished before" in capsys.readouterr().out
