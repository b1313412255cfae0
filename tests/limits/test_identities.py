"""Limit identities: at a neutral value of its parameter an algorithm is another one, to the bit."""

from typing import Any

import pytest
import torch

from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from algorithms.fml import FML
from algorithms.fml_variants import FMLVariant
from algorithms.local import LocalOnly
from bench import ops
from bench.plugin import Algorithm, At, Batch, Nets, State
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


class AsBefore(FML):
    """FML's loss as it was before alpha and beta could move."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> torch.Tensor:
        local, meme = nets("local", work["local"], batch.x), nets("meme", work["meme"], batch.x)
        of_local = self.alpha * ops.cross_entropy(local, batch) + (1 - self.alpha) * ops.kl(local, meme, batch)
        of_meme = self.beta * ops.cross_entropy(meme, batch) + (1 - self.beta) * ops.kl(meme, local, batch)
        return of_local + of_meme


def same_fml(first: Algorithm, second: Algorithm, **world: Any) -> float:
    (one, mine), (two, theirs) = (server_and_clients(algorithm, **world) for algorithm in (first, second))
    return max(state_gap(one, two), *(state_gap(a.state, b.state) for a, b in zip(mine, theirs, strict=True)))


@pytest.mark.parametrize("engine", ["reference", "vectorised"])
@pytest.mark.parametrize("world", WORLDS)
def test_fml_with_constant_weights_is_what_it_was(world: dict[str, Any], engine: str) -> None:
    assert same_fml(FML(alpha=0.3, beta=0.6), AsBefore(alpha=0.3, beta=0.6), engine=engine, **world) == 0


@pytest.mark.parametrize("world", WORLDS)
def test_the_variant_with_neutral_choices_is_fml(world: dict[str, Any]) -> None:
    for average in ("uniform", "examples"):
        given: dict[str, Any] = {"alpha": 0.3, "beta": 0.6, "average": average}
        assert same_fml(FMLVariant(**given), FML(**given), **world) == 0


def test_averaging_by_batches_is_by_examples_where_batches_are_whole() -> None:
    """Over every client alone its weight is 1, whatever it is made of; and the choice shows elsewhere."""
    alone: dict[str, Any] = {"clients": 1, "partition": "iid", "partition_params": {}, "alpha": None, "net": "mlp"}
    batches, examples = FMLVariant(average="batches"), FMLVariant(average="examples")
    assert same_fml(batches, examples, **alone) == 0
    assert same_fml(batches, examples, net="mlp") > 1e-5


@pytest.mark.parametrize("schedule", ["linear", "step", "teacher"])
def test_a_schedule_from_training_alone_to_training_alone_is_local(schedule: str) -> None:
    """Of alpha only the meme's half moves: the local net never looks at the meme while alpha is 1."""
    moving = FML(alpha=1.0, beta=0.9, beta_schedule=schedule, beta_end=0.1)
    _, clients = server_and_clients(moving, net="mlp")
    _, alone = server_and_clients(LocalOnly(), net="mlp")
    assert max(gap(a.state["local"], b.state["model"]) for a, b in zip(clients, alone, strict=True)) == 0


def test_schedules_start_and_end_where_they_say() -> None:
    """One round: linear and step are still at their start; the run that follows is not."""
    for schedule in ("linear", "step"):
        moving = FML(alpha=0.3, alpha_schedule=schedule, alpha_end=1.0)
        assert same_fml(moving, FML(alpha=0.3), net="mlp", rounds=1) == 0
        assert same_fml(moving, FML(alpha=0.3), net="mlp", rounds=3) > 1e-4


@pytest.mark.parametrize("world", WORLDS)
def test_training_alone_by_plain_sgd_is_a_variant(world: dict[str, Any]) -> None:
    """Whatever the suite's momentum and decay: `momentum = "neither"` is plain SGD. With Adam only decay goes."""
    optimizer = world.get("optimizer", {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3})
    plain = {**optimizer, "momentum": 0.0, "weight_decay": 0.0}
    variant = FMLVariant(alpha=1.0, momentum="neither")
    _, clients = server_and_clients(variant, **{**world, "optimizer": optimizer})
    _, alone = server_and_clients(LocalOnly(), **{**world, "optimizer": plain})
    assert max(gap(a.state["local"], b.state["model"]) for a, b in zip(clients, alone, strict=True)) == 0


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
