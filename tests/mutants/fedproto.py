"""FedProto with one mistake each."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.fedproto import FedProto
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Round, Slot, State, Tensors
from tests.mutants.cases import Case


@dataclass(frozen=True)
class Pulled(FedProto):
    """FedProto whose pull towards the prototypes is another one."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        out, given = nets("model", work["model"], batch.x), down["prototypes"]
        if not given:
            return ops.cross_entropy(out, batch)
        gap, known = out.features - given["means"][batch.y], given["known"][batch.y]
        return ops.cross_entropy(out, batch) + self.lam * self.pull(gap, known)

    def pull(self, gap: Tensor, known: Tensor) -> Tensor:
        raise NotImplementedError


class SummedOverFeatures(Pulled):
    """The squared distance itself, not divided by the width."""

    def pull(self, gap: Tensor, known: Tensor) -> Tensor:
        return (gap.square().sum(1) * known).mean()


class Unsquared(Pulled):
    """The distance, not its square, as a reader of the paper's "L2 distance" might have it."""

    def pull(self, gap: Tensor, known: Tensor) -> Tensor:
        return (gap.norm(dim=1) * known).mean()


class PulledToNothing(Pulled):
    """A class without a prototype pulls at zero, where the server's table holds zeros."""

    def pull(self, gap: Tensor, known: Tensor) -> Tensor:
        return gap.square().mean(1).mean()


class OnlyKnownCount(Pulled):
    """The mean is over rows whose class has a prototype."""

    def pull(self, gap: Tensor, known: Tensor) -> Tensor:
        return (gap.square().mean(1) * known).sum() / known.sum().clamp_min(1.0)


@dataclass(frozen=True)
class AveragesSwapped(FedProto):
    """Plain where examples are asked for, and the other way round."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        other = "examples" if self.average == "uniform" else "uniform"
        return FedProto(average=other).aggregate(server, uploads, round, at)


@dataclass(frozen=True)
class DividedTwice(FedProto):
    """Equation 6 to the letter: weighted by examples, and divided by the number of clients with the class."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        merged = super().aggregate(server, uploads, round, at)["prototypes"]
        clients = (uploads["prototypes"]["counts"] > 0).sum(0).clamp_min(1)
        return {"prototypes": {**merged, "means": merged["means"] / clients.unsqueeze(1)}}


@dataclass(frozen=True)
class Forgets(FedProto):
    """A class that no client of the cohort has loses its prototype."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return super().aggregate({"prototypes": {}}, uploads, round, at)


@dataclass(frozen=True)
class OwnPrototypes(FedProto):
    """Clients are pulled to their own prototypes of the last round, not to everyone's."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"model": fresh["model"], "own": {}}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        state, upload = super().finish(work, client, down, local, at)
        sent = upload["prototypes"]
        return {**state, "own": {"means": sent["means"], "known": sent["counts"].clamp(0.0, 1.0)}}, upload

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        return super().loss(nets, work, client, {"prototypes": client["own"]}, batch, at)


@dataclass(frozen=True)
class OfTheOldModel(FedProto):
    """Prototypes are taken before the round's training."""

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": client["model"], "old": client["model"]}

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        return super().summarise(nets, {"model": work["old"]}, batch, at)


@dataclass(frozen=True)
class SumsSent(FedProto):
    """Clients send sums for means."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        sums, counts = local.summary["sums"], local.summary["counts"]
        return {"model": work["model"]}, {"prototypes": {"means": sums / counts.sum(), "counts": counts}}


@dataclass(frozen=True)
class Restarted(FedProto):
    """A client's optimiser is new in each round, as in the authors' code."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal")}


@dataclass(frozen=True)
class Unshifted(FedProto):
    """The nearest prototype by inner products alone, without the prototypes' lengths."""

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        _, model = super().views(client, down, at)["personal"]
        return {"personal": ("model", {**model, "head.bias": torch.zeros_like(model["head.bias"])})}


LAM: dict[str, Any] = {"lam": 0.7}
# One client of few classes a round: some are without a prototype, or lose it.
SKEWED: dict[str, Any] = {"participation": 0.25, "rounds": 6, "alpha": 0.05, "partition_params": {"minimum": 4}}
CASES: list[Case] = [
    (SummedOverFeatures, LAM, {}),
    (Unsquared, LAM, {}),
    (PulledToNothing, LAM, SKEWED),
    (OnlyKnownCount, LAM, SKEWED),
    (AveragesSwapped, LAM, {}),
    (AveragesSwapped, {**LAM, "average": "uniform"}, {}),
    (DividedTwice, LAM, {}),
    (Forgets, LAM, SKEWED),
    (OwnPrototypes, LAM, {}),
    (OfTheOldModel, LAM, {}),
    (SumsSent, LAM, {}),
    (Restarted, LAM, {}),
    (Unshifted, {**LAM, "predict": "prototypes"}, {}),
]
