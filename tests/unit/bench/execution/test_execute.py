import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.execution.crew import ENVIRONMENT
from bench.execution.execute import Outcome, execute, pending
from bench.execution.executor import WorkersError
from bench.execution.progress import Progress
from bench.records.store import Store, StoreError
from tests.unit.bench.faults import PATIENCE, ROUNDS, FaultyCell, cells, job, result

pytestmark = pytest.mark.usefixtures("no_worker_left")


def run(folder: Path, *made: FaultyCell, jobs: int = 2, rerun: str | None = None, **options: Any) -> Outcome:
    """As bench.run does it."""
    todo, _ = pending(made, Store(folder / "out"), rerun)
    return execute(todo, job(folder, **options.pop("job", {})), jobs=jobs, **options)


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Algorithm -> record."""
    return {record["identity"]["algorithm"]: record for record in Store(folder / "out").records()}


def results(folder: Path) -> dict[str, bytes]:
    """Cell -> the bytes of its deterministic part."""
    lines = {path.stem: path.read_bytes().splitlines() for path in (folder / "out" / "cells").glob("*.json")}
    return {cell: next(line for line in text if line.startswith(b'"result"')) for cell, text in lines.items()}


def computed(folder: Path) -> Counter[str]:
    """How often each cell was computed."""
    log = folder / "log"
    return Counter(log.read_text().split() if log.exists() else [])


ENDINGS = {
    "works": ("done", None),
    "raises": ("failed", r"ZeroDivisionError: no luck x+\.\.\.$"),
    "skips": ("skipped", "^not for this zoo$"),
    "diverges": ("diverged", r"^the loss is not finite in round 2$"),
    "quits": ("failed", r"^SystemExit: enough \(faults\.py, line \d+, in _quits\)$"),
    "exits": ("failed", "^the worker process ended with exit code 0$"),
    "dies": ("failed", r"^the worker process was killed by SIGKILL \(out of memory\?\)$"),
    "hangs": ("timeout", r"^no result within \d\.\d s$"),
    "nan": ("failed", "^the result cannot be recorded: ValueError: Out of range float"),
    "nothing": ("failed", "^the result cannot be recorded: TypeError"),
    "testament": ("done", None),
    "unknown": ("failed", "^KeyError: 'unknown'"),
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """One run in which every cell ends in its own way."""
    folder = tmp_path_factory.mktemp("ended")
    return folder, run(folder, *cells(*ENDINGS, "works-last"), time_limit=1.0)


@pytest.mark.parametrize("algorithm", ENDINGS)
def test_every_ending_becomes_a_record_with_its_reason(ended: tuple[Path, Outcome], algorithm: str):
    record = records(ended[0])[algorithm]
    status, reason = ENDINGS[algorithm]
    assert record["status"] == status
    if reason is None:
        assert record["reason"] is None
    else:
        assert re.search(reason, record["reason"])
    assert (record["result"] is not None) == (record["timing"] is not None) == (status == "done")


def test_what_ends_badly_harms_no_other_cell(ended: tuple[Path, Outcome]):
    folder, outcome = ended
    assert records(folder)["works-last"]["status"] == "done"
    assert outcome.counts == Counter(status for status, _ in [*ENDINGS.values(), ("done", None)])
    assert outcome.stopped is None
    assert set(computed(folder).values()) == {1}


def test_an_exception_leaves_its_whole_traceback_and_a_short_reason(ended: tuple[Path, Outcome]):
    record = records(ended[0])["raises"]
    assert 'faults.py", line ' in record["traceback"]
    assert len(record["reason"]) == 500
    assert records(ended[0])["skips"]["traceback"] is None


def test_a_record_says_what_it_is_of(ended: tuple[Path, Outcome]):
    record, cell = records(ended[0])["works"], cells("works")[0]
    assert record["cell"] == cell.hash
    assert record["identity"] == json.loads(json.dumps(cell.identity()))
    assert record["result"] == result(cell)
    assert record["suite"] == {"name": "faults", "version": "1.0"}


@pytest.mark.parametrize("jobs", [1, 3])
def test_neither_order_nor_number_of_processes_shows_in_results(tmp_path: Path, jobs: int):
    made = cells("works-a", "works-b", "works-c", "skips", replicates=2)
    for name, order, number in (("one", made, 1), ("other", random.Random(jobs).sample(made, len(made)), jobs)):
        (tmp_path / name).mkdir()
        assert run(tmp_path / name, *order, jobs=number).counts == Counter(done=6, skipped=2)
    assert results(tmp_path / "one") == results(tmp_path / "other")


def test_nothing_is_computed_twice(tmp_path: Path):
    made = cells("works", "raises", "skips")
    assert run(tmp_path, *made, *made).counts == Counter(done=1, failed=1, skipped=1)
    assert run(tmp_path, *made).counts == Counter()
    more = [*made, *cells("works-too")]
    assert pending(more, Store(tmp_path / "out"))[1] == Counter(done=1, failed=1, skipped=1)
    assert run(tmp_path, *more).counts == Counter(done=1)
    assert computed(tmp_path) == Counter(cell.hash for cell in more)


@pytest.mark.parametrize(
    ("rerun", "again"), [("failed", {"raises", "diverges"}), ("all", {"raises", "diverges", "works"})]
)
def test_rerun_computes_again_what_it_names(tmp_path: Path, rerun: str, again: set[str]):
    made = cells("works", "raises", "diverges")
    run(tmp_path, *made)
    run(tmp_path, *made, rerun=rerun)
    assert computed(tmp_path) == Counter({cell.hash: 2 if cell.algorithm in again else 1 for cell in made})


def test_a_damaged_record_is_computed_again(tmp_path: Path):
    made = cells("works-a", "works-b")
    run(tmp_path, *made)
    before = results(tmp_path)
    path = Store(tmp_path / "out").path(made[0].hash)
    path.write_text(path.read_text()[:100])
    assert run(tmp_path, *made).counts == Counter(done=1)
    assert results(tmp_path) == before


@pytest.mark.parametrize("culprit", ["raises", "dies", "quits"])
def test_of_cells_side_by_side_only_the_culprit_is_recorded_as_failed(tmp_path: Path, culprit: str):
    made = cells("works-a", culprit, "skips", "works-b")
    outcome = execute([made], job(tmp_path), jobs=2)
    assert outcome.counts == Counter(done=2, skipped=1, failed=1)
    assert records(tmp_path)[culprit]["status"] == "failed"
    alone = tmp_path / "alone"
    alone.mkdir()
    run(alone, *made)
    assert results(tmp_path) == results(alone)


def test_cells_side_by_side_are_computed_once_when_all_is_well(tmp_path: Path):
    made = cells("works-a", "skips", "diverges", "works-b")
    assert execute([made[:3], made[3]], job(tmp_path)).counts == Counter(done=2, skipped=1, diverged=1)
    assert set(computed(tmp_path).values()) == {1}


def test_cells_side_by_side_have_the_time_of_all_of_them(tmp_path: Path):
    made = cells("works-a", "hangs")
    assert execute([made], job(tmp_path), time_limit=1.0).counts == Counter(done=1, timeout=1)
    assert records(tmp_path)["hangs"]["status"] == "timeout"


def test_workers_have_one_thread_and_the_parent_keeps_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    run(tmp_path, *cells("tells"))
    told = records(tmp_path)["tells"]["reason"].split()
    assert told == ["1", ENVIRONMENT["MALLOC_TRIM_THRESHOLD_"], "False"]
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MALLOC_TRIM_THRESHOLD_" not in os.environ


def test_workers_know_the_plugin_files(tmp_path: Path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text("from bench.registry import algorithm\n\n@algorithm('gift')\nclass Gift: ...\n")
    run(tmp_path, *cells("tells"), job={"plugins": (str(plugin),)})
    assert records(tmp_path)["tells"]["reason"].endswith(" gift")


def test_a_plugin_file_that_breaks_in_workers_fails_its_cells_with_the_reason(tmp_path: Path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text("raise LookupError('gone')\n")
    assert run(tmp_path, *cells("works"), job={"plugins": (str(plugin),)}).counts == Counter(failed=1)
    assert "plugin.py cannot be imported: LookupError: gone" in records(tmp_path)["works"]["reason"]


class Watch(Progress):
    """Notes what it is told, and acts on the first cell that ends."""

    def __init__(self, made: list[FaultyCell], act: Any = None) -> None:
        super().__init__(made, made)
        self.act, self.heard, self.lines = act, [], []

    def round(self, cell: str, finished: int) -> None:
        super().round(cell, finished)
        self.heard.append((cell, finished))

    def show(self, text: str, status: str) -> None:
        self.lines.append(text)
        if self.act and len(self.lines) == 1:
            self.act()


def test_progress_hears_of_rounds_and_of_ends(tmp_path: Path):
    made = cells("works-a", "raises")
    show = Watch(made)
    run(tmp_path, *made, jobs=1, show=show)
    assert show.heard == [(made[0].hash, finished) for finished in range(1, ROUNDS + 1)]
    assert [text.split()[:3] for text in show.lines] == [["[1/2]", "done", "works-a"], ["[2/2]", "failed", "raises"]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_at_once_and_keeps_what_is_finished(tmp_path: Path, number: signal.Signals):
    made = cells("works", "gate-a", "gate-b", "gate-c")
    clock: list[float] = []

    def send() -> None:
        clock.append(time.monotonic())
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    outcome = run(tmp_path, *made, show=Watch(made, send))
    assert time.monotonic() - clock[0] < 2
    assert outcome == Outcome(Counter(done=1), number)
    assert records(tmp_path).keys() == {"works"}
    assert signal.getsignal(number) is before
    (tmp_path / "open").touch()
    assert run(tmp_path, *made).counts == Counter(done=3)


def test_a_folder_that_cannot_be_written_ends_the_run_and_keeps_what_is_finished(tmp_path: Path):
    made = cells("works", "sabotage", "works-later", "gate")
    with pytest.raises(StoreError, match="a part of the path is a file"):
        run(tmp_path, *made, jobs=1)
    assert [path.name for path in (tmp_path / "out" / "elsewhere").iterdir()] == [f"{made[0].hash}.json"]
    assert computed(tmp_path) == Counter(cell.hash for cell in made[:2])


def program(folder: Path, *algorithms: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.unit.bench.faults", str(folder), *algorithms]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def rest(process: "subprocess.Popen[str]") -> str:
    """What it still prints. Returns when the last process that inherited its output is gone, workers included."""
    return process.communicate(timeout=PATIENCE)[0]


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    names = ("works-a", "works-b", "raises", "gate-a", "gate-b", "works-c")
    for folder in (whole, killed):
        folder.mkdir()
    (whole / "open").touch()
    run(whole, *cells(*names))

    with program(killed, *names) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert " gate" not in process.stdout.readline()
        process.kill()
        rest(process)  # ends only when the workers, which wait at the gate, have ended too
    finished = results(killed)
    assert len(finished) == 3
    assert all(path.suffix == ".json" for path in (killed / "out" / "cells").iterdir())

    (killed / "open").touch()
    with program(killed, *names) as process:
        assert len(rest(process).splitlines()) == 3
    assert process.returncode == 0
    assert results(killed) == results(whole)
    assert {computed(killed)[cell.hash] for cell in cells(*names) if "gate" not in cell.algorithm} == {1}


def test_ctrl_c_at_a_terminal_reaches_all_processes_and_ends_them_quietly(tmp_path: Path):
    with program(tmp_path, "works", "gate-a", "gate-b") as process:
        assert process.stdout is not None
        assert " works " in process.stdout.readline()
        clock = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert rest(process) == ""
    assert time.monotonic() - clock < 2
    assert process.returncode == 130
    assert records(tmp_path).keys() == {"works"}


class Poison:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        return os._exit, (7,)


def test_workers_that_never_come_to_life_end_the_run(tmp_path: Path):
    with pytest.raises(WorkersError, match=r"3 worker processes in a row ended while they started \(exit code 7\)"):
        run(tmp_path, *cells("works"), job={"data_root": Poison()})
