"""A run of the command in surroundings of its own, in which whatever it leaves can be found."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.frameworks.keeper import descendants

ROOT = Path(__file__).resolve().parents[3]
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
_MARK = "BENCH_TEST_MARK"


class Run:
    """``python -m bench.run`` in the background. On leaving, whatever is left of it is ended by force."""

    def __init__(self, *options: str) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="t-", dir="/tmp"))  # short, for Ray's sockets
        self.out = self.place / "out"
        self.temporary = self.place / "tmp"
        self.temporary.mkdir()
        self.home = self.place / "home"
        self.home.mkdir()
        self.mark = uuid.uuid4().hex
        self.command = [sys.executable, "-m", "bench.run", "--out", str(self.out), "--no-report", *options]
        self.seen: set[int] = set()
        self.ports: set[int] = set()
        self.addresses: set[str] = set()  # that they listened on, as the kernel writes them

    def __enter__(self) -> Self:
        self.log = (self.place / "log").open("w")
        surroundings = {**os.environ, "TMPDIR": str(self.temporary), "HOME": str(self.home), _MARK: self.mark}
        surroundings["TORCHINDUCTOR_CACHE_DIR"] = str(self.place / "torch")  # torch keeps it, whoever runs it
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=surroundings, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in (self.process.pid, *self.processes()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.place, ignore_errors=True)

    @property
    def said(self) -> str:
        """All output so far."""
        return (self.place / "log").read_text()

    def until(self, name: str, text: str, seconds: float = 500) -> Path:
        """Wait until a process's log in the run's folder holds a text; returns the folder. Notes all processes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            self.look()
            for log in self.temporary.glob(f"bench-fl-*/{name}.log"):
                if text in log.read_text(errors="replace"):
                    return log.parent
            time.sleep(0.2)
        raise AssertionError(f"no '{text}' in {name}.log within {seconds} s: {self.said}")

    def until_started(self, program: str, seconds: float = 500) -> None:
        """Wait for a process of this name, and for a port of it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            self.look()
            for pid in descendants(self.process.pid):
                with contextlib.suppress(OSError):
                    if program in Path(f"/proc/{pid}/comm").read_text() and listening([pid]):
                        return
            time.sleep(0.2)
        raise AssertionError(f"no {program} within {seconds} s: {self.said}")

    def look(self) -> None:
        """Take note of processes and of ports that they listen on."""
        now = descendants(self.process.pid)
        self.seen.update(now)
        for address, port in listening(now):
            self.addresses.add(address)
            self.ports.add(port)

    def end(self, seconds: float = 500) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self.look()
            time.sleep(0.2)
        return self.process.wait(1)

    def processes(self) -> list[int]:
        """What is still there: by our mark in its surroundings, or because it was seen as ours."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    ours = self.mark.encode() in (entry / "environ").read_bytes()
                    if (ours or int(entry.name) in self.seen) and "Z" not in (entry / "stat").read_text().rpartition(
                        ")"
                    )[2][:3]:
                        found.append(int(entry.name))
        return found

    def assert_nothing_is_left(self, seconds: float = 30) -> None:
        """No process, open port or temporary file; a killed worker's keeper has so many seconds to tidy up."""
        assert self.seen, "nothing was looked at while it ran"
        assert self.ports, "no port was open while it ran"
        assert self.addresses <= LOOPBACK, self.addresses
        deadline = time.monotonic() + seconds
        while (self.processes() or any(self.temporary.iterdir())) and time.monotonic() < deadline:
            time.sleep(0.1)
        files = [str(path.relative_to(self.temporary)) for path in self.temporary.rglob("*")]
        left = {
            "processes": [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.processes()],
            "files": files,
            "ports": [port for port in self.ports if is_open(port)],
            "home": [path.name for path in self.home.iterdir()],
        }
        assert not any(left.values()), left


def listening(pids: Sequence[int]) -> set[tuple[str, int]]:
    """The addresses and TCP ports that processes listen on."""
    inodes = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    link = os.readlink(file)
                    if link.startswith("socket:["):
                        inodes.add(link[8:-1])
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                ports.add((address, int(port, 16)))
    return ports


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
