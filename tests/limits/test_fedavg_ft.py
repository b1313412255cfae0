"""FedAvg with fine-tuning: at no epochs, at those of local training, and that nothing of it gets back."""

from dataclasses import dataclass
from typing import Any

import pytest

from algorithms.fedavg import FedAvg
from algorithms.fedavg_ft import FedAvgFT
from bench.plugin import At, Local, State
from tests.compare import gap, state_gap
from tests.limits.worlds import WORLDS
from tests.world import play


@dataclass(frozen=True)
class KeepsItsUpdate(FedAvg):
    """FedAvg whose clients remember what they sent."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"sent": work["model"]}, {"model": work["model"]}


@pytest.mark.parametrize("world", WORLDS)
def test_the_global_model_is_fedavgs(world: dict[str, Any]) -> None:
    assert state_gap(play(FedAvgFT(epochs=3), **world).server, play(FedAvg(), **world).server) == 0


@pytest.mark.parametrize("world", WORLDS)
def test_without_fine_tuning_the_personal_models_are_the_global_one_a_round_late(world: dict[str, Any]) -> None:
    late = play(FedAvg(), **{**world, "rounds": 2}).server["model"]
    tuned = play(FedAvgFT(epochs=0), **{**world, "rounds": 3})
    drawn = tuned.cohort(2)
    assert max(gap(tuned.clients[k].state["tuned"], late) for k in drawn) == 0


@pytest.mark.parametrize("world", [w for w in WORLDS if w.get("local_epochs", 2)])
def test_as_much_fine_tuning_as_training_gives_the_clients_update(world: dict[str, Any]) -> None:
    tuned, plain = play(FedAvgFT(epochs=2), **world), play(KeepsItsUpdate(), **world)  # two local epochs
    for a, b in zip(tuned.clients, plain.clients, strict=True):
        assert "sent" not in b.state or gap(a.state["tuned"], b.state["sent"]) == 0


def test_fine_tuning_is_counted() -> None:
    plain, tuned = (play(algorithm).outcome["steps"] for algorithm in (FedAvg(), FedAvgFT(epochs=5)))  # type: ignore[attr-defined]
    assert tuned == plain * 7 / 2  # two epochs, and two and five
