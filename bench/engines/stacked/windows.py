"""Convolution and pooling over many clients.

Two ways to convolve, each the faster one somewhere:

* `Unfolded`: activations [K, C, H, W, B], batch last. The windows of an image are copied out as columns [K, C k k,
  h w B], in runs of whole rows of the output times the batch, and one matrix product per client does the rest; its
  gradient is a product too and can be folded into the update. Best where few channels leave a library's convolution
  waiting for memory.
* `Native`: activations [K, B, H, W, C], channels last, and PyTorch's own convolution for one client after the other.
  Best where there is arithmetic enough.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.engines.gradient import Product, Sink
from bench.engines.stacked.layers import Layer, Wanted
from bench.plugin import Tensors

BLOCK = 1 << 17
"""Numbers of one client's columns that are made at once: about half a mebibyte, so that they are still in the cache
when they are multiplied. Never a function of K: how a sum is split must not depend on who else is in the stack."""


class Windows(Layer):
    """What convolutions have in common."""

    def __init__(self, module: nn.Conv2d, prefix: str) -> None:
        self.weight, self.bias = f"{prefix}.weight", f"{prefix}.bias" if module.bias is not None else None
        self.weights = (self.weight, self.bias) if self.bias else (self.weight,)
        self.channels, self.out = module.in_channels, module.out_channels
        self.kernel, self.stride = _pair(module.kernel_size), _pair(module.stride)
        self.padding = _pair(module.padding)


class Unfolded(Windows):
    """A convolution as matrix products; [K, C, H, W, B] to [K, O, h, w, B]."""

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, tuple[torch.Size, list[Tensor]]]:
        """Saves the columns, block by block of output rows, and the padded input's shape."""
        x = self._padded(x)
        k, _, height, width, batch = x.shape
        h, w = self._places(height, 0), self._places(width, 1)
        weight = tensors[self.weight].flatten(2)
        bias = tensors[self.bias].unsqueeze(2) if self.bias else weight.new_zeros(1, 1, 1)
        columns = list(self._columns(x, h, w))
        if len(columns) == 1:
            y = torch.baddbmm(bias, weight, columns[0])
        else:
            y = x.new_empty(k, self.out, h * w * batch)
            place = 0
            for block in columns:
                size = block.shape[2]
                torch.baddbmm(bias, weight, block, out=y[:, :, place : place + size])
                place += size
        return y.view(k, self.out, h, w, batch), (x.shape, columns)

    def backward(self, d: Tensor, saved: Any, tensors: Tensors, wanted: Wanted, sink: Sink) -> Tensor | None:
        """The weights' gradient is the product of ``d`` with the columns; the input's is gathered from ``W^T d``."""
        shape, columns = saved
        k, _, h, w, batch = d.shape
        flat = d.reshape(k, self.out, h * w * batch)
        if self.bias in wanted.names:
            sink(self.bias, flat.sum(2))
        below = torch.zeros(shape, dtype=d.dtype, device=d.device) if wanted.below else None
        weight = tensors[self.weight].flatten(2).mT
        place = 0
        for block in columns:
            size = block.shape[2]
            part = flat[:, :, place : place + size]
            if self.weight in wanted.names:
                sink(self.weight, Product(part, block.mT))
            if below is not None:
                self._gather(torch.bmm(weight, part), below, place // (w * batch), w)
            place += size
        return None if below is None else self._cropped(below)

    def _places(self, length: int, axis: int) -> int:
        return int((length - self.kernel[axis]) // self.stride[axis] + 1)

    def _columns(self, x: Tensor, h: int, w: int) -> Iterator[Tensor]:
        """Windows as columns [K, C k k, rows w B] of a padded input, some rows of the output at a time."""
        (high, wide), (down, right) = self.kernel, self.stride
        k, channels, height, width, batch = x.shape
        step = x.stride()
        rows = max(1, min(h, BLOCK // (channels * high * wide * w * batch)))
        rows = math.ceil(h / math.ceil(h / rows))  # blocks of nearly one size
        for first in range(0, h, rows):
            n = min(rows, h - first)
            view = x[:, :, first * down :].as_strided(
                (k, channels, high, wide, n, w, batch),
                (step[0], step[1], step[2], step[3], step[2] * down, step[3] * right, step[4]),
            )
            yield view.reshape(k, channels * high * wide, n * w * batch)

    def _gather(self, columns: Tensor, below: Tensor, first: int, w: int) -> None:
        """Add columns [K, C k k, rows w B] to where their windows came from: over columns first, then over rows."""
        (high, wide), (down, right) = self.kernel, self.stride
        k, channels, _, width, batch = below.shape
        windows = columns.view(k, channels, high, wide, -1, w, batch)
        n = windows.shape[4]
        strips = below.new_zeros(k, channels, high, n, width, batch)
        for j in range(wide):
            strips[:, :, :, :, j : j + right * (w - 1) + 1 : right] += windows[:, :, :, j]
        for i in range(high):
            top = first * down + i
            below[:, :, top : top + down * (n - 1) + 1 : down] += strips[:, :, i]

    def _padded(self, x: Tensor) -> Tensor:
        high, wide = self.padding
        return F.pad(x, (0, 0, wide, wide, high, high)) if high or wide else x.contiguous()

    def _cropped(self, x: Tensor) -> Tensor:
        high, wide = self.padding
        return x[:, :, high : x.shape[2] - high, wide : x.shape[3] - wide] if high or wide else x


class Native(Windows):
    """PyTorch's convolution, client after client; [K, B, H, W, C] to [K, B, h, w, O]."""

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Saves its input."""
        weights, biases = tensors[self.weight], tensors[self.bias] if self.bias else None
        each = [
            F.conv2d(image.permute(0, 3, 1, 2), weights[k], None if biases is None else biases[k], self.stride,
                     self.padding).permute(0, 2, 3, 1)
            for k, image in enumerate(x)
        ]  # fmt: skip
        return _side_by_side(each), x

    def backward(self, d: Tensor, saved: Tensor, tensors: Tensors, wanted: Wanted, sink: Sink) -> Tensor | None:
        """PyTorch's own gradients."""
        weights = tensors[self.weight]
        mask = [wanted.below, self.weight in wanted.names, self.bias in wanted.names]
        found: list[list[Tensor]] = [[], [], []]
        for k in range(len(d)):
            gradients = torch.ops.aten.convolution_backward(
                d[k].permute(0, 3, 1, 2), saved[k].permute(0, 3, 1, 2), weights[k], [self.out] if self.bias else None,
                self.stride, self.padding, (1, 1), False, (0, 0), 1, mask,
            )  # fmt: skip
            for row, gradient in zip(found, gradients, strict=True):
                row.append(gradient)
        below, of_weight, of_bias = found
        if mask[1]:
            sink(self.weight, _side_by_side(of_weight))
        if mask[2] and self.bias:
            sink(self.bias, _side_by_side(of_bias))
        return _side_by_side([one.permute(0, 2, 3, 1) for one in below]) if wanted.below else None


class MaxPool(Layer):
    """The largest of each window; works on either layout [K, P, H, W, Q], as it treats P and Q alike."""

    def __init__(self, module: nn.MaxPool2d) -> None:
        stride = module.kernel_size if module.stride is None else module.stride
        self.settings = (_pair(module.kernel_size), _pair(stride), _pair(module.padding), _pair(module.dilation))
        self.ceil = module.ceil_mode

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Saves its input and where the largest were."""
        images = _images(x)
        y, where = torch.ops.aten.max_pool2d_with_indices(images, *self.settings, self.ceil)
        return _back(y, x.shape), (x, where)

    def backward(self, d: Tensor, saved: tuple[Tensor, Tensor], tensors: Tensors, wanted: Wanted, sink: Sink) -> Any:
        """Each gradient goes to where the largest was."""
        if not wanted.below:
            return None
        x, where = saved
        below = torch.ops.aten.max_pool2d_with_indices_backward(
            _images(d), _images(x), *self.settings, self.ceil, where
        )
        return _back(below, x.shape)


def _images(x: Tensor) -> Tensor:
    """[K, P, H, W, Q] as images [K P, Q, H, W] in channels-last layout: a view where `x` is contiguous."""
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]).permute(0, 3, 1, 2)


def _back(images: Tensor, shape: torch.Size) -> Tensor:
    """The inverse of `_images`."""
    rows = images.permute(0, 2, 3, 1)
    return rows.reshape(shape[0], shape[1], *rows.shape[1:])


def _side_by_side(each: list[Tensor]) -> Tensor:
    return each[0].unsqueeze(0) if len(each) == 1 else torch.stack(each)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
