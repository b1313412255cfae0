"""FedKD with one mistake each."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.fedkd import FLOOR, FedKD
from bench import ops
from bench.plugin import At, Batch, Nets, Out, Round, Slot, State
from tests.mutants.cases import Case


@dataclass(frozen=True)
class Otherwise(FedKD):
    """FedKD whose distillation, or whose weight, is another one."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        mentor, mentee = nets("mentor", work["mentor"], batch.x), nets("mentee", work["mentee"], batch.x)
        of_mentor, of_mentee = ops.cross_entropy(mentor, batch), ops.cross_entropy(mentee, batch)
        weights = self.weights(of_mentor, of_mentee)
        distillation = weights[0] * self.divergence(mentor, mentee) + weights[1] * self.divergence(mentee, mentor)
        return of_mentor + of_mentee + self.strength * distillation

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        target = teacher.logits.detach().log_softmax(1)
        return (target.exp() * (target - student.logits.log_softmax(1))).sum(1).mean()

    def weights(self, of_mentor: Tensor, of_mentee: Tensor) -> tuple[Tensor, Tensor]:
        weight = 1 / (of_mentor.detach() + of_mentee.detach() + FLOOR)
        return weight, weight


class TeacherLearns(Otherwise):
    """The teacher is not detached, as in the authors' code and PFLlib."""

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        return F.kl_div(student.logits.log_softmax(1), teacher.logits.softmax(1), reduction="batchmean")


class WeightLearns(Otherwise):
    """The divisor is not detached, as in the authors' code and PFLlib: making the losses larger pays."""

    def weights(self, of_mentor: Tensor, of_mentee: Tensor) -> tuple[Tensor, Tensor]:
        weight = 1 / (of_mentor + of_mentee + FLOOR)
        return weight, weight


class DividedByClasses(Otherwise):
    """The reduction "mean", as in PFLlib: the divergence counts 1 / C of what it should."""

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        return super().divergence(student, teacher) / student.logits.shape[1]


class WrongWayRound(Otherwise):
    """KL(student || teacher)."""

    def divergence(self, student: Out, teacher: Out) -> Tensor:
        own = student.logits.log_softmax(1)
        return (own.exp() * (own - teacher.logits.detach().log_softmax(1))).sum(1).mean()


class NotAdaptive(Otherwise):
    """The distillation counts the same however good the nets are."""

    def weights(self, of_mentor: Tensor, of_mentee: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(of_mentor), torch.ones_like(of_mentee)


class ByItsOwnLoss(Otherwise):
    """Each divergence is divided by the student's loss, not by both."""

    def weights(self, of_mentor: Tensor, of_mentee: Tensor) -> tuple[Tensor, Tensor]:
        return 1 / (of_mentor.detach() + FLOOR), 1 / (of_mentee.detach() + FLOOR)


class Multiplied(Otherwise):
    """Times the losses, where it should be divided by them."""

    def weights(self, of_mentor: Tensor, of_mentee: Tensor) -> tuple[Tensor, Tensor]:
        weight = of_mentor.detach() + of_mentee.detach()
        return weight, weight


@dataclass(frozen=True)
class Unweighted(FedKD):
    """Every mentee counts the same."""

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"mentee": ops.mean(uploads["mentee"], torch.ones_like(round.examples))}


@dataclass(frozen=True)
class MenteeMomentumKept(FedKD):
    """The mentee's optimiser goes on where it was, though the mentee is a new copy."""

    def slots(self) -> dict[str, Slot]:
        return {"mentor": Slot(role="personal", keeps=True), "mentee": Slot(role="shared", keeps=True)}


@dataclass(frozen=True)
class MentorMomentumDropped(FedKD):
    """The mentor's optimiser is new in each round."""

    def slots(self) -> dict[str, Slot]:
        return {"mentor": Slot(role="personal"), "mentee": Slot(role="shared")}


@dataclass(frozen=True)
class MentorRestarts(FedKD):
    """A mentor begins each round as the common mentee."""

    def start(self, client: State, down: State, at: At) -> State:
        return {"mentor": down["mentee"], "mentee": down["mentee"]}


CASES: list[Case] = [
    (kind, {"strength": 0.8}, {})
    for kind in (
        *(TeacherLearns, WeightLearns, DividedByClasses, WrongWayRound, NotAdaptive, ByItsOwnLoss, Multiplied),
        *(Unweighted, MenteeMomentumKept, MentorMomentumDropped, MentorRestarts),
    )
]
