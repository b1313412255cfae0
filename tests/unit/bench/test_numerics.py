"""The numbers of a tiny run, pinned: whoever changes them must know it."""

import pytest

from bench.registry import ALGORITHMS
from tests.world import play

# Mean training loss of each round. Should one of these change, raise bench.engines.NUMERICS in the same commit, so that
# results from before and after are never taken for one another, and say in the changelog what changed.
LOSSES = {
    "fedavg": [0.969083, 0.65508],
    "fedprox": [0.973252, 0.659442],
    "fml": [1.066276, 0.990755],
    "local": [1.014709, 0.334088],
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_numbers_of_a_tiny_run(name: str) -> None:
    # Other processors order float sums otherwise; over two rounds that stays far below 1e-4.
    assert play(ALGORITHMS.get(name)(), rounds=2, net="cnn").outcome["training_loss"] == pytest.approx(
        LOSSES[name], rel=1e-4
    )
