"""The four algorithms with one mistake each."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from algorithms.fml import FML
from algorithms.local import LocalOnly
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Out, Round, Slot, State


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


@dataclass(frozen=True)
class NotAlone(LocalOnly):
    """The clients' models are averaged after all."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"model": work["model"]}, {"model": work["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": down.get("model", client["model"])}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"model": ops.mean(uploads["model"], round.examples)}


@dataclass(frozen=True)
class Forgetful(LocalOnly):
    """Every round starts from the client's initial weights."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"model": fresh["model"], "initial": fresh["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": client["initial"]}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {**client, "model": work["model"]}, {}


@dataclass(frozen=True)
class Restarted(LocalOnly):
    """The optimiser is new in each round."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal")}
