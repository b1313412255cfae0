"""Batches made ready for many clients at once are those that each client would gather for itself."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from bench.engines import batches
from bench.engines.job import Images


def stored(channels: int) -> Images:
    x = torch.arange(50 * channels * 16).remainder(251).to(torch.uint8).view(50, channels, 4, 4)
    shift = torch.arange(1.0, channels + 1).view(channels, 1, 1)
    return Images(x, torch.arange(50) % 7, shift, 10 * shift)


def one_by_one(data: Images, plans: Sequence[Tensor]) -> list[tuple[Tensor, Tensor, Tensor]]:
    return [(*data.batch(rows), rows) for plan in plans for rows in plan]


def plans(*shapes: tuple[int, int]) -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    return [torch.randint(0, 50, shape, generator=rng) for shape in shapes]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("room", [1, 7, 1000])
@pytest.mark.parametrize("shapes", [[(3, 4)], [(3, 1)], [(2, 4), (5, 4), (1, 4)], [(2, 4), (3, 6), (1, 6), (2, 4)]])
def test_every_client_gets_its_own_batches_in_order(
    monkeypatch: pytest.MonkeyPatch, channels: int, room: int, shapes: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(Images, "at_once", property(lambda _: room))
    data, made = stored(channels), plans(*shapes)
    found, expected = list(batches.ready(data, made)), one_by_one(data, made)
    assert len(found) == sum(steps for steps, _ in shapes)
    for batch, (x, y, rows) in zip(found, expected, strict=True):
        assert torch.equal(batch.x, x)
        assert batch.x.stride() == x.stride()  # or convolutions would run in another layout
        assert torch.equal(batch.y, y)
        assert torch.equal(batch.rows, rows)
        assert batch.w is None


def test_no_more_images_are_ready_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Images, "at_once", property(lambda _: 9))
    gathered: list[int] = []
    real = Images.batch

    def batch(self: Images, rows: Tensor) -> tuple[Tensor, Tensor]:
        gathered.append(len(rows))
        return real(self, rows)

    monkeypatch.setattr(Images, "batch", batch)
    coming = batches.ready(stored(1), plans((3, 4), (2, 4)))
    next(coming)
    assert gathered == [8]  # and nothing before it is asked for
    assert len(list(coming)) == 4
    assert gathered == [8, 8, 4]
