"""FML with one mistake each."""

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.fml import FML
from algorithms.schedules import Weight
from bench import ops
from bench.plugin import At, Batch, Nets, Out, Round, Slot, State
from tests.mutants.cases import BATCHNORM, Case


@dataclass(frozen=True)
class Taught(FML):
    """FML whose divergence is another one."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        local, meme = nets("local", work["local"], batch.x), nets("meme", work["meme"], batch.x)
        of_local = self.alpha * ops.cross_entropy(local, batch) + (1 - self.alpha) * self.divergence(local, meme)
        of_meme = self.beta * ops.cross_entropy(meme, batch) + (1 - self.beta) * self.divergence(meme, local)
        return of_local + of_meme

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        raise NotImplementedError


class TeacherLearns(Taught):
    """The teacher is not detached, as in PFLlib: both divergences push both nets."""

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        return F.kl_div(student.logits.log_softmax(1), teacher.logits.softmax(1), reduction="batchmean")


class DividedByClasses(Taught):
    """The reduction "mean", as in PFLlib and HtFLlib: the divergence counts 1 / C of what it should."""

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        target = teacher.logits.detach().softmax(1)
        mean_of_all = (target * (target.log() - student.logits.log_softmax(1))).mean()
        return mean_of_all  # what F.kl_div(..., reduction="mean") is, without its warning


class WrongWayRound(Taught):
    """KL(student || teacher)."""

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        own = student.logits.log_softmax(1)
        return (own.exp() * (own - teacher.logits.detach().log_softmax(1))).sum(1).mean()


@dataclass(frozen=True)
class BuffersPileUp(FML):
    """Buffers are not cleared before the memes' are added, as in the authors' merge: (old + sum) / K."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        merged = super().aggregate(server, uploads, round, at)["meme"]
        K = len(round.examples)
        for name in at.nets["meme"].buffers:
            if merged[name].is_floating_point():
                merged[name] = (server["meme"][name] + uploads["meme"][name].sum(0)) / K
        return {"meme": merged}


@dataclass(frozen=True)
class MemeMomentumKept(FML):
    """The meme's optimiser goes on where it was, though the meme is a new fork."""

    def slots(self) -> dict[str, Slot]:
        return {"local": Slot(role="personal", keeps=True), "meme": Slot(role="shared", keeps=True)}


@dataclass(frozen=True)
class LocalMomentumDropped(FML):
    """The local model's optimiser is new in each round."""

    def slots(self) -> dict[str, Slot]:
        return {"local": Slot(role="personal"), "meme": Slot(role="shared")}


@dataclass(frozen=True)
class AveragesSwapped(FML):
    """Uniform where examples are asked for, and the other way round."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        other = "examples" if self.average == "uniform" else "uniform"
        return FML(average=other).aggregate(server, uploads, round, at)


class NeverMoves(FML):
    """Schedules are parsed and ignored."""

    def weights(self, local: Out, meme: Out, batch: Batch, at: At) -> tuple[Weight, Weight]:
        return self.alpha, self.beta


class OnItsOwnWord(FML):
    """A "teacher" schedule asks the student itself."""

    def weights(self, local: Out, meme: Out, batch: Batch, at: At) -> tuple[Weight, Weight]:
        return super().weights(meme, local, batch, at)


class EndsSwapped(FML):
    """alpha moves to beta's end and beta to alpha's."""

    def weights(self, local: Out, meme: Out, batch: Batch, at: At) -> tuple[Weight, Weight]:
        other = replace(self, alpha_end=self.beta_end, beta_end=self.alpha_end)
        return FML.weights(other, local, meme, batch, at)


class NeverArrives(FML):
    """A linear schedule divides by all rounds and so stops short of its end."""

    def weights(self, local: Out, meme: Out, batch: Batch, at: At) -> tuple[Weight, Weight]:
        return super().weights(local, meme, batch, replace(at, rounds=at.rounds + 1))


class StepsLate(FML):
    """A step comes a round after its share of the rounds is done."""

    def weights(self, local: Out, meme: Out, batch: Batch, at: At) -> tuple[Weight, Weight]:
        return super().weights(local, meme, batch, replace(at, round=at.round - 1))


class TaughtToBeSure(FML):
    """The measure of a "teacher" schedule is no constant: the teacher learns to look sure."""

    def weights(self, local: Out, meme: Out, batch: Batch, at: At) -> tuple[Weight, Weight]:
        right = meme.logits.softmax(1)[torch.arange(len(batch.y)), batch.y].mean()
        return self.alpha + (self.alpha_end - self.alpha) * right, self.beta


PLAIN: dict[str, Any] = {"alpha": 0.5, "beta": 0.5}
LINEAR: dict[str, Any] = {**PLAIN, "alpha_schedule": "linear", "alpha_end": 0.9}
STEP: dict[str, Any] = {**PLAIN, "alpha_schedule": "step", "alpha_end": 0.9}
TEACHER: dict[str, Any] = {**PLAIN, "alpha_schedule": "teacher", "alpha_end": 0.1}
CASES: list[Case] = [
    (TeacherLearns, PLAIN, {}),
    (DividedByClasses, PLAIN, {}),
    (WrongWayRound, PLAIN, {}),
    (BuffersPileUp, PLAIN, BATCHNORM),
    (MemeMomentumKept, PLAIN, {}),
    (LocalMomentumDropped, PLAIN, {}),
    (AveragesSwapped, {**PLAIN, "average": "uniform"}, {}),
    (AveragesSwapped, {**PLAIN, "average": "examples"}, {}),
    *((NeverMoves, moves, {}) for moves in (LINEAR, STEP, TEACHER)),
    (OnItsOwnWord, TEACHER, {}),
    (EndsSwapped, {**LINEAR, "beta_schedule": "linear", "beta_end": 0.1}, {}),
    (NeverArrives, LINEAR, {}),
    (StepsLate, STEP, {}),
    (TaughtToBeSure, TEACHER, {}),
]
