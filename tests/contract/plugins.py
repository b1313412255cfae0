"""Test-only algorithms, and others than the default form of some that ship: what the contract must carry."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.fedavg import FedAvg
from algorithms.fedrep import FedRep
from algorithms.fml import FML
from algorithms.scaffold import Scaffold
from bench import ops
from bench.plugin import Algorithm, At, Batch, Local, Nets, Round, Slot, State, Tensors, choice, number


@dataclass(frozen=True)
class PrivateHead(FedAvg):
    """FedPer (Arivazhagan et al. 2019): the head never leaves the client. Only the slot says so."""

    source = "arXiv:1912.00818"

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("head",))}


@dataclass(frozen=True)
class PrivateNorm(FedAvg):
    """FedBN (Li et al. 2021): normalisation layers stay, found by module type."""

    source = "arXiv:2102.07623"

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("norm",))}


@dataclass(frozen=True)
class KeptInPhases(FedRep):
    """FedRep whose clients keep their optimisers' state, of each part its own, over phases and rounds."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("head",), keeps=True)}


@dataclass(frozen=True)
class FedAdam(FedAvg):
    """FedAdam (Reddi et al. 2021, Algorithm 2): the server applies Adam without bias correction to the mean change."""

    source = "arXiv:2003.00295, Algorithm 2"

    lr: float = number(0.1, low=0)
    tau: float = number(1e-3, low=0)

    def init_server(self, fresh: State, at: At) -> State:
        model = fresh["model"]
        second = {name: torch.full_like(tensor, self.tau**2) for name, tensor in model.items()}
        return {"model": model, "first": ops.zeros(model), "second": second}

    def download(self, server: State, at: At) -> State:
        return {"model": server["model"]}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        old, new = server["model"], ops.mean(uploads["model"], round.examples)
        model, first, second = dict(new), dict(server["first"]), dict(server["second"])
        for name in at.nets["model"].parameters:
            change = new[name] - old[name]
            first[name] = 0.9 * first[name] + 0.1 * change
            second[name] = 0.99 * second[name] + 0.01 * change.square()
            model[name] = old[name] + self.lr * first[name] / (second[name].sqrt() + self.tau)
        return {"model": model, "first": first, "second": second}


@dataclass(frozen=True)
class DynamicFML(FML):
    """FML whose alpha and beta move linearly from their value to 1 over the rounds."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        now = {
            name: torch.tensor(v + (1 - v) * at.progress) for name, v in (("alpha", self.alpha), ("beta", self.beta))
        }
        return FML.loss(self.with_tensors(now), nets, work, client, down, batch, at)


@dataclass(frozen=True)
class KeptMomentum(FedAvg):
    """FedAvg whose clients keep their momentum over rounds."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(keeps=True)}


@dataclass(frozen=True)
class Clipped(FedAvg):
    """FedAvg with clipped gradients."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(clip=0.5)}


@dataclass(frozen=True)
class FirstOption(Scaffold):
    """SCAFFOLD whose clients take a gradient after training, without a step."""

    option: str = choice("I", ("I", "II"))


@dataclass(frozen=True)
class Prototypes(Algorithm):
    """FedProto (Tan et al. 2022, Equations 4-7): clients share class means of features, never weights."""

    source = "arXiv:2105.00243"
    summarises = True

    strength: float = number(1.0, low=0)

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal", keeps=True)}

    def skip(self, task: object) -> str | None:
        widths = {own.features for own in task.personal}  # type: ignore[attr-defined]
        return None if len(widths) == 1 else "needs features of one width"

    def init_server(self, fresh: State, at: At) -> State:
        width = at.task.personal[0].features
        return {"proto": {"mean": torch.zeros(at.task.classes, width), "seen": torch.zeros(at.task.classes)}}

    def init_client(self, fresh: State, at: At) -> State:
        return {"model": fresh["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": client["model"]}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        out = nets("model", work["model"], batch.x)
        proto = down["proto"]
        gap = (out.features - proto["mean"][batch.y]).square().mean(1) * proto["seen"][batch.y]
        return ops.cross_entropy(out, batch) + self.strength * ops.mean_rows(gap, batch.w)

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        features = nets("model", work["model"], batch.x).features
        hot = torch.nn.functional.one_hot(batch.y, at.task.classes).to(features.dtype)
        return {"sum": hot.T @ features, "count": hot.sum(0)}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"model": work["model"]}, {"proto": local.summary}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        count = uploads["proto"]["count"].sum(0)
        new = uploads["proto"]["sum"].sum(0) / count.clamp_min(1.0)[:, None]
        old = server["proto"]
        mean = torch.where(count[:, None] > 0, new, old["mean"])
        return {"proto": {"mean": mean, "seen": torch.maximum(old["seen"], (count > 0).to(count.dtype))}}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        return {"personal": ("model", client["model"])}


ALL = (
    PrivateHead(),
    PrivateNorm(),
    KeptInPhases(),
    FedAdam(),
    DynamicFML(),
    KeptMomentum(),
    Clipped(),
    FirstOption(),
    Prototypes(),
)
