"""What a ServerApp tells the process that started it: a word per event through a pipe of the run's folder."""

import os
import pickle
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Outcome = dict[str, Any] | Exception  # {"result", "timing"} of a record, or why there is none
_PIPE, _FILE = "news", "outcome.pickle"


class Reporter:
    """The ServerApp's end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self._pipe = os.open(self.folder / _PIPE, os.O_WRONLY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._pipe)

    def ready(self) -> None:
        """All nodes are there."""
        self._say("ready")

    def round(self, number: int) -> None:
        """So many rounds are finished."""
        self._say(f"round {number}")

    def outcome(self, outcome: Outcome) -> None:
        """The end, whichever it is."""
        (self.folder / _FILE).write_bytes(_pickled(outcome))
        self._say("outcome")

    def _say(self, word: str) -> None:
        os.write(self._pipe, f"{word}\n".encode())  # shorter than PIPE_BUF, so a line is never torn


class Listener:
    """The end of the process that started it all; made before anything else is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        os.mkfifo(folder / _PIPE, 0o600)
        self.pipe = os.open(folder / _PIPE, os.O_RDWR | os.O_NONBLOCK)  # also for writing, so that it never ends
        self._rest = ""

    def words(self) -> list[str]:
        """What has been said since the last call; does not wait."""
        try:
            self._rest += os.read(self.pipe, 1 << 16).decode()
        except BlockingIOError:
            return []
        *lines, self._rest = self._rest.split("\n")
        return lines

    def outcome(self) -> Outcome:
        """What `Reporter.outcome` left."""
        found: Outcome = pickle.loads((self.folder / _FILE).read_bytes())
        return found

    def close(self) -> None:
        """Stop listening."""
        os.close(self.pipe)


def _pickled(outcome: Outcome) -> bytes:
    """An outcome as bytes; an exception that cannot cross is replaced by its words."""
    if isinstance(outcome, Exception):
        where = "".join(traceback.format_exception(outcome))
        try:
            data = pickle.dumps(outcome)
            pickle.loads(data)
        except Exception:
            outcome = RuntimeError(f"{type(outcome).__name__}: {outcome}")
        outcome.add_note(where)
    return pickle.dumps(outcome)
