"""One workload, all contestants: the naive loop and our engines train the same cells, round after round.

They meet the same images, partition, batches and initial weights; after the first rounds their models must agree.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bench.plugin import State
from bench.speedometer import naive
from bench.speedometer.ours import Ours
from bench.speedometer.workloads import Workload


class Naive:
    """The naive loop over all cells of a workload, one after the other, as a script would."""

    def __init__(self, ours: Ours, workload: Workload, momentum: float, *, loader: bool = False, bf16: bool = False):
        """Data, partition, batches and initial weights are those of `ours`, before its first round."""
        settings = naive.Settings(workload.lr, momentum, 0.0, bf16)
        self.ours, self.number = ours, 0
        images = ours.federations[0].setting.images
        x, y = images.batch(torch.arange(len(images.y)))
        # With one channel ours counts as contiguous too, but its strides would make convolutions run channels last.
        data = naive.Data(x.clone(memory_format=torch.contiguous_format), y, loader)
        self.cells = []
        for federation, (server, clients) in zip(ours.federations, ours.states(), strict=True):
            cell, setting = federation.cell, federation.setting
            shape, classes = setting.task.shape, setting.task.classes

            def build(architecture: str, state: State) -> torch.nn.Module:
                model = naive.build(architecture, shape[0], shape[1], classes)
                return adopt(model, next(iter(state.values())))

            model = build(cell.shared, server)
            if cell.algorithm == "fedavg":
                examples = [len(share.train) for share in setting.shares]
                self.cells.append(naive.FedAvg(model, examples, data, settings))
            else:
                own = [build(p.architecture, s) for p, s in zip(setting.task.personal, clients, strict=True)]
                self.cells.append(naive.FML(model, own, data, settings))
        self.ready: tuple[int, list[list[Tensor]]] = (-1, [])

    def prepare(self) -> None:
        """Draw the batches of the next round: the naive loop does not pay for them."""
        self.ready = (self.number, self.ours.plans(self.number))

    def round(self) -> None:
        """Train and average all cells for one round."""
        number, plans = self.ready
        assert number == self.number
        for cell, plan in zip(self.cells, plans, strict=True):
            cell.round(plan)
        self.number += 1


def adopt(model: torch.nn.Module, tensors: dict[str, Tensor]) -> torch.nn.Module:
    """Give a naive net the weights of ours: the same tensors in the same order under other names."""
    model.load_state_dict(dict(zip(model.state_dict(), tensors.values(), strict=True)))
    return model
