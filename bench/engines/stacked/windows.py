"""Convolution and pooling over many clients.

Two ways to convolve, each the faster one somewhere:

* `Unfolded`: activations [K, C, H, W, B], batch last. The windows of an image are copied out as columns [K, C k k,
  h w B], in runs of whole rows of the output times the batch, and one matrix product per client does the rest. Best
  where few channels leave a library's convolution waiting for memory.
* `Native`: activations [K, B, H, W, C], channels last, and PyTorch's own convolution for one client after the other.
  Best where there is arithmetic enough.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.engines.gradient import Sink
from bench.engines.stacked.layers import Layer, Wanted
from bench.plugin import Tensors

BLOCK = 1 << 18
"""Numbers of columns that are made at once: about a mebibyte, so that they are still in the cache when they are
multiplied, and a small net's clients share what a call costs. Never a function of K: how a sum is split must not
depend on who else is in the stack."""
GATHERED = 1 << 19
"""The same for columns that are gathered, which takes many calls."""


class Windows(Layer):
    """What convolutions have in common."""

    def __init__(self, module: nn.Conv2d, prefix: str) -> None:
        self.weight, self.bias = f"{prefix}.weight", f"{prefix}.bias" if module.bias is not None else None
        self.weights = (self.weight, self.bias) if self.bias else (self.weight,)
        self.channels, self.out = module.in_channels, module.out_channels
        self.kernel, self.stride = _pair(module.kernel_size), _pair(module.stride)
        self.padding = _pair(module.padding)


class Unfolded(Windows):
    """A convolution as matrix products; [K, C, H, W, B] to [K, O, h, w, B].

    Some clients or some rows of one client's output at a time, always in the same scratch memory: columns are many
    times larger than the image, and making them twice in the cache is quicker than fetching them once from memory.
    """

    def __init__(self, module: nn.Conv2d, prefix: str) -> None:
        super().__init__(module, prefix)
        self.scratch = Scratch()

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Saves its padded input."""
        x = _padded(x, *self.padding)
        k, _, height, width, batch = x.shape
        h, w = self._places(height, 0), self._places(width, 1)
        weights = tensors[self.weight].flatten(2)
        biases = tensors[self.bias].unsqueeze(2) if self.bias else weights.new_zeros(k, 1, 1)
        y = x.new_empty(k, self.out, h * w * batch)
        for some, first, n in self._blocks(k, h, w * batch):
            columns, places = self._columns(x[some], first, n, w), slice(first * w * batch, (first + n) * w * batch)
            torch.baddbmm(biases[some], weights[some], columns, out=y[some, :, places])
        return y.view(k, self.out, h, w, batch), x

    def backward(self, d: Tensor, saved: Tensor, tensors: Tensors, wanted: Wanted, sink: Sink) -> Tensor | None:
        """The weights' gradient is the product of ``d`` with the columns; the input's see below."""
        k, _, h, w, batch = d.shape
        flat = d.reshape(k, self.out, h * w * batch)
        if self.bias in wanted.names:
            sink(self.bias, flat.sum(2))
        if self.weight in wanted.names:
            found = torch.empty_like(tensors[self.weight]).flatten(2)
            for some, first, n in self._blocks(k, h, w * batch):
                part = flat[some, :, first * w * batch : (first + n) * w * batch]
                columns = self._columns(saved[some], first, n, w)
                found[some].baddbmm_(part, columns.mT, beta=0.0 if first == 0 else 1.0)
            sink(self.weight, found.view_as(tensors[self.weight]))
        if not wanted.below:
            return None
        return self._below(d, saved, tensors[self.weight].flatten(2).mT)

    def _below(self, d: Tensor, saved: Tensor, weights: Tensor) -> Tensor:
        """The input's gradient: columns ``W^T d``, each added to where it came from; `weights` are W^T."""
        k, _, h, w, batch = d.shape
        flat = d.reshape(k, self.out, h * w * batch)
        below = torch.zeros_like(saved)
        for some, first, n in self._blocks(k, h, w * batch, GATHERED):
            part = flat[some, :, first * w * batch : (first + n) * w * batch]
            columns = self.scratch.take("columns", d, (len(part), weights.shape[1], part.shape[2]))
            torch.bmm(weights[some], part, out=columns)
            self._gather(columns, below[some], first, n, w)
        high, wide = self.padding
        return below[:, :, high : saved.shape[2] - high, wide : saved.shape[3] - wide]

    def _places(self, length: int, axis: int) -> int:
        return int((length - self.kernel[axis]) // self.stride[axis] + 1)

    def _blocks(self, clients: int, h: int, row: int, room: int = BLOCK) -> Iterator[tuple[slice, int, int]]:
        """Blocks of about one size: (clients, first row of the output, rows).

        A block is some clients whole or some rows of one client's output, of `row` places each.
        """
        size = self.channels * math.prod(self.kernel) * row  # of one row's columns
        rows = max(1, min(h, room // size))
        rows = math.ceil(h / math.ceil(h / rows))
        width = max(1, room // (size * h)) if rows == h else 1
        for start in range(0, clients, width):
            for first in range(0, h, rows):
                yield slice(start, min(start + width, clients)), first, min(rows, h - first)

    def _columns(self, x: Tensor, first: int, n: int, w: int) -> Tensor:
        """The windows of n rows of the output, as columns [K, C k k, n w B], of padded inputs [K, C, H, W, B]."""
        (high, wide), (down, right) = self.kernel, self.stride
        of_client, of_channel, of_row, of_place, of_image = x.stride()
        k, channels, _, _, batch = x.shape
        windows = x.as_strided(
            (k, channels, high, wide, n, w, batch),
            (of_client, of_channel, of_row, of_place, of_row * down, of_place * right, of_image),
            x.storage_offset() + first * down * of_row,
        )
        columns = self.scratch.take("columns", x, (k, channels * high * wide, n * w * batch))
        columns.view(windows.shape).copy_(windows)
        return columns

    def _gather(self, columns: Tensor, below: Tensor, first: int, n: int, w: int) -> None:
        """Add columns [K, C k k, n w B] to where their windows came from: over columns first, then over rows."""
        (high, wide), (down, right) = self.kernel, self.stride
        k, channels, _, width, batch = below.shape
        windows = columns.view(k, channels, high, wide, n, w, batch)
        strips = self.scratch.take("strips", below, (k, channels, high, n, width, batch)).zero_()
        for j in range(wide):
            strips[..., j : j + right * (w - 1) + 1 : right, :] += windows[:, :, :, j]
        for i in range(high):
            top = first * down + i
            below[:, :, top : top + down * (n - 1) + 1 : down] += strips[:, :, i]


def _padded(x: Tensor, high: int, wide: int) -> Tensor:
    """Zeros around images [K, C, H, W, B]."""
    return F.pad(x, (0, 0, wide, wide, high, high)) if high or wide else x.contiguous()


class Scratch:
    """Memory that is used again and again, so that it stays in the processor's cache."""

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}

    def take(self, purpose: str, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Memory of this shape, with the type and device of `like`; what it held before is lost."""
        size, held = math.prod(shape), self._held.get(purpose)
        if held is None or held.numel() < size or held.dtype != like.dtype or held.device != like.device:
            held = self._held[purpose] = like.new_empty(size)
        return held[:size].view(shape)


class Native(Windows):
    """PyTorch's convolution, client after client; [K, B, H, W, C] to [K, B, h, w, O]."""

    def forward(self, x: Tensor, tensors: Tensors) -> tuple[Tensor, Tensor]:
        """Saves its input."""
        weights, biases = tensors[self.weight], tensors[self.bias] if self.bias else None
        each = [
            F.conv2d(_channels_last(image), weights[k], None if biases is None else biases[k], self.stride,
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
                _channels_last(d[k]), _channels_last(saved[k]), weights[k], [self.out] if self.bias else None,
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
    return _channels_last(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]))


def _channels_last(x: Tensor) -> Tensor:
    """[N, H, W, C] as images [N, C, H, W] whose strides say channels last, even where C is 1.

    A mere permutation leaves a single channel with strides that PyTorch reads as channels first; everything after it
    is then laid out that way too, where pooling takes ten times as long.
    """
    n, height, width, channels = x.shape
    strides = (height * width * channels, 1, width * channels, channels)
    return x.contiguous().as_strided((n, channels, height, width), strides)


def _back(images: Tensor, shape: torch.Size) -> Tensor:
    """The inverse of `_images`."""
    rows = images.permute(0, 2, 3, 1)
    return rows.reshape(shape[0], shape[1], *rows.shape[1:])


def _side_by_side(each: list[Tensor]) -> Tensor:
    return each[0].unsqueeze(0) if len(each) == 1 else torch.stack(each)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
