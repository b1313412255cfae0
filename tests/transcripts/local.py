"""Local: every client trains a model of its own on its own data and nothing is shared.

The optimiser of a client lives for the whole run, so that rounds mean nothing but the schedule of the learning rate::

    w_k = w_k - eta grad l(w_k; b)      for each batch b of each round in which client k takes part
"""

from typing import Any

from torch.nn import functional as F

from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {}  # what the plugin is compared with it at


def local(given: Given) -> Models:
    models = [given.own_model(k) for k in given.clients]
    optimisers = [given.sgd(model, 0) for model in models]
    for t in given.rounds:
        for k in given.cohort(t):
            model, optimiser = models[k], optimisers[k]
            optimiser.param_groups[0]["lr"] = given.lr(t)
            for x, y in given.batches(k, t):
                optimiser.zero_grad()
                F.cross_entropy(model(x).logits, y).backward()
                optimiser.step()
    return {"personal": models}
