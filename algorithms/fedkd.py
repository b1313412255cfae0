"""FedKD: a mentor that stays and a mentee that travels teach each other, the more the better they are."""

from dataclasses import dataclass

from torch import Tensor

from bench import ops
from bench.plugin import Algorithm, At, Batch, Local, Nets, Round, Slot, State, Tensors, algorithm, number

FLOOR = 1e-8  # added to the two losses, which can both be zero to the last bit where a client has one class


@algorithm("fedkd")
@dataclass(frozen=True)
class FedKD(Algorithm):
    """Federated learning by adaptive mutual distillation.

    Wu et al. 2022, "Communication-efficient federated learning via knowledge distillation", Nature Communications 13,
    2032, arXiv:2108.13323. With the task losses ``c_t = CE(mentor, y)``, ``c_s = CE(mentee, y)``::

        L_mentor = c_t + KL(p_mentee || p_mentor) / (c_t + c_s)
        L_mentee = c_s + KL(p_mentor || p_mentee) / (c_t + c_s)

    A mentor never leaves its client and may have any architecture; mentees are averaged. Three parts of the paper are
    left out. The adaptive hidden loss compares hidden states and attention maps of transformers; our nets have none in
    common. The singular value decomposition of what travels keeps another rank for each client and round, where a
    round's uploads must have one shape here: mentees travel whole, and that is what the bytes say. And the paper
    averages gradients at each batch; here clients do the suite's local epochs, as in every other method.

    Each loss trains its own net: the teacher's probabilities are constants, and so is the divisor, which is a weight
    and not a term to be made large (the authors' code, for one model of text, differentiates through both). A mentor's
    momentum survives rounds, a mentee's is new in each. Mentees are weighted by training examples.
    ``strength = 0`` is Local and FedAvg side by side.
    """

    source = "arXiv:2108.13323, adaptive mutual distillation"

    strength: float = number(1.0, low=0)  # of the distillation; the paper's is 1

    def slots(self) -> dict[str, Slot]:
        return {"mentor": Slot(role="personal", keeps=True), "mentee": Slot(role="shared")}

    def init_server(self, fresh: State, at: At) -> State:
        return {"mentee": fresh["mentee"]}

    def init_client(self, fresh: State, at: At) -> State:
        return {"mentor": fresh["mentor"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"mentor": client["mentor"], "mentee": down["mentee"]}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        mentor = nets("mentor", work["mentor"], batch.x)
        mentee = nets("mentee", work["mentee"], batch.x)
        task = ops.cross_entropy(mentor, batch) + ops.cross_entropy(mentee, batch)
        distillation = ops.kl(mentor, mentee, batch) + ops.kl(mentee, mentor, batch)
        return task + self.strength * (distillation / (ops.constant(task) + FLOOR))

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"mentor": work["mentor"]}, {"mentee": work["mentee"]}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"mentee": ops.mean(uploads["mentee"], round.examples)}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        return {"personal": ("mentor", client["mentor"]), "global": ("mentee", down["mentee"])}
