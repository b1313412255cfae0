"""One run of our Flower app on a SuperLink of our own: started, watched, and ended with everything it brought along."""

import contextlib
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.declaration.cell import Cell
from bench.frameworks.flower import certificates
from bench.frameworks.flower.news import Listener
from bench.frameworks.flower.node import Order
from bench.frameworks.processes import FrameworkError, Processes, search_path

_PROCESSES, _PER_CLIENT = 20, 5  # that a run may have: a SuperNode, its SuperExec, a ClientApp and two spare ones
LOOPBACK = "127.0.0.1"
APPS = "bench.frameworks.flower"  # every algorithm of ours
_LINK, _RUN = "SuperLink", "flwr run"
_PAUSE = 0.05  # seconds between looks at a server that is starting
_LOOK = 5.0  # seconds between looks at how many processes there are
_PORTS = 3  # ports to try: another process may take one between our look and the SuperLink's start

_APP = """\
[project]
name = "fml-bench"
version = "1.0.0"
description = "A cell of a benchmark suite"
license = "Apache-2.0"
dependencies = []

[tool.flwr.app]
publisher = "fml-bench"

[tool.flwr.app.components]
serverapp = "{apps}.server_app:app"
clientapp = "{apps}.client_app:app"

[tool.flwr.app.config]
folder = "{folder}"
"""
_CONNECTION = """\
[superlink]
default = "ours"

[superlink.ours]
address = "{address}"
root-certificates = "{authority}"
"""


class Host:
    """A folder, certificates, a SuperLink and what else a run needs. A context manager that leaves nothing behind."""

    def __init__(self, cell: Cell, root: Path | None, trace: Path | None = None) -> None:
        self.cell, self.root = cell, root
        self.trace = trace.absolute() if trace else None  # other processes have another current folder
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._open:
            self.processes = self._open.enter_context(Processes("bench-fl-"))
            self.folder = self.processes.folder
            Order.of(self.cell, self.root, self.trace).write(self.folder)
            self.listener = Listener(self.folder)
            self._open.callback(self.listener.close)
            self.tls = certificates.make(self.folder)
            self.environment = surroundings(self.folder)
            self._open = self._open.pop_all()  # all went well: closing is left to __exit__
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def start_link(self, *options: str) -> None:
        """Start the SuperLink and wait until it answers. Raises FrameworkError."""
        for _ in range(_PORTS):
            self.address = f"{LOOPBACK}:{(port := free_port())}"
            command = ["flower-superlink", "--host", LOOPBACK, "--port", str(port), *self.tls.options, *options]
            self.processes.start(_LINK, command, self.environment)
            if self._answers():
                return
        raise FrameworkError(
            f"the SuperLink ended before it answered on {self.address} (port taken?): "
            f"{self.processes.last_words(_LINK)}"
        )

    def start_run(self, *options: str, apps: str = APPS) -> None:
        """Hand the app in; `apps`: the package whose ServerApp and ClientApp it is."""
        app = self.folder / "app"
        app.mkdir()
        (app / "pyproject.toml").write_text(_APP.format(folder=self.folder, apps=apps))
        home = Path(self.environment["FLWR_HOME"])
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(_CONNECTION.format(address=self.address, authority=self.tls.authority))
        command = ["flwr", "run", str(app), "ours", "--stream", *options]
        self.processes.start(_RUN, command, self.environment)

    def outcome(self, on_round: Callable[[int], None] | None) -> dict[str, Any]:
        """Wait for the end of the run. Raises what the ServerApp raised, or FrameworkError when a process is gone."""
        begin, ready = time.perf_counter(), 0.0
        while True:
            heard = wait([self.listener.pipe, self.processes.fileno()], _LOOK)
            self._check_number()
            for word in self.listener.words():
                if word == "ready":
                    ready = time.perf_counter() - begin
                elif word == "outcome":
                    return self._opened(ready)
                elif on_round:
                    on_round(int(word.split()[1]))
            if self.processes.fileno() in heard:
                for ended in self.processes.hear():
                    if ended.name == _RUN and ended.good:
                        if "outcome" in self.listener.words():
                            return self._opened(ready)
                        reason = "the run ended without an outcome"
                    else:
                        reason = ended.reason
                    raise FrameworkError(f"{reason}: {self.processes.last_words(ended.name)}")

    def _check_number(self) -> None:
        """Raise FrameworkError where Flower starts the same work over and over.

        A SuperExec gives a process 30 seconds to say that it is alive, then starts another beside it; where a machine
        is so busy that none makes it, each makes the others slower.
        """
        most = _PROCESSES + _PER_CLIENT * self.cell.clients
        if (number := self.processes.number()) > most:
            raise FrameworkError(
                f"expected at most {most} processes, Flower has started {number}: they do not come up within its 30 "
                f"seconds. The machine is too busy: run fewer clients, or nothing beside it"
            )

    def _opened(self, ready: float) -> dict[str, Any]:
        outcome = self.listener.outcome()
        if isinstance(outcome, Exception):
            raise outcome
        outcome["timing"]["ready_seconds"] = ready
        return outcome

    def _answers(self) -> bool:
        """Wait for the SuperLink to be there; False when it ended instead."""
        context = ssl.create_default_context(cafile=str(self.tls.authority))
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        while not wait([self.processes.fileno()], _PAUSE):
            with contextlib.suppress(OSError), direct.open(f"https://{self.address}/health", timeout=5):
                return True
        self.processes.hear()
        return False


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of Flower's and Ray's processes: homes and temporary files in the folder, nothing phoned home."""
    (folder / "tmp").mkdir()
    scripts = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', os.defpath)}",  # they start each other by name
        "PYTHONPATH": search_path(),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder / "tmp"),
        "FLWR_HOME": str(folder / "flwr"),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.25",  # seconds
        "RAY_TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # despite its name: Ray then listens on loopback only, on Linux too
        "NO_PROXY": f"{LOOPBACK},localhost",
        "no_proxy": f"{LOOPBACK},localhost",
    }


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def hosted(
    cell: Cell,
    root: Path | None,
    on_round: Callable[[int], None] | None,
    begin: Callable[[Host], None],
    trace: Path | None = None,
) -> dict[str, Any]:
    """Run a cell on what `begin` starts: {"result": ..., "timing": ...} as `bench.rounds.group.run` returns it."""
    clock = time.perf_counter()
    with Host(cell, root, trace) as host:
        begin(host)
        started = time.perf_counter() - clock
        outcome = host.outcome(on_round)
    timing = outcome["timing"]
    timing["start_seconds"] = started + timing.pop("ready_seconds")  # until all nodes have answered the roll call
    timing["total_seconds"] = time.perf_counter() - clock
    return outcome


def options(name: str, values: dict[str, object]) -> Sequence[str]:
    """An option of ``flwr run`` whose value is itself a list of settings."""
    return (name, " ".join(f"{key}={value}" for key, value in values.items()))
