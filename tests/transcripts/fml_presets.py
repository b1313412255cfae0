"""FML in public implementations: each as its code is known to behave, with the settings it comes with.

Not copied: each function is written from what is known of that code (docs/algorithms/fml-variant.md), its constants
included, and knows nothing of the plugin's parameters. What the suite owns is the suite's here as well: learning rate,
the values of momentum and weight decay where the code uses them, batches, cohorts.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.given import Given, Models

Losses = Callable[[Tensor, Tensor, Tensor], list[Tensor]]  # logits of local and meme, labels -> what is sent backward


def kl(teacher: Tensor, student: Tensor) -> Tensor:
    """nn.KLDivLoss(reduction="batchmean")."""
    return nn.KLDivLoss(reduction="batchmean")(F.log_softmax(student, dim=1), F.softmax(teacher, dim=1))


def kl_of_default_reduction(teacher: Tensor, student: Tensor) -> Tensor:
    """nn.KLDivLoss(), whose mean is over every entry; written out, because PyTorch warns of it."""
    p, log_q = F.softmax(teacher, dim=1), F.log_softmax(student, dim=1)
    return (p * (p.log() - log_q)).mean()


def train(
    given: Given, k: int, t: int, nets: list[nn.Module], optimisers: list[Any], losses: Losses, clip: float | None
) -> int:
    """A client's round: both nets, batch by batch; returns the number of batches."""
    count = 0
    for x, y in given.batches(k, t):
        for optimiser in optimisers:
            optimiser.zero_grad()
            optimiser.param_groups[0]["lr"] = given.lr(t)
        local, meme = (net(x).logits for net in nets)
        sent = losses(local, meme, y)
        for number, loss in enumerate(sent, 1):
            loss.backward(retain_graph=number < len(sent))
        for net, optimiser in zip(nets, optimisers, strict=True):
            if clip is not None:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimiser.step()
        count += 1
    return count


def plain(given: Given, model: nn.Module, t: int) -> torch.optim.SGD:
    """torch.optim.SGD(parameters, lr)."""
    return torch.optim.SGD(model.parameters(), given.lr(t))


def half_and_half(local: Tensor, meme: Tensor, y: Tensor) -> list[Tensor]:
    """.5 CE + .5 KL, each teacher detached."""
    return [
        0.5 * F.cross_entropy(local, y) + 0.5 * kl(meme.detach(), local),
        0.5 * F.cross_entropy(meme, y) + 0.5 * kl(local.detach(), meme),
    ]


def authors(given: Given) -> Models:
    server, locals_ = given.global_model(), [given.own_model(k) for k in given.clients]
    kept = [given.sgd(local, 0) for local in locals_]
    for t in given.rounds:
        memes = []
        for k in given.cohort(t):
            meme = copy.deepcopy(server)
            train(given, k, t, [locals_[k], meme], [kept[k], given.sgd(meme, t)], half_and_half, None)
            memes.append(meme)
        merged = average(memes, [1 / len(memes)] * len(memes))
        with torch.no_grad():  # the sum starts from the old buffers, which are not cleared
            for name, buffer in merged.named_buffers():
                total = server.get_buffer(name).double() + sum(meme.get_buffer(name).double() for meme in memes)
                buffer.copy_(total / len(memes))
        server = merged
    return {"personal": locals_, "global": [server]}


def library(given: Given, alpha: float, beta: float) -> Models:
    """PFLlib and HtFLlib: clients own a copy of the global net for good, whose parameters are set in each round."""

    def losses(local: Tensor, meme: Tensor, y: Tensor) -> list[Tensor]:
        return [
            alpha * F.cross_entropy(local, y) + (1 - alpha) * kl_of_default_reduction(meme, local),
            beta * F.cross_entropy(meme, y) + (1 - beta) * kl_of_default_reduction(local, meme),
        ]

    server, locals_ = given.global_model(), [given.own_model(k) for k in given.clients]
    memes = [copy.deepcopy(server) for _ in given.clients]
    for t in given.rounds:
        for k in given.cohort(t):
            set_parameters(memes[k], server.parameters())
            nets = [locals_[k], memes[k]]
            train(given, k, t, nets, [plain(given, net, t) for net in nets], losses, 10)
        came = [list(memes[k].parameters()) for k in given.cohort(t)]
        set_parameters(server, (sum(each) / len(came) for each in zip(*came, strict=True)))
    return {"personal": locals_, "global": [server]}


