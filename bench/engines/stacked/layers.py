"""What a layer over K clients is, and the layers without windows.

Activations of a fully connected part are [K, B, features]; those of a convolutional part are [K, P, H, W, Q], where
P and Q are channels and rows of the batch, in the order that the convolutions at hand prefer.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.engines.gradient import Product, Sink
from bench.plugin import Tensors


@dataclass(frozen=True)
class Wanted:
    """What a backward pass is to find."""

    names: frozenset[str]  # the weights to train
    below: bool  # whether anything before this layer needs a gradient


class Layer(ABC):
    """A layer over many clients; its weights lie elsewhere, by name, stacked [K, ...]."""

    weights: tuple[str, ...] = ()  # names of its weights in the net's state

    @abstractmethod
    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, Any]:
        """What the layer makes of `x`, and what its backward pass needs of it."""

    @abstractmethod
    def backward(self, d: Tensor, saved: Any, tensors: Tensors, wanted: Wanted, sink: Sink) -> Tensor | None:
        """From the gradient of the output to that of the input (None unless wanted); weights' go to the sink."""


class Linear(Layer):
    """``y = x W^T + b`` on [K, B, features]."""

    def __init__(self, module: nn.Linear, prefix: str) -> None:
        self.weight, self.bias = f"{prefix}.weight", f"{prefix}.bias" if module.bias is not None else None
        self.weights = (self.weight, self.bias) if self.bias else (self.weight,)

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Saves its input."""
        weight = tensors[self.weight].mT
        if self.bias:
            return torch.baddbmm(tensors[self.bias].unsqueeze(1), x, weight), x
        return torch.bmm(x, weight), x

    def backward(self, d: Tensor, saved: Tensor, tensors: Tensors, wanted: Wanted, sink: Sink) -> Tensor | None:
        """The weight's gradient is ``d^T x``, the input's ``d W``."""
        if self.bias in wanted.names:
            sink(self.bias, d.sum(1))
        if self.weight in wanted.names:
            sink(self.weight, Product(d.mT, saved))
        return torch.bmm(d, tensors[self.weight]) if wanted.below else None


class Relu(Layer):
    """The larger of x and 0."""

    def __init__(self, in_place: bool) -> None:
        """`in_place`: whether the input is another layer's own output, which nobody else looks at."""
        self.in_place = in_place

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Saves its output."""
        y = x.clamp_min_(0) if self.in_place else x.clamp_min(0)
        return y, y

    def backward(self, d: Tensor, saved: Tensor, tensors: Tensors, wanted: Wanted, sink: Sink) -> Tensor | None:
        """The gradient where the output is above 0."""
        return torch.ops.aten.threshold_backward(d, saved, 0) if wanted.below else None


class Flatten(Layer):
    """Channels, height and width of each image as one row of features: [K, P, H, W, Q] to [K, B, C * H * W]."""

    def __init__(self, batch_last: bool) -> None:
        """`batch_last`: whether Q is the batch (P the channels) or the other way round."""
        self.order = (0, 4, 1, 2, 3) if batch_last else (0, 1, 4, 2, 3)
        self.back = (0, 2, 3, 4, 1) if batch_last else (0, 1, 3, 4, 2)

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, torch.Size]:
        """Saves the shape."""
        ordered = x.permute(self.order)
        return ordered.flatten(2).contiguous(), ordered.shape

    def backward(self, d: Tensor, saved: torch.Size, tensors: Tensors, wanted: Wanted, sink: Sink) -> Tensor | None:
        """The same numbers in the old order."""
        return d.reshape(saved).permute(self.back).contiguous() if wanted.below else None


def typed(tensors: Mapping[str, Tensor], names: tuple[str, ...], dtype: torch.dtype) -> Tensors:
    """The named weights in the type that is computed with."""
    return {name: tensors[name].to(dtype) for name in names}
