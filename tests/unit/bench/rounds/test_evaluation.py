"""Scores against values worked out by hand and by other code."""

import numpy as np
import pytest
import torch
from torch import nn

from bench.engines.job import Images
from bench.nets.net import Net
from bench.rounds.evaluation import on_clients, predict, score, spread, summary, worst_tenth


class Passes(nn.Module):
    """A body that hands its input on, so that images *are* logits."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def identity_net() -> Net:
    head = nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.eye(3))
    return Net(Passes(), head)


def images(n: int, seed: int = 0) -> Images:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, 1, 1, generator=generator)
    return Images(x, torch.arange(n) % 3, torch.zeros(3, 1, 1), torch.ones(3, 1, 1))


def test_predictions_are_argmax_and_cross_entropy() -> None:
    net, data = identity_net(), images(2500)  # more than two chunks
    right, losses = predict(net, net.state_dict(), data, torch.arange(2500))
    logits = data.x.flatten(1)
    assert torch.equal(right, logits.argmax(1) == data.y)
    assert torch.allclose(losses, -logits.log_softmax(1)[torch.arange(2500), data.y], atol=1e-6)
    assert score(right, losses).accuracy == pytest.approx(right.float().mean().item())


def test_one_shared_model_scores_like_many_equal_ones() -> None:
    net, data = identity_net(), images(90)
    rows = [torch.arange(0, 20), torch.arange(20, 25), torch.arange(25, 90)]
    shared = net.state_dict()
    together = on_clients([(net, shared)] * 3, data, rows)
    apart = on_clients([(net, dict(net.state_dict())) for _ in range(3)], data, rows)
    for (a, b), (c, d) in zip(together, apart, strict=True):
        assert torch.equal(a, c)
        assert torch.allclose(b, d)


def test_images_are_normalised_per_channel() -> None:
    data = Images(
        torch.full((1, 2, 1, 1), 6, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64),
        torch.tensor([2.0, 4.0])[:, None, None], torch.tensor([2.0, 1.0])[:, None, None],
    )  # fmt: skip
    x, _ = data.batch(torch.tensor([0]))
    assert x.flatten().tolist() == [2.0, 2.0]
    assert data.x.flatten().tolist() == [6, 6]  # the stored images stay as they were


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [([0.4], 0.4), ([0.9, 0.2], 0.2), ([i / 20 for i in range(20)], 0.025), ([i / 10 for i in range(19)], 0.0)],
)
def test_worst_tenth(accuracies: list[float], expected: float) -> None:
    assert worst_tenth(accuracies) == pytest.approx(expected)


def test_spread_is_the_sample_deviation() -> None:
    assert spread([0.1, 0.5, 0.9]) == pytest.approx(np.std([0.1, 0.5, 0.9], ddof=1))
    assert spread([0.3]) == 0.0


def test_clients_count_alike_whatever_their_size() -> None:
    big = score(torch.ones(1000, dtype=torch.bool), torch.zeros(1000))
    small = score(torch.zeros(2, dtype=torch.bool), torch.ones(2))
    figures = summary([big, small])
    assert figures["accuracy"] == 0.5
    assert figures["loss"] == 0.5
    assert figures["worst10"] == 0.0
