"""The machine's own limit: how many operations a step has, and how fast one thread does such operations at best.

A multiply-add counts as two operations. Only matrix products and convolutions are counted, forward and backward; the
update, activations and data are not: the limit is what would remain if they were free.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn

MATMUL = 2048  # side of the square matrices
CONVOLUTION = {"batch": 64, "channels": 64, "side": 28, "kernel": 5}


@dataclass(frozen=True)
class Flops:
    """Floating-point operations by kind."""

    matmul: int
    convolution: int

    def __add__(self, other: "Flops") -> "Flops":
        return Flops(self.matmul + other.matmul, self.convolution + other.convolution)

    def __mul__(self, times: int) -> "Flops":
        return Flops(self.matmul * times, self.convolution * times)


@dataclass(frozen=True)
class Rates:
    """Operations per second that one thread reaches."""

    matmul: float
    convolution: float

    def seconds(self, work: Flops) -> float:
        """How long the work takes at these rates."""
        return work.matmul / self.matmul + work.convolution / self.convolution


def step_flops(net: nn.Module, shape: tuple[int, ...], batch: int) -> Flops:
    """Operations of one forward and backward pass of a net over `batch` images of [C, H, W].

    Each layer costs three times its forward pass: the product itself, the gradient of its weights, and that of its
    input; the first layer's input needs none.
    """
    layers: list[tuple[nn.Module, int]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(layer, nn.Linear):
            forward = 2 * output.numel() * layer.in_features
        else:
            assert isinstance(layer, nn.Conv2d)
            forward = 2 * output.numel() * layer.weight[0].numel()
        layers.append((layer, forward))

    counted = [m for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    hooks = [layer.register_forward_hook(note) for layer in counted]
    try:
        with torch.no_grad():
            net(torch.zeros(batch, *shape))
    finally:
        for hook in hooks:
            hook.remove()
    total = Flops(0, 0)
    for place, (layer, forward) in enumerate(layers):
        work = forward * (2 if place == 0 else 3)
        total += Flops(work, 0) if isinstance(layer, nn.Linear) else Flops(0, work)
    return total


def matmul_rate(dtype: torch.dtype, repeats: int = 3, side: int = MATMUL) -> float:
    """Operations per second of large square matrix products on one thread."""
    a, b = (torch.randn(side, side).to(dtype) for _ in range(2))
    out = torch.empty(side, side, dtype=dtype)
    return 2 * side**3 / _seconds(lambda: torch.mm(a, b, out=out), repeats)


def convolution_rate(dtype: torch.dtype, repeats: int = 3, batch: int = CONVOLUTION["batch"]) -> float:
    """Operations per second of a wide convolution, forward and backward, channels last, on one thread."""
    channels, side, kernel = (CONVOLUTION[key] for key in ("channels", "side", "kernel"))
    x = torch.randn(batch, channels, side, side).to(dtype, memory_format=torch.channels_last).requires_grad_()
    layer = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
    layer = layer.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stubs lack it
    out = torch.ones(batch, channels, side, side, dtype=dtype).contiguous(memory_format=torch.channels_last)
    work = 3 * 2 * out.numel() * channels * kernel**2
    return work / _seconds(lambda: torch.autograd.grad(layer(x), [x, layer.weight], out), repeats)


def _seconds(work: Callable[[], object], repeats: int) -> float:
    """The median CPU time of a piece of work, after a warm-up."""
    work()
    taken = []
    for _ in range(repeats):
        begin = time.thread_time()
        work()
        taken.append(time.thread_time() - begin)
    return median(taken)
