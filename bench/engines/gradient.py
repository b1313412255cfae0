"""Gradients of many clients' weights, which need not be multiplied out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Product(NamedTuple):
    """A gradient as a product: ``left @ right`` for each of K clients.

    An optimiser that is linear in the gradient adds it to its state or to the weights in the same operation that
    multiplies it out, so that it is never written to memory.
    """

    left: Tensor  # [K, rows, n]
    right: Tensor  # [K, n, columns]

    def add_to(self, target: Tensor, *, beta: float, alpha: float) -> None:
        """``target = beta target + alpha left @ right`` in place, for weights or their velocity [K, ...]."""
        matrix = target.view(len(target), self.left.shape[1], self.right.shape[2])
        # Factors of another type are small beside their product: to convert that would take longer than to make it.
        matrix.baddbmm_(self.left.to(target.dtype), self.right.to(target.dtype), beta=beta, alpha=alpha)

    def multiplied(self, like: Tensor) -> Tensor:
        """The gradient in the shape and type of its weights."""
        return torch.bmm(self.left.to(like.dtype), self.right.to(like.dtype)).view_as(like)


Gradient = Tensor | Product
Sink = Callable[[str, Gradient], None]
"""Takes the name of a weight and a part of its gradient; a weight's gradient is the sum of its parts."""


def total(parts: Sequence[Gradient], like: Tensor) -> Tensor:
    """A gradient as one tensor in the shape and type of its weights; zeros where it has no parts."""
    if not parts:
        return torch.zeros_like(like)
    tensors = [part.multiplied(like) if isinstance(part, Product) else part.to(like.dtype) for part in parts]
    return sum(tensors[1:], start=tensors[0])
