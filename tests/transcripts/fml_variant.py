"""FML with the choices that its public implementations make differently: FML's transcript, and what changes in it.

The divergence of each net from the other is of softmaxes at temperature T, times T^2 on request, over rows
("batchmean") or over all entries ("mean"). Where the teacher is not detached, the two losses are added and both nets
get the gradient of the sum. "added" is CE + w KL for either net. What is averaged of the memes: everything; parameters
only, each client going on with its own buffers and the server with its first ones; or everything, the buffers on top of
the old ones, divided by the number of memes. An optimiser that is kept goes on over rounds, on whatever weights the net
then has.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.transcripts.fedavg import average as weighted_average
from tests.transcripts.fml import CONSTANT
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {
    **CONSTANT,
    **{"average": "examples", "reduction": "mean", "detach": False, "temperature": 1.5, "squared": True},
    **{"form": "mixed", "kl_weight": 1.0, "averaged": "state"},
    **{"keep_local": False, "keep_meme": True, "momentum": "local", "clip": 1},
}


def divergence(teacher: Tensor, student: Tensor, p: dict[str, Any]) -> Tensor:
    """KL(p_teacher || p_student) of logits."""
    if p["detach"]:
        teacher = teacher.detach()
    log_p, log_q = (F.log_softmax(out / p["temperature"], dim=1) for out in (teacher, student))
    terms = log_p.exp() * (log_p - log_q)
    found = terms.mean() if p["reduction"] == "mean" else terms.sum() / len(terms)
    return found * p["temperature"] ** 2 if p["squared"] else found


def optimiser(given: Given, model: nn.Module, t: int, with_momentum: bool) -> torch.optim.Optimizer:
    """The suite's, or plain SGD."""
    return given.sgd(model, t) if with_momentum else torch.optim.SGD(model.parameters(), given.lr(t))


def fml_variant(given: Given, **p: Any) -> Models:
    assert p["alpha_schedule"] == p["beta_schedule"] == "constant"  # schedules are FML's, and proved there
    server = given.global_model()
    locals_ = [given.own_model(k) for k in given.clients]
    memes = [copy.deepcopy(server) for _ in given.clients]
    kept: dict[Any, torch.optim.Optimizer] = {}
    for t in given.rounds:
        cohort, batches = given.cohort(t), []
        for k in cohort:
            local, meme = locals_[k], memes[k]
            load(meme, server, buffers=p["averaged"] != "parameters")
            step_local = optimiser(given, local, t, p["momentum"] != "neither")
            step_meme = optimiser(given, meme, t, p["momentum"] == "both")
            if p["keep_local"]:
                step_local = kept.setdefault(("local", k), step_local)
            if p["keep_meme"]:
                step_meme = kept.setdefault(("meme", k), step_meme)
            steps = 0
            for x, y in given.batches(k, t):
                for each in (step_local, step_meme):
                    each.zero_grad()
                    each.param_groups[0]["lr"] = given.lr(t)
                of_local, of_meme = local(x).logits, meme(x).logits
                to_local, to_meme = divergence(of_meme, of_local, p), divergence(of_local, of_meme, p)
                ce_local, ce_meme = F.cross_entropy(of_local, y), F.cross_entropy(of_meme, y)
                if p["form"] == "added":
                    losses = ce_local + p["kl_weight"] * to_local, ce_meme + p["kl_weight"] * to_meme
                else:
                    alpha, beta = p["alpha"], p["beta"]
                    losses = alpha * ce_local + (1 - alpha) * to_local, beta * ce_meme + (1 - beta) * to_meme
                (losses[0] + losses[1]).backward()
                for model, each in ((local, step_local), (meme, step_meme)):
                    if p["clip"]:
                        nn.utils.clip_grad_norm_(model.parameters(), p["clip"])
                    each.step()
                steps += 1
            batches.append(steps)
        server = merged(
            server, [memes[k] for k in cohort], weights(given, cohort, batches, p["average"]), p["averaged"]
        )
    return {"personal": locals_, "global": [server]}


def weights(given: Given, cohort: list[int], batches: list[int], average: str) -> list[float]:
    """The share of each meme."""
    sizes = {"uniform": [1] * len(cohort), "examples": [given.examples(k) for k in cohort], "batches": batches}[average]
    return [size / sum(sizes) for size in sizes]


def load(model: nn.Module, source: nn.Module, *, buffers: bool) -> None:
    """Set a model's parameters, and its buffers if asked, to those of another."""
    wanted = source.state_dict() if buffers else dict(source.named_parameters())
    with torch.no_grad():
        for name, tensor in wanted.items():
            model.state_dict()[name].copy_(tensor)


@torch.no_grad()
def merged(old: nn.Module, memes: list[nn.Module], shares: list[float], averaged: str) -> nn.Module:
    """The next global model."""
    new = weighted_average(memes, shares)
    buffers = dict(new.named_buffers())
    for name, tensor in buffers.items():
        before = dict(old.named_buffers())[name]
        if averaged == "parameters":
            tensor.copy_(before)
        if averaged == "missummed":
            total = before.double() + sum(dict(meme.named_buffers())[name].double() for meme in memes)
            tensor.copy_(total / len(memes))  # a counter loses what follows the point
    return new
