"""The ClientApp: one client of a cell, whichever its algorithm; what it keeps waits in its node's context."""

from flwr.app import Context, Message, RecordDict

from bench.engines.client import Client
from bench.frameworks.flower.answering import client_app
from bench.frameworks.flower.node import Node
from bench.frameworks.flower.records import put, put_client, take, take_client


def train(node: Node, k: int, message: Message, context: Context) -> RecordDict:
    """The round of client k."""
    number = int(str(message.content.config_records["round"]["number"]))
    trained = node.train(k, number, _client(node, context, k), take(message.content, "down"))
    put_client(context.state, trained.client, memory=True)
    reply = RecordDict()
    put(reply, "upload", trained.upload)
    put(reply, "losses", {"": {"losses": trained.losses}})
    put_client(reply, trained.client, memory=False)  # for the referee, who scores every client's model
    return reply


def _client(node: Node, context: Context, k: int) -> Client:
    """What the last round left here, or a newcomer."""
    return take_client(context.state, memory=True) if "state" in context.state else node.newcomer(k)


app = client_app(train)
