"""FML and FedAvg where clients have tasks of their own: bodies are shared, every client keeps the heads of its nets.

Shen et al., "Federated Mutual Learning" (arXiv:2006.16765), "objective heterogeneity": clients with different tasks
share the body of the meme only. Nothing else changes against `tests.transcripts.fml`: the fork copies the body of the
global model under the client's own head, the merge averages bodies. A head that waits for its client's next round is
as the client left it. FedAvg with private heads is FedPer (Arivazhagan et al. 2019, arXiv:1912.00818, Algorithm 1).
"""

import copy
from dataclasses import dataclass
from typing import cast

from torch import nn
from torch.nn import functional as F

from bench.nets.net import Net
from tests.transcripts.fedavg import average as weighted_average
from tests.transcripts.fml import divergence
from tests.transcripts.given import Given


@dataclass(frozen=True)
class Shared:
    """What a run leaves behind."""

    body: nn.Module  # the server's
    heads: list[nn.Module]  # of each client's copy of the shared net
    own: list[nn.Module]  # models of the clients' own, where they have any


def fml(given: Given, alpha: float, beta: float, average: str) -> Shared:
    locals_ = [given.own_model(k) for k in given.clients]
    memes = [cast(Net, given.shared_model(k)) for k in given.clients]
    optimisers = [given.sgd(model, 0) for model in locals_]
    body = copy.deepcopy(memes[0].body)
    for t in given.rounds:
        for k in given.cohort(t):
            memes[k].body.load_state_dict(body.state_dict())
            optimisers[k].param_groups[0]["lr"] = given.lr(t)
            of_meme = given.sgd(memes[k], t)
            for x, y in given.batches(k, t):
                optimisers[k].zero_grad()
                of_meme.zero_grad()
                local, meme = locals_[k](x).logits, memes[k](x).logits
                (alpha * F.cross_entropy(local, y) + (1 - alpha) * divergence(meme, local)).backward()
                (beta * F.cross_entropy(meme, y) + (1 - beta) * divergence(local, meme)).backward()
                optimisers[k].step()
                of_meme.step()
        sizes = [given.examples(k) if average == "examples" else 1 for k in given.cohort(t)]
        body = weighted_average([memes[k].body for k in given.cohort(t)], [n / sum(sizes) for n in sizes])
    return Shared(body, [meme.head for meme in memes], locals_)


def fedavg(given: Given) -> Shared:
    models = [cast(Net, given.shared_model(k)) for k in given.clients]
    body = copy.deepcopy(models[0].body)
    for t in given.rounds:
        for k in given.cohort(t):
            models[k].body.load_state_dict(body.state_dict())
            optimiser = given.sgd(models[k], t)
            for x, y in given.batches(k, t):
                optimiser.zero_grad()
                F.cross_entropy(models[k](x).logits, y).backward()
                optimiser.step()
        sizes = [given.examples(k) for k in given.cohort(t)]
        body = weighted_average([models[k].body for k in given.cohort(t)], [n / sum(sizes) for n in sizes])
    return Shared(body, [model.head for model in models], [])
