"""Images as engines take them."""

import pytest
import torch

from bench.engines.job import IN_CACHE, Images


def stored(channels: int, side: int = 6) -> Images:
    x = torch.arange(20 * channels * side * side).remainder(251).to(torch.uint8).view(20, channels, side, side)
    shift = torch.arange(1.0, channels + 1).view(channels, 1, 1)
    return Images(x, torch.arange(20) % 3, shift, 10 * shift)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_normalised_and_lies_channels_last_to_every_convolution(channels: int) -> None:
    """Also with one channel, where both layouts are the same memory but strides decide how PyTorch goes on."""
    images, rows = stored(channels), torch.tensor([3, 0, 3, 19])
    x, y = images.batch(rows)
    assert x.equal((images.x[rows].float() - images.shift) / images.scale)
    assert y.tolist() == [0, 0, 0, 1]
    assert x.stride() == (36 * channels, 1, 6 * channels, channels)
    assert images.normalised(rows).stride()[2:] == (6, 1)  # as stored: one copy less for those who lay it out anew


def test_of_several_data_sets_each_row_has_its_own_constants() -> None:
    one = stored(1)
    shift, scale = torch.tensor([0.0, 5.0]).view(2, 1, 1, 1), torch.tensor([1.0, 2.0]).view(2, 1, 1, 1)
    images = Images(one.x, one.y, shift, scale, source=torch.arange(20) // 10)
    x, _ = images.batch(torch.tensor([0, 19]))
    assert x[0].equal(one.x[0].float())
    assert x[1].equal((one.x[19].float() - 5) / 2)


def test_as_many_are_made_at_once_as_the_cache_holds_and_at_least_one() -> None:
    assert stored(3).at_once == IN_CACHE // (3 * 36)
    huge = torch.zeros(1, 3, 512, 512, dtype=torch.uint8)
    assert Images(huge, torch.zeros(1), torch.zeros(3, 1, 1), torch.ones(3, 1, 1)).at_once == 1


def test_bytes_and_numbers_give_the_same_batch_and_neither_is_changed() -> None:
    images = stored(3)
    numbers = Images(images.x.float(), images.y, images.shift, images.scale)
    before = numbers.x.clone()
    assert images.batch(torch.arange(20))[0].equal(numbers.batch(torch.arange(20))[0])
    assert numbers.x.equal(before)
