"""FD with one mistake each."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.fd import FD
from algorithms.local import LocalOnly
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Round, Slot, State, Tensors
from tests.mutants.cases import HALF, Case


@dataclass(frozen=True)
class TaughtByItself(FD):
    """A client's own outputs are not taken out of its teacher, as in PFLlib's FedDistill."""

    def start(self, client: State, down: State, at: At) -> State:
        return super().start({**client, "sent": ops.zeros(client["sent"])}, down, at)


@dataclass(frozen=True)
class Otherwise(FD):
    """FD whose distillation is another one."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        out, teacher = nets("model", work["model"], batch.x), work["teacher"]
        if not teacher:
            return ops.cross_entropy(out, batch)
        terms = self.terms(out.logits, teacher["means"][batch.y])
        return ops.cross_entropy(out, batch) + self.gamma * (terms * teacher["known"][batch.y]).mean()

    def terms(self, logits: Tensor, taught: Tensor) -> Tensor:
        raise NotImplementedError


class SquaredError(Otherwise):
    """The squared difference of outputs, not the cross-entropy."""

    def terms(self, logits: Tensor, taught: Tensor) -> Tensor:
        return (logits.softmax(1) - taught).square().mean(1)


class WrongWayRound(Otherwise):
    """The cross-entropy of the teacher with the student as its target."""

    def terms(self, logits: Tensor, taught: Tensor) -> Tensor:
        return -(logits.softmax(1) * taught.clamp_min(1e-6).log()).sum(1)


class DividedByClasses(Otherwise):
    """The mean over classes, not their sum."""

    def terms(self, logits: Tensor, taught: Tensor) -> Tensor:
        return -(taught * logits.log_softmax(1)).mean(1)


@dataclass(frozen=True)
class LogitsSent(FD):
    """What travels are logits, not probabilities (PFLlib's FedDistill averages logits)."""

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        logits = nets("model", work["model"], batch.x).logits
        member = torch.nn.functional.one_hot(batch.y, at.task.classes).to(logits.dtype)
        return {"sums": member.T @ logits, "counts": member.sum(0)}


@dataclass(frozen=True)
class ByPrediction(FD):
    """Outputs are averaged by what the model says, not by the true label."""

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        said = nets("model", work["model"], batch.x).logits.argmax(1)
        return super().summarise(nets, work, Batch(batch.x, said, batch.rows), at)


@dataclass(frozen=True)
class DividedByAll(FD):
    """By M - 1 of all clients, as Algorithm 1 has it, though some lack the label."""

    def start(self, client: State, down: State, at: At) -> State:
        started = super().start(client, down, at)
        if not started["teacher"]:
            return started
        others = down["outputs"]["has"] - client["sent"]["has"]
        means = started["teacher"]["means"] * (others / 3).unsqueeze(1)
        return {**started, "teacher": {**started["teacher"], "means": means}}


@dataclass(frozen=True)
class Piling(FD):
    """Clients send what they have now and the server adds it to all that it was ever sent."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        client = {**client, "sent": ops.zeros(client["sent"])}
        return super().finish(work, client, down, local, at)


@dataclass(frozen=True)
class CohortAlone(FD):
    """Who was not drawn in the last round teaches nobody."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return super().finish(work, {**client, "sent": ops.zeros(client["sent"])}, down, local, at)

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return super().aggregate({"outputs": {}}, uploads, round, at)


@dataclass(frozen=True)
class OfTheOldModel(FD):
    """Outputs are taken before the round's training."""

    def start(self, client: State, down: State, at: At) -> State:
        return {**super().start(client, down, at), "old": client["model"]}

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        return super().summarise(nets, {"model": work["old"]}, batch, at)


@dataclass(frozen=True)
class Untaught(FD):
    """The teacher is never asked."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        return LocalOnly.loss(self, nets, work, client, down, batch, at)


@dataclass(frozen=True)
class Restarted(FD):
    """A client's optimiser is new in each round."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal")}


GAMMA: dict[str, Any] = {"gamma": 0.6}
SKEWED: dict[str, Any] = {"alpha": 0.2}
CASES: list[Case] = [
    (TaughtByItself, GAMMA, {}),
    (SquaredError, GAMMA, {}),
    (WrongWayRound, GAMMA, {}),
    (DividedByClasses, GAMMA, {}),
    (LogitsSent, GAMMA, {}),
    (ByPrediction, GAMMA, {}),
    (DividedByAll, GAMMA, SKEWED),
    (Piling, GAMMA, {"rounds": 3}),
    (CohortAlone, GAMMA, HALF),
    (OfTheOldModel, GAMMA, {}),
    (Untaught, GAMMA, {}),
    (Restarted, GAMMA, {}),
]
