"""States in Flower's records."""

import json

from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

from bench.engines.client import Client
from bench.frameworks.messages import flatten, unflatten
from bench.plugin import State

FORM = "-form"  # a state's arrays are one record, their form is another beside it


def put(records: RecordDict, name: str, state: State) -> int:
    """Write a state into records under a name; returns the bytes of its tensors."""
    flat = flatten(state)
    records[name] = ArrayRecord({key: Array(array) for key, array in flat.arrays.items()})
    records[name + FORM] = ConfigRecord({"slots": json.dumps(flat.slots), "kinds": json.dumps(flat.kinds)})
    return flat.bytes


def take(records: RecordDict, name: str) -> State:
    """The state that `put` wrote."""
    form = records.config_records[name + FORM]
    arrays = {key: array.numpy() for key, array in records.array_records[name].items()}
    return unflatten(arrays, json.loads(str(form["slots"])), json.loads(str(form["kinds"])))


def put_client(records: RecordDict, client: Client, *, memory: bool) -> None:
    """Write all that waits on a client between rounds; without its optimiser's memory unless asked for."""
    put(records, "state", client.state)
    put(records, "kept", client.kept)
    if memory:
        put(records, "memory", client.memory)


def take_client(records: RecordDict, *, memory: bool) -> Client:
    """The client that `put_client` wrote."""
    return Client(take(records, "state"), take(records, "kept"), take(records, "memory") if memory else {})
