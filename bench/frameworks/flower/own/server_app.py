"""The ServerApp: a strategy of Flower's own runs all rounds; the referee looks at the model after each of them."""

import copy
import time

import torch
from flwr.app import ArrayRecord, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg, FedProx

from bench.declaration.cell import Cell
from bench.engines.job import Trained
from bench.frameworks.flower import weight
from bench.frameworks.flower.news import Outcome, Reporter
from bench.frameworks.flower.node import Node
from bench.frameworks.flower.nodes import Nodes
from bench.frameworks.flower.own.cohort import Cohort
from bench.frameworks.flower.own.names import ARRAYS, CONFIG, EXAMPLES, LOSSES, METRICS
from bench.frameworks.flower.reporting import reported
from bench.plugin import Tensors
from bench.rounds.federation import Federation
from bench.rounds.group import one_thread

app = ServerApp()
_RECORDS = {"down": (ARRAYS, CONFIG), "up": (ARRAYS, METRICS), "shown": (LOSSES,)}
_LONGEST = 12 * 3600.0  # seconds that a strategy waits for a round: the cell's time limit comes first


def run(grid: Grid, node: Node, reporter: Reporter) -> Outcome:
    """All rounds of a cell: what `bench.rounds.group.run` returns. Raises Diverged, ClientFailed."""
    begin = time.perf_counter()
    cell = node.setting.cell
    nodes = Nodes(grid, cell.clients)
    nodes.roll_call()
    reporter.ready()
    called = time.perf_counter() - begin
    with one_thread():
        federation = Federation(node.setting, node.algorithm, trace=node.order.trace)
        cohort = Cohort(nodes, federation.cohort(0))
        strategy = strategy_of(cell, size=len(cohort.members))
        referee = Referee(federation, cohort, reporter)
        strategy.start(
            cohort,
            ArrayRecord(federation.server["model"]),
            num_rounds=int(cell.training["rounds"]),
            timeout=_LONGEST,
            evaluate_fn=referee.look,
        )
        result = federation.result()
    timing = {
        "train_seconds": federation.train_seconds,
        "evaluate_seconds": federation.evaluate_seconds,
        "total_seconds": time.perf_counter() - begin,
        "shared": False,
        "wire": weight.told(referee.weights),
        "roll_call_seconds": called,
    }
    return {"result": result, "timing": timing}


def strategy_of(cell: Cell, size: int) -> FedAvg:
    """Flower's strategy for a cell, which trains all of the `size` nodes that it sees, and has none evaluate."""
    counts = {"min_train_nodes": size, "min_available_nodes": size, "fraction_evaluate": 0.0}
    keys = {"weighted_by_key": EXAMPLES, "arrayrecord_key": ARRAYS, "configrecord_key": CONFIG}
    if cell.plugin == "fedprox":
        return FedProx(**counts, **keys, proximal_mu=float(cell.params["mu"]))
    return FedAvg(**counts, **keys)


class Referee:
    """What is written down of a round after the strategy has aggregated it, and who takes part in the next."""

    def __init__(self, federation: Federation, cohort: Cohort, reporter: Reporter) -> None:
        self.federation, self.cohort, self.reporter = federation, cohort, reporter
        self.net = copy.deepcopy(federation.setting.nets[federation.cell.shared])
        self.weights: list[dict[str, weight.Weight]] = []  # of each round
        self.clock = time.perf_counter()

    def look(self, number: int, arrays: ArrayRecord) -> None:
        """Take up a finished round, from 1, and score its model. Flower calls this with 0 before the first."""
        federation, cohort = self.federation, self.cohort
        federation.train_seconds += time.perf_counter() - self.clock
        if number:
            trained = [self._trained(k, cohort.replies[k].content) for k in cohort.members]
            self.weights.append(weight.of_round(cohort.calls.values(), cohort.replies.values(), _RECORDS))
            down = {"model": federation.server["model"]}  # what each of them was sent
            federation.take_round(number - 1, trained, {"model": self._loaded(arrays)}, down)
            federation.evaluate(number - 1)
            self.reporter.round(number)
        if number < int(federation.training["rounds"]):
            cohort.members = federation.cohort(number)
        self.clock = time.perf_counter()

    def _trained(self, k: int, reply: RecordDict) -> Trained:
        losses = torch.tensor(reply.config_records[LOSSES][LOSSES])
        return Trained(self.federation.clients[k], {"model": self._loaded(reply.array_records[ARRAYS])}, losses)

    def _loaded(self, arrays: ArrayRecord) -> Tensors:
        """The tensors of a net that has been given arrays, as Flower's users do it: types are the net's."""
        self.net.load_state_dict(arrays.to_torch_state_dict())
        return {name: tensor.clone() for name, tensor in self.net.state_dict().items()}


app.main()(reported(run))
