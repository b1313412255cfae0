"""FedAvg with fine-tuning: each client's personal model is the global one, trained on at home."""

from dataclasses import dataclass

from torch import Tensor

from algorithms.fedavg import FedAvg
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Phase, Slot, State, Tensors, algorithm, whole


@algorithm("fedavg-ft")
@dataclass(frozen=True)
class FedAvgFT(FedAvg):
    """FedAvg, and for each client the global model fine-tuned on its own training data for a few epochs.

    The baseline of personalised methods, as in Collins, Hassani, Mokhtari, Shakkottai 2022, "FedAvg with Fine Tuning:
    Local Updates Lead to Representation Learning", arXiv:2205.13692. Fine-tuning serves scoring only: it starts anew
    from the global model each time, trains all layers, and nothing of it travels or enters the next round::

        v_k = w_t, then for each of the epochs and each batch:  v_k = v_k - eta grad F_k(v_k)

    Papers fine-tune the model of the last round once. Here a headline round is chosen, so every round has its
    fine-tuned models, and as for every other method they are made of what that round downloaded: beside the global
    model ``w_{t+1}`` stands the fine-tuned ``w_t``, one round older. A client that is not drawn keeps what it
    fine-tuned last. Learning rate, batch size and batches are those of the round's local training, momentum is new.
    So ``epochs = 0`` is FedAvg a round late, and as many epochs as local training has give the client's own update.
    """

    source = "arXiv:2205.13692"

    epochs: int = whole(5, low=0)  # of fine-tuning, on top of the suite's local training

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(), "tuned": Slot()}

    def phases(self) -> tuple[Phase, ...]:
        tuning = (Phase(trains=("tuned",), epochs=self.epochs),) if self.epochs else ()
        return (Phase(trains=("model",)), *tuning)

    def init_client(self, fresh: State, at: At) -> State:
        return {"tuned": fresh["tuned"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": down["model"], "tuned": down["model"]}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        slot = ("model", "tuned")[at.phase]
        return ops.cross_entropy(nets(slot, work[slot], batch.x), batch)

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"tuned": work["tuned"]}, {"model": work["model"]}

    def views(self, client: State, down: State, at: At) -> dict[str, tuple[str, Tensors]]:
        return {"personal": ("tuned", client["tuned"]), "global": ("model", down["model"])}
