"""The grid as a strategy sees it: the nodes of the round's cohort, whose replies come in the order of the clients."""

from collections.abc import Iterable

from flwr.app import Message

from bench.frameworks.flower.nodes import Nodes


class Cohort:
    """As much of `flwr.serverapp.Grid` as a strategy uses.

    Who takes part is drawn by us, and not by the strategy, which gets all that it sees; and it sums up replies in the
    order in which it gets them, so that the last bits would depend on who is first.
    """

    def __init__(self, nodes: Nodes, members: list[int]) -> None:
        self.nodes = nodes
        self.members = members  # clients of the round
        self.number = 0  # of the round that is next, from 0
        self.calls: dict[int, Message] = {}  # of the last round: client -> message, in the order of the clients
        self.replies: dict[int, Message] = {}

    def get_node_ids(self) -> list[int]:
        """The nodes that there are, for the strategy."""
        return [self.nodes.of[k] for k in self.members]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Send a round's messages; all replies. Raises ClientFailed, where a strategy would go on without the client.

        `timeout` is not used: a round has the time that the cell has.
        """
        by_node = {message.metadata.dst_node_id: message for message in messages}
        if not by_node:  # nobody is asked to evaluate
            return []
        self.calls = {k: by_node[self.nodes.of[k]] for k in self.members}
        self.replies = self.nodes.round(self.number, self.calls)
        self.number += 1
        return [self.replies[k] for k in self.members]
