"""``python -m bench.export``: one partition of a suite, and a run on what it wrote."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench import export, run
from bench.records.store import Store

SMALL = ("--clients", "3", "--alphas", "0.1", "--zoo", "mlp")


def test_a_partition_goes_out_and_a_run_takes_it_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "test-split"
    assert export.main(["smoke", str(out), "--format", "pfllib", *SMALL]) == 0
    assert capsys.readouterr().out.startswith("dirichlet-capped with alpha 0.1 of digits over 3 clients, replicate 0: ")
    chosen = ("--algorithms", "local", "--zoo", "mlp", "--rounds", "1", "--jobs", "1", "--no-report")
    command = ["--suite", "smoke", *chosen, "--out", str(tmp_path / "results")]
    assert run.main([*command, "--split-folder", str(out)]) == 0
    (record,) = Store(tmp_path / "results").latest()
    identity, partition = record["identity"], record["result"]["partition"]
    assert (identity["dataset"], identity["partition"], identity["clients"]) == ("test-split", "as-given", 3)
    for k in range(3):
        with np.load(out / "test" / f"{k}.npz", allow_pickle=True) as held:
            assert partition["test_sizes"][k] == len(held["data"].item()["y"])
    facts = json.loads((out / "config.json").read_text())["fml-bench"]
    assert facts["replicate"] == 0
    assert sum(map(sum, partition["counts"])) == 1437


def test_the_draw_is_the_one_of_a_run(tmp_path: Path):
    for replicate in ("0", "1"):
        command = ["smoke", str(tmp_path / replicate), "--format", "csv", "--replicate", replicate, *SMALL]
        assert export.main(command) == 0
    chosen = ("--algorithms", "local", "--rounds", "1", "--replicates", "2", "--jobs", "1", "--no-report")
    assert run.main(["--suite", "smoke", *SMALL, *chosen, "--out", str(tmp_path / "results")]) == 0
    drawn = {r["identity"]["replicate"]: r["result"]["partition"]["hash"] for r in Store(tmp_path / "results").latest()}
    told = {n: json.loads((tmp_path / str(n) / "fml-bench.json").read_text())["hash"] for n in (0, 1)}
    assert drawn == told
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["smoke"], "expected one partition, the suite has 4: choose one of --alphas 0.1, 100; --zoo mixed, mlp"),
        (["smok", *SMALL], "unknown suite 'smok'. Did you mean 'smoke'?"),
        (["smoke", *SMALL, "--replicate", "-1"], "--replicate: expected a whole number >= 0, got -1"),
        (["smoke", *SMALL, "--plugin", "none.py"], "none.py"),
        (["smoke", "--alphas", "0.1", "--zoo", "mlp", "--clients", "400"], "400 clients"),
        (["smoke", *SMALL, "--split-folder", "none"], "expected a split folder"),
    ],
)
def test_mistakes_exit_with_2_and_leave_nothing(
    tmp_path: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
):
    suite, *rest = arguments
    assert export.main([suite, str(tmp_path / "out"), "--format", "csv", *rest]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_folders_with_other_numbers_of_clients_do_not_make_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for number in (3, 4):
        path = tmp_path / f"test-{number}"
        chosen = ["--clients", str(number), "--alphas", "100", "--zoo", "mlp"]
        assert export.main(["smoke", str(path), "--format", "pfllib", *chosen]) == 0
    folders = [f"--split-folder={tmp_path / name}" for name in ("test-3", "test-4")]
    assert run.main(["--suite", "smoke", *folders, "--dry-run"]) == 2
    assert "expected folders with one number of clients, got 3 in " in capsys.readouterr().err
