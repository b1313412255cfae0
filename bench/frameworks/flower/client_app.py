"""The ClientApp: one client of a cell, whichever its algorithm; what it keeps waits in its node's context."""

from collections.abc import Callable

import torch
from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode

from bench.engines.client import Client
from bench.frameworks.flower.node import Node, settle
from bench.frameworks.flower.records import put, put_client, take, take_client
from bench.registry import explain

Serve = Callable[[Message, Context], Message]

app = ClientApp()


def who(message: Message, context: Context) -> Message:
    """The roll call: get ready, and say which client this is."""
    _node(context)
    return Message(RecordDict({"who": ConfigRecord({"client": _number(context)})}), reply_to=message)


def train(message: Message, context: Context) -> Message:
    """One client's round."""
    node, k = _node(context), _number(context)
    number = int(str(message.content.config_records["round"]["number"]))
    trained = node.train(k, number, _client(node, context, k), take(message.content, "down"))
    put_client(context.state, trained.client, memory=True)
    reply = RecordDict()
    put(reply, "upload", trained.upload)
    put(reply, "losses", {"": {"losses": trained.losses}})
    put_client(reply, trained.client, memory=False)  # for the referee, who scores every client's model
    return Message(reply, reply_to=message)


def _client(node: Node, context: Context, k: int) -> Client:
    """What the last round left here, or a newcomer."""
    return take_client(context.state, memory=True) if "state" in context.state else node.newcomer(k)


def _node(context: Context) -> Node:
    torch.set_num_threads(1)
    return settle(str(context.run_config["folder"]))


def _number(context: Context) -> int:
    """Which client of the cell this node is."""
    return int(context.node_config["partition-id"])


def _told(serve: Serve) -> Serve:
    """Answer an exception with one line of what and where; Flower's runtimes would each wrap it in theirs."""

    def served(message: Message, context: Context) -> Message:
        try:
            return serve(message, context)
        except Exception as error:
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, explain(error)), reply_to=message)

    return served


app.query()(_told(who))
app.train()(_told(train))
