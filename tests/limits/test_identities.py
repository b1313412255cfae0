"""Limit identities: at a neutral value of its parameter an algorithm is another one, to the bit."""

from typing import Any

import pytest
import torch

from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from algorithms.fml import FML
from algorithms.local import LocalOnly
from bench import ops
from bench.plugin import Algorithm
from tests.compare import gap, state_gap
from tests.contract.plugins import FedAdam, PrivateNorm
from tests.limits.worlds import ALONE, WORLDS
from tests.world import play


def server_and_clients(algorithm: Algorithm, **world: Any) -> tuple[Any, list[Any]]:
    federation = play(algorithm, **world)
    return federation.server, federation.clients


@pytest.mark.parametrize("world", WORLDS)
def test_fedprox_without_pull_is_fedavg(world: dict[str, Any]) -> None:
    prox, _ = server_and_clients(FedProx(mu=0.0), **world)
    avg, _ = server_and_clients(FedAvg(), **world)
    assert state_gap(prox, avg) == 0


@pytest.mark.parametrize("world", WORLDS)
def test_fml_without_teaching_is_local_and_fedavg_side_by_side(world: dict[str, Any]) -> None:
    server, clients = server_and_clients(FML(alpha=1.0, beta=1.0, average="examples"), **world)
    avg, _ = server_and_clients(FedAvg(), **world)
    _, alone = server_and_clients(LocalOnly(), **world)
    assert gap(server["meme"], avg["model"]) == 0
    assert max(gap(a.state["local"], b.state["model"]) for a, b in zip(clients, alone, strict=True)) == 0


def test_fml_with_teaching_is_neither() -> None:
    """The identity above can fail: away from the neutral values the models differ visibly."""
    server, clients = server_and_clients(FML(), net="mlp")
    avg, _ = server_and_clients(FedAvg(), net="mlp")
    _, alone = server_and_clients(LocalOnly(), net="mlp")
    assert gap(server["meme"], avg["model"]) > 1e-3
    assert min(gap(a.state["local"], b.state["model"]) for a, b in zip(clients, alone, strict=True)) > 1e-3


@pytest.mark.parametrize("world", WORLDS[:2])
def test_one_client_alone_is_plain_training(world: dict[str, Any]) -> None:
    """FedAvg with one client is that client's training with momentum restarted each round."""
    world = {**world, **ALONE, "participation": 1.0}
    avg, _ = server_and_clients(FedAvg(), rounds=2, **world)
    prox, _ = server_and_clients(FedProx(mu=0.0), rounds=2, **world)
    assert state_gap(avg, prox) == 0


def test_private_norm_without_norm_layers_is_fedavg() -> None:
    private, _ = server_and_clients(PrivateNorm(), net="cnn")
    avg, _ = server_and_clients(FedAvg(), net="cnn")
    assert state_gap(private, avg) == 0


def test_server_optimiser_moves_otherwise_than_the_mean() -> None:
    adam, _ = server_and_clients(FedAdam(), net="mlp")
    avg, _ = server_and_clients(FedAvg(), net="mlp")
    assert gap(adam["model"], avg["model"]) > 1e-2


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [1.0, 2.0, 4.0], [0.1, 0.7, 1e6]])
def test_the_mean_of_equal_models_is_that_model(weights: list[float]) -> None:
    model = {"w": torch.randn(50, 7), "count": torch.tensor(41)}
    stacked = {name: torch.stack([tensor] * 3) for name, tensor in model.items()}
    assert gap(ops.mean(stacked, torch.tensor(weights)), model) == 0
    assert ops.mean(stacked, torch.tensor(weights))["count"].dtype == torch.int64
