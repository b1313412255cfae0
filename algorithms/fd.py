"""FD: clients share what they answer to a class on average, and nothing of their models."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from algorithms.local import LocalOnly
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Round, State, Tensors, algorithm, number


@algorithm("fd")
@dataclass(frozen=True)
class FD(LocalOnly):
    """Federated distillation.

    Jeong et al. 2018, "Communication-Efficient On-Device Machine Learning: Federated Distillation and Augmentation
    under Non-IID Private Data", arXiv:1811.11479, Algorithm 1. With the softmax F_i(x) of a client's model::

        F_i^l = mean of F_i(x) over the client's images of label l                what it sends
        T_i^l = (sum_k F_k^l - F_i^l) / (M - 1)                                   its teacher: all others
        L_i   = CE(F_i(x), y) + gamma CE(F_i(x), T_i^y)

    M counts the clients that have the label (the paper's all do, by its augmentation, which is another part and not
    here); a label that no other has teaches nothing. Means are taken in one pass over the training data with the
    round's final model in evaluation mode; the paper adds up the outputs that its training steps meet. A client that
    is not drawn stands with what it sent last (in the paper everyone takes part): clients send the *change* of their
    means, so that the server's sum holds each client once, sends it to all alike, and each takes its own out of it.
    Momentum survives rounds, as in Local; ``gamma = 0`` is Local. The paper gives no value of gamma; 1 is ours.
    """

    source = "arXiv:1811.11479, Algorithm 1"
    summarises = True

    gamma: float = number(1.0, low=0)  # weight of the distillation

    def init_server(self, fresh: State, at: At) -> State:
        return {"outputs": {}}  # nothing to send before the first round

    def init_client(self, fresh: State, at: At) -> State:
        any_weight, classes = next(iter(fresh["model"].values())), at.task.classes
        nothing = {"means": any_weight.new_zeros(classes, classes), "has": any_weight.new_zeros(classes)}
        return {"model": fresh["model"], "sent": nothing}

    def start(self, client: State, down: State, at: At) -> State:
        every, own = down["outputs"], client["sent"]
        if not every:
            return {"model": client["model"], "teacher": {}}
        others = every["has"] - own["has"]
        means = ops.class_means(every["means"] - own["means"], others)
        return {"model": client["model"], "teacher": {"means": means, "known": others.clamp(0.0, 1.0)}}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        out, teacher = nets("model", work["model"], batch.x), work["teacher"]
        if not teacher:
            return ops.cross_entropy(out, batch)
        taught = ops.class_cross_entropy(out, teacher["means"], teacher["known"], batch)
        return ops.cross_entropy(out, batch) + self.gamma * taught

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        outputs = nets("model", work["model"], batch.x).logits.softmax(1)
        member = F.one_hot(batch.y, at.task.classes).to(outputs.dtype)
        return {"sums": member.T @ outputs, "counts": member.sum(0)}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        counts, old = local.summary["counts"], client["sent"]
        sent = {"means": ops.class_means(local.summary["sums"], counts), "has": counts.clamp(0.0, 1.0)}
        change = {name: tensor - old[name] for name, tensor in sent.items()}
        return {"model": work["model"], "sent": sent}, {"outputs": change}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        changes = {name: tensor.sum(0) for name, tensor in uploads["outputs"].items()}
        before = server["outputs"] or ops.zeros(changes)
        return {"outputs": {name: before[name] + change for name, change in changes.items()}}
