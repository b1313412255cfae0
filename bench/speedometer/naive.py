"""The naive loop: federated training as most libraries write it. FROZEN: every published ratio is against this file.

Plain PyTorch and nothing of ours, so that no improvement of ours can ever reach it: a deep copy of the model for each
client, ``optim.SGD``, ``zero_grad``, ``backward``, ``step``, a weighted mean of ``state_dict``s. Nets are convolution,
ReLU, maximum, in the default layout. It is spared what would only flatter us: images are normalised once and lie in
memory as float32, batches are drawn beforehand and cost it nothing, losses are not read back, nothing is evaluated.

Changing this file makes every earlier number incomparable: a test holds its digest.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

Batches = Iterable[tuple[Tensor, Tensor]]
Weights = dict[str, Tensor]


def build(name: str, channels: int, side: int, classes: int) -> nn.Sequential:
    """A net by the name that it has in the benchmark: the same function, its tensors in the same order."""
    if name == "mlp":
        inputs = channels * side * side
        width = min(200, inputs)
        body = [nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
        return nn.Sequential(*body, nn.Linear(width, classes))
    small = side < 16
    if name == "lenet5":
        return _convolutional(channels, side, classes, ((6, 5), (16, 5)), 2 if small else 0, (120, 84))
    if name == "cnn1":
        return _convolutional(channels, side, classes, ((6, 3), (16, 3)), 1, (64,))
    if name == "cnn2":
        return _convolutional(channels, side, classes, ((32, 3), (64, 3), (64, 3)), 1, (64,))
    if name == "cnn" and small:
        return _convolutional(channels, side, classes, ((16, 3), (32, 3)), 1, ())
    if name == "cnn":
        return _convolutional(channels, side, classes, ((32, 5), (64, 5)), 0, (512,))
    raise ValueError(f"expected mlp, lenet5, cnn, cnn1 or cnn2, got {name}")


def _convolutional(
    channels: int,
    side: int,
    classes: int,
    convolutions: Sequence[tuple[int, int]],
    padding: int,
    hidden: Sequence[int],
) -> nn.Sequential:
    """Convolutions (channels, kernel), the first two followed by a 2x2 maximum; hidden layers; the head."""
    layers: list[nn.Module] = []
    for place, (width, kernel) in enumerate(convolutions):
        layers += [nn.Conv2d(channels, width, kernel, padding=padding), nn.ReLU()]
        channels, side = width, side + 2 * padding - kernel + 1
        if place < 2:
            layers.append(nn.MaxPool2d(2))
            side //= 2
    layers.append(nn.Flatten())
    inputs = channels * side * side
    for width in hidden:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


class Data:
    """Normalised images [N, C, H, W] and labels [N], and how batches are taken of them."""

    def __init__(self, x: Tensor, y: Tensor, loader: bool) -> None:
        self.x, self.y, self.loader = x, y, loader

    def batches(self, plan: Tensor) -> Batches:
        """The batches of a plan [steps, B] of row numbers."""
        if self.loader:
            return DataLoader(TensorDataset(self.x, self.y), batch_sampler=plan.tolist())
        return self._indexed(plan)

    def _indexed(self, plan: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        for rows in plan:
            yield self.x[rows], self.y[rows]


class Settings:
    """What the optimiser needs, and whether forward passes run in bfloat16 (autocast)."""

    def __init__(self, lr: float, momentum: float, weight_decay: float, bf16: bool = False) -> None:
        self.lr, self.momentum, self.weight_decay, self.bf16 = lr, momentum, weight_decay, bf16

    def optimiser(self, model: nn.Module) -> SGD:
        """A new optimiser."""
        return SGD(model.parameters(), lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)


class FedAvg:
    """A server and its clients: ``round(plans)`` with one plan [steps, B] per client."""

    def __init__(self, model: nn.Module, examples: Sequence[int], data: Data, settings: Settings) -> None:
        """`examples`: how many each client trains on, the weights of the mean."""
        self.model, self.examples, self.data, self.settings = model, examples, data, settings

    def round(self, plans: Sequence[Tensor]) -> None:
        """Every client trains a copy of the model; their mean is the new one."""
        states = []
        for plan in plans:
            model = copy.deepcopy(self.model)
            optimizer = self.settings.optimiser(model)
            model.train()
            for x, y in self.data.batches(plan):
                optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16, enabled=self.settings.bf16):
                    loss = F.cross_entropy(model(x), y)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            states.append(model.state_dict())
        self.model.load_state_dict(mean(states, self.examples))


class FML:
    """Federated mutual learning: each client keeps a local model and its optimiser, and trains a copy of the meme."""

    def __init__(
        self,
        meme: nn.Module,
        locals_: Sequence[nn.Module],
        data: Data,
        settings: Settings,
        alpha: float = 0.5,
        beta: float = 0.5,
    ) -> None:
        self.model, self.locals, self.data, self.settings = meme, list(locals_), data, settings
        self.optimizers = [settings.optimiser(local) for local in self.locals]
        self.alpha, self.beta = alpha, beta

    def round(self, plans: Sequence[Tensor]) -> None:
        """Every client's local model and meme teach each other; the mean of the memes is the new one."""
        states = []
        for plan, local, local_optimizer in zip(plans, self.locals, self.optimizers, strict=True):
            meme = copy.deepcopy(self.model)
            meme_optimizer = self.settings.optimiser(meme)
            local.train()
            meme.train()
            for x, y in self.data.batches(plan):
                local_optimizer.zero_grad()
                meme_optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16, enabled=self.settings.bf16):
                    of_local, of_meme = local(x), meme(x)
                    local_loss = self.alpha * F.cross_entropy(of_local, y) + (1 - self.alpha) * kl(of_local, of_meme)
                    meme_loss = self.beta * F.cross_entropy(of_meme, y) + (1 - self.beta) * kl(of_meme, of_local)
                local_loss.backward()  # type: ignore[no-untyped-call]
                meme_loss.backward()  # type: ignore[no-untyped-call]
                local_optimizer.step()
                meme_optimizer.step()
            states.append(meme.state_dict())
        self.model.load_state_dict(mean(states, [1] * len(states)))


def kl(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher || student) of logits [B, C], the mean over rows; the teacher is a constant."""
    return F.kl_div(student.log_softmax(1), teacher.detach().softmax(1), reduction="batchmean")


def mean(states: Sequence[Weights], weights: Sequence[int]) -> Weights:
    """The weighted mean of state dicts."""
    total = sum(weights)
    result = {}
    for name, first in states[0].items():
        result[name] = first * (weights[0] / total)
        for state, weight in zip(states[1:], weights[1:], strict=True):
            result[name] += state[name] * (weight / total)
    return result


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor, batch: int = 1000) -> float:
    """The share of images that a model gets right: whole jobs end with it."""
    model.eval()
    right = 0
    for images, labels in zip(torch.split(x, batch), torch.split(y, batch), strict=True):
        right += int((model(images).argmax(1) == labels).sum())
    return right / len(y)
