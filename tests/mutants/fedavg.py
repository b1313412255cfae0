"""FedAvg with one mistake each."""

from dataclasses import dataclass

import torch

from algorithms.fedavg import FedAvg
from bench import ops
from bench.plugin import At, Round, State
from tests.mutants.cases import BATCHNORM, Case


@dataclass(frozen=True)
class Unweighted(FedAvg):
    """Every client counts the same."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"model": ops.mean(uploads["model"], torch.ones_like(round.examples))}


@dataclass(frozen=True)
class FirstClientsBuffers(FedAvg):
    """Only parameters are averaged; BatchNorm statistics are whatever the first client sent."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        merged = super().aggregate(server, uploads, round, at)["model"]
        return {"model": {**merged, **{name: uploads["model"][name][0] for name in at.nets["model"].buffers}}}


@dataclass(frozen=True)
class ParametersOnly(FedAvg):
    """Only parameters are averaged; BatchNorm statistics stay as they were on the server (as in PFLlib)."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        merged = super().aggregate(server, uploads, round, at)["model"]
        return {"model": {**merged, **{name: server["model"][name] for name in at.nets["model"].buffers}}}


CASES: list[Case] = [
    (Unweighted, {}, {}),
    (FirstClientsBuffers, {}, BATCHNORM),
    (ParametersOnly, {}, BATCHNORM),
]
