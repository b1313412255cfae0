"""The ServerApp: the referee's own server, whose clients are nodes of a grid."""

import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from flwr.app import ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp

from bench.engines.job import Job, Trained
from bench.frameworks.flower.news import Outcome, Reporter
from bench.frameworks.flower.node import Node, settle
from bench.frameworks.flower.records import Weight, put, take, take_client, weigh
from bench.rounds.federation import Federation
from bench.rounds.group import Group, one_thread

app = ServerApp()
_WITHDRAWN = "Flower withdrew the run: its server gave no sign of life for 30 seconds. The machine is too busy"
_PAUSES = (0.02, 0.5)  # seconds between looks at the grid, first and longest; its own `send_and_receive` waits 3


class Withdrawn(Exception):
    """The SuperLink no longer takes the ServerApp for alive."""


class ClientFailed(Exception):
    """A node could not do its part; the text says which and why."""


def main(grid: Grid, context: Context) -> None:
    """Run the cell of this run's folder, and leave its outcome there."""
    folder = Path(str(context.run_config["folder"]))
    with Reporter(folder) as reporter:
        try:
            outcome: Outcome = run(grid, settle(str(folder)), reporter)
        except httpx.HTTPStatusError as error:
            outcome = Withdrawn(_WITHDRAWN) if error.response.status_code == httpx.codes.UNAUTHORIZED else error
        except Exception as error:
            outcome = error
        reporter.outcome(outcome)


def run(grid: Grid, node: Node, reporter: Reporter) -> Outcome:
    """All rounds of a cell on the nodes of a grid: what `bench.rounds.group.run` returns, or what went wrong."""
    begin = time.perf_counter()
    remote = Remote(grid, node.setting.cell.clients)
    remote.roll_call()
    reporter.ready()
    called = time.perf_counter() - begin
    with one_thread():
        remote.federation = federation = Federation(node.setting, node.algorithm, remote, node.order.trace)
        (outcome,) = Group([federation]).run(lambda _, number: reporter.round(number))
    if isinstance(outcome, dict):
        outcome["timing"]["wire"] = remote.wire()
        outcome["timing"]["roll_call_seconds"] = called
    return outcome


class Remote:
    """An engine whose work is done by nodes; see `bench.engines.job.Engine`."""

    federation: Federation  # whose cohort the jobs are

    def __init__(self, grid: Grid, clients: int) -> None:
        self.grid, self.clients = grid, clients
        self.nodes: dict[int, int] = {}  # client -> node
        self.weights: list[dict[str, Weight]] = []  # per round: down, up, shown

    def roll_call(self) -> None:
        """Wait for as many nodes as there are clients, and learn which is which. Raises ClientFailed."""
        pause = _PAUSES[0]
        while len(nodes := list(self.grid.get_node_ids())) < self.clients:
            time.sleep(pause)
            pause = min(2 * pause, _PAUSES[1])
        calls = {node: Message(RecordDict(), node, MessageType.QUERY) for node in nodes}
        for node, reply in self._exchange(calls).items():
            if reply.has_error():
                raise ClientFailed(f"a node did not answer the roll call: {reply.error.reason}")
            self.nodes[int(str(reply.content.config_records["who"]["client"]))] = node
        if sorted(self.nodes) != list(range(self.clients)):
            raise ClientFailed(f"expected clients 0 to {self.clients - 1} at the roll call, got {sorted(self.nodes)}")

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Send the cohort's downloads out, wait for all uploads; results in the order of the jobs."""
        number = jobs[0].at.round
        cohort = self.federation.cohort(number)
        calls = {k: self._call(self.nodes[k], number, job) for k, job in zip(cohort, jobs, strict=True)}
        replies = self._exchange(calls)
        for k in cohort:
            if replies[k].has_error():
                raise ClientFailed(f"client {k} failed in round {number + 1}: {replies[k].error.reason}")
        self.weights.append(
            {
                "down": _sum([weigh(calls[k].content, "down") for k in cohort]),
                "up": _sum([weigh(replies[k].content, "upload") for k in cohort]),
                "shown": _sum([weigh(replies[k].content, "losses", "state", "kept") for k in cohort]),
            }
        )
        return [_trained(replies[k].content) for k in cohort]

    def wire(self) -> dict[str, dict[str, list[int]]]:
        """What messages weighed, round by round, summed over the cohort; see `Weight`."""
        return {
            way: {
                "tensors": [weights[way].tensors for weights in self.weights],
                "repeats": [weights[way].repeats for weights in self.weights],
                "framing": [weights[way].framing for weights in self.weights],
            }
            for way in ("down", "up", "shown")
        }

    def _call(self, node: int, number: int, job: Job) -> Message:
        content = RecordDict({"round": ConfigRecord({"number": number})})
        put(content, "down", job.down)
        return Message(content, node, MessageType.TRAIN, group_id=str(number + 1))

    def _exchange(self, calls: dict[int, Message]) -> dict[int, Message]:
        """Send messages and wait for the reply to each, by the same keys."""
        sent = list(self.grid.push_messages(list(calls.values())))
        if len(sent) != len(calls) or not all(sent):
            taken = sum(bool(name) for name in sent)
            raise ClientFailed(f"expected {len(calls)} messages to be taken, the grid took {taken}")
        waiting = dict(zip(sent, calls, strict=True))
        replies: dict[int, Message] = {}
        pause = _PAUSES[0]
        while waiting:
            for reply in self.grid.pull_messages(list(waiting)):
                replies[waiting.pop(reply.metadata.reply_to_message_id)] = reply
            if waiting:
                time.sleep(pause)
                pause = min(2 * pause, _PAUSES[1])
        return replies


def _trained(content: RecordDict) -> Trained:
    client = take_client(content, memory=False)
    return Trained(client, take(content, "upload"), take(content, "losses")[""]["losses"])


def _sum(weights: Sequence[Weight]) -> Weight:
    return Weight(
        tensors=sum(w.tensors for w in weights),
        repeats=sum(w.repeats for w in weights),
        framing=sum(w.framing for w in weights),
    )


app.main()(main)
