"""Ditto: FedAvg, and beside it a personal model on each client that is pulled towards the global one."""

from dataclasses import dataclass

from torch import Tensor

from algorithms.fedavg import FedAvg
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Slot, State, Tensors, algorithm, number


@algorithm("ditto")
@dataclass(frozen=True)
class Ditto(FedAvg):
    """A global model by FedAvg, and a personal model ``v_k`` near it.

    Li, Hu, Beirami, Smith 2021, "Ditto: Fair and Robust Federated Learning Through Personalization", arXiv:2012.04221,
    Equation 1 and Algorithm 1, with FedAvg as its solver of the global problem::

        min_{v_k} h_k(v_k; w) = F_k(v_k) + lambda / 2 ||v_k - w||^2,    w a solution of FedAvg's problem
        v_k = v_k - eta (grad F_k(v_k) + lambda (v_k - w_t))            on each batch

    ``w_t`` is the global model as downloaded, so the two models do not touch within a round and are trained side by
    side on the same batches, as in the authors' code; a personal model starts from the initial global model, also
    as there. The personal model's momentum, which the paper does not have, survives rounds, as a model that is trained
    alone keeps it; the global one's is new in each. The distance is over parameters: BatchNorm statistics of the
    personal model are its own. ``lam = 0`` is FedAvg beside training alone.
    """

    source = "arXiv:2012.04221, Equation 1 and Algorithm 1"

    lam: float = number(1.0, low=0)  # lambda: how strongly a personal model is pulled

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(), "personal": Slot(keeps=True)}

    def init_client(self, fresh: State, at: At) -> State:
        return {"personal": fresh["personal"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": down["model"], "personal": client["personal"]}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        of_global = super().loss(nets, work, client, down, batch, at)
        of_personal = ops.cross_entropy(nets("personal", work["personal"], batch.x), batch)
        distance = ops.sq_distance(work["personal"], down["model"], at.nets["personal"].parameters)
        return of_global + of_personal + self.lam / 2 * distance

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"personal": work["personal"]}, {"model": work["model"]}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        return {"personal": ("personal", client["personal"]), "global": ("model", down["model"])}
