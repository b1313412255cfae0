"""FedProto: Tan et al., AAAI 2022, arXiv:2105.00243, Algorithm 1 and Equations 3 to 7.

A prototype is the mean of a class's embedding vectors (the input of the decision layer) on one client::

    C_i^(j) = 1 / |D_ij| sum_{(x, y) in D_ij} f_i(x)

The server averages over the clients N_j that have class j, weighted by |D_ij| (a weighted mean: Equation 6 divides by
|N_j| beyond that, which nobody implements), or plainly, as the authors' code does. Clients train with

    L = L_S(D_i) + lambda  L_R,       L_R = mean of squares over batch and embedding of  f_i(x) - C^(y)

which is torch's MSELoss with the image's own embedding as the target where its class has no global prototype yet: it
adds nothing there. Prediction: by the decision layer, or as the class of the nearest global prototype.

Local prototypes are of the model that the round ends with, in evaluation mode. The optimiser of a client lives for the
whole run. With participation below 1 the server keeps a prototype until a cohort has its class again.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.transcripts.given import Given, Models

Prototypes = dict[int, Tensor]  # class -> [embedding]

PARAMS: dict[str, Any] = {
    "lam": 0.7,
    "average": "examples",
    "predict": "head",
}  # what the plugin is compared with it at


def fedproto(given: Given, lam: float, average: str, predict: str) -> Models:
    models = [given.own_model(k) for k in given.clients]
    optimisers = [given.sgd(model, 0) for model in models]
    everyones: Prototypes = {}
    for t in given.rounds:
        sent: dict[int, list[tuple[int, Tensor]]] = {}  # class -> (how many images, prototype) of each client
        for k in given.cohort(t):
            model, optimiser = models[k], optimisers[k]
            optimiser.param_groups[0]["lr"] = given.lr(t)
            for x, y in given.batches(k, t):
                optimiser.zero_grad()
                out = model(x)
                target = out.features.detach().clone()
                for row, label in enumerate(y.tolist()):
                    if label in everyones:
                        target[row] = everyones[label]
                (F.cross_entropy(out.logits, y) + lam * F.mse_loss(out.features, target)).backward()
                optimiser.step()
            for label, images in by_class(*given.data(k)).items():
                with torch.no_grad():
                    prototype = model.eval()(images).features.mean(0)
                model.train()
                sent.setdefault(label, []).append((len(images) if average == "examples" else 1, prototype))
        for label, each in sent.items():
            everyones[label] = sum(n * prototype for n, prototype in each) / sum(n for n, _ in each)
    if predict == "prototypes":
        for model in models:
            use_nearest(cast(nn.Linear, model.head), everyones)
    return {"personal": models}


def by_class(x: Tensor, y: Tensor) -> dict[int, Tensor]:
    """Class -> its images; classes without any are not there."""
    return {label: x[y == label] for label in sorted(set(y.tolist()))}


@torch.no_grad()
def use_nearest(head: nn.Linear, prototypes: Prototypes) -> None:
    """Make a layer whose logits are -||f - C||^2, less the ||f||^2 that all classes have alike."""
    for label in range(head.out_features):
        if label in prototypes:
            head.weight[label], head.bias[label] = 2 * prototypes[label], -(prototypes[label] ** 2).sum()
        else:
            head.weight[label], head.bias[label] = 0, -1e4
