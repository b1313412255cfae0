"""The zoo's nets: widths of the papers, names of the parts, sizes they can take."""

import pytest
import torch
from torch import nn

import tests.nets  # noqa: F401 - registers the net with BatchNorm
from bench.data import DataError
from bench.nets import net as nets
from bench.nets.zoos import Zoo, resolve
from bench.registry import NETS, ZOOS, UnknownName, net
from bench.rounds.nets import build, inspect

FAMILY = ["family1", "family2", "family3", "family4", "family5"]
DEEP = ["mobilenet_v2", "resnet18", "shufflenet_v2", "squeezenet"]
BUILT_IN = sorted(["cnn", "cnn1", "cnn2", "lenet5", "mlp", *FAMILY, *DEEP])
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]


def test_these_nets_exist() -> None:
    assert [name for name in NETS.names() if not name.startswith("test-")] == BUILT_IN


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", [n for n in BUILT_IN if n not in DEEP])
def test_logits_and_features(name: str, shape: tuple[int, int, int]) -> None:
    net = build(name, shape, 7)
    out = net(torch.randn(2, *shape))
    assert out.logits.shape == (2, 7)
    assert out.features.shape == (2, nets.parts(net, name).features)
    assert torch.equal(net.head(out.features), out.logits)


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [
        ("mlp", (1, 8, 8), 64 * 64 + 64 + 64 * 64 + 64 + 650),
        ("mlp", (1, 28, 28), 784 * 200 + 200 + 200 * 200 + 200 + 2010),
        ("cnn", (1, 28, 28), 832 + 51_264 + 1024 * 512 + 512 + 5130),  # 582,026: the MNIST net of most libraries
        ("lenet5", (3, 32, 32), 456 + 2416 + 400 * 120 + 120 + 10_164 + 850),  # 62,006: LeNet5 on CIFAR-10
        ("cnn2", (3, 32, 32), 896 + 18_496 + 36_928 + 64 * 64 * 64 + 64 + 650),
        ("resnet18", (3, 32, 32), 11_173_962),  # the usual CIFAR ResNet-18
        ("family1", (3, 32, 32), 1216 + 12_832 + 800 * 2000 + 2000 + 2000 * 500 + 500 + 5010),
        ("family5", (3, 32, 32), 1216 + 12_832 + 800 * 500 + 500 + 500 * 500 + 500 + 5010),
        ("mobilenet_v2", (3, 32, 32), 2_236_682),  # torchvision's 3,504,872 less its head of 1000 classes, plus ours
        ("squeezenet", (3, 32, 32), 727_626),
    ],
)
def test_numbers_of_parameters(name: str, shape: tuple[int, int, int], parameters: int) -> None:
    assert sum(p.numel() for p in build(name, shape, 10).parameters()) == parameters


def test_pooling_before_relu_is_the_same_function() -> None:
    net = build("cnn", (1, 28, 28), 10)
    conv1, pool, relu, conv2, *_ = net.body
    x = torch.randn(3, 1, 28, 28)
    assert torch.equal(relu(pool(conv1(x))), pool(relu(conv1(x))))
    assert isinstance(conv2, nn.Conv2d)


def test_norm_layers_are_found_by_type() -> None:
    parts = nets.parts(build("test-batchnorm", (1, 8, 8), 4), "test-batchnorm")
    assert parts.norm == {
        "body.1.weight", "body.1.bias", "body.1.running_mean", "body.1.running_var", "body.1.num_batches_tracked",
    }  # fmt: skip
    assert parts.head == {"head.weight", "head.bias"}
    assert parts.named("body") == (parts.parameters | parts.buffers) - parts.head
    assert "bn" not in "".join(parts.norm)


def test_resnet_has_norm_layers_and_takes_grey_images() -> None:
    net = build("resnet18", (1, 28, 28), 10).eval()
    assert len([n for n in nets.parts(net, "resnet18").norm if n.endswith("running_mean")]) == 20
    assert net(torch.zeros(1, 1, 28, 28)).logits.shape == (1, 10)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_family_has_one_feature_width(shape: tuple[int, int, int]) -> None:
    assert len({inspect(name, shape, 10)[1].features for name in FAMILY}) == 1
    assert len({sum(p.numel() for p in build(name, shape, 10).parameters()) for name in FAMILY}) == 5


@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2", "squeezenet"])
def test_nets_of_torchvision_are_adapted_to_small_images(name: str) -> None:
    net = build(name, (3, 32, 32), 7)
    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    assert (first.kernel_size, first.stride, first.in_channels) == ((3, 3), (1, 1), 3)
    assert not [module for module in net.modules() if isinstance(module, nn.Dropout)]  # a pass draws no numbers
    assert [module for module in net.modules() if isinstance(module, nn.Linear)] == [net.head]
    x = torch.randn(2, 3, 32, 32)
    out, again = net(x), net(x)  # in training mode, where dropout would differ
    assert out.logits.shape == (2, 7)
    assert torch.equal(out.logits, again.logits)
    assert torch.equal(net.head(out.features), out.logits)


def test_a_net_without_a_head_is_refused() -> None:
    with pytest.raises(TypeError, match=r"expected a torch\.nn\.Linear called 'head'"):
        nets.parts(nn.Linear(2, 2), "mine")


def test_images_too_small_for_a_net() -> None:
    with pytest.raises(DataError, match=r"net 'lenet5' cannot take images of 1x1x1"):
        build("lenet5", (1, 1, 1), 10)


def test_zoos() -> None:
    assert resolve("lenet5") == Zoo(clients=("lenet5",), shared="lenet5")
    mixed = resolve("mixed")
    assert len(set(mixed.clients)) == 4
    assert mixed.shared in NETS.names()
    assert "mixed" in ZOOS.names()
    assert (resolve("catfish").draws, resolve("catfish").shared) == ("mlp", "mlp")
    for name in ZOOS.names():
        assert {*resolve(name).clients, resolve(name).shared} <= set(NETS.names())
    with pytest.raises(UnknownName, match="Did you mean 'mixed'"):
        resolve("mixd")


def test_a_net_that_breaks_its_promise_is_refused_before_anything_runs() -> None:
    @net("test-headless")
    def headless(shape: nets.Shape, classes: int) -> nn.Module:
        return nn.Linear(2, 2)

    @net("test-wide")
    def wide(shape: nets.Shape, classes: int) -> nets.Net:
        return nets.Net(nn.Flatten(), nn.Linear(64, classes + 1))

    @net("test-narrow")
    def narrow(shape: nets.Shape, classes: int) -> nets.Net:
        return nets.Net(nn.Flatten(), nn.Linear(7, classes))

    with pytest.raises(DataError, match=r"'test-headless' cannot take images of 1x8x8: .*called 'head', got NoneType"):
        inspect("test-headless", (1, 8, 8), 4)
    with pytest.raises(DataError, match=r"'test-wide': expected logits and features of shapes \(2, 4\) and \(2, 64\)"):
        inspect("test-wide", (1, 8, 8), 4)
    with pytest.raises(DataError, match=r"'test-narrow' cannot take images of 1x8x8: mat1 and mat2"):
        inspect("test-narrow", (1, 8, 8), 4)


def test_a_net_registered_anew_is_looked_at_anew() -> None:
    def register(width: int) -> None:
        @net("test-anew")
        def anew(shape: nets.Shape, classes: int) -> nets.Net:
            return nets.Net(nn.Sequential(nn.Flatten(), nn.Linear(64, width)), nn.Linear(width, classes))

    found = []
    for width in (5, 6):
        register(width)
        found.append(inspect("test-anew", (1, 8, 8), 4)[1].features)
    assert found == [5, 6]
