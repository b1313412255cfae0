"""Multilayer perceptrons."""

from torch import nn

from bench.nets.net import Net, Shape
from bench.registry import net


@net("mlp")
def mlp(shape: Shape, classes: int) -> Net:
    """Two hidden layers of min(200, inputs) units: 784-200-200-10 on MNIST, 64-64-64-10 on digits.

    The FML authors' MLP is 3072-200-200-10 on CIFAR-10; 200 hidden units are McMahan et al.'s "2NN" as well.
    """
    inputs = shape[0] * shape[1] * shape[2]
    width = min(200, inputs)
    body = nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
    return Net(body, nn.Linear(width, classes))
