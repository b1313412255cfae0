"""The executor of a Ray cluster: each bundle of cells is a task with its share of processors and GPUs.

A task that is lost with its node or its Ray worker is given to another node; a node that is unfit (other code, no data)
gets no more. Nothing is shared with the nodes but what travels: the job goes there, records come back.
"""

import re
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from bench.execution.executor import Event, Lost, WorkersError
from bench.execution.node import Answer, Order, compute
from bench.execution.ray_session import Session
from bench.execution.worker import Job
from bench.host.provenance import now

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

NODE = "ray.io/node-id"  # the label that Ray gives each node
LIVES = 3  # times that a bundle may be lost with the node or the Ray worker that had it
AHEAD = 2  # tasks in flight for each that can run, so that a node need not wait for its next one
_PATIENCE = 60.0  # seconds without any node that could compute
_LOOK = 2.0  # seconds between two looks at which nodes there are


@dataclass(frozen=True)
class Share:
    """What a task takes of a node: processors and GPUs, which may be parts of one."""

    cpus: float = 1.0
    gpus: float = 0.0


@dataclass
class _Task:
    """A bundle and its history."""

    cells: "tuple[Cell, ...]"
    clock: float
    started: str
    losses: int = 0
    avoid: str | None = None  # the node that it was last lost with


