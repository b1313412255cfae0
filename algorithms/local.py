"""Local: every client trains alone."""

from dataclasses import dataclass

from torch import Tensor

from bench import ops
from bench.plugin import Algorithm, At, Batch, Local, Nets, Round, Slot, State, Tensors, algorithm


@algorithm("local")
@dataclass(frozen=True)
class LocalOnly(Algorithm):
    """No communication: what each client reaches on its own, the floor that personalisation has to beat.

    A client trains one model of its own architecture without interruption: momentum survives rounds. It does as many
    steps as the compared methods, and only in the rounds that draw it.
    """

    source = "baseline"

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal", keeps=True)}

    def init_server(self, fresh: State, at: At) -> State:
        return {}

    def init_client(self, fresh: State, at: At) -> State:
        return {"model": fresh["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": client["model"]}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        return ops.cross_entropy(nets("model", work["model"], batch.x), batch)

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"model": work["model"]}, {}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        return {"personal": ("model", client["model"])}
