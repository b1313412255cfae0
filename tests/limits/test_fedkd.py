"""FedKD: where it is Local and FedAvg side by side, and how it adapts."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from algorithms.fedavg import FedAvg
from algorithms.fedkd import FedKD
from algorithms.fml import FML
from algorithms.local import LocalOnly
from bench.plugin import At, Batch, Nets, Out, State
from tests.compare import gap
from tests.limits.worlds import WORLDS
from tests.transcripts.check import MIXED
from tests.world import play, setting


@pytest.mark.parametrize("world", WORLDS)
def test_without_distillation_it_is_local_and_fedavg_side_by_side(world: dict[str, Any]) -> None:
    kd, avg, alone = play(FedKD(strength=0.0), **world), play(FedAvg(), **world), play(LocalOnly(), **world)
    assert gap(kd.server["mentee"], avg.server["model"]) == 0
    pairs = zip(kd.clients, alone.clients, strict=True)
    assert max(gap(a.state["mentor"], b.state["model"]) for a, b in pairs) == 0


def test_with_distillation_it_is_neither() -> None:
    kd, avg, alone = play(FedKD()), play(FedAvg()), play(LocalOnly())
    assert gap(kd.server["mentee"], avg.server["model"]) > 1e-3
    pairs = zip(kd.clients, alone.clients, strict=True)
    assert min(gap(a.state["mentor"], b.state["model"]) for a, b in pairs) > 1e-3


def test_mentors_without_distillation_are_local_on_mixed_nets() -> None:
    kd, alone = play(FedKD(strength=0.0), **MIXED), play(LocalOnly(), **MIXED)
    pairs = zip(kd.clients, alone.clients, strict=True)
    assert max(gap(a.state["mentor"], b.state["model"]) for a, b in pairs) == 0


@dataclass(frozen=True)
class Steady(FedKD):
    """Weighted as if both task losses were 1 / 2: FML's loss twice, at alpha = beta = 1 / 2."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        renamed = {"local": work["mentor"], "meme": work["mentee"]}

        def of(slot: str, tensors: Any, x: Tensor) -> Out:
            return nets({"local": "mentor", "meme": "mentee"}[slot], tensors, x)

        return 2 * FML().loss(of, renamed, client, down, batch, at)


def test_the_divisor_is_what_tells_it_from_fml() -> None:
    """At a fixed divisor of 1 it would be FML(1/2, 1/2, "examples") with steps of twice the length."""
    sgd = {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.0}
    steady, fml = play(Steady(), optimizer=sgd), play(FML(average="examples"), optimizer={**sgd, "lr": 0.1})
    assert gap(steady.server["mentee"], fml.server["meme"]) < 1e-5
    assert gap(steady.server["mentee"], play(FedKD(), optimizer=sgd).server["mentee"]) > 1e-3


def logits_gradient(mentor: Tensor, mentee: Tensor, y: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """The gradient of the loss at given logits [B, C]."""
    given = {"mentor": mentor.requires_grad_(), "mentee": mentee.requires_grad_()}

    def nets(slot: str, tensors: Any, x: Tensor) -> Out:
        return Out(given[slot], given[slot])

    batch = Batch(x=torch.zeros(len(y), 1, 8, 8), y=y, rows=torch.arange(len(y)))
    at = setting().at(FedKD(), 0, 0)
    work: State = {"mentor": {}, "mentee": {}}
    loss = FedKD(strength=strength).loss(nets, work, {}, {}, batch, at)
    of_mentor, of_mentee = torch.autograd.grad(loss, [given["mentor"], given["mentee"]])
    return of_mentor, of_mentee


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 1000.0])
def test_each_net_has_the_gradient_of_its_own_loss(scale: float) -> None:
    """(p - y) + (p - q) / (c_t + c_s), a row; finite also where both losses are zero to the last bit."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(6) % 4
    hot = torch.nn.functional.one_hot(y, 4).double()
    a, b = (scale * (hot + 0.3 * torch.randn(6, 4, generator=generator, dtype=torch.float64)) for _ in range(2))
    found = logits_gradient(a, b, y, 1.0)
    p, q = a.detach().softmax(1), b.detach().softmax(1)
    total = sum(-(x.detach().log_softmax(1) * hot).sum(1).mean() for x in (a, b)) + 1e-8
    for gradient, own, other in zip(found, (p, q), (q, p), strict=True):
        assert torch.allclose(gradient, ((own - hot) + (own - other) / total) / 6, atol=1e-12)


def test_perfect_nets_have_no_gradient() -> None:
    y = torch.zeros(5, dtype=torch.int64)
    certain = torch.tensor([200.0, 0.0, 0.0, 0.0]).repeat(5, 1)
    for gradient in logits_gradient(certain.clone(), certain.clone() + 1, y, 1.0):
        assert not gradient.any()