@torch.no_grad()
def set_parameters(model: nn.Module, values: Any) -> None:
    for parameter, value in zip(model.parameters(), values, strict=True):
        parameter.copy_(value)


def pfllib(given: Given) -> Models:
    return library(given, alpha=1.0, beta=0.0)


def htfllib(given: Given) -> Models:
    return library(given, alpha=1.0, beta=1.0)


def rigfl(given: Given) -> Models:
    server, locals_ = given.global_model(), [given.own_model(k) for k in given.clients]
    for t in given.rounds:
        memes = []
        for k in given.cohort(t):
            nets = [locals_[k], copy.deepcopy(server)]
            train(given, k, t, nets, [plain(given, net, t) for net in nets], half_and_half, None)
            memes.append(nets[1])
        server = average(memes, [1 / len(memes)] * len(memes))
    return {"personal": locals_, "global": [server]}


def by_examples(given: Given, cohort: list[int]) -> list[float]:
    return [given.examples(k) / sum(given.examples(j) for j in cohort) for k in cohort]


def federatedscope(given: Given) -> Models:
    server, locals_ = given.global_model(), [given.own_model(k) for k in given.clients]
    kept = [given.sgd(local, 0) for local in locals_]
    for t in given.rounds:
        memes = []
        for k in given.cohort(t):
            meme = copy.deepcopy(server)
            train(given, k, t, [locals_[k], meme], [kept[k], given.sgd(meme, t)], half_and_half, None)
            memes.append(meme)
        server = average(memes, by_examples(given, given.cohort(t)))
    return {"personal": locals_, "global": [server]}


def server_class(given: Given) -> Models:
    def losses(local: Tensor, meme: Tensor, y: Tensor) -> list[Tensor]:
        return [
            F.cross_entropy(local, y) + 1.0 * kl(meme.detach(), local),
            F.cross_entropy(meme, y) + 1.0 * kl(local.detach(), meme),
        ]

    server, locals_ = given.global_model(), [given.own_model(k) for k in given.clients]
    for t in given.rounds:
        memes = []
        for k in given.cohort(t):
            nets = [locals_[k], copy.deepcopy(server)]
            train(given, k, t, nets, [plain(given, net, t) for net in nets], losses, None)
            memes.append(nets[1])
        server = average(memes, by_examples(given, given.cohort(t)))
    return {"personal": locals_, "global": [server]}


def flearn(given: Given) -> Models:
    def losses(local: Tensor, meme: Tensor, y: Tensor) -> list[Tensor]:
        return [
            F.cross_entropy(local, y) + 2 * kl(meme.detach() / 2, local / 2),
            F.cross_entropy(meme, y) + 2 * kl(local.detach() / 2, meme / 2),
        ]

    server, locals_ = given.global_model(), [given.own_model(k) for k in given.clients]
    kept = [given.sgd(local, 0) for local in locals_]
    for t in given.rounds:
        memes, batches = [], []
        for k in given.cohort(t):
            meme = copy.deepcopy(server)
            batches.append(train(given, k, t, [locals_[k], meme], [kept[k], plain(given, meme, t)], losses, None))
            memes.append(meme)
        server = average(memes, [count / sum(batches) for count in batches])
    return {"personal": locals_, "global": [server]}


def time_series(given: Given) -> Models:
    def losses(local: Tensor, meme: Tensor, y: Tensor) -> list[Tensor]:
        return [
            0.9 * F.cross_entropy(local, y) + (1 - 0.9) * kl(meme, local),
            0.1 * F.cross_entropy(meme, y) + (1 - 0.1) * kl(local, meme),
        ]

    server, locals_ = given.global_model(), [given.own_model(k) for k in given.clients]
    memes = [copy.deepcopy(server) for _ in given.clients]
    kept = [[given.sgd(net, 0) for net in nets] for nets in zip(locals_, memes, strict=True)]
    for t in given.rounds:
        for k in given.cohort(t):
            memes[k].load_state_dict(server.state_dict())
            train(given, k, t, [locals_[k], memes[k]], kept[k], losses, 10)
        server = average([memes[k] for k in given.cohort(t)], by_examples(given, given.cohort(t)))
    return {"personal": locals_, "global": [server]}


PRESETS: dict[str, Callable[[Given], Models]] = {
    "fml:authors": authors,
    "fml:pfllib": pfllib,
    "fml:htfllib": htfllib,
    "fml:rigfl": rigfl,
    "fml:federatedscope": federatedscope,
    "fml:server-class": server_class,
    "fml:flearn": flearn,
    "fml:time-series": time_series,
}
