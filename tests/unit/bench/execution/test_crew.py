import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from bench.execution.crew import Crew, ending
from bench.execution.executor import Finished, Lost, News
from tests.unit.bench.faults import PATIENCE, cells, job

pytestmark = pytest.mark.usefixtures("no_worker_left")


def until(crew: Crew, kind: type) -> Any:
    """Listen until something of this kind is heard."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for event in crew.listen(0.05):
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__} came")


def give(crew: Crew, cell: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not crew.give([cell]):
        assert time.monotonic() < deadline
        crew.listen(0.05)


def test_workers_do_not_heed_ctrl_c_even_while_they_start(tmp_path: Path):
    with Crew(job(tmp_path), size=1) as crew:
        crew.staff(1)
        (worker,) = multiprocessing.active_children()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGINT)
        give(crew, cells("works")[0])
        assert until(crew, Finished).status == "done"
        assert multiprocessing.active_children() == [worker]


def test_a_worker_that_dies_idle_costs_nothing(tmp_path: Path):
    made = cells("works-a", "works-b")
    with Crew(job(tmp_path), size=1) as crew:
        crew.staff(2)
        give(crew, made[0])
        assert until(crew, Finished).cell == made[0].hash
        (worker,) = multiprocessing.active_children()
        worker.kill()
        worker.join()
        assert not crew.give([made[1]])
        crew.staff(1)
        give(crew, made[1])
        assert until(crew, News).cell == made[1]
        assert until(crew, Finished).status == "done"
        assert not crew.busy


def test_the_time_limit_counts_from_when_a_cell_is_taken_up(tmp_path: Path):
    with Crew(job(tmp_path), size=1, time_limit=0.01) as crew:
        crew.staff(1)
        give(crew, cells("hangs")[0])
        lost = until(crew, Lost)
        assert (lost.status, lost.cells[0].algorithm) == ("timeout", "hangs")
        assert 0.01 < lost.seconds < PATIENCE


@pytest.mark.parametrize(
    ("exitcode", "words"), [(3, "ended with exit code 3"), (-11, "killed by SIGSEGV"), (-77, "killed by signal 77")]
)
def test_how_a_worker_ended_is_told_in_words(exitcode: int, words: str):
    assert ending(exitcode) == f"the worker process {'was ' * (exitcode < 0)}{words}"
