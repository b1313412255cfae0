import os
from collections.abc import Iterator

import pytest

from bench.execution.crew import ENVIRONMENT
from bench.speedometer.process import MALLOC, THREADS, Worker, WorkerError, surroundings

ECHO = "tests.unit.bench.speedometer.small:Echo"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(ECHO, word="again") as made:
        yield made


def test_calls_are_answered_whatever_is_printed(worker: Worker) -> None:
    assert worker.call("say", times=2) == ["again", "again"]
    assert worker.call("say", times=1) == ["again"]


def test_a_worker_lives_where_our_own_workers_live(worker: Worker) -> None:
    assert {name: worker.call("environment", name=name) for name in ENVIRONMENT} == ENVIRONMENT
    assert worker.call("frozen") > 10_000


def test_an_error_is_told_and_the_worker_goes_on(worker: Worker) -> None:
    with pytest.raises(WorkerError, match=r"^ValueError: expected something better$"):
        worker.call("fail")
    assert worker.call("say", times=1) == ["again"]


def test_an_object_that_cannot_be_made_is_told() -> None:
    with pytest.raises(WorkerError, match="TypeError"):
        Worker(ECHO)


def test_a_worker_that_dies_is_told_with_its_last_words() -> None:
    with Worker(ECHO, word="") as mortal, pytest.raises(WorkerError, match="exit code 7: the last words"):
        mortal.call("die")


def test_a_worker_ends_with_its_block() -> None:
    with Worker(ECHO, word="") as made:
        process = made._process
    assert process.returncode is not None


def test_surroundings_hold_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    assert THREADS | MALLOC == ENVIRONMENT
    everything = surroundings()
    assert everything == {**os.environ, **ENVIRONMENT}
    assert surroundings(malloc=False) == {name: value for name, value in everything.items() if name not in MALLOC}
    assert surroundings(threads=False) == {name: value for name, value in everything.items() if name not in THREADS}
