"""FedProx: FedAvg with a pull towards the global model."""

from dataclasses import dataclass

from torch import Tensor

from algorithms.fedavg import FedAvg
from bench import ops
from bench.plugin import At, Batch, Nets, State, algorithm, number


@algorithm("fedprox")
@dataclass(frozen=True)
class FedProx(FedAvg):
    """FedAvg whose local loss carries the proximal term ``mu / 2 ||w - w_t||^2``.

    Li et al. 2020, "Federated Optimization in Heterogeneous Networks", arXiv:1812.06127, Equation 2 and Algorithm 2.
    Every client does the same amount of work: the paper's gamma-inexact (partial) work of stragglers is not simulated.
    Averaging is by training examples, as in the authors' experiments; Algorithm 2 samples clients with probability
    n_k / n instead and takes the plain mean, nearly the same in expectation (exactly, when every client takes part).
    The distance is over parameters, not over BatchNorm statistics. ``mu = 0`` is FedAvg exactly.
    """

    source = "arXiv:1812.06127, Equation 2"

    mu: float = number(0.01, low=0)

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        drift = ops.sq_distance(work["model"], down["model"], at.nets["model"].parameters)
        return super().loss(nets, work, client, down, batch, at) + self.mu / 2 * drift
