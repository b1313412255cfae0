"""What really passes between SuperNodes and SuperLink, counted at the socket."""

import pytest

from bench.frameworks.flower import deployment
from bench.frameworks.flower.host import Host
from tests.frameworks.cells import cell
from tests.frameworks.flower.relay import Relay

REST = 40_000  # bytes a client and way: handshakes, the app itself, registration, the roll call
PER_SECOND = 4_000  # bytes a client and way: polls and heartbeats


@pytest.mark.long
def test_bytes_at_the_socket_are_the_messages_and_a_rest_that_depends_on_time(monkeypatch: pytest.MonkeyPatch):
    start = deployment._start_node

    def through_the_relay(host: Host, k: int) -> None:
        relay.target, host.address = host.address, relay.address
        start(host, k)
        host.address = relay.target

    monkeypatch.setattr(deployment, "_start_node", through_the_relay)
    with Relay() as relay:
        outcome = deployment.run(cell("fedavg", clients="2", rounds="2", framework="flower-grpc"))
    wire, seconds = outcome["timing"]["wire"], outcome["timing"]["total_seconds"]

    def sent(way: str) -> int:
        return sum(wire[way]["tensors"]) - sum(wire[way]["repeats"]) + sum(wire[way]["framing"])

    for name, passed, messages in (("up", relay.up, sent("up") + sent("shown")), ("down", relay.down, sent("down"))):
        print(f"{name}: {passed} bytes at the socket, {messages} of them messages, {seconds:.0f} s")
        assert 0 < passed - messages < 2 * (REST + PER_SECOND * seconds)
