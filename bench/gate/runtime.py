"""The runtime gate: CPU time of a round over CPU time of frozen work, in fresh processes, against the baseline's ratio.

Wall-clock time on a shared machine says more about the neighbours than about the code. CPU time of the thread says
what the code costs, and dividing it by the CPU time of work of the same kind, done right before it in the same
process, takes out the machine's mood. What CPU time cannot see is a thread that waits: a sleep, a lock, a helper
thread, a slow file. The kernel counts how often a thread gives up the processor of its own will; a computing thread
never does, however busy the machine, because being displaced by others is counted elsewhere.
"""

import ast
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from types import TracebackType

from bench.declaration.digest import normalised
from bench.execution.crew import ENVIRONMENT
from bench.registry import ROOT

SUITE, PLUGINS, ROOT_OF_DATA = "BENCH_GATE_SUITE", "BENCH_GATE_PLUGINS", "BENCH_GATE_DATA"
"""Environment variables by which the benchmark processes learn what to measure."""
BENCHMARKS = ROOT / "tests" / "benchmarks" / "test_runtime.py"
FROZEN = BENCHMARKS.with_name("frozen.py")
PROCESSES, MORE = 3, 2
"""Fresh processes; and how many more where a ratio is above `WARN`."""
WARN, FAIL = 1.15, 1.30
"""Times the baseline's ratio. Unchanged code stayed within a few per cent, see docs/gate.md."""
TIME_LIMIT = 900.0  # seconds for one process
_LINES = 12  # of a failed process's output


class RuntimeUnavailable(Exception):
    """Runtimes cannot be taken here; the message says why and what to do."""


class BenchmarkFailed(Exception):
    """A benchmark process ended with an error: something that is measured no longer works."""


@dataclass(frozen=True)
class Pace:
    """How fast one id is."""

    ratio: float  # CPU seconds of the work over CPU seconds of the frozen reference; > 0
    waits: int | None  # times a round waits of its own will; None where the system does not tell


class Waits:
    """How often this thread gives up the processor of its own will, over several spans: the least of them."""

    def __init__(self) -> None:
        self.least: int | None = None

    def __enter__(self) -> None:
        self._before = _switches()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        after = _switches()
        if after is not None and self._before is not None:
            span = after - self._before
            self.least = span if self.least is None else min(span, self.least)


def _switches() -> int | None:
    thread = getattr(resource, "RUSAGE_THREAD", None)  # Linux has it
    return None if thread is None else resource.getrusage(thread).ru_nvcsw


def frozen_work() -> str:
    """A digest of the work that runtimes are divided by; "" where it is not there."""
    if not FROZEN.is_file():
        return ""
    return sha256(normalised(ast.parse(FROZEN.read_text(encoding="utf-8"))).encode()).hexdigest()[:16]


def take(
    suite: str, plugins: Sequence[str] = (), root: Path | None = None, processes: int = PROCESSES
) -> dict[str, list[Pace]]:
    """Id -> its pace in each of several fresh processes. Raises RuntimeUnavailable, BenchmarkFailed."""
    found: dict[str, list[Pace]] = {}
    for _ in range(processes):
        for name, pace in _process(suite, plugins, root).items():
            found.setdefault(name, []).append(pace)
    return found


def _process(suite: str, plugins: Sequence[str], root: Path | None) -> dict[str, Pace]:
    """One fresh process of pytest-benchmark."""
    if not BENCHMARKS.is_file():
        raise RuntimeUnavailable(
            f"expected the benchmarks at {BENCHMARKS}, found nothing there: runtimes are taken in a checkout of the "
            "project; without one, name the other gates with --gates"
        )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTEST_"))}
    told = {SUITE: suite, PLUGINS: os.pathsep.join(plugins)} | ({ROOT_OF_DATA: str(root)} if root else {})
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "benchmarks.json"
        command = [
            sys.executable,
            "-m",
            "pytest",
            str(BENCHMARKS),
            "-q",
            "--no-header",
            "-c",
            str(ROOT / "pyproject.toml"),
        ]
        command += ["--benchmark-enable", "--benchmark-disable-gc", "--benchmark-timer=time.thread_time"]
        command += ["--benchmark-warmup=off", f"--benchmark-json={answer}"]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env={**kept, **ENVIRONMENT, **told, "PYTHONHASHSEED": "0"},
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkFailed(f"a benchmark process took more than {TIME_LIMIT:g} s") from None
        if "unrecognized arguments" in done.stderr or "No module named pytest" in done.stderr:
            raise RuntimeUnavailable("pytest-benchmark is not installed: pip install -e '.[test]'")
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LINES:])
            raise BenchmarkFailed(f"a benchmark process ended with exit code {done.returncode}:\n{tail}")
        return _read(answer)


def _read(answer: Path) -> dict[str, Pace]:
    found = {}
    for each in json.loads(answer.read_text(encoding="utf-8"))["benchmarks"]:
        extra = each["extra_info"]
        found[str(each["param"])] = Pace(each["stats"]["min"] / extra["reference"], extra["waits"])
    return found


@dataclass(frozen=True)
class Level:
    """What one id is measured against."""

    pace: Pace
    elsewhere: str = ""  # the processor of that pace, where it is not this one


def levels(kept: Mapping[str, Mapping[str, Pace]], here: str) -> dict[str, Level]:
    """Id -> its level on the processor `here`, from paces by processor and id.

    What is not known of this processor is measured against the slowest of the others, and the most waits that any of
    them knows: a limit that cannot be met here would be a false alarm, and none would hide everything.

    >>> kept = {"A": {"x": Pace(2.0, 0)}, "B": {"x": Pace(3.0, 0), "y": Pace(1.0, 0)}}
    >>> levels(kept, "A")
    {'x': Level(pace=Pace(ratio=2.0, waits=0), elsewhere=''), 'y': Level(pace=Pace(ratio=1.0, waits=0), elsewhere='B')}
    >>> levels(kept, "C")["x"].elsewhere
    'B'
    """
    others: dict[str, dict[str, Pace]] = {}
    for processor, paces in kept.items():
        for name, pace in paces.items() if processor != here else ():
            others.setdefault(name, {})[processor] = pace
    found = {}
    for name, known in others.items():
        slowest = max(known, key=lambda processor: known[processor].ratio)
        waits = [pace.waits for pace in known.values() if pace.waits is not None]
        found[name] = Level(Pace(known[slowest].ratio, max(waits, default=None)), slowest)
    return found | {name: Level(pace) for name, pace in kept.get(here, {}).items()}


def summary(paces: Sequence[Pace]) -> Pace:
    """One pace of several processes': the median ratio, the fewest waits.

    >>> summary([Pace(2.0, 3), Pace(9.0, 0), Pace(2.2, 0)])
    Pace(ratio=2.2, waits=0)
    """
    told = [pace.waits for pace in paces if pace.waits is not None]
    return Pace(median(pace.ratio for pace in paces), min(told) if len(told) == len(paces) else None)


def suspicious(baseline: Mapping[str, Level], now: Mapping[str, Sequence[Pace]]) -> bool:
    """Whether more processes should look: an id is slower than `WARN` allows, or waits."""
    known = [(baseline[name].pace, summary(paces)) for name, paces in now.items() if name in baseline]
    return any(pace.ratio > WARN * before.ratio or more_waits(before, pace) for before, pace in known)


def more_waits(baseline: Pace, now: Pace) -> bool:
    """Whether a round waits more often than the baseline's; where either is unknown there is nothing to compare."""
    return now.waits is not None and baseline.waits is not None and now.waits > baseline.waits
