"""States in Flower's records, and what a message costs."""

import json
from dataclasses import dataclass

from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects

from bench.engines.client import Client
from bench.frameworks.messages import flatten, unflatten
from bench.plugin import State

_FORM = "-form"  # a state's arrays are one record, their form is another beside it


def put(records: RecordDict, name: str, state: State) -> int:
    """Write a state into records under a name; returns the bytes of its tensors."""
    flat = flatten(state)
    records[name] = ArrayRecord({key: Array(array) for key, array in flat.arrays.items()})
    records[name + _FORM] = ConfigRecord({"slots": json.dumps(flat.slots), "kinds": json.dumps(flat.kinds)})
    return flat.bytes


def take(records: RecordDict, name: str) -> State:
    """The state that `put` wrote."""
    form = records.config_records[name + _FORM]
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


@dataclass(frozen=True)
class Weight:
    """What some records of one message weigh, in bytes."""

    tensors: int  # of the tensors themselves: what is counted
    repeats: int  # of tensors that equal another one of the message: Flower sends the same content once
    framing: int  # names, shapes, types and the headers of NumPy's and Flower's formats

    @property
    def sent(self) -> int:
        """What travels as objects: a round trip's fixed calls and what TLS adds are not in it."""
        return self.tensors - self.repeats + self.framing


def weigh(records: RecordDict, *names: str) -> Weight:
    """The weight of the states of these names and of their form."""
    part = RecordDict({key: records[key] for name in names for key in (name, name + _FORM)})
    arrays = [array for name in names for array in records.array_records[name].values()]
    sizes = {array.data: array.numpy().nbytes for array in arrays}  # each content once
    tensors = sum(sizes[array.data] for array in arrays)
    once = sum(sizes.values())
    sent = sum(len(thing.deflate()) for thing in get_all_nested_objects(part).values())
    return Weight(tensors=tensors, repeats=tensors - once, framing=sent - once)
