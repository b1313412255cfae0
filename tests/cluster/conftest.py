"""Programs that must leave nothing behind, and a cluster of two nodes to run them on."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARK = "FML_TEST_MARK"
PATIENCE = 300.0  # seconds; what a loaded machine may need to start Ray and torch


def _heeds_ctrl_c() -> None:
    """A shell lets programs in its background ignore SIGINT, and they hand that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Place:
    """Where a program runs: a mark in its environment, and a folder of its own for temporary files."""

    temporary: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a Python program in a session of its own."""
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary), MARK: self.mark, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_heeds_ctrl_c,
        )

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a Python program to its end."""
        with self.start(*command, **environment) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def left_behind(self) -> list[str]:
        """Processes that carry our mark, with what they listen to, and files in our temporary folder."""
        found = [
            str(path) for path in self.temporary.iterdir() if not path.name.startswith("torchinductor_")
        ]  # torch's
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or int(entry.name) == os.getpid():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"{MARK}={self.mark}".encode() in environment and state != "Z":
                found.append(f"process {entry.name}: {command}")
        return found


@pytest.fixture
def place() -> Iterator[Place]:
    """A place in which nothing may be left. Its path is short: sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="fml-", dir="/tmp"))
    here = Place(folder)
    yield here
    left = here.left_behind()
    shutil.rmtree(folder, ignore_errors=True)
    assert left == []


@dataclass
class TwoNodes:
    """A running cluster of two nodes."""

    address: str
    tell: Callable[[str], None]


@pytest.fixture
def two_nodes(place: Place) -> Iterator[Callable[..., TwoNodes]]:
    """Starts a cluster of two nodes, the second with these in its environment."""
    processes: list[subprocess.Popen[str]] = []

    def begin(first: dict[str, str] | None = None, **second: str) -> TwoNodes:
        process = place.start("-m", "tests.cluster.two_nodes", **(first or {}))
        processes.append(process)
        assert process.stdin is not None
        assert process.stdout is not None

        def heard() -> str:
            assert process.stdout is not None
            while line := process.stdout.readline():
                if not line.startswith(("\x1b", " ", "[")):  # Ray's own words
                    return line.strip()
            raise AssertionError(f"the cluster ended: {process.stderr and process.stderr.read()}")

        def tell(words: str) -> None:
            assert process.stdin is not None
            process.stdin.write(f"{words}\n")
            process.stdin.flush()
            assert heard() == words.split()[0]

        address = heard()
        tell(" ".join(["add", *(f"{name}={value}" for name, value in second.items())]))
        return TwoNodes(address, tell)

    yield begin
    for process in processes:
        process.communicate(timeout=PATIENCE)
    deadline = time.monotonic() + 20  # Ray's workers find out by themselves that their node has ended
    while len(place.left_behind()) and time.monotonic() < deadline:
        threading.Event().wait(0.1)
