"""Model zoos: which client gets which net, and which net is shared. Importing this imports no torch."""

from dataclasses import dataclass

from bench.registry import NETS, ZOOS, UnknownName, nearest, zoo


@dataclass(frozen=True)
class Zoo:
    """Architectures by name. Client k gets ``clients[k % len(clients)]`` for its own model."""

    clients: tuple[str, ...]
    shared: str  # of the global model, and of the meme
    draws: str = ""  # another zoo, whose draws this one meets too: to be compared with it client by client


@zoo("mixed")
def mixed() -> Zoo:
    """MLP, LeNet5, CNN1 and CNN2 in turn, as in the FML paper's study of model heterogeneity; the meme is a cnn.

    The paper names these four; MLP, LeNet5 and the widths of CNN2 are those of its authors' code, those of CNN1 are
    ours (see `bench.nets.convolutional`).
    """
    return Zoo(clients=("mlp", "lenet5", "cnn1", "cnn2"), shared="cnn")


@zoo("cnn-family")
def cnn_family() -> Zoo:
    """Five CNNs of one feature width in turn, for methods that compare features too; the meme is the smallest."""
    return Zoo(clients=("family1", "family2", "family3", "family4", "family5"), shared="family5")


@zoo("torchvision")
def torchvision() -> Zoo:
    """ResNet-18, MobileNetV2, ShuffleNetV2 and SqueezeNet in turn, for colour images of 32x32; the meme is the last."""
    return Zoo(clients=("resnet18", "mobilenet_v2", "shufflenet_v2", "squeezenet"), shared="squeezenet")


@zoo("catfish")
def catfish() -> Zoo:
    """One strong net (CNN2) among four weak ones (MLP), as in the FML paper's "catfish" study; the meme is an MLP.

    It meets the draws of the zoo `mlp`, in which the strong one is an MLP too: beside it, it shows what the strong
    client does to the weak ones.
    """
    return Zoo(clients=("cnn2", "mlp", "mlp", "mlp", "mlp"), shared="mlp", draws="mlp")


def resolve(name: str) -> Zoo:
    """The zoo of this name; a net's name is the zoo in which everyone has that net. Raises UnknownName."""
    zoos, nets = ZOOS.names(), NETS.names()
    if name in zoos:
        made = ZOOS.get(name)()
        if not isinstance(made, Zoo):
            raise TypeError(f"zoo '{name}': expected it to return a Zoo, got {type(made).__name__}")
        return made
    if name in nets:
        return Zoo(clients=(name,), shared=name)
    raise UnknownName(f"unknown zoo '{name}'.{nearest(name, [*zoos, *nets])}")
