"""FMLVariant with one mistake each, and presets with one value that is not their code's."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from algorithms.fml_variants import FMLVariant
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Round, Slot, State
from tests.mutants.cases import BATCHNORM, HALF, Case


class WithParameter(FMLVariant):
    """A parameter is parsed and ignored: another value stands in its place in the loss."""

    instead: ClassVar[dict[str, Any]] = {}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> torch.Tensor:
        other = FMLVariant(**{**self.parameters(), **self.instead})
        return FMLVariant.loss(other, nets, work, client, down, batch, at)


class ReductionIgnored(WithParameter):
    instead: ClassVar[dict[str, Any]] = {"reduction": "batchmean"}


class DetachIgnored(WithParameter):
    instead: ClassVar[dict[str, Any]] = {"detach": True}


class TemperatureIgnored(WithParameter):
    instead: ClassVar[dict[str, Any]] = {"temperature": 1.0}


class SquareIgnored(WithParameter):
    instead: ClassVar[dict[str, Any]] = {"squared": False}


class WeightIgnored(WithParameter):
    instead: ClassVar[dict[str, Any]] = {"kl_weight": 1.0}


class HotterTeacher(FMLVariant):
    """The temperature is the teacher's only."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> torch.Tensor:
        local, meme = nets("local", work["local"], batch.x), nets("meme", work["meme"], batch.x)
        total = torch.zeros(())
        for student, teacher, weight in ((local, meme, self.alpha), (meme, local, self.beta)):
            target = (teacher.logits.detach() / self.temperature).log_softmax(1)
            taught = (target.exp() * (target - student.logits.log_softmax(1))).sum(1).mean()
            total = total + weight * ops.cross_entropy(student, batch) + (1 - weight) * taught
        return total


@dataclass(frozen=True)
class Slots(FMLVariant):
    """The nets are treated otherwise than asked for."""

    def slots(self) -> dict[str, Slot]:
        return {name: self.changed(name, slot) for name, slot in super().slots().items()}

    def changed(self, name: str, slot: Slot) -> Slot:
        raise NotImplementedError


class KeepsIgnored(Slots):
    """Optimisers go on as FML's do, whatever is asked for."""

    def changed(self, name: str, slot: Slot) -> Slot:
        return replace(slot, keeps=name == "local")


class ClipIgnored(Slots):
    def changed(self, name: str, slot: Slot) -> Slot:
        return replace(slot, clip=None)


class MomentumForAll(Slots):
    def changed(self, name: str, slot: Slot) -> Slot:
        return replace(slot, momentum=None)


class DecayForAll(Slots):
    """Only momentum is taken away, weight decay stays."""

    def changed(self, name: str, slot: Slot) -> Slot:
        return replace(slot, weight_decay=None)


@dataclass(frozen=True)
class BatchesAreExamples(FMLVariant):
    """Weights by examples where they are to be by batches."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return FMLVariant.aggregate(replace(self, average="examples"), server, uploads, round, at)


@dataclass(frozen=True)
class BuffersTravel(FMLVariant):
    """Buffers are averaged though only parameters are to be."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        after, _ = super().finish(work, client, down, local, at)
        return after, {"meme": work["meme"]}


@dataclass(frozen=True)
class BuffersAveraged(FMLVariant):
    """No mis-sum: the buffers are averaged."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return FMLVariant.aggregate(replace(self, averaged="state"), server, uploads, round, at)


STEEP: dict[str, Any] = {  # steps so large that gradients reach a norm of 10, and so few that they stay finite
    **{"net": "mlp", "rounds": 2, "local_epochs": None, "local_steps": 5},
    "optimizer": {"name": "sgd", "lr": 2.0, "momentum": 0.9, "weight_decay": 5e-4},
}
TEMPERED: dict[str, Any] = {"temperature": 2.0}
CASES: list[Case] = [
    (ReductionIgnored, {"reduction": "mean"}, {}),
    (DetachIgnored, {"detach": False}, {}),
    (TemperatureIgnored, TEMPERED, {}),
    (HotterTeacher, TEMPERED, {}),
    (SquareIgnored, {**TEMPERED, "squared": True}, {}),
    (WeightIgnored, {"form": "added", "kl_weight": 0.3}, {}),
    (KeepsIgnored, {"keep_local": False}, {}),
    (KeepsIgnored, {"keep_meme": True}, HALF),
    (ClipIgnored, {"clip": 1, "alpha": 1.0, "beta": 1.0}, STEEP),
    (MomentumForAll, {"momentum": "local"}, {}),
    (MomentumForAll, {"momentum": "neither"}, {}),
    (DecayForAll, {"momentum": "neither"}, {}),
    (BatchesAreExamples, {"average": "batches"}, {}),
    (BuffersTravel, {"averaged": "parameters"}, BATCHNORM),
    (BuffersAveraged, {"averaged": "missummed"}, BATCHNORM),
]

PRESETS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [  # preset, the value that is wrong, setting
    ("fml:authors", {"averaged": "state"}, BATCHNORM),
    ("fml:authors", {"keep_local": False}, {}),
    ("fml:pfllib", {"reduction": "batchmean"}, {}),
    ("fml:pfllib", {"detach": True}, {}),
    ("fml:pfllib", {"averaged": "state"}, BATCHNORM),
    ("fml:pfllib", {"momentum": "both"}, {}),
    ("fml:pfllib", {"beta": 1.0}, {}),
    ("fml:htfllib", {"beta": 0.0}, {}),
    ("fml:rigfl", {"momentum": "both"}, {}),
    ("fml:federatedscope", {"average": "uniform"}, {}),
    ("fml:server-class", {"kl_weight": 0.5}, {}),
    ("fml:server-class", {"average": "uniform"}, {}),
    ("fml:flearn", {"temperature": 1.0}, {}),
    ("fml:flearn", {"squared": True}, {}),
    ("fml:flearn", {"average": "examples"}, {}),
    ("fml:flearn", {"momentum": "both"}, {}),
    ("fml:time-series", {"detach": True}, {}),
    ("fml:time-series", {"keep_meme": False}, {}),
    ("fml:htfllib", {"clip": 0}, STEEP),
    ("fml:time-series", {"clip": 0}, STEEP),
]
