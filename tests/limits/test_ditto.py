"""Ditto: without its pull, and what the pull does."""

from dataclasses import dataclass
from typing import Any

import pytest

from algorithms.ditto import Ditto
from algorithms.fedavg import FedAvg
from algorithms.local import LocalOnly
from bench.plugin import Slot
from tests.compare import gap, state_gap
from tests.limits.worlds import WORLDS
from tests.world import play


@dataclass(frozen=True)
class AloneFromTheGlobal(LocalOnly):
    """Training alone, from the initial global model."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="shared", keeps=True)}


@pytest.mark.parametrize("world", WORLDS)
def test_without_pull_it_is_fedavg_beside_training_alone(world: dict[str, Any]) -> None:
    ditto, alone = play(Ditto(lam=0.0), **world), play(AloneFromTheGlobal(), **world)
    assert state_gap(ditto.server, play(FedAvg(), **world).server) == 0
    pairs = zip(ditto.clients, alone.clients, strict=True)
    assert max(gap(a.state["personal"], b.state["model"]) for a, b in pairs) == 0


@pytest.mark.parametrize("world", WORLDS)
def test_the_global_model_knows_nothing_of_the_personal_ones(world: dict[str, Any]) -> None:
    assert state_gap(play(Ditto(lam=0.7), **world).server, play(FedAvg(), **world).server) == 0


def test_the_stronger_the_pull_the_nearer_the_models() -> None:
    distances = []
    for lam in (0.0, 0.1, 1.0):
        ditto = play(Ditto(lam=lam))
        distances.append(sum(gap(client.state["personal"], ditto.server["model"]) for client in ditto.clients))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.5 * distances[0]
