"""A worker process, seen from outside."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from bench.execution.crew import ENVIRONMENT
from bench.registry import ROOT

THREADS = {name: value for name, value in ENVIRONMENT.items() if name.endswith("_THREADS")}
MALLOC = {name: value for name, value in ENVIRONMENT.items() if name.startswith("MALLOC_")}


class WorkerError(Exception):
    """A worker that answered with an error, or ended."""


def surroundings(*, threads: bool = True, malloc: bool = True) -> dict[str, str]:
    """The environment of a worker: that of our own workers, or without its threads or malloc settings."""
    kept = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    return kept | (THREADS if threads else {}) | (MALLOC if malloc else {})


class Worker:
    """A process that holds one object ("module:Class", made with `arguments`). A context manager: it ends with it."""

    def __init__(self, target: str, environment: Mapping[str, str] | None = None, **arguments: Any) -> None:
        """Returns when the object is made; `environment` as by `surroundings`. Raises WorkerError."""
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.speedometer.worker", target, json.dumps(arguments)],
            cwd=ROOT,
            env=dict(environment if environment is not None else surroundings()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            start_new_session=True,  # Ctrl-C is for us alone; we end it
        )
        try:
            self._answer()
        except BaseException:
            self.end()
            raise

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method of the object. Raises WorkerError."""
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps([method, arguments]) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it is gone, which reading its answer will tell
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._complaints.seek(0)
            last = self._complaints.read().decode(errors="replace").strip().splitlines()[-1:]
            raise WorkerError(f"the worker process ended with exit code {code}{': ' if last else ''}{''.join(last)}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["value"]

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            if stream:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
