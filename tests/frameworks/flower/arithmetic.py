"""Our FedAvg and FedProx with those lines of arithmetic that Flower's own have: all that is between them."""

import torch

from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from bench.plugin import algorithm


def in_float32(uploads: dict[str, torch.Tensor], examples: torch.Tensor) -> dict[str, torch.Tensor]:
    """Flower's average: each array times a float32 share, summed in float32 in the order of the replies.

    flwr/serverapp/strategy/strategy_utils.py, aggregate_arrayrecords.
    """
    shares = [n / sum(examples.tolist()) for n in examples.tolist()]
    averaged = {}
    for name, stacked in uploads.items():
        total = stacked[0].numpy() * shares[0]
        for upload, share in zip(stacked[1:], shares[1:], strict=True):
            total += upload.numpy() * share
        averaged[name] = torch.from_numpy(total)
    return averaged


@algorithm("test-flower-fedavg")
class FedAvg32(FedAvg):
    """FedAvg with Flower's arithmetic on the server."""

    def aggregate(self, server, uploads, round, at):
        return {"model": in_float32(uploads["model"], round.examples)}


@algorithm("test-flower-fedprox")
class FedProx32(FedAvg32, FedProx):
    """FedProx likewise, with the baseline's form of the proximal term: the square of a root, tensor by tensor."""

    def loss(self, nets, work, client, down, batch, at):
        loss = FedAvg.loss(self, nets, work, client, down, batch, at)
        names = [name for name in work["model"] if name in at.nets["model"].parameters]
        return loss + self.mu / 2 * sum((work["model"][n] - down["model"][n]).norm(2).square() for n in names)
