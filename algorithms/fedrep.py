"""FedRep: a common body, and on each client a head of its own."""

from dataclasses import dataclass

from algorithms.fedavg import FedAvg
from bench.plugin import Phase, Slot, Task, algorithm, whole


@algorithm("fedrep")
@dataclass(frozen=True)
class FedRep(FedAvg):
    """Federated representation learning: each client fits its head to the common body, then the body to its head.

    Collins, Hassani, Mokhtari, Shakkottai 2021, "Exploiting Shared Representations for Personalized Federated
    Learning", arXiv:2102.07078, Algorithm 1. In a round, for tau steps and then for those of the suite's budget::

        h_i   = h_i   - eta grad_h   f_i(h_i, phi)          the head, which stays on the client
        phi_i = phi_i - eta grad_phi f_i(h_i, phi_i)        the body, from phi, with the new head
        phi   = mean of phi_i over the cohort

    Algorithm 1 writes one step for the body; its experiments, as here, give the body the other methods' local
    epochs. There the head has ten epochs before them (``head_epochs = 10``); the default, 0, gives it the suite's
    budget, so that no part of a model is trained for more steps than in other methods. Both stages see the same
    batches, and each begins without momentum. The mean is weighted by training examples, as in the authors' code;
    Algorithm 1's is uniform, which is the same for clients of one size. All clients' heads start alike.
    BatchNorm layers belong to the body, and their statistics move in both stages.
    """

    source = "arXiv:2102.07078, Algorithm 1"

    head_epochs: int = whole(0, low=0)  # of the head's stage; 0: the suite's local epochs or steps

    def skip(self, task: Task) -> str | None:
        return "averages bodies, but this zoo gives clients different architectures" if task.mixed else None

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("head",))}

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(trains=("model/head",), epochs=self.head_epochs or None), Phase(trains=("model/body",)))
