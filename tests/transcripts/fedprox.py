"""FedProx: Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith, MLSys 2020, arXiv:1812.06127, Algorithm 2.

Device k, given the round's global model w^t, looks for a minimiser of (Eq. 2)::

    h_k(w; w^t) = F_k(w) + mu / 2  || w - w^t ||^2

here by SGD on batches, as FedAvg does; w are the parameters. w^t stays fixed during the round.

Algorithm 2 draws devices with probability p_k = n_k / n and takes the plain mean of their models. This is the other
scheme, that of the paper's experiments: clients drawn uniformly, and the mean weighted by n_k, as in FedAvg.
"""

import copy
from typing import Any

from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {"mu": 0.2}  # what the plugin is compared with it at


def fedprox(given: Given, mu: float) -> Models:
    server = given.global_model()
    for t in given.rounds:
        updates, sizes = [], []
        for k in given.cohort(t):
            model = copy.deepcopy(server)
            optimiser = given.sgd(model, t)
            for x, y in given.batches(k, t):
                optimiser.zero_grad()
                squared_distance = sum(
                    ((w - w_t.detach()) ** 2).sum()
                    for w, w_t in zip(model.parameters(), server.parameters(), strict=True)
                )
                loss = F.cross_entropy(model(x).logits, y) + mu / 2 * squared_distance
                loss.backward()
                optimiser.step()
            updates.append(model)
            sizes.append(given.examples(k))
        server = average(updates, [n / sum(sizes) for n in sizes])
    return {"global": [server]}
