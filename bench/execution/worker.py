"""Inside a worker process: a cell comes in, its record goes to the disk, a short word goes back.

The worker itself writes the record, before it answers: what is computed is kept even if the parent is gone by then. On
a node of a cluster, which has no folder to write to, the record goes back with the word.
"""

import contextlib
import functools
import gc
import importlib
import inspect
import os
import signal
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, parent_process
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from bench.execution.executor import Broken, Finished, Unfit
from bench.execution.fitness import Expected, load_sent, unfit
from bench.frameworks import FUNCTIONS
from bench.host.provenance import now
from bench.records.store import SCHEMA, Record, Store, StoreError, as_text
from bench.registry import ROOT, load_file

if TYPE_CHECKING:
    from bench.declaration.cell import Cell
    from bench.execution.published import Published

TOGETHER = "bench.rounds.group:run_together"
READY = "ready"
"""What a worker says when its imports are done."""
UNSAVED = "unsaved"
"""The status of a cell whose record could not be written; never in a record."""
_LONGEST_REASON = 500


@dataclass(frozen=True)
class Job:
    """What all cells of a run have in common.

    `function` is "module:name" (None: that of each cell's framework) of ``f(cell, data_root) -> {"result", "timing"}``;
    an argument `on_round`, where it has one, is given a callable to be told of each finished round, and an argument
    `trace` the folder of that name (`bench.rounds.trace`). Its module's exceptions `Skip` and `Diverged`, where it has
    them, become statuses of their own. `together` is the same for several cells side by side, ``f(cells, data_root,
    on_round)``: one outcome, or the exception in its place, for each cell. `tuned` is a cell's hash -> digest of the
    trials that its hyper-parameters come from, see `bench.declaration.tuned`.
    """

    out: Path | None  # None: records travel back
    suite: Mapping[str, str]  # name, version
    data_root: Path | None = None
    plugins: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()  # name and text of plugin files that are not on this machine
    split_folders: tuple[str, ...] = ()  # as NAME=DIR, see datasets.split_folder
    function: str | None = None
    together: str = TOGETHER
    provenance: Mapping[str, Any] = field(default_factory=dict)
    trace: Path | None = None
    published: "Mapping[str, Published]" = field(default_factory=dict)  # data sets that need not be read again, by name
    expects: Expected | None = None  # what this machine must be like; None: it is the one that asks
    tuned: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder of the records, where there is one."""
        if self.out is None:
            raise StoreError("this job has no output folder")
        return self.out


def serve(job: Job, pipe: "connection.Connection") -> None:
    """A worker's life: get ready, say so, then cells in and news out, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the parent decides
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()
    with contextlib.suppress(Exception):  # imports before the clock starts; each cell would meet the error again
        _load(job)
        _take(job.published)
    gc.freeze()  # what was imported stays: a full search for garbage would take .15 s to go through it
    pipe.send(READY)
    while True:
        try:
            cells = pipe.recv()
        except (EOFError, OSError):
            return
        if job.expects and (reason := unfit(job.expects, cells, job.data_root, functools.partial(_load, job))):
            pipe.send(Unfit(tuple(cells), reason))
        elif len(cells) == 1:
            pipe.send(work(job, cells[0], functools.partial(_tell, pipe, cells[0])))
        else:
            for finished in work_together(job, cells, functools.partial(_tell, pipe)):
                pipe.send(finished)


def _tell(pipe: "connection.Connection", cell: "Cell", rounds: int) -> None:
    """Let the parent know that a cell has finished so many rounds."""
    pipe.send((cell.hash, rounds))


def work_together(
    job: Job, cells: "Sequence[Cell]", on_round: "Callable[[Cell, int], None]"
) -> "Iterator[Finished | Broken]":
    """Compute cells side by side and write their records. What breaks the whole of them is nobody's record."""
    clock, started = time.perf_counter(), now()
    try:
        _load(job)
        module, together = named(job.together)
        outcomes = together(cells, job.data_root, on_round, **({"trace": job.trace} if job.trace else {}))
    except BaseException:  # a plugin may even call sys.exit; whose fault it is shows when each runs alone
        yield Broken(())
        return
    each = (time.perf_counter() - clock) / len(cells)
    for cell, outcome in zip(cells, outcomes, strict=True):
        if isinstance(outcome, Exception):
            status, reason = _judge(outcome, module)
            trace = "".join(traceback.format_exception(outcome)) if status == "failed" else None
            entry = record(cell, job, status, reason, started=started, trace=trace)
            seconds = each
        else:
            entry = record(cell, job, "done", None, started=started, outcome=outcome)
            seconds = outcome["timing"]["total_seconds"]
        yield _finished(cell, job, entry, seconds)


def work(job: Job, cell: "Cell", on_round: Callable[[int], None]) -> Finished:
    """Compute one cell and write its record, whatever the cell does short of ending the process."""
    clock, started = time.perf_counter(), now()
    status, reason, trace = "done", None, None
    outcome: Mapping[str, Any] = {}
    module: ModuleType | None = None
    try:
        module, function = _load(job, cell.framework)
        outcome = function(cell, job.data_root, **_extras(job, function, on_round))
    except BaseException as error:  # a plugin may even call sys.exit
        status, reason = _judge(error, module)
        trace = traceback.format_exc() if status == "failed" else None
    entry = record(cell, job, status, reason, started=started, outcome=outcome, trace=trace)
    return _finished(cell, job, entry, time.perf_counter() - clock)


