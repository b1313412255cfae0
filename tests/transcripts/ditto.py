"""Ditto: Li, Hu, Beirami, Smith, ICML 2021, arXiv:2012.04221, Algorithm 1, with FedAvg as its global solver.

In each round the server sends w^t to the devices of the cohort. Device k::

    w_k^t = the global solver's local update from w^t
    s times:  v_k = v_k - eta (grad F_k(v_k) + lambda (v_k - w^t))

and sends w_k^t - w^t back; the server aggregates. v_k stays, and is device k's model. As in the authors' code v_k
starts as w^0, and each batch serves one step of w_k and one of v_k.

Beyond the paper: steps are SGD with momentum and weight decay; the global model's momentum is new in each round, v_k's
lives for the whole run. Devices are drawn uniformly and averaged by examples, as FedAvg does. ||v_k - w^t|| is over
parameters; v_k's buffers are its own.
"""

import copy
from typing import Any

from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {"lam": 0.4}  # what the plugin is compared with it at


def ditto(given: Given, lam: float) -> Models:
    server = given.global_model()
    personal = [copy.deepcopy(server) for _ in given.clients]
    personal_optimisers = [given.sgd(v, 0) for v in personal]
    for t in given.rounds:
        updates, sizes = [], []
        for k in given.cohort(t):
            v, of_v = personal[k], personal_optimisers[k]
            of_v.param_groups[0]["lr"] = given.lr(t)
            w = copy.deepcopy(server)
            of_w = given.sgd(w, t)
            for x, y in given.batches(k, t):
                of_w.zero_grad()
                F.cross_entropy(w(x).logits, y).backward()
                of_w.step()

                of_v.zero_grad()
                F.cross_entropy(v(x).logits, y).backward()
                for mine, theirs in zip(v.parameters(), server.parameters(), strict=True):
                    mine.grad += lam * (mine - theirs).detach()
                of_v.step()
            updates.append(w)
            sizes.append(given.examples(k))
        server = average(updates, [n / sum(sizes) for n in sizes])
    return {"personal": personal, "global": [server]}
