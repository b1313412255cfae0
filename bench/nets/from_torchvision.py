"""Small classifiers of torchvision, adapted to images of 32x32. ResNet-18 has a file of its own, `bench.nets.resnet`.

All are adapted alike: the first convolution is 3x3 with stride 1 and takes the images' channels, a pooling right
behind it goes, dropout goes (a pass must be the same for every engine, so nets draw no random numbers), and the last
linear layer becomes the head. Both are found by module type, never by name. These nets have no stacked form: cells
with them run on the reference engine, where ``--engine auto`` puts them.
"""

from torch import nn

from bench import vision
from bench.nets.net import Net, Shape
from bench.registry import net


def _replace(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put `new` where `old` is. Raises ValueError where it is nowhere."""
    for parent in model.modules():
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
                return
    raise ValueError(f"no such layer in {type(model).__name__}: {old}")


def _open_stem(model: nn.Module, channels: int) -> None:
    """Make the first convolution 3x3 with stride 1, for images of so many channels."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    stem = nn.Conv2d(channels, first.out_channels, 3, stride=1, padding=1, bias=first.bias is not None)
    _replace(model, first, stem)


def _without_dropout(model: nn.Module) -> None:
    for module in [each for each in model.modules() if isinstance(each, nn.Dropout)]:
        _replace(model, module, nn.Identity())


def _with_head(model: nn.Module, width: int, classes: int) -> Net:
    return Net(model, nn.Linear(width, classes))


def _adapted(model: nn.Module, shape: Shape, classes: int) -> Net:
    """A classifier whose last linear layer is its head."""
    _open_stem(model, shape[0])
    _without_dropout(model)
    last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    _replace(model, last, nn.Identity())
    return _with_head(model, last.in_features, classes)


@net("mobilenet_v2")
def mobilenet_v2(shape: Shape, classes: int) -> Net:
    """torchvision's MobileNetV2 for images of 32x32: stem of stride 1, no dropout. It holds BatchNorm.

    Sandler et al. 2018, arXiv:1801.04381.
    """
    return _adapted(vision.models().mobilenet_v2(weights=None), shape, classes)


@net("shufflenet_v2")
def shufflenet_v2(shape: Shape, classes: int) -> Net:
    """torchvision's ShuffleNetV2 x1.0 for images of 32x32: stem of stride 1, no first pooling. It holds BatchNorm.

    Ma et al. 2018, arXiv:1807.11164.
    """
    model = vision.models().shufflenet_v2_x1_0(weights=None)
    pool = next(module for module in model.modules() if isinstance(module, nn.MaxPool2d))
    _replace(model, pool, nn.Identity())
    return _adapted(model, shape, classes)


@net("squeezenet")
def squeezenet(shape: Shape, classes: int) -> Net:
    """torchvision's SqueezeNet 1.1 for images of 32x32: stem of stride 1, no dropout. It has no norm layers.

    Iandola et al. 2016, arXiv:1602.07360. Its classifier is a 1x1 convolution with a ReLU, then a mean over places;
    here the mean comes first and a linear layer is the head: the same sum, without the ReLU on logits.
    """
    model = vision.models().squeezenet1_1(weights=None)
    _open_stem(model, shape[0])
    last = [module for module in model.modules() if isinstance(module, nn.Conv2d)][-1]  # the 1x1 classifier
    model.classifier = nn.AdaptiveAvgPool2d(1)
    return _with_head(model, last.in_channels, classes)
