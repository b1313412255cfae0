"""A plugin file with a known truth: FedAvg under another name, and FedAvg at a wrong learning rate."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from algorithms.fedavg import FedAvg
from bench.plugin import algorithm, number


@algorithm("test-copy")
@dataclass(frozen=True)
class Copy(FedAvg):
    """FedAvg, renamed: no true difference."""


@algorithm("test-slow")
@dataclass(frozen=True)
class Slow(FedAvg):
    """FedAvg whose loss is scaled: with momentum SGD and no weight decay, the learning rate times `factor`."""

    factor: float = number(0.4, low=0)

    def loss(self, *arguments: Any, **named: Any) -> Tensor:
        return self.factor * super().loss(*arguments, **named)
