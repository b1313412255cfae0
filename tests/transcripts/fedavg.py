"""FedAvg: McMahan, Moore, Ramage, Hampson, Agüera y Arcas, AISTATS 2017, arXiv:1602.05629, Algorithm 1.

Server, in each round t with the cohort S_t::

    for each client k in S_t in parallel:  w_{t+1}^k = ClientUpdate(k, w_t)
    m_t = sum_{k in S_t} n_k
    w_{t+1} = sum_{k in S_t} n_k / m_t  w_{t+1}^k

ClientUpdate(k, w)::

    for each local epoch i from 1 to E:  for batch b:  w = w - eta grad l(w; b)

Beyond the paper: the client's step is SGD with momentum and weight decay, new in each round; buffers (BatchNorm's
running statistics), which the paper does not know, are averaged like w; a counter is rounded to a whole number.
"""

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {}  # what the plugin is compared with it at


def fedavg(given: Given) -> Models:
    server = given.global_model()
    for t in given.rounds:
        updates, sizes = [], []
        for k in given.cohort(t):
            model = copy.deepcopy(server)
            optimiser = given.sgd(model, t)
            for x, y in given.batches(k, t):
                optimiser.zero_grad()
                F.cross_entropy(model(x).logits, y).backward()
                optimiser.step()
            updates.append(model)
            sizes.append(given.examples(k))
        server = average(updates, [n / sum(sizes) for n in sizes])
    return {"global": [server]}


@torch.no_grad()
def average(models: list[nn.Module], weights: list[float]) -> nn.Module:
    """The model whose every tensor is the weighted sum of the models' tensors; integers are rounded."""
    states = [model.state_dict() for model in models]
    merged = copy.deepcopy(models[0])
    for name, tensor in merged.state_dict().items():
        total = sum(weight * state[name].double() for weight, state in zip(weights, states, strict=True))
        tensor.copy_(total if tensor.is_floating_point() else total.round())
    return merged
