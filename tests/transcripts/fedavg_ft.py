"""FedAvg with fine-tuning: Collins, Hassani, Mokhtari, Shakkottai, NeurIPS 2022, arXiv:2205.13692, Section 2.

FedAvg finds a global model w. Then each client fine-tunes all of it on its own training data for some epochs and uses
what comes out; the global model stays as it is.

A round's fine-tuned models come from the global model that the round began with; a client that takes no part keeps
those of its last time (before its first: the initial model). Fine-tuning is SGD with the round's learning rate, without
momentum gathered before, on the batches that a stage of so many epochs gets.
"""

import copy
from typing import Any

from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {"epochs": 2}  # what the plugin is compared with it at


def fedavg_ft(given: Given, epochs: int) -> Models:
    server = given.global_model()
    tuned = [copy.deepcopy(server) for _ in given.clients]
    for t in given.rounds:
        updates, sizes = [], []
        for k in given.cohort(t):
            model, tuned[k] = copy.deepcopy(server), copy.deepcopy(server)
            for net, stage in ((model, None), (tuned[k], epochs)):
                optimiser = given.sgd(net, t)
                for x, y in given.batches(k, t, stage):
                    optimiser.zero_grad()
                    F.cross_entropy(net(x).logits, y).backward()
                    optimiser.step()
            updates.append(model)
            sizes.append(given.examples(k))
        server = average(updates, [n / sum(sizes) for n in sizes])
    return {"personal": tuned, "global": [server]}
