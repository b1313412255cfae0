"""The ClientApp: one client of a cell, whichever its algorithm; what it keeps waits in its node's context."""

import torch
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from bench.engines.client import Client
from bench.frameworks.flower.node import Node, settle
from bench.frameworks.flower.records import put, put_client, take, take_client

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


app.query()(who)
app.train()(train)
