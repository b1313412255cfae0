"""A relay between SuperNodes and their SuperLink that counts what passes: the bytes of a wire, TLS and all."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Relay:
    """Listens on loopback and passes on to `target`; see `up` and `down`, in bytes, as a SuperNode sees them."""

    def __init__(self) -> None:
        self.target = ""
        self.up = self.down = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                node, _ = self._server.accept()
                host, _, port = self.target.rpartition(":")
                link = socket.create_connection((host, int(port)))
                threading.Thread(target=self._pass, args=(node, link, "up"), daemon=True).start()
                threading.Thread(target=self._pass, args=(link, node, "down"), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                with self._lock:
                    setattr(self, way, getattr(self, way) + len(data))
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
