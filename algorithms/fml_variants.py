"""FML as others implement it: every choice in which public implementations differ, as a parameter."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from algorithms.fml import FML
from bench import ops
from bench.plugin import (
    At,
    Batch,
    Contradiction,
    Local,
    Nets,
    Round,
    Slot,
    State,
    Tensors,
    algorithm,
    choice,
    number,
    preset,
    whole,
)

LIBRARIES: dict[str, Any] = {
    "reduction": "mean", "detach": False, "averaged": "parameters", "momentum": "neither", "clip": 10,
}  # fmt: skip


@algorithm("fml-variant")
@preset(
    "fml:authors", "FML in the authors' code: like fml, but BatchNorm statistics are mis-summed", averaged="missummed"
)
@preset(
    "fml:pfllib", "FML in PFLlib: KL / classes, no detach, plain SGD, clip 10, alpha 1, beta 0",
    **LIBRARIES, alpha=1.0, beta=0.0,
)  # fmt: skip
@preset("fml:htfllib", "FML in HtFLlib: like fml:pfllib, but beta 1", **LIBRARIES, alpha=1.0, beta=1.0)
@preset("fml:rigfl", "FML in RigFL: like fml, with plain SGD", momentum="neither")
@preset("fml:federatedscope", "FML in a FederatedScope fork: like fml, averaged by examples", average="examples")
@preset(
    "fml:server-class", "FML in a server-class repository: CE + KL, averaged by examples, plain SGD",
    form="added", average="examples", momentum="neither",
)  # fmt: skip
@preset(
    "fml:flearn", "FML in flearn: CE + 2 KD at temperature 2, averaged by batches, plain SGD for memes",
    form="added", kl_weight=2.0, temperature=2.0, average="batches", momentum="local",
)  # fmt: skip
@preset(
    "fml:time-series", "FML in a time-series repository: no detach, by examples, optimisers kept, clip 10, alpha .9",
    alpha=0.9, beta=0.1, detach=False, average="examples", keep_meme=True, clip=10,
)  # fmt: skip
@dataclass(frozen=True)
class FMLVariant(FML):
    """FML with the choices that no two public implementations share; with its defaults it is `FML`.

    Which implementation makes which choice: docs/algorithms/fml-variant.md. What the suite owns stays the suite's:
    learning rate, values of momentum and decay, batches, schedule. `momentum` only says which nets use momentum and
    weight decay at all.

    Without `detach` both divergences push both nets: the gradient is that of the sum of the two losses.
    """

    source = "arXiv:2006.16765 and the public implementations of it"
    class_free = True  # beside memes only a number of batches travels

    # How memes are weighted; a client's batches are its optimiser steps in the round.
    average: str = choice("uniform", ("uniform", "examples", "batches"))
    reduction: str = choice("batchmean", ("batchmean", "mean"))  # of the KL; "mean" divides by classes as well
    detach: bool = True  # whether a teacher's probabilities are constants
    temperature: float = number(1.0, low=1e-3)  # of both softmaxes in the KL
    squared: bool = False  # whether the KL is multiplied by the temperature's square (arXiv:1503.02531)
    form: str = choice("mixed", ("mixed", "added"))  # alpha CE + (1 - alpha) KL, or CE + kl_weight KL
    kl_weight: float = number(1.0, low=0)  # of the form "added"
    # What of a meme is averaged: all of it; parameters only, while each client keeps its buffers and the server its
    # first ones; or all, but onto the old buffers: (old + sum) / K, the authors' code's slip.
    averaged: str = choice("state", ("state", "parameters", "missummed"))
    keep_local: bool = True  # whether the local net's optimiser state survives rounds
    keep_meme: bool = False  # likewise the meme's
    momentum: str = choice("both", ("both", "local", "neither"))  # which nets use the suite's momentum and weight decay
    clip: int = whole(0, low=0)  # largest gradient norm of each net; 0: no clipping

    def __post_init__(self) -> None:
        super().__post_init__()
        schedules = self.alpha_schedule, self.beta_schedule
        if self.form == "added" and (self.alpha, self.beta, *schedules) != (0.5, 0.5, "constant", "constant"):
            raise Contradiction("form: 'added' is CE + kl_weight KL, without alpha and beta: leave them as they are")
        if self.form == "mixed" and self.kl_weight != 1:
            raise Contradiction(f"kl_weight: expected none with the form 'mixed', got {self.kl_weight:g}")
        if self.averaged == "missummed" and self.average != "uniform":
            raise Contradiction(f"averaged: 'missummed' is the slip of a uniform average, got average '{self.average}'")

    def slots(self) -> dict[str, Slot]:
        clip = float(self.clip) if self.clip else None
        local = 0.0 if self.momentum == "neither" else None  # None: what the suite says
        meme = None if self.momentum == "both" else 0.0
        return {
            "local": Slot("personal", keeps=self.keep_local, clip=clip, momentum=local, weight_decay=local),
            "meme": Slot("shared", keeps=self.keep_meme, clip=clip, momentum=meme, weight_decay=meme),
        }

    def init_client(self, fresh: State, at: At) -> State:
        kept = {"buffers": _only(fresh["meme"], at.nets["meme"].buffers)} if self.averaged == "parameters" else {}
        return {**super().init_client(fresh, at), **kept}

    def start(self, client: State, down: State, at: At) -> State:
        return {"local": client["local"], "meme": {**down["meme"], **client.get("buffers", {})}}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        local = nets("local", work["local"], batch.x)
        meme = nets("meme", work["meme"], batch.x)
        size = self.temperature * self.temperature if self.squared else 1.0
        share = size / at.task.classes if self.reduction == "mean" else size
        kl = partial(ops.kl, temperature=self.temperature, detach=self.detach)
        to_local, to_meme = share * kl(local, meme, batch), share * kl(meme, local, batch)
        of_local, of_meme = ops.cross_entropy(local, batch), ops.cross_entropy(meme, batch)
        if self.form == "added":
            return of_local + of_meme + self.kl_weight * (to_local + to_meme)
        alpha, beta = self.weights(local, meme, batch, at)
        return alpha * of_local + (1 - alpha) * to_local + (beta * of_meme + (1 - beta) * to_meme)

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        after, upload = super().finish(work, client, down, local, at)
        if self.averaged == "parameters":
            after["buffers"] = _only(work["meme"], at.nets["meme"].buffers)
            upload["meme"] = _only(work["meme"], at.nets["meme"].parameters)
        if self.average == "batches":
            upload["count"] = {"steps": local.steps}
        return after, upload

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        if self.average == "batches":
            weights = uploads["count"]["steps"].to(round.examples)
        else:
            weights = round.examples if self.average == "examples" else torch.ones_like(round.examples)
        merged = {**server["meme"], **ops.mean(uploads["meme"], weights)}
        if self.averaged == "missummed":
            for name in sorted(at.nets["meme"].buffers):
                old, summed = server["meme"][name].double(), uploads["meme"][name].double().sum(0)
                merged[name] = ((old + summed) / len(weights)).to(server["meme"][name].dtype)  # counters are cut off
        return {"meme": merged}


def _only(tensors: Tensors, names: frozenset[str]) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if name in names}
