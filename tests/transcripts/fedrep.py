"""FedRep: Collins, Hassani, Mokhtari, Shakkottai, ICML 2021, arXiv:2102.07078, Algorithm 1.

In each round the server sends the representation phi to the cohort I^t. Client i, whose head h_i is where it left it::

    tau times:                  h_i = h_i - alpha grad_h f_i(h_i, phi)
    for the local epochs:     phi_i = phi_i - alpha grad_phi f_i(h_i, phi_i),  from phi_i = phi

and sends phi_i; the server takes the mean. The head is the last layer. A client's model is phi with its own head.

Beyond the paper: tau is a number of epochs of batches (0: as many epochs or steps as the representation gets); steps
are SGD with momentum and weight decay, with a new optimiser for each of the two stages. The mean is weighted by
examples, as in the authors' code. Heads start alike. Buffers (BatchNorm's running statistics) belong to phi and
move in both stages.
"""

import copy
from typing import Any

from torch import nn
from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {"head_epochs": 2}  # what the plugin is compared with it at


def fedrep(given: Given, head_epochs: int) -> Models:
    server = given.global_model()
    heads = [copy.deepcopy(server.head) for _ in given.clients]
    for t in given.rounds:
        updates, sizes = [], []
        for i in given.cohort(t):
            model = with_head(server, heads[i])
            train(given, model, model.head, i, t, head_epochs)
            train(given, model, model.body, i, t, 0)
            heads[i] = copy.deepcopy(model.head)
            updates.append(model)
            sizes.append(given.examples(i))
        server = average(updates, [n / sum(sizes) for n in sizes])
    return {"personal": [with_head(server, head) for head in heads]}


def with_head(server: nn.Module, head: nn.Module) -> nn.Module:
    model = copy.deepcopy(server)
    model.head.load_state_dict(head.state_dict())
    return model


def train(given: Given, model: nn.Module, part: nn.Module, client: int, round: int, epochs: int) -> None:
    """Fit one part to a client's data."""
    optimiser = given.sgd(part, round)
    for x, y in given.batches(client, round, epochs or None):
        model.zero_grad()
        F.cross_entropy(model(x).logits, y).backward()
        optimiser.step()
