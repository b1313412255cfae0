"""Which node gets what, and what becomes of tasks that are lost: on a stand-in for Ray that does what a test says."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.execution import cluster as module
from bench.execution.cluster import NODE, Cluster, Share
from bench.execution.execute import execute
from bench.execution.executor import Finished, Lost, WorkersError
from bench.execution.node import Answer, Order
from bench.execution.worker import record
from bench.records.store import Store
from tests.unit.bench.faults import FaultyCell, cells, job, outcome

A, B = "a" * 56, "b" * 56


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class NodeDiedError(RayError):
    pass


class TaskCancelledError(RayTaskError):
    pass


def node(name: str, cpus: float = 2, gpus: float = 0, alive: bool = True) -> dict[str, Any]:
    resources = {"CPU": cpus, "GPU": gpus}
    return {"NodeID": name, "NodeManagerHostname": f"host-{name[0]}", "NodeManagerAddress": "10.0.0.1"} | {
        "Resources": resources,
        "Alive": alive,
    }


class StandIn:
    """As much of Ray as the executor uses; `act` says what becomes of each task: an answer, or an error."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError, TaskCancelledError=TaskCancelledError)

    def __init__(self, act: Callable[[tuple[FaultyCell, ...], dict[str, Any]], Answer]) -> None:
        self.act, self.there, self.cancelled = act, [node(A), node(B)], []
        self.tasks: list[tuple[tuple[FaultyCell, ...], dict[str, Any]]] = []
        self.shares: dict[str, Any] = {}

    def nodes(self) -> list[dict[str, Any]]:
        return self.there

    def put(self, order: Order) -> Order:
        return order

    def remote(self, **shares: Any) -> Any:
        self.shares = shares
        return lambda _: SimpleNamespace(options=self.options)

    def options(self, **options: Any) -> Any:
        def submit(order: Order, bundle: tuple[FaultyCell, ...]) -> int:
            self.tasks.append((bundle, options))
            return len(self.tasks) - 1

        return SimpleNamespace(remote=submit)

    def wait(self, refs: list[int], num_returns: int, timeout: float) -> tuple[list[int], list[int]]:
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref: int) -> Answer:
        return self.act(*self.tasks[ref])

    def cancel(self, ref: int, force: bool) -> None:
        assert force
        self.cancelled.append(ref)


def done(bundle: tuple[FaultyCell, ...], name: str = A) -> Answer:
    """All cells of a bundle, computed."""
    ends = []
    for cell in bundle:
        entry = record(cell, job(Path()), "done", None, started="", outcome=outcome(cell))  # type: ignore[arg-type]
        ends.append(Finished(cell.hash, "done", None, 0.1, 0.5, entry))
    return Answer(name, tuple(ends))


def shunned(options: dict[str, Any]) -> str:
    return str(options.get("label_selector", {}).get(NODE, ""))


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Cluster, StandIn, list[str]]]:
    """A cluster over a stand-in, what it does, and what it tells people."""

    def made(act: Any, share: Share | None = None, **options: Any) -> tuple[Cluster, StandIn, list[str]]:
        ray, told = StandIn(act), []

        class Session:
            def __init__(self, address: str | None, cpus: float | None) -> None:
                self.ray = ray

            def __enter__(self) -> None: ...

            def __exit__(self, *_: object) -> None: ...

        monkeypatch.setattr(module, "Session", Session)
        return Cluster(job(tmp_path), share or Share(), tell=told.append, **options), ray, told

    return made


def run(folder: Path, cluster: Cluster, *bundles: list[FaultyCell]) -> dict[str, Any]:
    with cluster:
        execute(bundles, job(folder), executor=cluster)
    return {record["cell"]: record for record in Store(folder / "out").records()}


def test_records_come_back_to_the_output_folder(tmp_path: Path, begin: Any):
    cluster, ray, told = begin(lambda bundle, options: done(bundle), Share(cpus=0.5))
    made = cells("works-a", "works-b", "works-c")
    assert run(tmp_path, cluster, made[:2], made[2:]).keys() == {cell.hash for cell in made}
    assert [len(bundle) for bundle, _ in ray.tasks] == [2, 1]
    assert ray.shares == {"max_retries": 0, "num_cpus": 0.5, "num_gpus": 0.0}
    assert told == []


def test_no_more_is_in_flight_than_keeps_the_nodes_busy(begin: Any):
    cluster, ray, _ = begin(lambda bundle, options: done(bundle))
    with cluster:
        assert cluster.size == 4
        assert [cluster.give([cell]) for cell in cells(*(f"works-{i}" for i in range(10)))] == [True] * 8 + [False] * 2
        assert cluster.busy
    assert ray.cancelled == list(range(8))
    fewer, _, _ = begin(lambda bundle, options: done(bundle), jobs=3)
    with fewer:
        assert fewer.size == 3
        assert sum(fewer.give([cell]) for cell in cells(*(f"works-{i}" for i in range(10)))) == 3


def test_what_fits_into_a_node_follows_from_the_share(begin: Any):
    for share, expected in ((Share(2), 2), (Share(0.5), 8), (Share(0.1), 40), (Share(1, 0.5), 4)):
        cluster, ray, _ = begin(lambda bundle, options: done(bundle), share)
        ray.there = [node(A, gpus=1), node(B, gpus=1), node("c" * 56, alive=False)]
        with cluster:
            assert cluster.size == expected
    cluster, _, _ = begin(lambda bundle, options: done(bundle), Share(1, 1))
    with pytest.raises(
        WorkersError, match=r"no node of the cluster has 1 CPUs and 1 GPUs for a task: host-a .* has 2 CPUs"
    ):
        cluster.__enter__()


