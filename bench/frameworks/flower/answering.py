"""What is around the training of every ClientApp of ours: which client it is, the roll call, errors as replies."""

from collections.abc import Callable

import torch
from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode

from bench.frameworks.flower.node import Node, settle
from bench.registry import explain

Serve = Callable[[Message, Context], Message]
Train = Callable[[Node, int, Message, Context], RecordDict]


def client_app(train: Train) -> ClientApp:
    """An app whose client k answers a round with ``train(node, k, message, context)``, and says who it is if asked."""
    app = ClientApp()
    app.query()(_told(_who))
    app.train()(_told(lambda message, context: _answer(train, message, context)))
    return app


def _who(message: Message, context: Context) -> Message:
    """The roll call: get ready, and say which client this is."""
    _node(context)
    return Message(RecordDict({"who": ConfigRecord({"client": _number(context)})}), reply_to=message)


def _answer(train: Train, message: Message, context: Context) -> Message:
    return Message(train(_node(context), _number(context), message, context), reply_to=message)


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
