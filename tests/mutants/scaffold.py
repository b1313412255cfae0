"""SCAFFOLD with one mistake each."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.fedavg import FedAvg
from algorithms.scaffold import Scaffold
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Round, State, Tensors
from tests.mutants.cases import BATCHNORM, HALF, Case


@dataclass(frozen=True)
class NeverStored(Scaffold):
    """The client's control is sent and then forgotten, as in FL-bench once."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return client, super().finish(work, client, down, local, at)[1]


@dataclass(frozen=True)
class StartsAsTheModel(Scaffold):
    """A client's first control is the model's weights, as in Flower's niid_bench."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"control": {name: fresh["model"][name] for name in sorted(at.nets["model"].parameters)}}


@dataclass(frozen=True)
class StepsOfOneEpoch(Scaffold):
    """K is the steps of one epoch, however many there are, as in PFLlib."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        one = Local(steps=local.steps / 2, lr=local.lr, momentum=local.momentum, summary=local.summary)
        return super().finish(work, client, down, one, at)


@dataclass(frozen=True)
class MomentumForgotten(Scaffold):
    """The way gone is divided by K, though momentum made it longer."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        none = Local(steps=local.steps, lr=local.lr, momentum=torch.zeros_like(local.momentum), summary=local.summary)
        return super().finish(work, client, down, none, at)


@dataclass(frozen=True)
class WrongWayRound(Scaffold):
    """g + c_i - c."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        pull = ops.dot(work["pull"], work["model"], at.nets["model"].parameters)
        return FedAvg.loss(self, nets, work, client, down, batch, at) - pull


@dataclass(frozen=True)
class OwnControlOnly(Scaffold):
    """g + c: the client's own control is not taken off."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        pull = ops.dot(down["control"], work["model"], at.nets["model"].parameters)
        return FedAvg.loss(self, nets, work, client, down, batch, at) + pull


@dataclass(frozen=True)
class CohortForPopulation(Scaffold):
    """The server's control moves by the cohort's mean, not by |S| / N of it."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return super().aggregate(server, uploads, Round(round.examples, clients=len(round.examples)), at)


@dataclass(frozen=True)
class WeightedByExamples(Scaffold):
    """The means over the cohort are FedAvg's."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        merged = FedAvg.aggregate(self, server, uploads, round, at)["model"]
        K = len(round.examples)
        same = {name: torch.stack([tensor] * K) for name, tensor in merged.items()}
        return super().aggregate(server, {**uploads, "model": same}, round, at)


@dataclass(frozen=True)
class ServerStepIgnored(Scaffold):
    """x is the mean of the clients' models, whatever eta_g is."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return Scaffold(self.option).aggregate(server, uploads, round, at)


@dataclass(frozen=True)
class BuffersStep(Scaffold):
    """BatchNorm statistics go eta_g of the way, too."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        merged = super().aggregate(server, uploads, round, at)
        for name in at.nets["model"].buffers:
            x, y = server["model"][name], merged["model"][name]
            merged["model"][name] = (x + self.server_lr * (y - x)).to(x.dtype)
        return merged


@dataclass(frozen=True)
class GradientOfTheEnd(Scaffold):
    """Option I with the gradient at the client's own model after training."""

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        return super().summarise(nets, {**work, "x": work["model"]}, batch, at)


PLAIN: dict[str, Any] = {"option": "II", "server_lr": 1.0}
CASES: list[Case] = [
    (NeverStored, PLAIN, {}),
    (StartsAsTheModel, PLAIN, {}),
    (StepsOfOneEpoch, PLAIN, {"local_epochs": 2, "local_steps": None}),
    (MomentumForgotten, PLAIN, {}),
    (WrongWayRound, PLAIN, {}),
    (OwnControlOnly, PLAIN, {}),
    (CohortForPopulation, PLAIN, HALF),
    (WeightedByExamples, PLAIN, {}),
    (ServerStepIgnored, {**PLAIN, "server_lr": 0.7}, {}),
    (BuffersStep, {**PLAIN, "server_lr": 0.7}, BATCHNORM),
    (GradientOfTheEnd, {**PLAIN, "option": "I"}, {}),
]
