"""Training alone with one mistake each."""

from dataclasses import dataclass

from algorithms.local import LocalOnly
from bench import ops
from bench.plugin import At, Local, Round, Slot, State
from tests.mutants.cases import HALF, Case


@dataclass(frozen=True)
class NotAlone(LocalOnly):
    """The clients' models are averaged after all."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {"model": work["model"]}, {"model": work["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": down.get("model", client["model"])}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return {"model": ops.mean(uploads["model"], round.examples)}


@dataclass(frozen=True)
class Forgetful(LocalOnly):
    """Every round starts from the client's initial weights."""

    def init_client(self, fresh: State, at: At) -> State:
        return {"model": fresh["model"], "initial": fresh["model"]}

    def start(self, client: State, down: State, at: At) -> State:
        return {"model": client["initial"]}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return {**client, "model": work["model"]}, {}


@dataclass(frozen=True)
class Restarted(LocalOnly):
    """The optimiser is new in each round."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(role="personal")}


CASES: list[Case] = [
    (NotAlone, {}, {}),
    (Forgetful, {}, {}),
    (Restarted, {}, HALF),
]
