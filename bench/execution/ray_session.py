"""Being connected to Ray: to a cluster by its address, or to one on this machine that is started and ended here.

Telemetry is off, a cluster of our own listens on the loopback interface only, and its files lie in a folder of ours.
On leaving, no process and no file of it is left, however the run ended; only a SIGKILL of this process leaves the
folder.
"""

import contextlib
import importlib
import importlib.util
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from bench.execution.executor import WorkersError
from bench.host.termination import as_interrupt

MISSING = "--executor ray: Ray is not installed here; install it with: pip install -c constraints/ray.txt -e '.[ray]'"
QUIET = {
    "RAY_usage_stats_enabled": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_enable_metrics_collection": "0",
}
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # Ray's switch for nodes that are known as 127.0.0.1
PREFIX = "fml-ray-"  # of the folder
STORE = 128 << 20  # bytes of Ray's object store: jobs and records are small
REACH = 5.0  # seconds until an address counts as unreachable
GREET = 15.0  # seconds that what answers there has to show that it is Ray
LONGEST_FOLDER = 44  # characters; Ray's sockets lie 62 deeper, and a socket's path may have 107
_FAREWELL = 5.0  # seconds that Ray's processes have to end
_HELLO = "import sys, ray; ray._raylet.GcsClient(address=sys.argv[1])"


def installed() -> bool:
    """Whether Ray can be imported, without importing it."""
    return importlib.util.find_spec("ray") is not None


class Session:
    """A connection to Ray. A context manager; `ray` is the module while it lasts. One at a time in a process."""

    ray: Any

    def __init__(self, address: str | None = None, cpus: float | None = None) -> None:
        """`address`: HOST:PORT of a head node; None: a cluster of our own with so many `cpus` (None: all cores)."""
        self.address, self._cpus = address, cpus
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Connect. Raises WorkersError where Ray is not installed or the address is of no use."""
        if not installed():
            raise WorkersError(MISSING)
        local = self.address is None or self.address.rpartition(":")[0] in ("127.0.0.1", "localhost")
        try:
            with _interruptible():
                self._cleanup.enter_context(_environment(QUIET | (LOOPBACK if local else {})))
                if self.address is not None:
                    _check(self.address)
                self._connect()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _undisturbed():
            self._cleanup.close()

    def _connect(self) -> None:
        options: dict[str, Any] = {}
        if self.address is None:
            folder = self._cleanup.enter_context(_folder())
            options = {
                "num_cpus": None if self._cpus is None else math.ceil(self._cpus),
                "include_dashboard": False,
                "_temp_dir": str(folder),
            }
            options["object_store_memory"] = STORE
        ray = self.ray = importlib.import_module("ray")
        self._cleanup.enter_context(_ended(ray))
        ray._private.worker._worker_logs_enabled = False  # the raylets' own complaints; ours are clearer
        silent = {"logging_level": "ERROR", "configure_logging": False, "log_to_driver": False}
        try:
            ray.init(address=self.address or "local", **silent, **options)
        except Exception as error:
            where = f"--address {self.address}" if self.address else "--executor ray"
            hint = f". This machine must be a node of the cluster: ray start --address {self.address}"
            reason = " ".join(str(error).split())[:300]
            raise WorkersError(f"{where}: Ray does not start: {reason}{hint if self.address else ''}") from error


def _check(address: str) -> None:
    """Raise WorkersError unless the head of a Ray cluster answers at HOST:PORT, in bounded time."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise WorkersError(f"--address: expected HOST:PORT of a Ray cluster's head node, got {address}")
    advice = "start the head node with: ray start --head --port 6379"
    try:
        socket.create_connection((host, int(port)), timeout=REACH).close()
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise WorkersError(f"--address {address}: nothing to connect to there ({why}); {advice}") from error
    try:  # in a process of its own: what is no Ray keeps its client waiting for minutes
        greeted = subprocess.run(
            [sys.executable, "-c", _HELLO, address], capture_output=True, timeout=GREET, check=False
        )
        answers = greeted.returncode == 0
    except subprocess.TimeoutExpired:
        answers = False
    if not answers:
        raise WorkersError(f"--address {address}: what listens there is no head node of Ray; {advice}")


@contextlib.contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder for Ray's files, with a short path: sockets lie in it."""
    usual = tempfile.gettempdir()
    place = usual if len(usual) + len(PREFIX) + 9 <= LONGEST_FOLDER else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _ended(ray: ModuleType) -> Iterator[None]:
    """Take leave of Ray, and see to it that every process that came with it ends."""
    import psutil  # comes with Ray

    us = psutil.Process()
    before = set(us.children(recursive=True))
    try:
        yield
    finally:
        ours = [process for process in us.children(recursive=True) if process not in before]
        ray.shutdown()
        _, stubborn = psutil.wait_procs(ours, timeout=_FAREWELL)
        for process in stubborn:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(stubborn, timeout=_FAREWELL)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """While Ray starts, SIGINT and SIGTERM are a KeyboardInterrupt; afterwards they are what they were before.

    Ray sets a handler for SIGTERM of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    with as_interrupt(signal.SIGINT, signal.SIGTERM):
        try:
            yield
        except SystemExit:  # what Ray's handler makes of SIGTERM
            raise KeyboardInterrupt from None


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Taking leave takes a second or two; a second Ctrl-C must not leave half of it undone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
