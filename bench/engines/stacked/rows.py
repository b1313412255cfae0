"""States of the clients in a stack, put side by side only where somebody asks for them.

A plugin's loss is given the client's own state and the download beside the tensors in training; most losses look at
neither, and stacking hundreds of models that nobody reads would cost more than some steps.
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.plugin import State

Fetch = Callable[[str, str], Tensor]  # slot, name -> [K, ...]
Form = Callable[[str, str, Tensor], Any]  # slot, name and tensors [K, ...] -> what a plugin is to see


class Rows:
    """What K clients have under one name, side by side, made at the first look and kept."""

    def __init__(self, states: Sequence[State]) -> None:
        self.states = states
        self._made: dict[tuple[str, str], Tensor] = {}

    def __call__(self, slot: str, name: str) -> Tensor:
        """The tensors [K, ...]; a view of one where all are the same."""
        key = (slot, name)
        if key not in self._made:
            each = [state[slot][name] for state in self.states]
            shared = all(tensor is each[0] for tensor in each)
            self._made[key] = each[0].expand(len(each), *each[0].shape) if shared else torch.stack(each)
        return self._made[key]

    @property
    def names(self) -> dict[str, list[str]]:
        """Slot -> the names of its tensors."""
        return {slot: list(tensors) for slot, tensors in self.states[0].items()}


class Side(Mapping[str, Any]):
    """One slot of a state as a plugin sees it; what an entry is (`Many`, or one client's tensor) is `form`'s business.

    Nets know it by identity: it stands for the stacks that `fetch` gets.
    """

    def __init__(self, slot: str, names: Sequence[str], fetch: Fetch, form: Form) -> None:
        self.slot, self.names, self.fetch, self.form = slot, names, fetch, form

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        return self.form(self.slot, name, self.fetch(self.slot, name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**self, **other}

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**other, **self}

    def copy(self) -> dict[str, Any]:
        """A plain dictionary, as of a plain dictionary."""
        return dict(self)

    @functools.cached_property
    def stacks(self) -> dict[str, Tensor]:
        """All its tensors [K, ...]; what trains them changes them in place."""
        return {name: self.fetch(self.slot, name) for name in self.names}


def sides(names: Mapping[str, Sequence[str]], fetch: Fetch, form: Form) -> dict[str, Side]:
    """A state as a plugin sees it."""
    return {slot: Side(slot, of_slot, fetch, form) for slot, of_slot in names.items()}