def test_what_is_lost_with_a_node_goes_to_another(tmp_path: Path, begin: Any):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        if len(ray.tasks) == 1:
            raise NodeDiedError(f"Task failed because its node died. Node IP: 10.0.0.1, node ID: {A}")
        return done(bundle)

    cluster, ray, told = begin(act)
    made = cells("works-a", "works-b")
    assert len(run(tmp_path, cluster, made)) == 2
    assert [shunned(options) for _, options in ray.tasks] == ["", f"!in({A})"]
    assert told == [
        "2 cells lost with node host-a (10.0.0.1, aaaaaaaa), given out again: NodeDiedError: Task failed because its "
        f"node died. Node IP: 10.0.0.1, node ID: {A}"
    ]


def test_where_ray_does_not_say_which_node_it_was_the_next_try_is_spread(tmp_path: Path, begin: Any):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        if len(ray.tasks) == 1:
            raise RayError("The worker died unexpectedly")
        return done(bundle)

    cluster, ray, told = begin(act)
    assert len(run(tmp_path, cluster, cells("works"))) == 1
    assert ray.tasks[1][1] == {"scheduling_strategy": "SPREAD"}
    assert told == ["a cell lost with a Ray worker, given out again: RayError: The worker died unexpectedly"]


def test_a_cell_that_takes_every_node_with_it_is_given_up_and_its_companions_are_not(tmp_path: Path, begin: Any):
    made = cells("works-a", "culprit", "works-b")

    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        if made[1] in bundle:
            raise RayError("gone")
        return done(bundle)

    cluster, ray, _ = begin(act)
    records = run(tmp_path, cluster, made)
    assert [records[cell.hash]["status"] for cell in made] == ["done", "failed", "done"]
    assert records[made[1].hash]["reason"] == (
        "lost 3 times with the node or the Ray worker that had it, at last: RayError: gone"
    )
    assert [len(bundle) for bundle, _ in ray.tasks].count(3) == 3
    assert [bundle for bundle, _ in ray.tasks].count((made[1],)) == 3


def test_what_is_cancelled_is_given_out_again_without_a_word(tmp_path: Path, begin: Any):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        if len(ray.tasks) < 6:
            raise TaskCancelledError
        return done(bundle)

    cluster, ray, told = begin(act)
    assert len(run(tmp_path, cluster, cells("works"))) == 1
    assert told == []


def test_an_unfit_node_gets_no_more_and_is_told_once(tmp_path: Path, begin: Any):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        return done(bundle) if A in shunned(options) else Answer(A, unfit="no data")

    cluster, ray, told = begin(act)
    made = cells("works-a", "works-b", "works-c")
    assert len(run(tmp_path, cluster, *([cell] for cell in made))) == 3
    assert told == ["node host-a (10.0.0.1, aaaaaaaa) gets no cells of this run: no data"]
    assert len(ray.tasks) == 6


def test_where_no_node_is_fit_the_run_ends_with_all_reasons(tmp_path: Path, begin: Any):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        return Answer(B if A in shunned(options) else A, unfit="no data")

    cluster, _, _ = begin(act)
    with pytest.raises(
        WorkersError, match=r"no node of the cluster can compute cells of this run:\n- host-a .*\n- host-b"
    ):
        run(tmp_path, cluster, cells("works"))


def test_where_all_nodes_go_the_run_ends_after_a_while(tmp_path: Path, begin: Any, monkeypatch: pytest.MonkeyPatch):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        ray.there = []
        raise NodeDiedError("gone")

    monkeypatch.setattr(module, "_PATIENCE", 0.3)
    monkeypatch.setattr(module, "_LOOK", -1.0)
    cluster, ray, _ = begin(act)
    with pytest.raises(WorkersError, match=r"no node of the cluster had 1 CPUs for a task"):
        run(tmp_path, cluster, cells("works"))


def test_new_nodes_count(begin: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_LOOK", -1.0)
    cluster, ray, _ = begin(lambda bundle, options: done(bundle))
    with cluster:
        ray.there.append(node("c" * 56, cpus=8))
        cluster.staff(1)
        assert cluster.size == 12


def test_an_error_of_our_own_names_the_machine(tmp_path: Path, begin: Any):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        raise RayTaskError(
            "ray::_on_node() (pid=7, ip=10.0.0.9)\n  File x\nModuleNotFoundError: No module named 'bench'\n"
        )

    cluster, _, told = begin(act)
    (entry,) = run(tmp_path, cluster, cells("works")).values()
    assert entry["reason"].endswith("at last: on 10.0.0.9: ModuleNotFoundError: No module named 'bench'")
    assert len(told) == 2


def test_a_record_of_a_lost_task_is_of_this_machine(tmp_path: Path, begin: Any):
    def act(bundle: tuple[FaultyCell, ...], options: dict[str, Any]) -> Answer:
        return Answer(A, (Lost(bundle, "timeout", "no result within 1.0 s", 1.0, "2026"),))  # type: ignore[arg-type]

    cluster, _, _ = begin(act)
    (entry,) = run(tmp_path, cluster, cells("hangs")).values()
    assert (entry["status"], entry["reason"]) == ("timeout", "no result within 1.0 s")


def test_plugin_files_travel_as_text_and_the_output_folder_stays_here(tmp_path: Path, begin: Any):
    (tmp_path / "mine.py").write_text("x = 1\n")
    cluster = Cluster(job(tmp_path, plugins=(str(tmp_path / "mine.py"),)), Share())
    sent = cluster._order.job
    assert (sent.out, sent.plugins, sent.sources) == (None, (), (("mine.py", "x = 1\n"),))
