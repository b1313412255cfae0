"""Scoring: what a model gets right, on whose data.

Client accuracy is the mean over clients, each scored on its own test split; beside it stand the worst 10 % of clients
and the global test set. Nothing here is weighted by client size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from bench.engines.job import Images
from bench.plugin import Tensors

Numbers = NDArray[np.float64]
CHUNK = 1000  # images a forward pass: bounds memory; fixed, since float results may depend on it


@dataclass(frozen=True)
class Score:
    """Accuracy (a fraction) and mean cross-entropy (nats) on one set of images."""

    accuracy: float
    loss: float


@torch.no_grad()
def predict(net: nn.Module, tensors: Tensors, images: Images, rows: Tensor) -> tuple[Tensor, Tensor]:
    """For each row: whether the model is right [n] bool, and its cross-entropy [n]; in evaluation mode."""
    if net.training:  # to set it again costs a small net a tenth of its pass
        net.eval()
    right, losses = [], []
    for chunk in torch.split(rows, CHUNK):
        x, y = images.batch(chunk)
        logits = functional_call(net, tensors, (x,))[0]
        right.append(logits.argmax(1) == y)
        losses.append(F.cross_entropy(logits, y, reduction="none"))
    return torch.cat(right), torch.cat(losses)


def score(right: Tensor, losses: Tensor) -> Score:
    """The means; in double precision, so that splitting a batch of predictions does not change them."""
    return Score(right.double().mean().item(), losses.double().mean().item())


def on_clients(
    models: Sequence[tuple[nn.Module, Tensors]], images: Images, rows: Sequence[Tensor]
) -> list[tuple[Tensor, Tensor]]:
    """Predictions of client k's model on client k's rows; one pass over all rows where all share one model."""
    shared = all(tensors is models[0][1] for _, tensors in models)
    if not shared:
        return [predict(net, tensors, images, own) for (net, tensors), own in zip(models, rows, strict=True)]
    right, losses = predict(*models[0], images, torch.cat(list(rows)))
    sizes = [len(own) for own in rows]
    return list(zip(torch.split(right, sizes), torch.split(losses, sizes), strict=True))


def worst_tenth(accuracies: Sequence[float]) -> float:
    """The mean over the worst 10 % of clients, at least one.

    >>> worst_tenth([0.5, 0.9, 0.1])
    0.1
    """
    worst = sorted(accuracies)[: max(1, math.floor(len(accuracies) / 10))]
    return float(np.mean(worst))


def spread(accuracies: Sequence[float]) -> float:
    """The sample standard deviation over clients (divisor n - 1); 0 for one client."""
    return float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else 0.0


def summary(scores: Sequence[Score]) -> Mapping[str, float]:
    """The figures of one view over all clients."""
    accuracies = [s.accuracy for s in scores]
    return {
        "accuracy": float(np.mean(accuracies)),
        "loss": float(np.mean([s.loss for s in scores])),
        "worst10": worst_tenth(accuracies),
        "accuracy_std": spread(accuracies),
    }
