"""Every cell by every framework, each run in a process of its own, in turns on one machine.

Frameworks need libraries that exclude one another, so each may have an interpreter of its own.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.declaration.cell import Cell
from bench.execution.crew import ENVIRONMENT
from bench.frameworks import FUNCTIONS
from bench.parity.one import Order
from bench.parity.runs import NATIVE, PARITY, Run, read
from bench.registry import ROOT

_LOOK = """\
import sys, torch
from bench.frameworks.needs import Unusable, check
try:
    check(sys.argv[1])
except Unusable as error:
    sys.exit(str(error))
"""
_FAREWELL = 20.0  # seconds that a framework has to take down what it has started


class NotInstalled(Exception):
    """A framework that an interpreter does not have."""


@dataclass(frozen=True)
class Contest:
    """What is to be run."""

    cells: Sequence[Cell]
    frameworks: Sequence[str]
    out: Path
    root: Path | None
    repeats: int
    time_limit: float
    session: str
    interpreters: Mapping[str, str] = field(default_factory=dict)  # framework -> Python; else ours
    plugins: tuple[str, ...] = ()

    def turns(self) -> Iterator[tuple[Cell, str]]:
        """Cells and kinds of runs in order: parity, then costs; frameworks take turns, another first each time."""
        for number, kind in enumerate((PARITY, *(f"cost-{i + 1}" for i in range(self.repeats)))):
            for place, cell in enumerate(self.cells):
                shift = (number + place) % len(self.frameworks)
                for name in (*self.frameworks[shift:], *self.frameworks[:shift]):
                    yield replace(cell, framework=name), kind

    def interpreter(self, framework: str) -> str:
        """The Python that has it."""
        return self.interpreters.get(framework, sys.executable)


def check(contest: Contest) -> None:
    """Raises NotInstalled for the first framework that its interpreter lacks."""
    for name in contest.frameworks:
        python = contest.interpreter(name)
        try:
            asked = subprocess.run([python, "-c", _LOOK, name], cwd=ROOT, capture_output=True, text=True, check=False)
        except OSError as error:
            raise NotInstalled(f"--python {name}={python}: expected a Python interpreter, got {error}") from None
        if asked.returncode:
            why = asked.stderr.strip().splitlines()[-1:] or [f"exit code {asked.returncode}"]
            raise NotInstalled(f"{why[0]}. {python} was asked; name another with --python {name}=PATH")


def measure(contest: Contest, say: Callable[[str], None]) -> int:
    """Do what has not been done; returns how many runs failed. Runs that failed before are done again."""
    failed = 0
    for cell, kind in contest.turns():
        path = Run.of(cell, kind, contest.session).path(contest.out)
        if path.exists() and read(path).status != "failed":
            continue
        parity = Run.of(cell, PARITY, contest.session).path(contest.out)
        if kind != PARITY and read(parity).status != "done":
            continue  # it has been said why
        begin = time.perf_counter()
        done = one(contest, cell, kind)
        failed += done.status == "failed"
        reason = f": {done.reason}" if done.reason else ""
        say(
            f"{done.framework}, {done.kind}, {cell.algorithm} on {cell.dataset} with {cell.zoo}: "
            f"{done.status} in {time.perf_counter() - begin:.1f} s{reason}"
        )
    return failed


def one(contest: Contest, cell: Cell, kind: str) -> Run:
    """One run in a process of its own; its outcome is on the disk, whatever became of the process."""
    path = Run.of(cell, kind, contest.session).path(contest.out)
    path.unlink(missing_ok=True)
    order = Order(
        cell=cell,
        function=FUNCTIONS[cell.framework],
        kind=kind,
        session=contest.session,
        out=contest.out.absolute(),
        root=contest.root.absolute() if contest.root else None,
        started=time.monotonic(),
        plugins=contest.plugins,
    )
    with tempfile.TemporaryFile() as output:
        code = _start(contest.interpreter(cell.framework), order, output.fileno(), contest.time_limit)
        output.seek(0)
        last = output.read().decode(errors="replace").strip().splitlines()[-1:]
    if not path.exists():
        why = (
            f"no result within {contest.time_limit:g} s" if code is None else f"its process ended with exit code {code}"
        )
        reason = ": ".join([why, *last])
        Run.of(cell, kind, contest.session, status="failed", reason=reason).write(contest.out)
    return read(path)


def _start(python: str, order: Order, output: int, time_limit: float) -> int | None:
    """Run the process to its end; its exit code, None where its time was up. Nothing of it is left afterwards."""
    process = subprocess.Popen(
        [python, "-m", "bench.parity.one"],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C is for us alone; we end it
    )
    try:
        process.communicate(pickle.dumps(order), timeout=time_limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return process.returncode


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_FAREWELL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # whatever of its session is left
    process.wait()


def order_of(names: Sequence[str]) -> list[str]:
    """The frameworks with ours first: what others are compared with.

    >>> order_of(["pfl", "native", "pfl"])
    ['native', 'pfl']
    """
    return sorted(dict.fromkeys(names), key=lambda name: name != NATIVE)
