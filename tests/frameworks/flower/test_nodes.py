"""How many messages are under way at a time, and what becomes of those that a grid does not take."""

from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from flwr.app import Message, MessageType, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from bench.frameworks.flower.nodes import ClientFailed, Nodes


class Slow:
    """A grid that has one reply ready whenever it is asked, that of the youngest message."""

    def __init__(self, takes: int = 100) -> None:
        self.under_way: list[str] = []
        self.most = self.taken = 0
        self.takes = takes

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        names = [
            str(message.metadata.dst_node_id) if self.taken + i < self.takes else ""
            for i, message in enumerate(messages)
        ]
        self.taken += len(names)
        self.under_way += names
        self.most = max(self.most, len(self.under_way))
        return names

    def pull_messages(self, names: Iterable[str]) -> list[SimpleNamespace]:
        assert set(names) == set(self.under_way)
        return [SimpleNamespace(metadata=SimpleNamespace(reply_to_message_id=self.under_way.pop()))]


@pytest.fixture(autouse=True)
def _somebody() -> None:
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 1, 1  # without which no message can be made


def calls(count: int) -> dict[int, Message]:
    return {k: Message(RecordDict(), 100 + k, MessageType.TRAIN) for k in range(count)}


@pytest.mark.parametrize(("at_once", "most"), [(None, 5), (2, 2), (1, 1), (9, 5)])
def test_no_more_messages_are_under_way_than_asked_for(at_once: int | None, most: int):
    grid = Slow()
    replies = Nodes(grid, 5, at_once).exchange(calls(5))
    assert grid.most == most
    assert {k: reply.metadata.reply_to_message_id for k, reply in replies.items()} == {
        k: str(100 + k) for k in range(5)
    }


def test_a_message_that_is_not_taken_is_told():
    with pytest.raises(ClientFailed, match="expected 2 messages to be taken, the grid took 1"):
        Nodes(Slow(takes=1), 4, at_once=2).exchange(calls(4))
