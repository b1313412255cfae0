"""LG-FedAvg with one mistake each."""

from dataclasses import dataclass

import torch

from algorithms.lg_fedavg import LGFedAvg
from bench import ops
from bench.plugin import At, Local, Round, Slot, State
from tests.mutants.cases import HALF, Case
from tests.transcripts.check import ONE_WIDTH


@dataclass(frozen=True)
class BodiesShared(LGFedAvg):
    """The wrong half stays: bodies are averaged and heads private (FedPer)."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal", private=("head",), alike=("body",))}


@dataclass(frozen=True)
class Unweighted(LGFedAvg):
    """Heads count alike, as in the authors' code; Algorithm 1 weights them by sample counts."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"model": ops.mean(uploads["model"], torch.ones_like(round.examples))}


@dataclass(frozen=True)
class HeadKept(LGFedAvg):
    """A client goes on with the head it had, after its first round."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"head": {name: fresh["model"][name] for name in sorted(at.nets["model"].head)}}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": {**down["model"], **client["head"]}}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"head": {name: work["model"][name] for name in client["head"]}}, {"model": work["model"]}


@dataclass(frozen=True)
class BodyRestarts(LGFedAvg):
    """The body is what it was before the first round, in each round."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"body": {name: t for name, t in fresh["model"].items() if name not in at.nets["model"].head}}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": {**down["model"], **client["body"]}}


@dataclass(frozen=True)
class MomentumKept(LGFedAvg):
    """The optimiser goes on where it was, though the head is another one."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal", private=("body",), alike=("head",), keeps=True)}


@dataclass(frozen=True)
class OldHeadScored(LGFedAvg):
    """A client is scored with the head that it trained, not with the one that came of it."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"last": {name: fresh["model"][name] for name in sorted(at.nets["model"].head)}}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"last": {name: work["model"][name] for name in client["last"]}}, {"model": work["model"]}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, dict[str, torch.Tensor]]]:
        return {"personal": ("model", {**down["model"], **client["last"]})}


CASES: list[Case] = [
    (BodiesShared, {}, {}),
    (Unweighted, {}, {}),
    (HeadKept, {}, ONE_WIDTH),
    (BodyRestarts, {}, ONE_WIDTH),
    (MomentumKept, {}, {}),
    (OldHeadScored, {}, HALF),
]
