"""Test-only nets."""

from torch import nn

from bench.nets.net import Net, Shape
from bench.registry import net


@net("test-batchnorm")
def batchnorm(shape: Shape, classes: int) -> Net:
    """A small convolution with BatchNorm."""
    body = nn.Sequential(
        nn.Conv2d(shape[0], 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten()
    )
    return Net(body, nn.Linear(6 * (shape[1] // 4) * (shape[2] // 4), classes))


@net("test-linear")
def linear(shape: Shape, classes: int) -> Net:
    """Softmax regression: a convex problem, with one minimum under weight decay. All of it is head."""
    return Net(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))
