"""FD: where it is Local, and that a client is taught by all others and never by itself."""

from typing import Any

import pytest
import torch

from algorithms.fd import FD
from algorithms.local import LocalOnly
from bench.plugin import State
from bench.rounds.federation import Federation
from tests.compare import state_gap
from tests.limits.worlds import ALONE, WORLDS
from tests.transcripts.check import MIXED
from tests.world import play


def models(federation: Federation) -> list[State]:
    return [{"model": client.state["model"]} for client in federation.clients]


@pytest.mark.parametrize("world", [*WORLDS, MIXED])
def test_without_weight_it_is_local(world: dict[str, Any]) -> None:
    fd, alone = play(FD(gamma=0.0), **world), play(LocalOnly(), **world)
    assert max(state_gap(a, b.state) for a, b in zip(models(fd), alone.clients, strict=True)) == 0


@pytest.mark.parametrize("world", WORLDS)
def test_one_client_has_no_teacher(world: dict[str, Any]) -> None:
    world = {**world, **ALONE, "participation": 1.0}
    fd, alone = play(FD(gamma=5.0), **world), play(LocalOnly(), **world)
    assert state_gap(models(fd)[0], alone.clients[0].state) == 0


def test_with_others_it_is_not_local() -> None:
    fd, alone = play(FD()), play(LocalOnly())
    assert min(state_gap(a, b.state) for a, b in zip(models(fd), alone.clients, strict=True)) > 1e-3


@pytest.mark.parametrize("world", [{"alpha": 0.2}, {"participation": 0.5, "rounds": 5}, MIXED])
def test_the_server_has_each_client_once_as_it_was_last(world: dict[str, Any]) -> None:
    federation = play(FD(), **world)
    sent = [client.state["sent"] for client in federation.clients]
    for name in ("means", "has"):
        total = torch.stack([each[name] for each in sent]).sum(0)
        assert torch.allclose(federation.server["outputs"][name], total, atol=1e-6)
    assert federation.server["outputs"]["has"].min() < 4  # somebody lacks a class, or was never drawn


@pytest.mark.parametrize("world", [{"alpha": 0.2}, {"participation": 0.5, "rounds": 5}])
def test_a_teacher_is_the_mean_of_the_others(world: dict[str, Any]) -> None:
    federation = play(FD(), **world)
    sent = [client.state["sent"] for client in federation.clients]
    for k, client in enumerate(federation.clients):
        at = federation.setting.at(FD(), 3, k)
        teacher = FD().start(client.state, federation.server, at)["teacher"]
        for label in range(4):
            others = [e["means"][label] for i, e in enumerate(sent) if i != k and e["has"][label]]
            assert teacher["known"][label] == bool(others)
            if others:
                assert torch.allclose(teacher["means"][label], torch.stack(others).mean(0), atol=1e-5)
                assert abs(float(teacher["means"][label].sum()) - 1) < 1e-5  # a distribution


def test_a_class_that_nobody_else_has_teaches_nothing() -> None:
    federation = play(FD())
    client = federation.clients[0].state
    alone = {"outputs": client["sent"]}  # as if the others had sent nothing
    teacher = FD().start(client, alone, federation.setting.at(FD(), 3, 0))["teacher"]
    assert teacher["known"].tolist() == [0, 0, 0, 0]
    assert not teacher["means"].any()


def test_only_averages_are_paid_for_and_nothing_before_the_first_round() -> None:
    federation = play(FD(), **MIXED)
    table = 4 * (4 * 4 + 4)  # bytes: float32, classes by classes, and which classes there are
    assert federation.journal.bytes_up == [4 * table] * 3
    assert federation.journal.bytes_down == [0, 4 * table, 4 * table]
