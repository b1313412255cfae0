"""FedRep with one mistake each."""

from dataclasses import dataclass
from typing import Any

import torch

from algorithms.fedrep import FedRep
from bench import ops
from bench.plugin import At, Local, Phase, Round, Slot, State
from tests.mutants.cases import BATCHNORM, HALF, Case


@dataclass(frozen=True)
class BodyFirst(FedRep):
    """The body is trained before the head."""

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(trains=("model/body",)), Phase(trains=("model/head",), epochs=self.head_epochs or None))


@dataclass(frozen=True)
class HeadGoesOn(FedRep):
    """The head is trained along with the body in its stage."""

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(trains=("model/head",), epochs=self.head_epochs or None), Phase(trains=("model",)))


@dataclass(frozen=True)
class BodyGoesAlong(FedRep):
    """The body is trained along with the head in its stage."""

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(trains=("model",), epochs=self.head_epochs or None), Phase(trains=("model/body",)))


@dataclass(frozen=True)
class AllAtOnce(FedRep):
    """Head and body in one stage: FedPer."""

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(trains=("model",)),)


@dataclass(frozen=True)
class HeadRestarts(FedRep):
    """The head starts each round from its initial weights."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"initial": fresh["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": {**down["model"], **{name: client["initial"][name] for name in at.nets["model"].head}}}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return client, {"model": work["model"]}


@dataclass(frozen=True)
class NormIsPrivate(FedRep):
    """Norm layers stay with the head."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("head", "norm"))}


@dataclass(frozen=True)
class EpochsIgnored(FedRep):
    """The head gets the suite's budget, whatever is asked for."""

    def phases(self) -> tuple[Phase, ...]:
        return FedRep().phases()


@dataclass(frozen=True)
class Unweighted(FedRep):
    """Every client counts the same."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"model": ops.mean(uploads["model"], torch.ones_like(round.examples))}


@dataclass(frozen=True)
class MomentumKept(FedRep):
    """Head and body go on with the momentum of their last round."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("head",), keeps=True)}


TWO: dict[str, Any] = {"head_epochs": 2}
CASES: list[Case] = [
    (BodyFirst, TWO, {}),
    (HeadGoesOn, TWO, {}),
    (BodyGoesAlong, TWO, {}),
    (AllAtOnce, {"head_epochs": 0}, {}),
    (HeadRestarts, TWO, {}),
    (NormIsPrivate, TWO, BATCHNORM),
    (EpochsIgnored, TWO, {}),
    (Unweighted, TWO, {}),
    (MomentumKept, TWO, HALF),
]
