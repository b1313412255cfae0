"""The ServerApp: the referee's own server, whose clients are nodes of a grid."""

import time
from collections.abc import Sequence

from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp

from bench.engines.job import Job, Trained
from bench.frameworks.flower import weight
from bench.frameworks.flower.news import Outcome, Reporter
from bench.frameworks.flower.node import Node
from bench.frameworks.flower.nodes import Nodes
from bench.frameworks.flower.records import put, take, take_client
from bench.frameworks.flower.reporting import reported
from bench.host.provenance import cores
from bench.rounds.federation import Federation
from bench.rounds.group import Group, one_thread

app = ServerApp()
DEPLOYED = "flower-grpc"  # the framework whose nodes start a process for each message
_NAMES = {"down": ("down",), "up": ("upload",), "shown": ("losses", "state", "kept")}


def run(grid: Grid, node: Node, reporter: Reporter) -> Outcome:
    """All rounds of a cell on the nodes of a grid: what `bench.rounds.group.run` returns, or what went wrong."""
    begin = time.perf_counter()
    cell = node.setting.cell
    remote = Remote(Nodes(grid, cell.clients, at_once=cores() if cell.framework == DEPLOYED else None))
    remote.nodes.roll_call()
    reporter.ready()
    called = time.perf_counter() - begin
    with one_thread():
        remote.federation = federation = Federation(node.setting, node.algorithm, remote, node.order.trace)
        (outcome,) = Group([federation]).run(lambda _, number: reporter.round(number))
    if isinstance(outcome, dict):
        outcome["timing"]["wire"] = weight.told(remote.weights)
        outcome["timing"]["roll_call_seconds"] = called
    return outcome


class Remote:
    """An engine whose work is done by nodes; see `bench.engines.job.Engine`."""

    federation: Federation  # whose cohort the jobs are

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.weights: list[dict[str, weight.Weight]] = []  # of each round

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Send the cohort's downloads out, wait for all uploads; results in the order of the jobs."""
        number = jobs[0].at.round
        cohort = self.federation.cohort(number)
        calls = {k: self._call(self.nodes.of[k], number, job) for k, job in zip(cohort, jobs, strict=True)}
        replies = self.nodes.round(number, calls)
        self.weights.append(weight.of_round(calls.values(), replies.values(), _NAMES))
        return [_trained(replies[k].content) for k in cohort]

    def _call(self, node: int, number: int, job: Job) -> Message:
        content = RecordDict({"round": ConfigRecord({"number": number})})
        put(content, "down", job.down)
        return Message(content, node, MessageType.TRAIN, group_id=str(number + 1))


def _trained(content: RecordDict) -> Trained:
    client = take_client(content, memory=False)
    return Trained(client, take(content, "upload"), take(content, "losses")[""]["losses"])


app.main()(reported(run))
