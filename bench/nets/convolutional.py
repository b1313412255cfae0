"""Small convolutional nets.

Pooling stands before the ReLU throughout: both orders are the same function (each is monotone), and this one has a
quarter of the ReLU's work.
"""

from torch import nn

from bench.nets.net import Net, Shape, flat_width
from bench.registry import net

SMALL = 16  # images with a shorter side get padding, lest two unpadded 5x5 convolutions leave nothing


def _block(inputs: int, outputs: int, kernel: int, padding: int) -> list[nn.Module]:
    """Convolution, 2x2 maximum, ReLU."""
    return [nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.MaxPool2d(2), nn.ReLU()]


def _net(convolutions: list[nn.Module], hidden: tuple[int, ...], shape: Shape, classes: int) -> Net:
    """Convolutions, then fully connected layers of the hidden widths, then the head."""
    layers = [*convolutions, nn.Flatten()]
    width = flat_width(nn.Sequential(*layers), shape)
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    return Net(nn.Sequential(*layers), nn.Linear(width, classes))


@net("cnn")
def cnn(shape: Shape, classes: int) -> Net:
    """Convolutions 32 and 64 of 5x5, one hidden layer of 512; on images under 16 pixels 16 and 32 of 3x3, none hidden.

    The large form is McMahan et al.'s MNIST net (arXiv:1602.05629, section 3) without its padding, as most FL
    libraries build it; the small form is for scikit-learn's 8x8 digits.
    """
    channels = shape[0]
    if min(shape[1:]) < SMALL:
        return _net(_block(channels, 16, 3, 1) + _block(16, 32, 3, 1), (), shape, classes)
    return _net(_block(channels, 32, 5, 0) + _block(32, 64, 5, 0), (512,), shape, classes)


@net("lenet5")
def lenet5(shape: Shape, classes: int) -> Net:
    """LeNet5: convolutions 6 and 16 of 5x5, hidden layers of 120 and 84; padded by 2 on images under 16 pixels.

    As in the FML authors' code and NIID-Bench's "simple CNN": max-pooling and ReLU, not the original's tanh and
    subsampling.
    """
    padding = 2 if min(shape[1:]) < SMALL else 0
    return _net(_block(shape[0], 6, 5, padding) + _block(6, 16, 5, padding), (120, 84), shape, classes)


@net("cnn1")
def cnn1(shape: Shape, classes: int) -> Net:
    """The smaller of the FML paper's two CNNs: convolutions 6 and 16 of 3x3 (padded), one hidden layer of 64.

    The paper's own table of widths was not at hand: the two-convolution layout is the paper's, the widths are LeNet5's
    and its sibling `cnn2`'s.
    """
    return _net(_block(shape[0], 6, 3, 1) + _block(6, 16, 3, 1), (64,), shape, classes)


@net("cnn2")
def cnn2(shape: Shape, classes: int) -> Net:
    """The larger of the FML paper's two CNNs: convolutions 32, 64 and 64 of 3x3 (padded), one hidden layer of 64.

    The widths are those of the CNN in the FML authors' code; that one pools after the first two convolutions only,
    as this one does.
    """
    convolutions = [*_block(shape[0], 32, 3, 1), *_block(32, 64, 3, 1), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()]
    return _net(convolutions, (64,), shape, classes)
