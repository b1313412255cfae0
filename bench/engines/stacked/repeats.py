"""What a stack's steps and a way to repeat them have to know of each other."""

from collections.abc import Callable, Hashable, Mapping
from typing import Protocol

from torch import Tensor

from bench.plugin import Algorithm, At

Doing = Callable[..., Tensor]  # a batch in, losses [K] out; everything else it changes in place
Key = tuple[str, str, str]  # what a stack's tensor is, its slot, its name


class Repeatable(Protocol):
    """A step that is done again and again by the same clients."""

    @property
    def alike(self) -> bool:
        """Whether each time it is the same operations on the same memory."""
        ...

    @property
    def kind(self) -> Hashable:
        """Two steps of a kind are the same operations on tensors of their own, in one round and, undated, in all."""
        ...

    @property
    def family(self) -> Hashable:
        """As `family` says."""
        ...

    @property
    def dated(self) -> bool:
        """Whether the operations may depend on the round, as far as is known by now."""
        ...

    @property
    def round(self) -> int:
        """Which round it is."""
        ...

    @property
    def tensors(self) -> Mapping[Key, Tensor]:
        """The tensors of its own that it has used so far."""
        ...

    def step(self, x: Tensor, y: Tensor, rows: Tensor) -> Tensor:
        """A batch in, losses [K] out."""
        ...

    def tensor(self, key: Key) -> Tensor:
        """One of its tensors, the same object each time."""
        ...


class Repeats(Protocol):
    """A way to repeat steps."""

    def doing(self, step: Repeatable, times: int) -> Doing:
        """What to call for each of so many steps in the place of ``step.step``."""
        ...

    def cheap(self, family: Hashable) -> bool:
        """Whether steps cost little beside their products, so that few clients side by side repay them."""
        ...


def family(algorithm: Algorithm, at: At) -> Hashable:
    """Steps of which one is taken to be operations and nothing else only if all are: the algorithm and its nets."""
    return type(algorithm), tuple(sorted((slot, parts.architecture) for slot, parts in at.nets.items()))
