"""What we do when Flower's programs do not do what they should: tried with programs of the same names."""

import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.frameworks.flower.host import Host
from bench.frameworks.flower.news import Reporter
from bench.frameworks.processes import FrameworkError
from bench.rounds.group import Diverged
from tests.frameworks.cells import cell


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose programs are looked for in the test's folder first."""
    with Host(cell("fedavg", clients="2"), None) as made:
        made.environment["PATH"] = f"{tmp_path}{os.pathsep}{made.environment['PATH']}"
        made.address = "127.0.0.1:1"
        yield made


def program(folder: Path, name: str, text: str) -> None:
    """Put a program there."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)


def test_a_link_that_cannot_have_its_port_is_tried_again_and_then_told(host: Host, tmp_path: Path):
    program(tmp_path, "flower-superlink", "echo address already in use; exit 1")
    with pytest.raises(FrameworkError, match=r"ended before it answered on 127\.0\.0\.1:\d+ .*address already in use"):
        host.start_link()
    assert host.processes.log("SuperLink").read_text().count("address already in use") == 3


def test_a_program_that_is_missing_is_named(host: Host):
    host.processes.start("SuperLink", ["flower-of-no-kind"], host.environment)
    with pytest.raises(FrameworkError, match=r"SuperLink could not be started: .*flower-of-no-kind"):
        host.outcome(None)


def test_a_run_that_ends_without_an_outcome_is_told(host: Host, tmp_path: Path):
    program(tmp_path, "flwr", "echo nothing happened")
    host.start_run()
    with pytest.raises(FrameworkError, match="the run ended without an outcome: nothing happened"):
        host.outcome(None)


def test_a_run_that_is_refused_says_why(host: Host, tmp_path: Path):
    program(tmp_path, "flwr", "echo no such connection; exit 1")
    host.start_run()
    with pytest.raises(FrameworkError, match="flwr run ended with exit code 1: no such connection"):
        host.outcome(None)


def test_rounds_and_outcome_are_heard(host: Host):
    rounds: list[int] = []
    with Reporter(host.folder) as reporter:
        reporter.ready()
        reporter.round(1)
        reporter.round(2)
        reporter.outcome({"result": {"steps": 1}, "timing": {}})
    found = host.outcome(rounds.append)
    assert rounds == [1, 2]
    assert found["result"] == {"steps": 1}
    assert found["timing"]["ready_seconds"] >= 0


def test_what_the_server_raised_is_raised_here(host: Host):
    with Reporter(host.folder) as reporter:
        reporter.outcome(Diverged("the loss is not finite"))
    with pytest.raises(Diverged, match="the loss is not finite") as raised:
        host.outcome(None)
    assert "Diverged" in raised.value.__notes__[0]


def test_an_error_that_cannot_travel_arrives_as_words(host: Host):
    class Local(Exception):
        """Known here only."""

    with Reporter(host.folder) as reporter:
        reporter.outcome(Local("something odd"))
    with pytest.raises(RuntimeError, match="Local: something odd"):
        host.outcome(None)


def test_processes_that_pile_up_end_the_run(host: Host, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(host.processes, "number", lambda: 31)
    with Reporter(host.folder) as reporter:
        reporter.ready()
        with pytest.raises(FrameworkError, match=r"at most 30 processes, Flower has started 31.*too busy"):
            host.outcome(None)


def test_certificates_are_for_loopback_and_the_key_is_ours(host: Host):
    context = ssl.create_default_context(cafile=str(host.tls.authority))
    assert [found["subject"] for found in context.get_ca_certs()] == [((("commonName", "fml-bench authority"),),)]
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(host.tls.server, host.tls.key)
    assert stat.S_IMODE(host.tls.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(host.folder.stat().st_mode) == 0o700
