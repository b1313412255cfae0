"""Which steps are of a kind: the same operations, each on tensors of its own."""

import functools
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from bench.plugin import At


@dataclass(frozen=True)
class Watched(At):
    """Where a loss is called; notes if it asks which round it is."""

    asked: bool = False

    def __getattribute__(self, name: str) -> Any:
        if name == "round":
            object.__setattr__(self, "asked", True)
        return super().__getattribute__(name)


@dataclass(frozen=True)
class Kind:
    """What the operations of a step depend on, beside the tensors that they are done with and the round."""

    family: Hashable
    numbers: tuple[tuple[str, object], ...]  # hyper-parameters, but for those that differ within the stack
    alive: int  # clients
    batch: int
    phase: int
    lr: float
    rounds: int
    task: "Same"
    forms: Hashable  # names, shapes and types of what the states consist of

    @functools.cached_property
    def _hash(self) -> int:
        return hash(tuple(vars(self).values()))

    def __hash__(self) -> int:
        return self._hash


class Same:
    """A thing in a key: equal to itself only, and alive as long as the key."""

    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing
