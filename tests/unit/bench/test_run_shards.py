"""``--shard``: parts of a suite in one folder or in several, which add up to the whole."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench import run as module
from bench.arguments import Shard
from bench.asked import share
from bench.records.store import Store
from bench.run import main
from reports.joining import join
from tests.unit.bench.faults import cells
from tests.unit.bench.runs import declare

Command = Callable[..., int]


def results(folder: Path) -> dict[str, bytes]:
    """Cell -> the bytes of its deterministic part."""
    lines = {path.stem: path.read_bytes().splitlines() for path in (folder / "cells").glob("*.json")}
    return {cell: next(line for line in text if line.startswith(b'"result"')) for cell, text in lines.items()}


NAMES = ("works-a", "works-b", "skips", "works-c")


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports: list[Path]) -> Command:
    """Runs one of two shards of four fake cells, or all of them, into a folder of this name."""
    monkeypatch.setattr("bench.execution.preflight.check", lambda cells, root, share=False: {})

    def run(number: int | None, out: str, *options: str) -> int:
        whole = declare(tmp_path, *NAMES, out=tmp_path / out)
        one = None if number is None else Shard(number, 2)
        part = replace(whole, shard=one, cells=share(whole.cells, one), whole=tuple(whole.cells)) if one else whole
        monkeypatch.setattr(module, "plan", lambda _: part)
        return main(["--suite", "faults", *options])

    return run


def test_shards_in_one_folder_add_up_to_the_suite_and_the_last_one_makes_the_report(
    shard: Command, tmp_path: Path, reports: list[Path], capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    assert shard(2, "out") == 0
    told = capsys.readouterr().out
    assert "suite faults 1.0 on none: shard 2/2, 2 of 4 cells; about" in told
    assert f"when all shards are done: python -m bench.report {out}" in told
    assert reports == []
    assert len(results(out)) == 2
    assert json.loads((out / "manifest.json").read_text())["cells"] == [cell.hash for cell in cells(*NAMES)]
    assert shard(1, "out") == 0
    assert reports == [out]
    assert shard(None, "whole") == 0
    assert results(out) == results(tmp_path / "whole")
    assert len((out / "tidy" / "runs.csv").read_text().splitlines()) == 1 + 4


def test_shards_in_folders_of_their_own_are_joined(shard: Command, tmp_path: Path):
    for number in (1, 2):
        assert shard(number, str(number)) == 0
    join([tmp_path / "1", tmp_path / "2"], tmp_path / "joined")
    assert shard(None, "whole") == 0
    assert results(tmp_path / "joined") == results(tmp_path / "whole")
    declared = [json.loads((tmp_path / name / "manifest.json").read_text())["cells"] for name in ("joined", "whole")]
    assert declared[0] == declared[1]


def test_shards_share_a_folder_with_each_other_only(shard: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    with Store(out).lock((1, 2)):
        assert shard(None, "out") == 2
        assert capsys.readouterr().err == f"{out} is in use by shards of a run\n"
        assert shard(1, "out") == 2
        assert capsys.readouterr().err == f"{out} is in use by process {os.getpid()}\n"
        assert shard(2, "out") == 0
    capsys.readouterr()
    with Store(out).lock():
        assert shard(1, "out") == 2
        assert capsys.readouterr().err == f"{out} is in use by process {os.getpid()}\n"


def test_a_dry_run_of_a_shard_shows_its_cells(shard: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert shard(1, "out", "--dry-run") == 0
    assert f"shard 1/2, 2 of 4 cells, 0 of them finished in {tmp_path / 'out'}" in capsys.readouterr().out


def test_more_shards_than_cells_are_refused(capsys: pytest.CaptureFixture[str]):
    command = ["--suite", "smoke", "--algorithms", "fedavg,local", "--zoo", "mlp", "--shard", "5/5", "--dry-run"]
    assert main(command) == 2
    assert "--shard 5/5: nothing to do for it, the suite has 4 cells" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/", "/2", "a/b", "1/2/3"])
def test_shards_that_are_none_exit_with_2(text: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--suite", "smoke", "--shard", text])
    assert ended.value.code == 2
    assert f"expected I/N with I from 1 to N, such as 2/4, got {text}" in capsys.readouterr().err
