"""SCAFFOLD: where it is FedAvg, what its controls are, and what they are for."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from algorithms.fedavg import FedAvg
from algorithms.scaffold import Scaffold
from bench.plugin import Algorithm, Tensors
from bench.rounds.federation import Federation
from bench.rounds.group import result
from bench.rounds.setting import Setting
from tests import world
from tests.compare import gap
from tests.limits.worlds import ALONE, WORLDS
from tests.mutants.scaffold import MomentumForgotten
from tests.transcripts.double import in_double

PLAIN = {"name": "sgd", "lr": 0.05, "momentum": 0.0, "weight_decay": 0.0}
HEAVY = {**PLAIN, "momentum": 0.9}
EQUAL: dict[str, Any] = {"partition": "iid", "partition_params": {}, "alpha": None}  # clients of one size
options = pytest.mark.parametrize("option", ["I", "II"])
optimisers = pytest.mark.parametrize("optimizer", [PLAIN, HEAVY], ids=["plain", "momentum"])


def play(algorithm: Algorithm, **changes: Any) -> Federation:
    """In double precision."""
    federation = Federation(in_double(world.setting(**changes)), algorithm)
    result(federation)
    return federation


@options
@optimisers
def test_one_client_alone_is_fedavg(option: str, optimizer: dict[str, Any]) -> None:
    """c = c_1, so the correction vanishes, up to what adding a change to c loses."""
    scaffold, avg = (play(a, optimizer=optimizer, **ALONE) for a in (Scaffold(option=option), FedAvg()))
    assert gap(scaffold.server["model"], avg.server["model"]) < 1e-12
    assert gap(scaffold.server["control"], scaffold.clients[0].state["control"]) < 1e-12


@pytest.mark.parametrize("changes", WORLDS)
def test_the_first_round_is_fedavg(changes: dict[str, Any]) -> None:
    """All controls are zero. (In Flower's niid_bench a client's was the model.)"""
    changes = {**changes, **EQUAL, "rounds": 1}
    scaffold, avg = (world.play(a, **changes) for a in (Scaffold(), FedAvg()))
    assert gap(scaffold.server["model"], avg.server["model"]) == 0
    assert max(float(tensor.abs().max()) for tensor in scaffold.server["control"].values()) > 1e-3


@options
@pytest.mark.parametrize("changes", WORLDS)
def test_the_servers_control_is_the_mean_of_the_clients(option: str, changes: dict[str, Any]) -> None:
    """Of all clients, drawn or not. (In FL-bench a client's was never stored.)"""
    federation = play(Scaffold(option=option), **{**changes, "participation": 0.5})
    each = [client.state["control"] for client in federation.clients]
    mean = {name: torch.stack([control[name] for control in each]).mean(0) for name in each[0]}
    assert gap(federation.server["control"], mean) < 1e-12
    assert max(float(tensor.abs().max()) for tensor in mean.values()) > 1e-3  # and it is not all zero


@optimisers
def test_the_options_agree_where_a_client_hardly_moves(optimizer: dict[str, Any]) -> None:
    """Both controls are the gradient at x then. With momentum this holds because the way gone is measured in full."""
    changes: dict[str, Any] = {**EQUAL, "rounds": 2, "batch_size": 42, "local_epochs": None, "local_steps": 7}
    one, two = (play(Scaffold(option=option), **changes, optimizer={**optimizer, "lr": 1e-7}) for option in ("I", "II"))
    for a, b in zip(one.clients, two.clients, strict=True):
        size = max(float(tensor.abs().max()) for tensor in a.state["control"].values())
        assert gap(a.state["control"], b.state["control"]) < 1e-4 * size
        assert size > 1e-2


CONVEX: dict[str, Any] = {
    "net": "test-linear", "partition": "shards", "partition_params": {}, "alpha": None, "batch_size": 42,
    "local_epochs": None, "local_steps": 10, "rounds": 80, "evaluate_every": 80,
}  # fmt: skip
DECAY = 0.05


def slope(setting: Setting, model: Tensors) -> float:
    """The norm of the gradient of what all clients together have to minimise: their mean loss and the weight decay."""
    weights = {name: tensor.detach().clone().requires_grad_() for name, tensor in model.items()}
    losses = []
    for share in setting.shares:
        x, y = setting.images.batch(share.train)
        losses.append(F.cross_entropy(x.flatten(1) @ weights["head.weight"].T + weights["head.bias"], y))
    penalty = DECAY / 2 * torch.stack([w.square().sum() for w in weights.values()]).sum()
    gradients = torch.autograd.grad(torch.stack(losses).mean() + penalty, list(weights.values()))
    return float(torch.cat([gradient.flatten() for gradient in gradients]).norm())


def slopes(algorithm: Algorithm, optimizer: dict[str, Any]) -> tuple[float, float]:
    """Before and after 80 rounds of softmax regression; each client has two of the four classes, batches are whole."""
    run = play(algorithm, **CONVEX, optimizer={**optimizer, "weight_decay": DECAY})
    fresh = run.setting.fresh(algorithm, None)["model"]
    return slope(run.setting, fresh), slope(run.setting, run.server["model"])


FAST = [{**PLAIN, "lr": 0.2}, {**HEAVY, "lr": 0.04}]


@pytest.mark.parametrize("optimizer", FAST, ids=["plain", "momentum"])
def test_it_finds_the_common_minimum_of_unlike_clients(optimizer: dict[str, Any]) -> None:
    """The purpose of the method: ten local steps drag FedAvg off the minimum of the mean loss, but not SCAFFOLD."""
    _, drifted = slopes(FedAvg(), optimizer)
    for option in ("I", "II"):
        start, left = slopes(Scaffold(option=option), optimizer)
        assert left < 1e-4 * start
        assert left < drifted / 100


def test_with_momentum_a_control_in_plain_steps_diverges() -> None:
    """Why option II divides by more than K: 1 / (1 - 0.9) times too long, controls overcorrect ever more."""
    start, left = slopes(MomentumForgotten(), FAST[1])
    assert left > 1e6 * start
