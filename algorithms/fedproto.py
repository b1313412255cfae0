"""FedProto: clients share what they take a class to look like, and nothing of their models."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from algorithms.local import LocalOnly
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Round, State, Task, Tensors, algorithm, choice, number

NEVER = -1e4  # the logit of a class without a prototype


@algorithm("fedproto")
@dataclass(frozen=True)
class FedProto(LocalOnly):
    """Federated prototype learning.

    Tan et al. 2022, "FedProto: Federated Prototype Learning across Heterogeneous Clients", AAAI, arXiv:2105.00243,
    Algorithm 1. With the features f_i(x) that a client's body gives to its head::

        C_i^j = mean of f_i(x) over the client's images of class j                      local prototypes
        C^j   = sum_i |D_i^j| / N_j C_i^j    over the cohort's clients that have class j    global ones
        L_i   = CE + lam mean over the batch of ||f_i(x) - C^y||^2 / width

    The paper's aggregation divides by the number of clients once more, which would shrink every prototype in each
    round; its code takes the plain mean (``average = "uniform"``). The distance is the code's ``MSELoss``, of each
    image's own features, where the paper's regulariser compares prototypes. Prototypes are taken in one pass with the
    round's final model in evaluation mode, where the code takes the features that training meets in the last epoch.
    Momentum survives rounds as in Local, so that ``lam = 0`` is Local; the code's is new in each.

    Features must have one width. A class that no client of a cohort has keeps its prototype; one that nobody has had
    yet pulls at nothing. ``predict`` says which of a client's two classifiers is scored: its head, or the nearest
    global prototype, as a head with the same decisions (logits 2 <f, C^j> - ||C^j||^2) that never names a class
    without a prototype.
    """

    source = "arXiv:2105.00243, Algorithm 1"
    summarises = True

    lam: float = number(1.0, low=0)  # weight of the distance to the prototypes
    average: str = choice("examples", ("examples", "uniform"))  # how clients' prototypes of a class are weighted
    predict: str = choice("head", ("head", "prototypes"))  # what is scored

    def skip(self, task: Task) -> str | None:
        if apart := task.unlike_widths:
            return f"shares features, which must have one width, but this zoo's have {apart}"
        if self.predict == "prototypes" and not all("head.bias" in own.head for own in task.personal):
            return "puts prototypes into the head, which needs a bias for that, but one of this zoo's nets has none"
        return None

    def init_server(self, fresh: State, at: At) -> State:
        return {"prototypes": {}}  # nothing to send before the first round

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        out, given = nets("model", work["model"], batch.x), down["prototypes"]
        if not given:
            return ops.cross_entropy(out, batch)
        distance = ops.class_distance(out, given["means"], given["known"], batch)
        return ops.cross_entropy(out, batch) + self.lam * distance

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        features = nets("model", work["model"], batch.x).features
        member = F.one_hot(batch.y, at.task.classes).to(features.dtype)
        return {"sums": member.T @ features, "counts": member.sum(0)}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        counts = local.summary["counts"]
        return {"model": work["model"]}, {
            "prototypes": {"means": ops.class_means(local.summary["sums"], counts), "counts": counts}
        }

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        sent, old = uploads["prototypes"], server["prototypes"]
        weights = sent["counts"] if self.average == "examples" else (sent["counts"] > 0).to(sent["means"].dtype)
        known = (weights.sum(0) > 0).to(weights.dtype)
        means = ops.class_means((weights.unsqueeze(2) * sent["means"]).sum(0), weights.sum(0))
        if old:
            means = torch.where(known.unsqueeze(1) > 0, means, old["means"])
            known = torch.maximum(known, old["known"])
        return {"prototypes": {"means": means, "known": known}}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        model, given = client["model"], down["prototypes"]
        if self.predict == "prototypes" and given:
            means = given["means"]
            bias = torch.where(given["known"] > 0, -means.square().sum(1), NEVER)
            model = {**model, "head.weight": 2 * means, "head.bias": bias}
        return {"personal": ("model", model)}
