"""The way back through a loss: from its gradient to the gradients of what it was made of.

A loss in words is a dozen values that each know how to hand a gradient on. PyTorch's autograd would walk them as well;
around so few, it takes longer than the work of a small net's step (ADR 60).
"""

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

_NUMBERS = itertools.count()  # in the order in which values are made, so that a walk by falling numbers is a walk back


class Back:
    """The way back from one value: takes its gradient, part by part, and hands it on to what the value was made of."""

    __slots__ = ("gradient", "hand_on", "inputs", "number")

    def __init__(self, inputs: Sequence["Back"], hand_on: Callable[[Any], None]) -> None:
        """`hand_on` is called once, with the whole gradient; it must not change it in place, others may hold it."""
        self.number = next(_NUMBERS)
        self.inputs, self.hand_on = inputs, hand_on
        self.gradient: Any = None

    def receive(self, gradient: Tensor) -> None:
        """Add a part of the gradient."""
        self.gradient = gradient if self.gradient is None else self.gradient + gradient


def walk_back(last: Back, gradient: Tensor) -> None:
    """Hand a gradient on from the last value to all that it was made of: each value once, after its users."""
    found, waiting = {last}, [last]
    while waiting:
        for back in waiting.pop().inputs:
            if back not in found:
                found.add(back)
                waiting.append(back)
    last.receive(gradient)
    for back in sorted(found, key=operator.attrgetter("number"), reverse=True):
        if back.gradient is not None:
            back.hand_on(back.gradient)
            back.gradient = None
