"""What a node does with a bundle. Needs no Ray."""

import multiprocessing
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.execution import node
from bench.execution.executor import Finished, Lost
from bench.execution.fitness import Expected
from bench.execution.node import Order, compute
from tests.unit.bench.faults import cells, job, result


@pytest.fixture(autouse=True)
def _no_worker_left() -> Iterator[None]:
    yield
    for crew in node._kept.values():
        crew.__exit__(None, None, None)
    node._kept.clear()
    assert multiprocessing.active_children() == []


def order(folder: Path, run: str = "a", limit: float | None = None) -> Order:
    return Order(run, replace(job(folder), out=None), limit)


def test_records_come_back_and_nothing_is_written(tmp_path: Path):
    made = cells("works", "skips", "dies", "nan")
    answer = compute(order(tmp_path), made, "node 1")
    assert (answer.node, answer.unfit) == ("node 1", None)
    ends = {end.cells[0].hash if isinstance(end, Lost) else end.cell: end for end in answer.ends}
    assert len(answer.ends) == len(ends) == 4
    works, skips, dies, nan = (ends[cell.hash] for cell in made)
    assert isinstance(works, Finished)
    assert works.record is not None
    assert works.record["result"] == result(made[0])
    assert works.record["provenance"].keys() >= {"node", "commit", "versions", "processor"}
    assert (skips.status, nan.status) == ("skipped", "failed")
    assert isinstance(dies, Lost)
    assert dies.reason.startswith("the worker process was killed by SIGKILL")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_the_worker_process_is_kept_for_the_run_and_let_go_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    compute(order(tmp_path), cells("works-a"), "")
    (first,) = multiprocessing.active_children()
    compute(order(tmp_path), cells("works-b"), "")
    assert multiprocessing.active_children() == [first]
    compute(order(tmp_path, run="b"), cells("works-a"), "")
    (second,) = multiprocessing.active_children()
    assert second.pid != first.pid
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")  # Ray may give the next task another GPU
    compute(order(tmp_path, run="b"), cells("works-b"), "")
    (third,) = multiprocessing.active_children()
    assert third.pid != second.pid


def test_the_time_limit_holds(tmp_path: Path):
    (end,) = compute(order(tmp_path, limit=0.5), cells("hangs"), "").ends
    assert isinstance(end, Lost)
    assert end.status == "timeout"


def test_an_unfit_node_computes_nothing_and_says_why(tmp_path: Path):
    asked = order(tmp_path)
    expects = replace(Expected.here(), code="other")
    answer = compute(replace(asked, job=replace(asked.job, expects=expects)), cells("works"), "node 1")
    assert answer.ends == ()
    assert answer.unfit is not None
    assert answer.unfit.startswith("another version of the benchmark")
    assert not (tmp_path / "log").exists()


def test_a_node_may_have_its_data_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    made = replace(job(tmp_path), data_root=Path("/no/such/folder"))
    assert node._here(made).data_root == tmp_path
    assert node._here(replace(made, data_root=tmp_path.parent)).data_root == tmp_path.parent
    assert node._here(replace(made, data_root=None)).data_root is None


def test_the_main_program_is_what_it_was_afterwards(monkeypatch):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", "program.py", raising=False)
    with node._main_unknown():
        assert not hasattr(main, "__file__")
    assert main.__file__ == "program.py"
