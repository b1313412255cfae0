"""What messages weigh: tensors, which are what is counted, and what Flower's format adds to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from flwr.app import Message, RecordDict
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects

from bench.frameworks.flower.records import FORM

WAYS = ("down", "up", "shown")  # shown: to the referee alone, and in no count


@dataclass(frozen=True)
class Weight:
    """What some records of one message, or of several, weigh in bytes."""

    tensors: int  # of the tensors themselves: what is counted
    repeats: int  # of tensors that equal another one of the message: Flower sends the same content once
    framing: int  # names, shapes, types and the headers of NumPy's and Flower's formats

    @property
    def sent(self) -> int:
        """What travels as objects: a round trip's fixed calls and what TLS adds are not in it."""
        return self.tensors - self.repeats + self.framing

    @classmethod
    def sum(cls, weights: Iterable["Weight"]) -> Self:
        """All together."""
        each = list(weights)
        return cls(sum(w.tensors for w in each), sum(w.repeats for w in each), sum(w.framing for w in each))


def weigh(records: RecordDict, *names: str) -> Weight:
    """The weight of the records of these names, and of their form where `records.put` wrote one."""
    keys = [key for name in names for key in (name, name + FORM) if key == name or key in records]
    part = RecordDict({key: records[key] for key in keys})
    arrays = [array for record in part.array_records.values() for array in record.values()]
    sizes = {array.data: array.numpy().nbytes for array in arrays}  # each content once
    tensors = sum(sizes[array.data] for array in arrays)
    once = sum(sizes.values())
    sent = sum(len(thing.deflate()) for thing in get_all_nested_objects(part).values())
    return Weight(tensors=tensors, repeats=tensors - once, framing=sent - once)


def of_round(
    calls: Iterable[Message], replies: Iterable[Message], names: Mapping[str, Sequence[str]]
) -> dict[str, Weight]:
    """What a round's messages weighed over its cohort; `names`: which of their records go each way."""
    sides = {"down": list(calls), "up": (back := list(replies)), "shown": back}
    return {way: Weight.sum(weigh(message.content, *names[way]) for message in sides[way]) for way in WAYS}


def told(rounds: Sequence[Mapping[str, Weight]]) -> dict[str, dict[str, list[int]]]:
    """Way by way and round by round, as it stands in a record's timing."""
    return {
        way: {
            "tensors": [each[way].tensors for each in rounds],
            "repeats": [each[way].repeats for each in rounds],
            "framing": [each[way].framing for each in rounds],
        }
        for way in WAYS
    }
