"""FedAvg: the average of the clients' models."""

from dataclasses import dataclass

from torch import Tensor

from bench import ops
from bench.plugin import Algorithm, At, Batch, Local, Nets, Round, State, Task, Tensors, algorithm


@algorithm("fedavg")
@dataclass(frozen=True)
class FedAvg(Algorithm):
    """Federated averaging: local SGD from the global model, then the mean weighted by training examples.

    McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
    arXiv:1602.05629, Algorithm 1: ``w_{t+1} = sum_k (n_k / m_t) w^k_{t+1}``, where ``m_t`` is the cohort's total n_k
    (the paper's first version divides by the population's n, which is the same when every client takes part).
    BatchNorm statistics, which the paper does not have, are averaged with the same weights.
    """

    source = "arXiv:1602.05629, Algorithm 1"

    def skip(self, task: Task) -> str | None:
        return "averages whole models, but this zoo gives clients different architectures" if task.mixed else None

    def init_server(self, fresh: State, at: At) -> State:
        return {"model": fresh["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": down["model"]}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        return ops.cross_entropy(nets("model", work["model"], batch.x), batch)

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return client, {"model": work["model"]}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"model": ops.mean(uploads["model"], round.examples)}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        return {"global": ("model", down["model"])}
