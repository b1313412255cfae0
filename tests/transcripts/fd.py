"""FD: Jeong et al. 2018, "Federated Distillation and Augmentation under Non-IID Private Data", arXiv:1811.11479,
Algorithm 1.

Devices exchange, for each ground-truth label, their mean output: the vector of softmaxed logits, averaged over the
device's samples of that label. The teacher of device i for label l is the mean of the *other* devices' outputs::

    F^_{i,l} = 1 / (M - 1) (sum_k F-_{k,l} - F-_{i,l}),    M devices that have label l

and the device steps down the gradient of ``phi(F(x), y) + gamma phi(F(x), F^_{i,y})``, phi the cross-entropy.
Where no other device has the label there is no second term.

Beyond the paper: a device's mean outputs are those of the model that the round ends with, in evaluation mode, over all
its samples; with participation below 1 a device that is not drawn stands with what it sent when it last was. The
optimiser of a device lives for the whole run.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tests.transcripts.fedproto import by_class
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {"gamma": 0.6}  # what the plugin is compared with it at


def fd(given: Given, gamma: float) -> Models:
    models = [given.own_model(k) for k in given.clients]
    optimisers = [given.sgd(model, 0) for model in models]
    outputs: dict[int, dict[int, Tensor]] = {}  # device -> label -> mean output
    for t in given.rounds:
        sent = {}
        for i in given.cohort(t):
            model, optimiser = models[i], optimisers[i]
            optimiser.param_groups[0]["lr"] = given.lr(t)
            others = [table for device, table in outputs.items() if device != i]
            for x, y in given.batches(i, t):
                optimiser.zero_grad()
                logits = model(x).logits
                loss = F.cross_entropy(logits, y)
                for row, label in enumerate(y.tolist()):
                    taught = [table[label] for table in others if label in table]
                    if taught:
                        teacher = torch.stack(taught).mean(0)
                        loss = loss + gamma * F.cross_entropy(logits[row], teacher) / len(y)
                loss.backward()
                optimiser.step()
            model.eval()
            with torch.no_grad():
                samples = by_class(*given.data(i))
                sent[i] = {label: model(images).logits.softmax(1).mean(0) for label, images in samples.items()}
            model.train()
        outputs |= sent
    return {"personal": models}
