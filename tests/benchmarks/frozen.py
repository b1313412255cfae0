"""Work that never changes, of the same kind as a round's: what runtimes are divided by.

Plain PyTorch without a line of ours, so that the quotient says how much this project's code costs, on a slow machine
as on a fast one. Changing anything here makes every baseline void.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

BATCH, CLIENTS = 32, 8


def mlp_net() -> nn.Module:
    """64-64-64-10."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def conv_net() -> nn.Module:
    """Convolutions of 16 and 32 on 8x8."""
    first = [nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()]
    second = [nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(128, 10))


def sequential(net: nn.Module, steps: int) -> Callable[[], None]:
    """Steps of SGD with momentum on one model."""
    x, y = _batch(BATCH)
    parameters = list(net.parameters())
    velocity = [torch.zeros_like(p) for p in parameters]

    def work() -> None:
        for _ in range(steps):
            _update(parameters, velocity, torch.autograd.grad(F.cross_entropy(net(x), y), parameters))

    return work


def stacked(net: nn.Module, make: Callable[[], nn.Module], steps: int) -> Callable[[], None]:
    """The same on several models at once."""
    x, y = _batch(CLIENTS * BATCH)
    x, y = x.view(CLIENTS, BATCH, 1, 8, 8), y.view(CLIENTS, BATCH)
    parameters, _ = stack_module_state([make() for _ in range(CLIENTS)])
    tensors = {name: tensor.detach() for name, tensor in parameters.items()}
    velocity = [torch.zeros_like(p) for p in tensors.values()]

    def loss(tensors: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(net, tensors, (x,)), y)

    gradient = vmap(grad(loss))

    def work() -> None:
        for _ in range(steps):
            _update(list(tensors.values()), velocity, list(gradient(tensors, x, y).values()))

    return work


@torch.no_grad()
def _update(parameters: list[Tensor], velocity: list[Tensor], gradients: list[Tensor] | tuple[Tensor, ...]) -> None:
    torch._foreach_mul_(velocity, 0.9)
    torch._foreach_add_(velocity, list(gradients))
    torch._foreach_add_(parameters, velocity, alpha=-1e-6)  # so small that the work stays what it is


def _batch(rows: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, 1, 8, 8, generator=generator), torch.arange(rows) % 10


def reference(convolutional: bool, side_by_side: bool) -> Callable[[], None]:
    """The frozen work of one kind: about 20 ms on a processor of 2023."""
    make = conv_net if convolutional else mlp_net
    if side_by_side:
        return stacked(make(), make, 4 if convolutional else 16)
    return sequential(make(), 20 if convolutional else 100)
