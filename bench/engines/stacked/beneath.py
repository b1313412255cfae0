"""Work on many clients at once from inside a function that ``torch.vmap`` runs for one.

`beneath` hands a function the stacks behind a client's tensors and takes a stack back. Gradients flow through what the
function does, as if there were no vmap.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["beneath"]


def beneath(function: Callable[..., Any], *tensors: Tensor) -> Any:
    """Call `function` on the stacks [K, ...] behind the tensors; its results, stacked alike, become one client's again.

    At least one of the tensors must be a stack's; one that is not is repeated for all clients.
    """
    return _Beneath.apply(function, *tensors)  # type: ignore[no-untyped-call]  # as autograd.Function is


class _Beneath(torch.autograd.Function):
    """The vmap rule of a custom function is the one public place where stacks can be had as they are."""

    @staticmethod
    def forward(function: Callable[..., Any], *tensors: Tensor) -> Any:
        """Never needed: there is always a vmap."""
        raise RuntimeError("beneath() works inside of a vmap only")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing to keep: the function's own operations are recorded."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, function: Callable[..., Any], *tensors: Tensor) -> Any:
        """The function on the stacks."""
        size = info.batch_size
        stacks = [
            tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(tensors, in_dims[1:], strict=True)
        ]
        out = function(*stacks)
        return out, tuple(0 for _ in out) if isinstance(out, tuple) else 0