class Cluster:
    """Computes bundles on the nodes of a Ray cluster; without an address, on a cluster of this machine alone."""

    def __init__(
        self,
        job: Job,
        share: Share,
        *,
        address: str | None = None,
        jobs: int | None = None,
        time_limit: float | None = None,
        tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),
    ) -> None:
        """`jobs`: the most bundles at a time; `time_limit`: seconds for a cell; `tell` hears of nodes in trouble."""
        texts = tuple((Path(path).name, Path(path).read_text(encoding="utf-8")) for path in job.plugins)
        sent = replace(job, out=None, plugins=(), sources=texts, published={})  # memory is this machine's
        self._order = Order(uuid.uuid4().hex, sent, time_limit)
        self._share, self._jobs, self._tell = share, jobs, tell
        self._session = Session(address, None if jobs is None else jobs * share.cpus)
        self._flying: dict[Any, _Task] = {}  # reference to a task's answer -> task
        self._again: deque[_Task] = deque()  # lost, to be given out again
        self._unfit: dict[str, str] = {}  # node -> why
        self._slots: dict[str, int] = {}  # node that lives and is fit -> tasks that fit into it
        self._names: dict[str, str] = {}  # node -> what people call it
        self._idle = threading.Event()  # never set: waiting for nodes
        self._looked = self._seen = 0.0  # when we last looked for nodes, and last saw one

    def __enter__(self) -> Self:
        self._session.__enter__()
        try:
            self._ray = self._session.ray
            share = {"num_cpus": self._share.cpus, "num_gpus": self._share.gpus}
            self._task = self._ray.remote(max_retries=0, **share)(_on_node)
            self._sent = self._ray.put(self._order)
            self._seen = time.monotonic()
            self._look()
            if not self._slots:
                raise WorkersError(
                    f"no node of the cluster has {self._wanted()}: {self._resources() or 'there is none'}"
                )
        except BaseException:
            self._session.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.abandon()
        finally:
            self._session.__exit__(kind, error, trace)

    @property
    def size(self) -> int:
        """How many tasks the nodes can run at a time, as far as `jobs` lets them."""
        room = sum(self._slots.values())
        return min(room, self._jobs) if self._jobs else room

    @property
    def busy(self) -> bool:
        """Whether any cell is in hand."""
        return bool(self._flying or self._again)

    def staff(self, bundles: int) -> None:
        """Give out again what was lost; new nodes count from now on."""
        if time.monotonic() - self._looked > _LOOK:
            self._look()
        while self._again and self._room():
            self._submit(self._again.popleft())

    def give(self, cells: "Sequence[Cell]") -> bool:
        """Make cells that run side by side a task; False where enough are in flight."""
        if self._again or not self._room():
            return False
        self._submit(_Task(tuple(cells), time.monotonic(), now()))
        return True

    def listen(self, seconds: float) -> list[Event]:
        """What came back within the next `seconds`. Raises WorkersError where no node is left for the work."""
        if not self._flying:
            self._idle.wait(seconds)
            self._look()
        self._check_nodes()
        if not self._flying:
            return []
        refs = list(self._flying)
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=seconds)
        if ready:
            ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        events: list[Event] = []
        for ref in ready:
            events += self._landed(self._flying.pop(ref), ref)
        return events

    def abandon(self) -> None:
        """Stop every task where it is."""
        for ref in self._flying:
            self._ray.cancel(ref, force=True)
        self._flying.clear()
        self._again.clear()

    def _room(self) -> bool:
        ahead = 1 if self._jobs and self._jobs < sum(self._slots.values()) else AHEAD
        return len(self._flying) < ahead * self.size

    def _submit(self, task: _Task) -> None:
        """Give a task out, anywhere but to unfit nodes and, if there is another, to the one that it was lost with."""
        shunned = set(self._unfit)
        if task.avoid and set(self._slots) - shunned - {task.avoid}:
            shunned.add(task.avoid)
        options: dict[str, Any] = {"label_selector": {NODE: f"!in({','.join(sorted(shunned))})"}} if shunned else {}
        if task.losses and not shunned:  # Ray does not always say where a task was lost
            options["scheduling_strategy"] = "SPREAD"
        self._flying[self._task.options(**options).remote(self._sent, task.cells)] = task

    def _landed(self, task: _Task, ref: Any) -> list[Event]:
        """What a task's end means."""
        try:
            answer: Answer = self._ray.get(ref)
        except (
            self._ray.exceptions.TaskCancelledError
        ):  # a terminal's Ctrl-C goes to Ray's workers too: not their fault
            self._again.append(task)
            return []
        except self._ray.exceptions.RayTaskError as error:  # the benchmark cannot be imported there, or is broken
            return self._lost(task, None, f"{_place_in(str(error))}: {_line(str(error), -1)}")
        except self._ray.exceptions.RayError as error:
            return self._lost(task, _node_in(str(error)), f"{type(error).__name__}: {_line(str(error), 0)}")
        if answer.unfit is None:
            return list(answer.ends)
        self._again.append(task)
        if answer.node not in self._unfit:
            self._unfit[answer.node] = answer.unfit
            self._slots.pop(answer.node, None)
            self._tell(f"node {self._name(answer.node)} gets no cells of this run: {answer.unfit}")
        return []

    def _lost(self, task: _Task, node: str | None, why: str) -> list[Event]:
        """A task is gone with its node or its Ray worker: it is given out again, but not for ever."""
        task.losses += 1
        task.avoid = node
        if task.losses == LIVES:
            reason = f"lost {LIVES} times with the node or the Ray worker that had it, at last: {why}"
            return [Lost(task.cells, "failed", reason, time.monotonic() - task.clock, task.started)]
        count = "a cell" if len(task.cells) == 1 else f"{len(task.cells)} cells"
        self._tell(
            f"{count} lost with {f'node {self._name(node)}' if node else 'a Ray worker'}, given out again: {why}"
        )
        self._again.append(task)
        return []

    def _look(self) -> None:
        """See which nodes there are, and how many tasks fit into each."""
        self._looked = time.monotonic()
        self._slots.clear()
        for node in self._ray.nodes():
            name = node["NodeID"]
            self._names[name] = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}, {name[:8]})"
            room = self._fits(node["Resources"]) if node["Alive"] else 0
            if room and name not in self._unfit:
                self._slots[name] = room
        if self._slots:
            self._seen = self._looked

    def _fits(self, resources: Mapping[str, float]) -> int:
        """How many tasks have room in these resources."""
        asked = (("CPU", self._share.cpus), ("GPU", self._share.gpus))
        return min(int(resources.get(kind, 0.0) / part + 1e-9) for kind, part in asked if part)

    def _check_nodes(self) -> None:
        """Raise WorkersError where nobody is left who could do the work."""
        if self._slots:
            return
        if self._unfit and {node["NodeID"] for node in self._ray.nodes() if node["Alive"]} <= self._unfit.keys():
            reasons = "\n".join(f"- {self._name(node)}: {why}" for node, why in self._unfit.items())
            raise WorkersError(f"no node of the cluster can compute cells of this run:\n{reasons}")
        if time.monotonic() - self._seen > _PATIENCE:
            raise WorkersError(f"for {_PATIENCE:.0f} s no node of the cluster had {self._wanted()}")

    def _wanted(self) -> str:
        gpus = f" and {self._share.gpus:g} GPUs" if self._share.gpus else ""
        return f"{self._share.cpus:g} CPUs{gpus} for a task"

    def _resources(self) -> str:
        """What the nodes have, for people."""
        alive = [node for node in self._ray.nodes() if node["Alive"]]
        return ", ".join(
            f"{self._name(node['NodeID'])} has {node['Resources'].get('CPU', 0):g} CPUs and "
            f"{node['Resources'].get('GPU', 0):g} GPUs"
            for node in alive
        )

    def _name(self, node: str) -> str:
        return self._names.get(node, node[:8])


def _on_node(order: Order, cells: "Sequence[Cell]") -> Answer:
    """What a task does."""
    import ray

    return compute(order, cells, ray.get_runtime_context().get_node_id())


def _node_in(text: str) -> str | None:
    """The node that an error of Ray speaks of."""
    found = re.search(r"\bID: ([0-9a-f]{56})\b", text)
    return found[1] if found else None


def _place_in(text: str) -> str:
    """Where an error of a task was raised."""
    found = re.search(r"\bip=([^),\s]+)", text)
    return f"on {found[1]}" if found else "on a node"


def _line(text: str, which: int) -> str:
    """The first (0) or last (-1) line of an error that says anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[which][:300] if lines else "no reason given"
