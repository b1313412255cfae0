"""Processes that a framework starts do not outlive us; tried with plain ones, which detach and never listen."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from bench.frameworks.keeper import descendants
from bench.frameworks.processes import FrameworkError, Processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the keeper adopts orphans, which Linux alone lets it")

# Starts a process that leaves its session and its parent, and ignores polite signals; writes both process ids.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) > 1:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
    if "orphan" in sys.argv:
        print(child.pid, flush=True)
        sys.exit(0)
print(os.getpid(), flush=True)
time.sleep(600)
"""
SURROUNDINGS = dict(os.environ)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Wait for a process that is not our child to be gone."""
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def lines(path: Path, count: int) -> list[int]:
    """Wait for so many process ids."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if path.exists() and len(found := path.read_text().split()) >= count:
            return [int(word) for word in found]
        time.sleep(0.02)
    raise AssertionError(f"expected {count} lines in {path}")


def test_nothing_is_left_of_processes_that_detach_themselves():
    with Processes("keep-") as processes:
        folder = processes.folder
        processes.start("one", [sys.executable, "-c", STUBBORN, STUBBORN], SURROUNDINGS)
        one, two = lines(processes.log("one"), 2)
        processes.start("two", [sys.executable, "-c", STUBBORN, STUBBORN, "orphan"], SURROUNDINGS)
        (orphan, *_) = lines(processes.log("two"), 2)
        assert [ended.reason for ended in processes.hear()] == ["two ended with exit code 0"]
        assert all(alive(pid) for pid in (one, two, orphan))
        assert processes.number() == 3
    assert not any(alive(pid) for pid in (one, two, orphan))
    assert not folder.exists()


def test_nothing_is_left_when_we_are_killed(tmp_path: Path):
    """SIGKILL leaves no time for anything: the keeper sees that its pipe has closed."""
    program = (
        "import sys, time, os\n"
        "from bench.frameworks.processes import Processes\n"
        "with Processes('keep-') as processes:\n"
        "    processes.start('one', [sys.executable, '-c', sys.argv[1], sys.argv[1]], dict(os.environ))\n"
        "    print(processes.folder, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, STUBBORN], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        pids = [*lines(folder / "one.log", 2), *descendants(owner.pid)]
        assert len(pids) == 5  # the keeper is a descendant, too, and both processes are its own
        owner.kill()
    assert all(gone(pid) for pid in pids)
    assert not folder.exists()


def test_ends_are_told_with_their_reason():
    with Processes("keep-") as processes:
        processes.start("good", [sys.executable, "-c", "pass"], SURROUNDINGS)
        (good,) = processes.hear()
        processes.start(
            "bad", [sys.executable, "-c", "print('last'); print('words'); raise SystemExit(3)"], SURROUNDINGS
        )
        (bad,) = processes.hear()
        processes.start("none", ["/no/such/program"], SURROUNDINGS)
        (none,) = processes.hear()
        processes.start("killed", [sys.executable, "-c", STUBBORN], SURROUNDINGS)
        (pid,) = lines(processes.log("killed"), 1)
        os.kill(pid, signal.SIGKILL)
        (killed,) = processes.hear()
        assert (good.good, good.reason) == (True, "good ended with exit code 0")
        assert (bad.good, bad.reason) == (False, "bad ended with exit code 3")
        assert processes.last_words("bad") == "last words"
        assert none.code is None
        assert none.reason.startswith("none could not be started: [Errno 2]")
        assert killed.reason == "killed was killed by signal 9"


def test_processes_end_with_their_keeper():
    with Processes("keep-") as processes:
        folder = processes.folder
        processes.start("one", [sys.executable, "-c", STUBBORN], SURROUNDINGS)
        (pid,) = lines(processes.log("one"), 1)
        (keeper,) = [process for process in descendants(os.getpid()) if pid in descendants(process)]
        os.kill(keeper, signal.SIGKILL)
        wait([processes], 20)
        with pytest.raises(FrameworkError, match="watches over the framework's processes has ended"):
            processes.hear()
        assert gone(pid)
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()
