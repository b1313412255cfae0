"""The nodes of a grid: which client each of them is, and messages to them and back."""

import time
from collections.abc import Mapping

from flwr.app import Message, MessageType, RecordDict
from flwr.serverapp import Grid

_PAUSES = (0.02, 0.5)  # seconds between looks at the grid, first and longest; its own `send_and_receive` waits 3


class ClientFailed(Exception):
    """A node could not do its part; the text says which and why."""


class Nodes:
    """All clients of a cell, behind a grid."""

    def __init__(self, grid: Grid, clients: int, at_once: int | None = None) -> None:
        """`at_once`: so many messages are under way at a time, None for all.

        A deployment starts a process for each message, and gives it 30 seconds to say that it is alive. As many as
        there are clients, started together, share the processor and may all be too late.
        """
        self.grid, self.clients, self.at_once = grid, clients, at_once or clients
        self.of: dict[int, int] = {}  # client -> node

    def roll_call(self) -> None:
        """Wait for as many nodes as there are clients, and learn which is which. Raises ClientFailed."""
        pause = _PAUSES[0]
        while len(nodes := list(self.grid.get_node_ids())) < self.clients:
            time.sleep(pause)
            pause = min(2 * pause, _PAUSES[1])
        calls = {node: Message(RecordDict(), node, MessageType.QUERY) for node in nodes}
        for node, reply in self.exchange(calls).items():
            if reply.has_error():
                raise ClientFailed(f"a node did not answer the roll call: {reply.error.reason}")
            self.of[int(str(reply.content.config_records["who"]["client"]))] = node
        if sorted(self.of) != list(range(self.clients)):
            raise ClientFailed(f"expected clients 0 to {self.clients - 1} at the roll call, got {sorted(self.of)}")

    def round(self, number: int, calls: Mapping[int, Message]) -> dict[int, Message]:
        """Send the messages of a round (from 0) and wait for every client's reply. Raises ClientFailed."""
        replies = self.exchange(calls)
        for k in calls:
            if replies[k].has_error():
                raise ClientFailed(f"client {k} failed in round {number + 1}: {replies[k].error.reason}")
        return replies

    def exchange(self, calls: Mapping[int, Message]) -> dict[int, Message]:
        """Send messages and wait for the reply to each, by the same keys. Raises ClientFailed."""
        unsent = list(calls)
        waiting: dict[str, int] = {}  # names of messages under way -> keys of the calls
        replies: dict[int, Message] = {}
        pause = _PAUSES[0]
        while unsent or waiting:
            if now := unsent[: self.at_once - len(waiting)]:
                unsent = unsent[len(now) :]
                waiting.update(zip(self._push([calls[key] for key in now]), now, strict=True))
                pause = _PAUSES[0]
            for reply in self.grid.pull_messages(list(waiting)):
                replies[waiting.pop(reply.metadata.reply_to_message_id)] = reply
            if len(waiting) == self.at_once or (waiting and not unsent):
                time.sleep(pause)
                pause = min(2 * pause, _PAUSES[1])
        return replies

    def _push(self, messages: list[Message]) -> list[str]:
        """Hand messages to the grid; their names there."""
        names = list(self.grid.push_messages(messages))
        if len(names) != len(messages) or not all(names):
            taken = sum(bool(name) for name in names)
            raise ClientFailed(f"expected {len(messages)} messages to be taken, the grid took {taken}")
        return names
