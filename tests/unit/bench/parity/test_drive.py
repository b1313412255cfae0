"""Driving runs: each in a process of its own, whatever becomes of it."""

import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.frameworks import NAMES
from bench.parity import drive
from bench.parity.drive import Contest
from bench.parity.runs import read_all
from bench.registry import ROOT
from bench.suites import FOLDER
from tests import world

FAKE = "tests.unit.bench.parity.fakes:run"


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "FUNCTIONS", dict.fromkeys(NAMES, FAKE))


def contest(folder: Path, *zoos: str, **changes: Any) -> Contest:
    cells = [replace(world.cell(rounds=4), zoo=zoo) for zoo in zoos]
    fields: dict[str, Any] = {"frameworks": ["native", "pfl"], "repeats": 1, "time_limit": 60.0, "session": "s"}
    return Contest(cells=cells, out=folder / "out", root=folder, **{**fields, **changes})


def test_frameworks_take_turns_and_parity_comes_first(tmp_path: Path) -> None:
    turns = [(c.framework, c.zoo, kind) for c, kind in contest(tmp_path, "a", "b", repeats=2).turns()]
    assert turns[:4] == [
        *(("native", "a", "parity"), ("pfl", "a", "parity")),
        *(("pfl", "b", "parity"), ("native", "b", "parity")),
    ]
    assert len(set(turns)) == len(turns) == 2 * 2 * 3
    assert turns[4][0] == "pfl"  # another first, so that a drift of the machine hits all


def test_runs_are_kept_and_not_done_again(tmp_path: Path) -> None:
    asked = contest(tmp_path, "fine", frameworks=["native"])
    said: list[str] = []
    assert drive.measure(asked, said.append) == 0
    runs = {run.kind: run for run in read_all(asked.out)}
    assert set(runs) == {"parity", "cost-1"}
    assert [stamp.round for stamp in runs["cost-1"].stamps] == [1, 2, 3, 4]
    walls = [stamp.wall for stamp in runs["cost-1"].stamps]
    assert walls == sorted(walls)
    assert walls[0] > 0
    scored = {kind: run.result["evaluate_every"] for kind, run in runs.items() if run.result}
    assert scored == {"parity": 1, "cost-1": 4}
    assert runs["parity"].trace(asked.out).is_dir()
    assert drive.measure(asked, said.append) == 0
    assert len(said) == 2


def test_ends_of_all_kinds_are_told(tmp_path: Path) -> None:
    asked = contest(tmp_path, "skips", "raises", "dies", frameworks=["pfl"])
    assert drive.measure(asked, lambda line: None) == 2
    told = {run.identity["zoo"]: (run.status, run.reason) for run in read_all(asked.out)}
    assert told["skips"] == ("skipped", "not for me")
    assert told["raises"][0] == "failed"
    assert "ValueError: broken" in str(told["raises"][1])
    assert told["dies"] == ("failed", "its process ended with exit code 7: last words")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's way to wait for a process that is no child")
def test_time_is_up_and_nothing_is_left(tmp_path: Path) -> None:
    asked = contest(tmp_path, "hangs", frameworks=["pfl"], time_limit=8.0)
    assert drive.measure(asked, lambda line: None) == 1
    (run,) = read_all(asked.out)
    assert run.reason == "no result within 8 s"
    assert gone(int((tmp_path / "child").read_text()))


def gone(pid: int) -> bool:
    """Whether a process has ended, or does so at once."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


PROGRAM = """\
import signal, sys
from bench.parity import drive
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
drive.FUNCTIONS, drive._LOOK = {"native": "tests.unit.bench.parity.fakes:run"}, ""
from bench.frameworks.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's way to wait for a process that is no child")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """The stand-in hangs and has a child, whose number it tells through a named pipe."""
    suite = (FOLDER / "frameworks.toml").read_text().replace('zoos = ["mlp", "cnn", "mixed"]', 'zoos = ["hangs"]')
    (tmp_path / "suite.toml").write_text(suite + '\n[zoo.hangs]\nclients = ["mlp"]\nshared = "mlp"\n')
    os.mkfifo(tmp_path / "child")
    options = ["--suite", str(tmp_path / "suite.toml"), "--data-root", str(tmp_path), "--out", str(tmp_path / "out")]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *options], cwd=ROOT, stdout=subprocess.PIPE) as command:
        child = int((tmp_path / "child").read_text())
        command.send_signal(number)
        said, _ = command.communicate()
    assert command.returncode == 130
    assert b"what was measured is kept" in said
    assert gone(child)


def test_an_interpreter_without_the_framework_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = contest(tmp_path, "a", interpreters={"pfl": str(tmp_path / "nothing")})
    with pytest.raises(drive.NotInstalled, match=r"--python pfl=.*expected a Python interpreter"):
        drive.check(replace(asked, frameworks=["pfl"]))
    monkeypatch.setattr(drive, "_LOOK", "import sys; sys.exit('needs ' + sys.argv[1])")
    with pytest.raises(drive.NotInstalled, match=f"^needs pfl. {sys.executable} was asked; name another with --python"):
        drive.check(contest(tmp_path, "a", frameworks=["pfl"]))
