"""``python -m bench.frameworks.keeper PREFIX``: a process that starts others, and leaves none of them behind.

A framework starts processes that start processes, some of which detach themselves. The keeper adopts whatever loses
its parent, so all of them are its descendants (Linux). When the pipe from the process that asked for it closes, which
happens however that process ends, the keeper kills them all, removes the folder that it made, and ends.

One JSON object a line. In: ``{"name", "command", "environment", "log"}`` starts a process. Out: first ``{"folder"}``;
then ``{"name", "ended": exit code}``, or ``{"name", "failed": reason}`` for what could not be started.
"""

import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_SUBREAPER, _DEATH_SIGNAL = 36, 1  # of prctl(2)
_PATIENCE = 20.0  # seconds to wait for killed processes to be gone


def descendants(root: int) -> list[int]:
    """All processes below one, by process id; the nearest first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it ended while we looked
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


class Keeper:
    """The process's whole life."""

    def __init__(self, prefix: str) -> None:
        self.libc = ctypes.CDLL(None)
        self.libc.prctl(_SUBREAPER, 1, 0, 0, 0)
        self.folder = Path(tempfile.mkdtemp(prefix=prefix))
        self.children: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
        self.selector = selectors.DefaultSelector()
        self.bell, ring = os.pipe()
        for end in (self.bell, ring):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def run(self) -> None:
        """Serve until the pipe closes; then tidy up."""
        try:
            _say(folder=str(self.folder))
            self.selector.register(0, selectors.EVENT_READ)
            self.selector.register(self.bell, selectors.EVENT_READ)
            rest = b""
            while True:
                ready = {key.fd for key, _ in self.selector.select()}
                if self.bell in ready:
                    os.read(self.bell, 1 << 10)
                    self._reap()
                if 0 in ready:
                    if not (data := os.read(0, 1 << 16)):
                        return
                    *lines, rest = (rest + data).split(b"\n")
                    for line in lines:
                        self._start(**json.loads(line))
        except BrokenPipeError:
            return  # nobody listens any more
        finally:
            self._end()

    def _start(self, name: str, command: list[str], environment: dict[str, str], log: str) -> None:
        try:
            with open(log, "ab") as out:
                child = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder,
                    preexec_fn=self._die_with_me,
                )
        except OSError as error:
            _say(name=name, failed=str(error))
        else:
            self.children[child.pid] = (name, child)

    def _die_with_me(self) -> None:
        """In a new process: should the keeper itself be killed, this one is, too."""
        self.libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)

    def _reap(self) -> None:
        """Take note of processes that ended: ours, and those that we adopted."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if pid in self.children:
                    name, child = self.children.pop(pid)
                    child.returncode = os.waitstatus_to_exitcode(status)
                    _say(name=name, ended=child.returncode)

    def _end(self) -> None:
        """Kill whatever is below us until nothing is, and remove the folder."""
        deadline = time.monotonic() + _PATIENCE
        while (left := descendants(os.getpid())) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)


def _say(**words: Any) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        Keeper(sys.argv[1]).run()
    os._exit(0)  # a pipe that broke must not raise again at the end
