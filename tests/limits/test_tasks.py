"""Limit identities of tasks of clients' own, to the bit."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

import tests.nets  # noqa: F401 - registers the net with BatchNorm
from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from algorithms.fedrep import FedRep
from algorithms.fml import FML
from algorithms.local import LocalOnly
from bench.declaration.tasks import ClientTask
from bench.plugin import Algorithm, Slot
from tests.compare import gap, state_gap
from tests.contract.plugins import PrivateHead
from tests.world import LOW, OTHER, TWO_SOURCES, UNEQUAL, images, play, tasks

EVERYTHING = ClientTask("synthetic", "synthetic", "synthetic", (0, 1, 2, 3), 4)
NETS: list[dict[str, Any]] = [{"net": "mlp"}, {"net": "test-batchnorm", "participation": 0.5}]


@dataclass(frozen=True)
class PrivateHeadFML(FML):
    """FML that says itself that the meme's head stays."""

    def slots(self) -> dict[str, Slot]:
        return {"local": Slot(role="personal", keeps=True), "meme": Slot(private=("head",))}


@dataclass(frozen=True)
class Restarted(LocalOnly):
    """Training alone from the weights that all clients share, with momentum anew in each round."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="shared")}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(
    ("with_tasks", "private"), [(FedAvg(), PrivateHead()), (FedRep(), FedRep()), (FML(), PrivateHeadFML())]
)
def test_one_task_with_all_classes_is_the_ordinary_run_with_private_heads(
    with_tasks: Algorithm, private: Algorithm, net: dict[str, Any]
) -> None:
    one = play(with_tasks, images(), **net, **tasks(EVERYTHING))
    plain = play(private, images(), **net)
    slot = "meme" if isinstance(private, FML) else "model"
    body = {name: tensor for name, tensor in plain.server[slot].items() if name in one.server[slot]}
    assert gap(one.server[slot], body) == 0
    for mine, theirs in zip(one.clients, plain.clients, strict=True):
        assert state_gap(mine.state, theirs.state) == 0
        assert gap(mine.kept[slot], theirs.kept[slot]) == 0
    told = {**one.outcome}  # type: ignore[attr-defined]
    assert told.pop("tasks") == {
        "of_clients": [0] * 4,
        "private_heads": [slot] if type(private) is not FedRep else [],
    }
    assert told == plain.outcome  # type: ignore[attr-defined]


@pytest.mark.parametrize("world", [UNEQUAL, TWO_SOURCES], ids=["one data set", "two"])
@pytest.mark.parametrize("net", NETS)
def test_fml_without_teaching_is_local_and_fedavg_side_by_side(net: dict[str, Any], world: dict[str, Any]) -> None:
    both = play(FML(alpha=1.0, beta=1.0, average="examples"), **net, **world)
    avg, alone = play(FedAvg(), **net, **world), play(LocalOnly(), **net, **world)
    assert gap(both.server["meme"], avg.server["model"]) == 0
    for client, averaged, single in zip(both.clients, avg.clients, alone.clients, strict=True):
        assert gap(client.state["local"], single.state["model"]) == 0
        assert gap(client.kept["meme"], averaged.kept["model"]) == 0


def test_fedprox_without_pull_is_fedavg() -> None:
    prox, avg = play(FedProx(mu=0.0), **UNEQUAL), play(FedAvg(), **UNEQUAL)
    assert state_gap(prox.server, avg.server) == 0
    assert all(state_gap(a.kept, b.kept) == 0 for a, b in zip(prox.clients, avg.clients, strict=True))


@pytest.mark.parametrize("algorithm", [FedAvg(), FedProx(mu=0.0)])
def test_a_client_alone_with_its_task_trains_as_if_it_were_alone(algorithm: Algorithm) -> None:
    """Nobody to share with: sharing a body is training alone."""
    alone = tasks(replace(LOW, clients=1), partition="iid", partition_params={}, alpha=None)
    shared, single = play(algorithm, **alone), play(Restarted(), **alone)
    whole = shared.server["model"] | shared.clients[0].kept["model"]
    assert gap(whole, single.clients[0].state["model"]) == 0


def test_training_alone_does_not_notice_what_others_learn() -> None:
    """Local clients are the same whether the other clients have other classes or other images."""
    first = play(LocalOnly(), **tasks(LOW, OTHER, dataset="two"))
    second = play(LocalOnly(), **tasks(LOW, replace(OTHER, classes=(2, 1)), dataset="two"))
    third = play(FedAvg(), **tasks(LOW, OTHER, dataset="two"))
    fourth = play(FedAvg(), **tasks(LOW, replace(OTHER, classes=(2, 1)), dataset="two"))
    for k in (0, 1):
        assert state_gap(first.clients[k].state, second.clients[k].state) == 0
    assert gap(third.server["model"], fourth.server["model"]) > 1e-3  # who shares a body does notice
