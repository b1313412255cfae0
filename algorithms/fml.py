"""FML: a private local model and a shared meme model teach each other."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from algorithms.schedules import END, SCHEDULES, STEP, Weight, check, scheduled
from bench import ops
from bench.plugin import (
    Algorithm,
    At,
    Batch,
    Local,
    Nets,
    Out,
    Round,
    Slot,
    State,
    Tensors,
    algorithm,
    choice,
    number,
    whole,
)


@algorithm("fml")
@dataclass(frozen=True)
class FML(Algorithm):
    """Federated mutual learning.

    Shen et al. 2020, "Federated Mutual Learning", arXiv:2006.16765; journal version doi:10.1631/FITEE.2300098::

        L_local = alpha CE(local, y) + (1 - alpha) KL(p_meme  || p_local)
        L_meme  = beta  CE(meme,  y) + (1 - beta)  KL(p_local || p_meme)

    The meme is a copy (fork) of the global model; memes are averaged (merge), local models never leave their client
    and may have any architecture. Each teacher's probabilities are constants, so the gradient of the sum of the two
    losses gives each net its own loss's gradient.

    As in the authors' code: KL is the mean over rows of the sum over classes (``batchmean``), temperature 1; memes are
    averaged uniformly; a local model's momentum survives rounds, a meme's is new in each. The authors' code sums
    BatchNorm statistics without clearing them first; here they are averaged like weights.
    ``alpha = 1`` trains the local model alone; ``beta = 1`` with ``average = "examples"`` makes the meme plain FedAvg.
    alpha and beta may move while it trains, as in the paper's study of "dynamic" ones: `algorithms.schedules`.
    """

    source = "arXiv:2006.16765"

    alpha: float = number(0.5, low=0, high=1)  # weight of the labels in the local model's loss
    beta: float = number(0.5, low=0, high=1)  # weight of the labels in the meme's loss
    average: str = choice("uniform", ("uniform", "examples"))  # how memes are weighted in the merge
    alpha_schedule: str = choice("constant", SCHEDULES)  # how alpha moves, to alpha_end
    alpha_end: float = number(END, low=0, high=1)
    beta_schedule: str = choice("constant", SCHEDULES)  # how beta moves, to beta_end
    beta_end: float = number(END, low=0, high=1)
    step_percent: int = whole(STEP, low=1, high=99)  # of the rounds, until a "step" schedule steps

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self)

    def slots(self) -> dict[str, Slot]:
        return {"local": Slot(role="personal", keeps=True), "meme": Slot(role="shared")}

    def init_server(self, fresh: State, at: At) -> State:
        return {"meme": fresh["meme"]}

    def init_client(self, fresh: State, at: At) -> State:
        return {"local": fresh["local"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"local": client["local"], "meme": down["meme"]}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        local = nets("local", work["local"], batch.x)
        meme = nets("meme", work["meme"], batch.x)
        alpha, beta = self.weights(local, meme, batch, at)
        of_local = alpha * ops.cross_entropy(local, batch) + (1 - alpha) * ops.kl(local, meme, batch)
        of_meme = beta * ops.cross_entropy(meme, batch) + (1 - beta) * ops.kl(meme, local, batch)
        return of_local + of_meme

    def weights(self, local: Out, meme: Out, batch: Batch, at: At) -> tuple[Weight, Weight]:
        """alpha and beta at this step; each net's teacher is the other."""
        now = partial(scheduled, step_percent=self.step_percent, batch=batch, at=at)
        return (
            now(self.alpha_schedule, self.alpha, self.alpha_end, teacher=meme),
            now(self.beta_schedule, self.beta, self.beta_end, teacher=local),
        )

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"local": work["local"]}, {"meme": work["meme"]}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        weights = torch.ones_like(round.examples) if self.average == "uniform" else round.examples
        return {"meme": ops.mean(uploads["meme"], weights)}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        return {"personal": ("local", client["local"]), "global": ("meme", down["meme"])}
