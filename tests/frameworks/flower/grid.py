"""A grid in one process: messages to our ClientApp, through Flower's own wire format and back."""

import itertools
from collections.abc import Iterable, Iterator

from flwr.app import Context, Message, RecordDict
from flwr.app.message import make_message
from flwr.clientapp import ClientApp
from flwr.common.serde import context_from_proto, context_to_proto
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from flwr.supercore.task_identity import TaskIdentity

from bench.frameworks.flower.client_app import app as every_algorithm


class OneProcess:
    """As much of `flwr.serverapp.Grid` as our server uses. Replies come in the reverse order of the calls."""

    def __init__(self, folder: str, clients: int, app: ClientApp = every_algorithm) -> None:
        self.app = app
        TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 1, 1
        self.contexts = {
            100 + k: Context(
                run_id=1,
                node_id=100 + k,
                node_config={"partition-id": k},
                state=RecordDict(),
                run_config={"folder": folder},
            )
            for k in range(clients)
        }
        self.replies: dict[str, Message] = {}
        self.numbers = itertools.count()

    def get_node_ids(self) -> Iterator[int]:
        return iter(self.contexts)

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        names = []
        for message in messages:
            names.append(name := f"message {next(self.numbers)}")
            message.metadata.__dict__["_message_id"] = name
            node = message.metadata.dst_node_id
            context = self.contexts[node]
            reply = self.app(travelled(message), context)
            self.contexts[node] = context_from_proto(context_to_proto(context))
            self.replies[name] = travelled(reply)
        return names

    def pull_messages(self, names: Iterable[str]) -> list[Message]:
        return [self.replies.pop(name) for name in reversed(list(names))]


def travelled(message: Message) -> Message:
    """A message as it arrives: its content taken apart into bytes and put together again."""
    if message.has_error():
        return message
    objects = {name: thing.deflate() for name, thing in get_all_nested_objects(message.content).items()}
    content = inflate_object_from_contents(message.content.object_id, objects)
    return make_message(metadata=message.metadata, content=content)


class Heard:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.rounds: list[int] = []

    def ready(self) -> None:
        self.rounds.append(0)

    def round(self, number: int) -> None:
        self.rounds.append(number)
