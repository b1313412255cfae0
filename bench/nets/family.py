"""Five convolutional nets that differ in width and end in features of one width, for methods that compare features."""

from torch import nn

from bench.nets.net import Net, Shape, flat_width
from bench.registry import net

SMALL = 16  # images with a shorter side get padded convolutions and a tenth of the hidden units
FEATURES = 500  # of every member; 50 on small images


def _member(shape: Shape, classes: int, maps: int, hidden: int) -> Net:
    """Convolutions 16 and `maps` of 5x5, each pooled, then `hidden` and `FEATURES` units, then the head."""
    small = min(shape[1:]) < SMALL
    padding, tenth = (2, 10) if small else (0, 1)
    convolutions: list[nn.Module] = []
    for inputs, outputs in ((shape[0], 16), (16, maps)):
        # pooling before the ReLU is the same function for a quarter of its work
        convolutions += [nn.Conv2d(inputs, outputs, 5, padding=padding), nn.MaxPool2d(2), nn.ReLU()]
    convolutions.append(nn.Flatten())
    inputs, units, features = flat_width(nn.Sequential(*convolutions), shape), hidden // tenth, FEATURES // tenth
    body = [*convolutions, nn.Linear(inputs, units), nn.ReLU(), nn.Linear(units, features), nn.ReLU()]
    return Net(nn.Sequential(*body), nn.Linear(features, classes))


@net("family1")
def family1(shape: Shape, classes: int) -> Net:
    """The largest of five CNNs with one feature width: convolutions 16 and 32 of 5x5, hidden layers of 2000 and 500.

    The family is that of FedGH and pFedES (Yi et al. 2023, arXiv:2303.13137 and 2311.06879); the widths are those of
    the group's published code.
    Images under 16 pixels get padded convolutions and a tenth of the hidden units, an adaptation of ours.
    """
    return _member(shape, classes, maps=32, hidden=2000)


@net("family2")
def family2(shape: Shape, classes: int) -> Net:
    """As `family1` with 16 maps in the second convolution."""
    return _member(shape, classes, maps=16, hidden=2000)


@net("family3")
def family3(shape: Shape, classes: int) -> Net:
    """As `family1` with 1000 units in the first hidden layer."""
    return _member(shape, classes, maps=32, hidden=1000)


@net("family4")
def family4(shape: Shape, classes: int) -> Net:
    """As `family1` with 800 units in the first hidden layer."""
    return _member(shape, classes, maps=32, hidden=800)


@net("family5")
def family5(shape: Shape, classes: int) -> Net:
    """The smallest of the family: as `family1` with 500 units in the first hidden layer."""
    return _member(shape, classes, maps=32, hidden=500)
