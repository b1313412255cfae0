"""A net as a chain of layers that each know how to work on many clients at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from bench.engines.gradient import Sink
from bench.engines.stacked.layers import Flatten, Layer, Linear, Relu, Wanted, typed
from bench.engines.stacked.windows import MaxPool, Native, Unfolded
from bench.nets.net import Net
from bench.plugin import Tensors

HEAVY = 12_000
"""Multiply-adds of a window (channels in x kernel x channels out) from which PyTorch's own convolution is the faster.

From timings on a processor with AVX-512: LeNet5's convolutions (150 and 2400) take half as long unfolded, the large
CNN's second one (51,200) a sixth longer.
"""
SMALL = 144
"""Pixels of an image up to which a call of PyTorch's convolution costs more than what it computes, however heavy.

From timings of three nets with heavy convolutions, batches of 10 to 50, reference over vectorised time. At 8x8: .70 to
.79 one client after the other, 1.1 to 2.2 unfolded. At 16x16: .8 to .96, and .66 to 2.0. At 28x28: .86 to 1.03, and .5
to 1.3.
"""


@dataclass(frozen=True)
class Tape:
    """What a forward pass leaves for the backward pass."""

    saved: list[Any]  # per layer of the body
    weights: Tensors  # in the type that is computed with
    features: Tensor
    shape: torch.Size  # of the images


class Program:
    """The forward and backward pass of one architecture over K clients: images [K, B, C, H, W] in, `Out` in stacks."""

    def __init__(self, body: Sequence[Layer], head: Linear, batch_last: bool, flat: bool) -> None:
        """`batch_last`: how activations are laid out, see `windows`; `flat`: whether images come as rows."""
        self.body, self.head = tuple(body), head
        self.batch_last, self.flat = batch_last, flat
        self.names = tuple(name for layer in (*body, head) for name in layer.weights)

    @classmethod
    def of(cls, net: nn.Module, shape: tuple[int, ...]) -> Self | None:
        """The program of a net for images [C, H, W], or None where it has a layer that is not known here."""
        if type(net) is not Net or type(net.body) is not nn.Sequential or type(net.head) is not nn.Linear:
            return None
        convolutions = [module for module in net.body if isinstance(module, nn.Conv2d)]
        large = math.prod(shape[1:]) > SMALL
        heavy = large and any(_work(module) > HEAVY for module in convolutions)
        layers: list[Layer] = []
        flat = not convolutions
        for place, module in enumerate(net.body):
            layer = _layer(module, f"body.{place}", heavy=heavy, fresh=_fresh(layers))
            if layer is None:
                return None
            if not (flat and isinstance(layer, Flatten)):  # images of a flat program arrive as rows
                layers.append(layer)
        if not flat and not any(isinstance(layer, Flatten) for layer in layers):
            return None
        return cls(layers, Linear(net.head, "head"), batch_last=not heavy, flat=flat)

    def forward(self, x: Tensor, tensors: Tensors, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor, Tape]:
        """Logits [K, B, classes] and features [K, B, width] of images, in the images' type, and the tape.

        `dtype` is what is computed in; None: as the images and weights are.
        """
        activations = self._arranged(x) if dtype is None else self._arranged(x).to(dtype)
        weights = tensors if dtype is None else typed(tensors, self.names, dtype)
        saved = []
        for layer in self.body:
            activations, kept = layer.forward(activations, weights)
            saved.append(kept)
        logits, _ = self.head.forward(activations, weights)
        return logits.to(x.dtype), activations.to(x.dtype), Tape(saved, weights, activations, x.shape)

    def backward(
        self, d_logits: Tensor | None, d_features: Tensor | None, tape: Tape, wanted: Wanted, sink: Sink
    ) -> Tensor | None:
        """From the gradients of what `forward` returned to those of the weights; the images' too where wanted.

        The weights must still be those of the forward pass.
        """
        dtype, weights = tape.features.dtype, tape.weights
        first = next((i for i, layer in enumerate(self.body) if wanted.names & set(layer.weights)), len(self.body))
        first = 0 if wanted.below else first
        d = None if d_features is None else d_features.to(dtype)
        if d_logits is not None:
            inner = Wanted(wanted.names, first < len(self.body))
            through = self.head.backward(d_logits.to(dtype), tape.features, weights, inner, sink)
            d = through if d is None or through is None else d + through
        for i in range(len(self.body) - 1, first - 1, -1):
            if d is None:
                return None
            inner = Wanted(wanted.names, i > first or wanted.below)
            d = self.body[i].backward(d, tape.saved[i], weights, inner, sink)
        return None if d is None or not wanted.below else self._images(d.to(dtype), tape.shape)

    @property
    def heavy(self) -> bool:
        """Whether its convolutions are PyTorch's own, which gain nothing from company."""
        return not self.batch_last

    def activations(self, shape: tuple[int, int, int], tensors: Tensors) -> int:
        """How many numbers its layers make of one image [C, H, W], by a pass with one client's weights."""
        one = {name: tensor.detach().unsqueeze(0) for name, tensor in tensors.items()}
        x = next(iter(one.values())).new_zeros(1, 1, *shape)
        count, activations = 0, self._arranged(x)
        with torch.no_grad():
            for layer in self.body:
                activations, _ = layer.forward(activations, one)
                count += activations.numel()
        return count

    def _arranged(self, x: Tensor) -> Tensor:
        """Images [K, B, C, H, W] as the first layer wants them."""
        if self.flat:
            return x.flatten(2)
        return x.permute((0, 2, 3, 4, 1) if self.batch_last else (0, 1, 3, 4, 2)).contiguous()

    def _images(self, d: Tensor, shape: torch.Size) -> Tensor:
        """The inverse of `_arranged`."""
        if self.flat:
            return d.reshape(shape)
        return d.permute((0, 4, 1, 2, 3) if self.batch_last else (0, 1, 4, 2, 3))


def _layer(module: nn.Module, prefix: str, *, heavy: bool, fresh: bool) -> Layer | None:
    """One layer; by exact type, because a subclass may do something else."""
    kind = type(module)
    if kind is nn.Linear:
        return Linear(module, prefix)  # type: ignore[arg-type]  # mypy does not narrow by type() here
    if kind is nn.ReLU:
        return Relu(in_place=fresh)
    if isinstance(module, nn.Flatten) and kind is nn.Flatten:
        return Flatten(batch_last=not heavy) if (module.start_dim, module.end_dim) == (1, -1) else None
    if isinstance(module, nn.MaxPool2d) and kind is nn.MaxPool2d:
        return None if module.return_indices else MaxPool(module)
    if isinstance(module, nn.Conv2d) and kind is nn.Conv2d:
        plain = module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
        if not plain or isinstance(module.padding, str):
            return None
        return (Native if heavy else Unfolded)(module, prefix)
    return None


def _fresh(layers: Sequence[Layer]) -> bool:
    """Whether what the last layer returns is new memory that no backward pass looks at."""
    return bool(layers) and isinstance(layers[-1], Linear | Unfolded | Native | MaxPool)


def _work(module: nn.Conv2d) -> int:
    high, wide = module.kernel_size
    return module.in_channels * high * wide * module.out_channels
