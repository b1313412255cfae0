"""Residual nets from torchvision, adapted to small images."""

from torch import nn

from bench import vision
from bench.nets.net import Net, Shape
from bench.registry import net


@net("resnet18")
def resnet18(shape: Shape, classes: int) -> Net:
    """torchvision's ResNet-18 for images of 32x32: a 3x3 first convolution of stride 1 and no first pooling.

    He et al. 2016 with the usual CIFAR stem; the FML authors use the same stem. It holds BatchNorm.
    """
    body = vision.models().resnet18(weights=None)
    body.conv1 = nn.Conv2d(shape[0], 64, kernel_size=3, stride=1, padding=1, bias=False)
    body.maxpool = nn.Identity()
    width: int = body.fc.in_features
    body.fc = nn.Identity()
    return Net(body, nn.Linear(width, classes))
