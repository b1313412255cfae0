"""LG-FedAvg: Liang et al., "Think Locally, Act Globally", arXiv:2001.01523, Algorithm 1.

Device m has a local model l_m of its own, which makes representations, and the global model g works on these. In each
round the devices of the cohort load g and update both by stochastic gradients of their loss, then send g alone::

    l_m, g_m = l_m - eta grad, g_m - eta grad        for each batch of each local epoch
    g = sum_m N_m / sum_m N_m  g_m

l_m is all of a net but its last layer. For a test on its own data a device puts g on top of l_m.

Beyond the paper: SGD with momentum and weight decay, new in each round; g starts alike on all devices, l_m does not,
whichever architectures there are. Buffers stay with l_m.
"""

import copy
from typing import Any, cast

from torch import nn
from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {}  # what the plugin is compared with it at


def lg_fedavg(given: Given) -> Models:
    models = [given.own_model(k, common_head=True) for k in given.clients]
    g = copy.deepcopy(cast(nn.Module, models[0].head))
    for t in given.rounds:
        updates, sizes = [], []
        for k in given.cohort(t):
            model = models[k]
            model.head = copy.deepcopy(g)
            optimiser = given.sgd(model, t)
            for x, y in given.batches(k, t):
                optimiser.zero_grad()
                F.cross_entropy(model(x).logits, y).backward()
                optimiser.step()
            updates.append(cast(nn.Module, model.head))
            sizes.append(given.examples(k))
        g = average(updates, [n / sum(sizes) for n in sizes])
    for model in models:
        model.head = copy.deepcopy(g)
    return {"personal": models}
