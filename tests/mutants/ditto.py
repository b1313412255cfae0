"""Ditto with one mistake each."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from algorithms.ditto import Ditto
from algorithms.fedavg import FedAvg
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Slot, State
from tests.mutants.cases import HALF, Case


@dataclass(frozen=True)
class Pulled(Ditto):
    """Ditto whose pull is another one."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        of_global = FedAvg.loss(self, nets, work, client, down, batch, at)
        of_personal = ops.cross_entropy(nets("personal", work["personal"], batch.x), batch)
        return of_global + of_personal + self.pull(work, down, at)

    def pull(self, work: State, down: State, at: At) -> Tensor:
        raise NotImplementedError


class Unhalved(Pulled):
    """lambda instead of lambda / 2."""

    def pull(self, work: State, down: State, at: At) -> Tensor:
        return self.lam * ops.sq_distance(work["personal"], down["model"], at.nets["model"].parameters)


class PulledToTheClientsOwn(Pulled):
    """The pull is towards the client's copy of the global model, which moves while it is trained."""

    def pull(self, work: State, down: State, at: At) -> Tensor:
        anchor = {name: tensor.detach() for name, tensor in work["model"].items()}
        return self.lam / 2 * ops.sq_distance(work["personal"], anchor, at.nets["model"].parameters)


class BothPulled(Pulled):
    """The pull is between the two models and moves the global one as well."""

    def pull(self, work: State, down: State, at: At) -> Tensor:
        return self.lam / 2 * ops.sq_distance(work["personal"], work["model"], at.nets["model"].parameters)


@dataclass(frozen=True)
class PulledToTheFirst(Ditto):
    """The pull is towards the global model of the client's first round."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        return super().loss(nets, work, client, {"model": client["first"]}, batch, at)

    def init_client(self, fresh: State, at: At) -> State:
        return {**super().init_client(fresh, at), "first": fresh["model"]}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        state, upload = super().finish(work, client, down, local, at)
        return {**state, "first": client["first"]}, upload


@dataclass(frozen=True)
class StartsFromTheGlobal(Ditto):
    """The personal model starts each round from the global one: fine-tuning with a pull, not Ditto."""

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": down["model"], "personal": down["model"]}


@dataclass(frozen=True)
class PersonalIsSent(Ditto):
    """The server averages the personal models."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"personal": work["personal"]}, {"model": work["personal"]}


@dataclass(frozen=True)
class PersonalMomentumDropped(Ditto):
    """The personal model's optimiser is new in each round."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(), "personal": Slot()}


@dataclass(frozen=True)
class StartsApart(Ditto):
    """A personal model starts from weights of the client's own."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(), "personal": Slot(role="personal", keeps=True)}


PLAIN: dict[str, Any] = {"lam": 0.4}
CASES: list[Case] = [
    (Unhalved, PLAIN, {}),
    (PulledToTheClientsOwn, PLAIN, {}),
    (BothPulled, PLAIN, {}),
    (PulledToTheFirst, PLAIN, {}),
    (StartsFromTheGlobal, PLAIN, {}),
    (PersonalIsSent, PLAIN, {}),
    (PersonalMomentumDropped, PLAIN, HALF),
    (StartsApart, PLAIN, {}),
]