def _extras(job: Job, function: Callable[..., Any], on_round: Callable[[int], None]) -> dict[str, Any]:
    """The arguments that a cell function may have beside cell and data root."""
    known = inspect.signature(function).parameters
    if job.trace and "trace" not in known:
        raise ValueError(f"{function.__module__} keeps no trace of its models: leave --trace out")
    given = {"on_round": on_round, "trace": job.trace}
    return {name: value for name, value in given.items() if name in known}


def _finished(cell: "Cell", job: Job, entry: Record, seconds: float) -> Finished:
    """Write a record; what the parent is told of it."""
    try:
        _keep(entry, as_text if job.out is None else Store(job.out).write)
    except StoreError as error:
        return Finished(cell.hash, UNSAVED, _short(str(error)), seconds)
    sent = entry if job.out is None else None
    return Finished(cell.hash, entry["status"], entry["reason"], seconds, headline(entry), sent)


def record(
    cell: "Cell",
    job: Job,
    status: str,
    reason: str | None,
    *,
    started: str,
    outcome: Mapping[str, Any] | None = None,
    trace: str | None = None,
) -> Record:
    """A record as it is kept; "result" is its deterministic part."""
    outcome = outcome or {}
    trials = job.tuned.get(cell.hash)
    return {
        "schema": SCHEMA,
        "cell": cell.hash,
        "status": status,
        "reason": reason,
        "suite": {**job.suite, **({"tuned": trials} if trials else {})},
        "identity": cell.identity(),
        "result": outcome.get("result"),
        "timing": outcome.get("timing"),
        "traceback": trace,
        "provenance": {**job.provenance, "started": started},
    }


def headline(entry: Record) -> float | None:
    """The headline accuracy of a record, a fraction; None where it has none."""
    if entry["status"] != "done":
        return None
    at = entry["result"]["at_headline"][entry["result"]["headline"]["view"]]
    return float(at["accuracy"])


def _keep(entry: Record, write: Callable[[Record], object]) -> None:
    """Write a record; one that cannot be written down becomes one of a failed cell."""
    try:
        headline(entry)
        write(entry)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        entry["status"], entry["reason"] = "failed", f"the result cannot be recorded: {_name(error)}: {error}"
        entry["result"] = entry["timing"] = None
        entry["traceback"] = traceback.format_exc()
        write(entry)


def _load(job: Job, framework: str = "native") -> tuple[ModuleType, Callable[..., Mapping[str, Any]]]:
    """The cell function and its module, with all that is registered for this run. Cheap from the second call on."""
    for path in job.plugins:
        load_file(path)
    load_sent(job.sources)
    if job.split_folders:
        from datasets.split_folder import register

        for folder in job.split_folders:
            register(folder)
    return named(job.function or FUNCTIONS[framework])


def _take(published: "Mapping[str, Published]") -> None:
    """Map data sets that the parent has read. Whatever cannot be mapped is read by the first cell that needs it."""
    if published:
        from bench.rounds import loading

        for name, shared in published.items():
            loading.offer(name, shared.data())


def named(function: str) -> tuple[ModuleType, Callable[..., Any]]:
    """The module and the function that "module:name" stands for."""
    name, _, attribute = function.partition(":")
    module = importlib.import_module(name)
    return module, getattr(module, attribute)


def _judge(error: BaseException, module: ModuleType | None) -> tuple[str, str]:
    """The status and reason of a cell that raised."""
    for status, name in (("skipped", "Skip"), ("diverged", "Diverged")):
        kind = getattr(module, name, None)
        if kind is not None and isinstance(error, kind):
            return status, _short(str(error))
    return "failed", _short(f"{_name(error)}: {error}{_culprit(error.__traceback__)}")


def _name(error: BaseException) -> str:
    return type(error).__name__


def _culprit(trace: TracebackType | None) -> str:
    """`` (file, line n, in function)`` of the last frame that is neither the benchmark's nor a library's."""
    frames = traceback.extract_tb(trace)
    foreign = [frame for frame in frames if not _trusted(frame.filename)]
    if not frames:
        return ""
    frame = (foreign or frames)[-1]
    return f" ({Path(frame.filename).name}, line {frame.lineno}, in {frame.name})"


def _trusted(filename: str) -> bool:
    path = Path(filename)
    if filename.startswith("<"):
        return True
    if {"site-packages", "dist-packages"} & set(path.parts):
        return bool({"torch", "numpy", "torchvision"} & set(path.parts))
    return path.is_relative_to(ROOT / "bench") or path.is_relative_to(sysconfig.get_path("stdlib"))


def _short(text: str) -> str:
    """One line of bounded length."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."


def _end_with_parent() -> None:
    """End this process when its parent has ended, however that happened."""
    if (parent := parent_process()) is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
