"""LG-FedAvg: on each client a body of its own, under one common head."""

from dataclasses import dataclass

from algorithms.fedavg import FedAvg
from bench.plugin import Slot, Task, algorithm


@algorithm("lg-fedavg")
@dataclass(frozen=True)
class LGFedAvg(FedAvg):
    """Local representations, global head: FedAvg of the heads alone.

    Liang et al. 2020, "Think Locally, Act Globally: Federated Learning with Local and Global Representations",
    arXiv:2001.01523, Algorithm 1. With a client's representation ``l_m`` (the body) and the head ``g``::

        (l_m, g_m) = (l_m, g) - eta grad f_m(l_m, g)        over the local epochs, from the head that travelled
        g = sum_m (N_m / N) g_m                             over the cohort

    Bodies never travel and may have any architecture; what they give to the head must have one width, or the zoo is
    skipped. Bodies start from seeds of the clients' own and the head from one of all clients: the authors' code
    starts everything from a model that FedAvg has trained before, which mixed models cannot have and which would be
    training that the other methods do not get. The head is a net's last layer; the authors' code shares the last
    layers of an MLP or CNN, as many as one says. The auxiliary losses of the paper's representations (fairness,
    self-supervision) are not here. Momentum is new in each round. A client is scored with its body and the newest head.
    """

    source = "arXiv:2001.01523, Algorithm 1"

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal", private=("body",), alike=("head",))}

    def skip(self, task: Task) -> str | None:
        apart = task.unlike_widths
        return f"shares the head, whose inputs must have one width, but this zoo's have {apart}" if apart else None
