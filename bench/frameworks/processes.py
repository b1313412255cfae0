"""The processes of a framework, which a keeper starts, watches and ends for us; see `bench.frameworks.keeper`."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.frameworks.keeper import descendants
from bench.registry import ROOT

_LAST_WORDS = 400  # characters of a log that are repeated


class FrameworkError(Exception):
    """A framework's process that did not do what it was started for."""


@dataclass(frozen=True)
class Ended:
    """A process that is gone."""

    name: str
    code: int | None  # None: it could not be started
    reason: str

    @property
    def good(self) -> bool:
        """Whether it ended by itself and without complaint."""
        return self.code == 0


class Processes:
    """A folder and the processes that work in it. A context manager: on leaving, both are gone."""

    folder: Path

    def __init__(self, prefix: str) -> None:
        """`prefix`: of the folder's name, short: sockets below it may have paths of about a hundred characters."""
        self.prefix = prefix
        self._rest = b""

    def __enter__(self) -> Self:
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "bench.frameworks.keeper", self.prefix],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": search_path()},
            start_new_session=True,  # a terminal's Ctrl-C is for us, who then let it go
        )
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._in, self._out = self._keeper.stdin, self._keeper.stdout
        self.folder = Path(json.loads(self._out.readline())["folder"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in.close()
        self._keeper.wait()
        self._out.close()

    def fileno(self) -> int:
        """Readable when there is something to `hear`."""
        return self._out.fileno()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process; it inherits nothing. What it says goes to `log`."""
        order = {"name": name, "command": list(command), "environment": dict(environment), "log": str(self.log(name))}
        self._in.write(json.dumps(order).encode() + b"\n")
        self._in.flush()

    def log(self, name: str) -> Path:
        """Where the output of a process lies."""
        return self.folder / f"{name.replace(' ', '-')}.log"

    def hear(self) -> list[Ended]:
        """Wait until at least one process has ended. Raises FrameworkError if the keeper itself is gone."""
        if not (data := os.read(self.fileno(), 1 << 16)):
            raise FrameworkError("the process that watches over the framework's processes has ended")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [self._ended(**json.loads(line)) for line in lines]

    def number(self) -> int:
        """How many processes there are now, with all that they have started."""
        return len(descendants(self._keeper.pid))

    def last_words(self, name: str) -> str:
        """The end of what a process said, in one line."""
        try:
            text = self.log(name).read_text(errors="replace")
        except OSError:
            return ""
        return " ".join(text.split())[-_LAST_WORDS:]

    def _ended(self, name: str, ended: int | None = None, failed: str = "") -> Ended:
        if ended is None:
            return Ended(name, None, f"{name} could not be started: {failed}")
        how = f"was killed by signal {-ended}" if ended < 0 else f"ended with exit code {ended}"
        return Ended(name, ended, f"{name} {how}")


def search_path() -> str:
    """PYTHONPATH for processes that must find this checkout, and in it our `datasets` before anybody else's."""
    before = os.environ.get("PYTHONPATH")
    return f"{ROOT}{os.pathsep}{before}" if before else str(ROOT)
