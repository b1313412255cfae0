"""What is found before the first round."""

from dataclasses import replace

import pytest
from torch import nn

from bench.data import DataError
from bench.declaration.cell import cells
from bench.declaration.suite import load
from bench.execution import preflight
from bench.nets.net import Net, Shape
from bench.registry import net


@net("test-coarse")
def coarse(shape: Shape, classes: int) -> Net:
    """A convolution that is wider than scikit-learn's digits."""
    return Net(nn.Sequential(nn.Conv2d(shape[0], 4, 9), nn.Flatten()), nn.Linear(4, classes))


def test_a_meme_that_cannot_take_the_images_is_named_before_the_run() -> None:
    cell = cells(load("smoke", {"algorithms": "fml", "zoo": "mlp", "alphas": "100"}))[0]
    words = r"zoo 'mlp' on digits, {}: net 'test-coarse' cannot take images of 1x8x8"
    with pytest.raises(DataError, match=words.format("the shared net, for global model and meme")):
        preflight.check([replace(cell, shared="test-coarse")], None)
    with pytest.raises(DataError, match=words.format("a client's own net")):
        preflight.check([replace(cell, architectures=("test-coarse",))], None)
