"""What a client holds between rounds, and what may cross between it and the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from bench.plugin import Algorithm, Parts, State, Tensors

Names = Mapping[str, frozenset[str]]  # slot -> tensor names


@dataclass(frozen=True)
class Client:
    """All that waits on a client while others train. Never changed in place: a round makes a new one."""

    state: State  # the plugin's own
    kept: State = field(default_factory=dict)  # private parts of slots that otherwise travel
    memory: State = field(default_factory=dict)  # optimiser state of the slots that keep it


def private_names(algorithm: Algorithm, nets: Mapping[str, Parts]) -> dict[str, frozenset[str]]:
    """The tensors of each slot that must not leave the client: what the slot says, and what the task makes private."""
    return {
        name: nets[name].kept.union(*(nets[name].named(part) for part in slot.private))
        for name, slot in algorithm.slots().items()
        if name in nets and (slot.private or nets[name].kept)
    }


def withhold(state: State, private: Names) -> State:
    """The state without its private tensors: what may travel."""
    return {slot: _without(tensors, private.get(slot, frozenset())) for slot, tensors in state.items()}


def complete(state: State, kept: State) -> State:
    """A download with the client's own private tensors put back, so that a plugin sees whole nets."""
    return {slot: {**tensors, **kept[slot]} if kept.get(slot) else tensors for slot, tensors in state.items()}


def retain(state: State, private: Names) -> State:
    """The private tensors of a state."""
    return {
        slot: {name: tensor for name, tensor in state[slot].items() if name in names}
        for slot, names in private.items()
        if slot in state
    }


def owned(state: State) -> State:
    """The state in memory of its own: what waits for its next round must not keep a whole stack alive by a view."""
    return {
        slot: {name: tensor.clone() if _is_part(tensor) else tensor for name, tensor in tensors.items()}
        for slot, tensors in state.items()
    }


def _is_part(tensor: Tensor) -> bool:
    """Whether its memory holds more than it. A detached view does not say that it is a view."""
    return tensor.untyped_storage().nbytes() > tensor.numel() * tensor.element_size()


def size(state: State) -> int:
    """Bytes of all tensors of a state: what it costs to send it."""
    return sum(tensor.numel() * tensor.element_size() for tensors in state.values() for tensor in tensors.values())


def _without(tensors: Tensors, names: frozenset[str]) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if name not in names} if names else tensors
