"""FedRep: each of its stages moves one part of the model, and how long they are."""

from dataclasses import dataclass
from typing import Any

import pytest

from algorithms.fedavg import FedAvg
from algorithms.fedrep import FedRep
from bench.plugin import Phase
from tests.compare import gap, state_gap
from tests.limits.worlds import WORLDS
from tests.world import play


@dataclass(frozen=True)
class HeadAlone(FedRep):
    """The first stage, and no other."""

    def phases(self) -> tuple[Phase, ...]:
        return super().phases()[:1]


@pytest.mark.parametrize("world", WORLDS)
def test_a_round_leaves_the_head_that_its_first_stage_made(world: dict[str, Any]) -> None:
    whole, head = (
        play(algorithm, **world, rounds=1) for algorithm in (FedRep(head_epochs=2), HeadAlone(head_epochs=2))
    )
    assert max(state_gap(a.kept, b.kept) for a, b in zip(whole.clients, head.clients, strict=True)) == 0
    assert gap(whole.clients[0].kept["model"], whole.clients[1].kept["model"]) > 1e-4  # heads are the clients' own


@pytest.mark.parametrize("world", WORLDS)
def test_the_first_stage_leaves_the_body_weights_alone(world: dict[str, Any]) -> None:
    head = play(HeadAlone(), **world)
    fresh = head.setting.fresh(head.algorithm, None)["model"]
    weights = head.server["model"].keys() - head.setting.task.shared.buffers
    assert gap({n: head.server["model"][n] for n in weights}, {n: fresh[n] for n in weights}) == 0
    moved = play(FedRep(), **world).server["model"]
    assert gap({n: moved[n] for n in weights}, {n: fresh[n] for n in weights}) > 1e-4


@pytest.mark.parametrize("world", WORLDS[:2])
def test_as_many_head_epochs_as_the_suite_gives_are_the_default(world: dict[str, Any]) -> None:
    asked, default = play(FedRep(head_epochs=2), **world), play(FedRep(), **world)  # two local epochs
    assert state_gap(asked.server, default.server) == 0
    assert max(state_gap(a.kept, b.kept) for a, b in zip(asked.clients, default.clients, strict=True)) == 0


def test_the_steps_that_are_counted_are_those_of_both_stages() -> None:
    plain, default, paper = (play(a).outcome["steps"] for a in (FedAvg(), FedRep(), FedRep(head_epochs=10)))  # type: ignore[attr-defined]
    assert (default, paper) == (2 * plain, 6 * plain)  # epochs: 2, 2 + 2, 10 + 2
