"""Being connected to Ray, as far as that needs no Ray: addresses, folders, signals."""

import os
import signal
import socket
import tempfile
from pathlib import Path

import pytest

from bench.execution import ray_session
from bench.execution.executor import WorkersError
from bench.execution.ray_session import LONGEST_FOLDER, MISSING, Session


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_session, "installed", lambda: False)
    with pytest.raises(WorkersError) as refused:
        Session().__enter__()
    assert str(refused.value) == MISSING
    assert "pip install -c constraints/ray.txt -e '.[ray]'" in MISSING
    assert "\n" not in MISSING


@pytest.mark.parametrize("address", ["here", "host:", ":6379", "host:port", "host:0", "host:70000", "ray://host:x"])
def test_what_is_no_address_is_refused(address: str):
    with pytest.raises(WorkersError, match="--address: expected HOST:PORT of a Ray cluster's head node, got "):
        ray_session._check(address)


def test_an_address_where_nothing_listens_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(WorkersError, match=rf"127\.0\.0\.1:{port}: nothing to connect to there \(Connection refused\)"):
        ray_session._check(f"127.0.0.1:{port}")


def test_what_listens_and_says_nothing_is_refused_in_bounded_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_session, "GREET", 0.2)
    words = "what listens there is no head node of Ray; start the head node with"
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(WorkersError, match=words):
        ray_session._check(f"127.0.0.1:{listener.getsockname()[1]}")


def test_the_folder_is_short_and_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * LONGEST_FOLDER)))
    with ray_session._folder() as folder:
        assert len(str(folder)) <= LONGEST_FOLDER
        (folder / "session").mkdir()
    assert not folder.exists()


def test_the_environment_is_what_it_was(monkeypatch: pytest.MonkeyPatch):
    asked, other, absent = ray_session.QUIET
    monkeypatch.setenv(asked, "1")
    monkeypatch.delenv(absent, raising=False)
    with ray_session._environment(ray_session.QUIET):
        assert [os.environ[name] for name in (asked, other, absent)] == ["0"] * 3
    assert os.environ[asked] == "1"
    assert absent not in os.environ


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_interrupt_the_start_and_not_the_end(number: signal.Signals):
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), ray_session._interruptible():
        os.kill(os.getpid(), number)

    def as_ray_does() -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)
        raise SystemExit(int(number))

    with pytest.raises(KeyboardInterrupt), ray_session._interruptible():
        as_ray_does()
    with ray_session._undisturbed():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
