"""FedAvg with fine-tuning, with one mistake each."""

from dataclasses import dataclass
from typing import Any

from algorithms.fedavg_ft import FedAvgFT
from bench.plugin import At, Local, Phase, Slot, State
from tests.mutants.cases import HALF, Case


@dataclass(frozen=True)
class GoesOn(FedAvgFT):
    """Fine-tuning goes on from the client's last personal model, so that the global one is lost on it."""

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": down["model"], "tuned": client["tuned"]}


@dataclass(frozen=True)
class TunedIsSent(FedAvgFT):
    """The server averages the fine-tuned models."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"tuned": work["tuned"]}, {"model": work["tuned"]}


@dataclass(frozen=True)
class UpdateForTuned(FedAvgFT):
    """The personal model is what the client uploaded, whatever number of epochs is declared."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"tuned": work["model"]}, {"model": work["model"]}


@dataclass(frozen=True)
class EpochsIgnored(FedAvgFT):
    """Fine-tuning takes the suite's local epochs or steps."""

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(trains=("model",)), Phase(trains=("tuned",)))


@dataclass(frozen=True)
class HeadOnly(FedAvgFT):
    """Only the last layer is fine-tuned."""

    def phases(self) -> tuple[Phase, ...]:
        return (Phase(trains=("model",)), Phase(trains=("tuned/head",), epochs=self.epochs))


@dataclass(frozen=True)
class MomentumKept(FedAvgFT):
    """Fine-tuning goes on with the momentum of the last one, though it starts anew."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(), "tuned": Slot(keeps=True)}


TWO: dict[str, Any] = {"epochs": 2}
CASES: list[Case] = [
    (GoesOn, TWO, {}),
    (TunedIsSent, TWO, {}),
    (UpdateForTuned, TWO, {}),
    (EpochsIgnored, TWO, {}),
    (HeadOnly, TWO, {}),
    (MomentumKept, TWO, HALF),
]
