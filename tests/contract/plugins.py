"""Test-only algorithms, and others than the default form of some that ship: what the contract must carry."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.fedavg import FedAvg
from algorithms.fedproto import FedProto
from algorithms.fedrep import FedRep
from algorithms.fml import FML
from algorithms.scaffold import Scaffold
from bench import ops
from bench.plugin import At, Batch, Nets, Round, Slot, State, choice, number


@dataclass(frozen=True)
class PrivateHead(FedAvg):
    """FedPer (Arivazhagan et al. 2019): the head never leaves the client. Only the slot says so."""

    source = "arXiv:1912.00818"

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("head",))}


@dataclass(frozen=True)
class PrivateNorm(FedAvg):
    """FedBN (Li et al. 2021): normalisation layers stay, found by module type."""

    source = "arXiv:2102.07623"

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("norm",))}


@dataclass(frozen=True)
class KeptInPhases(FedRep):
    """FedRep whose clients keep their optimisers' state, of each part its own, over phases and rounds."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("head",), keeps=True)}


@dataclass(frozen=True)
class FedAdam(FedAvg):
    """FedAdam (Reddi et al. 2021, Algorithm 2): the server applies Adam without bias correction to the mean change."""

    source = "arXiv:2003.00295, Algorithm 2"

    lr: float = number(0.1, low=0)
    tau: float = number(1e-3, low=0)

    def init_server(self, fresh: State, at: At) -> State:
        model = fresh["model"]
        second = {name: torch.full_like(tensor, self.tau**2) for name, tensor in model.items()}
        return {"model": model, "first": ops.zeros(model), "second": second}

    def download(self, server: State, at: At) -> State:
        return {"model": server["model"]}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        old, new = server["model"], ops.mean(uploads["model"], round.examples)
        model, first, second = dict(new), dict(server["first"]), dict(server["second"])
        for name in at.nets["model"].parameters:
            change = new[name] - old[name]
            first[name] = 0.9 * first[name] + 0.1 * change
            second[name] = 0.99 * second[name] + 0.01 * change.square()
            model[name] = old[name] + self.lr * first[name] / (second[name].sqrt() + self.tau)
        return {"model": model, "first": first, "second": second}


@dataclass(frozen=True)
class DynamicFML(FML):
    """FML whose alpha and beta move linearly from their value to 1 over the rounds."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        now = {
            name: torch.tensor(v + (1 - v) * at.progress) for name, v in (("alpha", self.alpha), ("beta", self.beta))
        }
        return FML.loss(self.with_tensors(now), nets, work, client, down, batch, at)


@dataclass(frozen=True)
class KeptMomentum(FedAvg):
    """FedAvg whose clients keep their momentum over rounds."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(keeps=True)}


@dataclass(frozen=True)
class Clipped(FedAvg):
    """FedAvg with clipped gradients."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(clip=0.5)}


@dataclass(frozen=True)
class FirstOption(Scaffold):
    """SCAFFOLD whose clients take a gradient after training, without a step."""

    option: str = choice("I", ("I", "II"))


@dataclass(frozen=True)
class NearestPrototype(FedProto):
    """FedProto that is scored by prototypes, plainly averaged."""

    average: str = choice("uniform", ("examples", "uniform"))
    predict: str = choice("prototypes", ("head", "prototypes"))


ALL = (
    PrivateHead(),
    PrivateNorm(),
    KeptInPhases(),
    FedAdam(),
    DynamicFML(),
    KeptMomentum(),
    Clipped(),
    FirstOption(),
    NearestPrototype(),
)
