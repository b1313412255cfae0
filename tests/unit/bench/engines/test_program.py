"""Programs against the modules they stand for, client by client, forward and backward."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.engines.gradient import Product, total
from bench.engines.stacked.layers import Wanted
from bench.engines.stacked.program import Program
from bench.engines.stacked.windows import Native, Unfolded
from bench.nets.net import Net
from bench.registry import NETS

CLIENTS, BATCH = 3, 4


def odd(shape: tuple[int, int, int], classes: int) -> Net:
    """Strides, unequal kernels and padding, no bias, windows that overlap."""
    body = nn.Sequential(
        nn.Conv2d(shape[0], 3, (3, 5), stride=(2, 1), padding=(0, 2), bias=False),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(3, 5, 2, stride=2),
        nn.Flatten(),
    )
    width = body(torch.zeros(1, *shape)).shape[1]
    return Net(body, nn.Linear(width, classes, bias=False))


CASES: dict[str, tuple[Any, tuple[int, int, int]]] = {
    "mlp": (NETS.get("mlp"), (1, 8, 8)),
    "small cnn": (NETS.get("cnn"), (1, 8, 8)),
    "large cnn": (NETS.get("cnn"), (1, 28, 28)),
    "lenet5": (NETS.get("lenet5"), (3, 32, 32)),
    "lenet5 of small images": (NETS.get("lenet5"), (1, 8, 8)),
    "cnn1": (NETS.get("cnn1"), (1, 28, 28)),
    "cnn2": (NETS.get("cnn2"), (1, 16, 16)),
    "cnn2 of small images": (NETS.get("cnn2"), (1, 8, 8)),
    "odd": (odd, (2, 13, 12)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scores", ["logits", "features", "both"])
def test_a_program_does_what_its_module_does(case: str, scores: str) -> None:
    make, shape = CASES[case]
    nets = [make(shape, 10).double() for _ in range(CLIENTS)]
    program = Program.of(nets[0].double(), shape)
    assert program is not None
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(CLIENTS, BATCH, *shape, generator=generator, dtype=torch.float64)
    tensors = {name: torch.stack([net.state_dict()[name] for net in nets]) for name in nets[0].state_dict()}
    logits, features, tape = program.forward(x, tensors)
    d_logits = None if scores == "features" else torch.randn(logits.shape, generator=generator).double()
    d_features = None if scores == "logits" else torch.randn(features.shape, generator=generator).double()
    parts: dict[str, list[Any]] = {}
    wanted = Wanted(frozenset(program.names), below=True)
    below = program.backward(
        d_logits, d_features, tape, wanted, lambda name, part: parts.setdefault(name, []).append(part)
    )
    assert below is not None
    for k, net in enumerate(nets):
        image = x[k].clone().requires_grad_()
        out = net(image)
        assert torch.allclose(logits[k], out.logits, atol=1e-12)
        assert torch.allclose(features[k], out.features, atol=1e-12)
        loss = sum((d[k] * o).sum() for d, o in ((d_logits, out.logits), (d_features, out.features)) if d is not None)
        named = dict(net.named_parameters())
        found = torch.autograd.grad(loss, [image, *named.values()], allow_unused=True)  # type: ignore[arg-type]
        assert torch.allclose(below[k], found[0], atol=1e-11)
        for (name, weight), expected in zip(named.items(), found[1:], strict=True):
            mine = total(parts.get(name, []), tensors[name])[k]
            assert torch.allclose(mine, torch.zeros_like(weight) if expected is None else expected, atol=1e-11), name


def test_only_what_is_wanted_is_computed() -> None:
    net = NETS.get("lenet5")((1, 8, 8), 4)
    program = Program.of(net, (1, 8, 8))
    assert program is not None
    tensors = {name: tensor.unsqueeze(0) for name, tensor in net.state_dict().items()}
    x = torch.randn(1, BATCH, 1, 8, 8)
    logits, _, tape = program.forward(x, tensors)
    found: list[str] = []
    wanted = Wanted(frozenset({"head.weight"}), below=False)
    assert program.backward(logits, None, tape, wanted, lambda name, _: found.append(name)) is None
    assert found == ["head.weight"]


def test_a_net_with_an_unknown_layer_has_no_program() -> None:
    def body(*layers: nn.Module) -> Net:
        return Net(nn.Sequential(*layers, nn.Flatten()), nn.Linear(8, 2))

    class Other(nn.ReLU):
        """A subclass may do anything."""

    assert Program.of(body(nn.Linear(8, 8), nn.ReLU()), (2, 8, 8)) is not None
    for layer in (
        nn.BatchNorm2d(1),
        nn.Tanh(),
        Other(),
        nn.Conv2d(2, 2, 3, groups=2),
        nn.Conv2d(1, 1, 3, padding="same"),
    ):
        assert Program.of(body(layer), (2, 8, 8)) is None
    assert Program.of(nn.Linear(2, 2), (2, 8, 8)) is None


def test_large_convolutions_are_left_to_pytorch() -> None:
    kinds = {
        (net, size): {type(layer) for layer in program.body} & {Native, Unfolded}
        for net in ("lenet5", "cnn2")
        for size in (8, 28)
        if (program := Program.of(NETS.get(net)((1, size, size), 10), (1, size, size))) is not None
    }
    assert kinds == {
        ("lenet5", 8): {Unfolded},
        ("lenet5", 28): {Unfolded},
        ("cnn2", 8): {Unfolded},  # however heavy: of a small image, a call costs more than what it computes
        ("cnn2", 28): {Native},
    }


@pytest.mark.parametrize("shape", [(2, 5, 7), (2, 5, 7, 1)])
def test_a_product_is_added_as_its_gradient_would_be(shape: tuple[int, ...]) -> None:
    left, right = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 3, 7, dtype=torch.float64)
    target = torch.randn(shape, dtype=torch.float64)
    expected = 0.9 * target - 0.1 * (left @ right).view(shape)
    half = target.float()
    Product(left, right).add_to(target, beta=0.9, alpha=-0.1)
    assert torch.allclose(target, expected, atol=1e-14)
    Product(left, right).add_to(half, beta=0.9, alpha=-0.1)  # products of another type than the weights
    assert torch.allclose(half.double(), expected, atol=1e-6)


def test_gradients_add_up() -> None:
    left, right, plain = torch.randn(1, 2, 3), torch.randn(1, 3, 4), torch.randn(1, 2, 4)
    like = torch.zeros(1, 2, 4)
    found: Tensor = total([Product(left, right), plain], like)
    assert torch.allclose(found, left @ right + plain)
    assert torch.equal(total([], like), like)
