"""FedProx with one mistake each."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from bench import ops
from bench.plugin import At, Batch, Local, Nets, State
from tests.mutants.cases import HALF, Case


@dataclass(frozen=True)
class Pulled(FedProx):
    """FedProx whose proximal term is another one."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        return FedAvg.loss(self, nets, work, client, down, batch, at) + self.pull(work, client, down, at)

    def pull(self, work: State, client: State, down: State, at: At) -> Tensor:
        raise NotImplementedError


class Unsquared(Pulled):
    """The norm instead of its square, as in the docstring of Flower's FedProx."""

    def pull(self, work: State, client: State, down: State, at: At) -> Tensor:
        names = at.nets["model"].parameters
        return self.mu / 2 * sum(((work["model"][n] - down["model"][n]).norm() for n in names), torch.tensor(0.0))


class Unhalved(Pulled):
    """mu instead of mu / 2."""

    def pull(self, work: State, client: State, down: State, at: At) -> Tensor:
        return self.mu * ops.sq_distance(work["model"], down["model"], at.nets["model"].parameters)


class MuIgnored(Pulled):
    """No pull at all."""

    def pull(self, work: State, client: State, down: State, at: At) -> Tensor:
        return torch.tensor(0.0)


class AnchorVanishes(Pulled):
    """The anchor is an iterator, used up after the first batch of a round, as in the docstring of Flower's FedProx."""

    def start(self, client: State, down: State, at: At) -> State:
        return {**super().start(client, down, at), "used up": {}}

    def pull(self, work: State, client: State, down: State, at: At) -> Tensor:
        if work["used up"]:
            return torch.tensor(0.0)
        work["used up"]["yes"] = torch.tensor(1.0)  # against the contract, as a mutant may
        return self.mu / 2 * ops.sq_distance(work["model"], down["model"], at.nets["model"].parameters)


class AnchoredToOwn(Pulled):
    """The pull is towards the client's own model of its last round."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"last": work["model"]}, {"model": work["model"]}

    def pull(self, work: State, client: State, down: State, at: At) -> Tensor:
        anchor = client.get("last", down["model"])
        return self.mu / 2 * ops.sq_distance(work["model"], anchor, at.nets["model"].parameters)


CASES: list[Case] = [
    (Unsquared, {"mu": 0.2}, {}),
    (Unhalved, {"mu": 0.2}, {}),
    (MuIgnored, {"mu": 0.2}, {}),
    (AnchorVanishes, {"mu": 0.2}, {}),
    (AnchoredToOwn, {"mu": 0.2}, HALF),
]
