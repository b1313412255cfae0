"""One workload, all contestants: the naive loop and our engines train the same cells, round after round.

They meet the same images, partition, batches and initial weights. After their first rounds their models are compared:
a loop that does other work proves nothing.
"""

import copy
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.engines.job import Images
from bench.plugin import State
from bench.speedometer import limit, naive, ours, workloads

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
NAIVE: dict[str, dict[str, bool]] = {
    "naive": {},
    "naive, DataLoader": {"loader": True},
    "naive, bf16": {"bf16": True},
}
"""The naive loop's forms; the first is what ratios are against."""
BARE = "bare arithmetic"


class Contestant(Protocol):
    """Something that trains all cells of a workload."""

    def prepare(self) -> None:
        """Whatever the next round needs and shall not cost."""

    def round(self) -> None:
        """Train and aggregate all cells for one round."""

    def models(self) -> list[list[Tensor]]:
        """The tensors of every model that lives between rounds: per cell the global one, then clients' own."""


class Contest:
    """Lives in a worker process; every method answers in JSON types."""

    def __init__(
        self, workload: dict[str, Any], momentum: float, names: Sequence[str], root: str | None = None
    ) -> None:
        """`workload` as `Workload.plain` writes it; `names` of contestants: NAIVE's, BARE, and engines."""
        work, place = workloads.workload(workload), Path(root) if root else None
        engines = [name for name in names if name not in NAIVE and name != BARE] or ["reference"]
        teams = {name: ours.Ours(work.cells(name, momentum), place) for name in engines}
        self.basis = teams[engines[0]]
        self.contestants: dict[str, Contestant] = {}
        for name in names:
            if name in NAIVE:
                self.contestants[name] = Naive(self.basis, work.lr, momentum, **NAIVE[name])
            else:
                self.contestants[name] = Bare(self.basis, work.lr) if name == BARE else teams[name]
        self.begin = {name: _copies(contestant.models()) for name, contestant in self.contestants.items()}

    def facts(self) -> dict[str, Any]:
        """What a round consists of: cells, clients' steps, operations, and the threads that this process uses."""
        plans, flops = self.basis.plans(0), limit.Flops(0, 0)
        for federation, cell_plans in zip(self.basis.federations, plans, strict=True):
            setting = federation.setting
            for k, plan in enumerate(cell_plans):
                for parts in setting.parts(federation.algorithm, k).values():
                    net = setting.nets[parts.architecture]
                    flops += limit.step_flops(net, setting.task.shape, plan.shape[1]) * len(plan)
        steps = [len(plan) for cell_plans in plans for plan in cell_plans]
        return {
            "cells": len(plans),
            "steps": sum(steps),
            "clients": len(steps),
            "longest": max(steps),
            "matmul_flops": flops.matmul,
            "convolution_flops": flops.convolution,
            "threads": torch.get_num_threads(),
        }

    def round(self, name: str) -> dict[str, float]:
        """One more round of a contestant: seconds of CPU time of its thread, and by the clock."""
        contestant = self.contestants[name]
        contestant.prepare()
        wall, cpu = time.perf_counter(), time.thread_time()
        contestant.round()
        return {"cpu": time.thread_time() - cpu, "wall": time.perf_counter() - wall}

    def rates(self, precision: str) -> dict[str, float]:
        """Operations per second that this thread reaches now."""
        dtype = DTYPES[precision]
        return {"matmul": limit.matmul_rate(dtype), "convolution": limit.convolution_rate(dtype)}

    def distances(self, to: str) -> dict[str, float]:
        """How far each contestant's models are from those of another: the largest relative distance.

        The distance of two models is measured in units of the way that the other one has gone since the start.
        """
        goal, begin = self.contestants[to].models(), self.begin[to]
        return {
            name: max(_distance(a, b, s) for a, b, s in zip(contestant.models(), goal, begin, strict=True))
            for name, contestant in self.contestants.items()
            if name not in (to, BARE)
        }


class Naive:
    """The naive loop over all cells of a workload, one after the other, as a script would."""

    def __init__(self, basis: ours.Ours, lr: float, momentum: float, *, loader: bool = False, bf16: bool = False):
        """Data, partition, batches and initial weights are those of `basis`, before its first round."""
        settings = naive.Settings(lr, momentum, 0.0, bf16)
        self.basis, self.number = basis, 0
        data = naive.Data(*plain_images(basis), loader)
        self.cells: list[naive.FedAvg | naive.FML] = []
        for federation, (server, clients) in zip(basis.federations, basis.states(), strict=True):
            cell, task, shares = federation.cell, federation.setting.task, federation.setting.shares
            if cell.algorithm not in ("fedavg", "fml"):
                raise ValueError(f"expected an algorithm of the naive loop's (fedavg, fml), got {cell.algorithm}")
            model = _net(cell.shared, server, task.shape, task.classes)
            if cell.algorithm == "fedavg":
                self.cells.append(naive.FedAvg(model, [len(share.train) for share in shares], data, settings))
            else:
                own = [
                    _net(parts.architecture, state, task.shape, task.classes)
                    for parts, state in zip(task.personal, clients, strict=True)
                ]
                self.cells.append(naive.FML(model, own, data, settings))

    def prepare(self) -> None:
        """Draw the batches of the next round: the naive loop does not pay for them."""
        self.plans = self.basis.plans(self.number)

    def round(self) -> None:
        """Train and average all cells for one round."""
        for cell, plan in zip(self.cells, self.plans, strict=True):
            cell.round(plan)
        self.number += 1

    def models(self) -> list[list[Tensor]]:
        """Per cell the global model, then clients' own."""
        return [
            list(model.state_dict().values())
            for cell in self.cells
            for model in [cell.model, *(cell.locals if isinstance(cell, naive.FML) else [])]
        ]


class Bare:
    """Forward, backward and update alone, on ready batches: what the reference engine's overhead is measured against.

    One model goes through all clients' batches; nothing is copied, nobody is averaged, no rows are gathered.
    """

    def __init__(self, basis: ours.Ours, lr: float) -> None:
        self.basis, self.lr, self.number = basis, lr, 0
        cell, setting = basis.federations[0].cell, basis.federations[0].setting
        if cell.algorithm != "fedavg":
            raise ValueError(f"the bare arithmetic is that of fedavg, not of {cell.algorithm}")
        self.net = copy.deepcopy(setting.nets[cell.shared]).train()
        cast(Any, self.net).to(memory_format=torch.channels_last)  # (its type stubs do not know this form)

    def prepare(self) -> None:
        """Gather and normalise the next round's batches."""
        self.batches = []
        for federation, plans in zip(self.basis.federations, self.basis.plans(self.number), strict=True):
            self.batches += [federation.setting.images.batch(rows) for plan in plans for rows in plan]

    def round(self) -> None:
        """One step on every batch."""
        parameters: list[Tensor] = list(self.net.parameters())
        for x, y in self.batches:
            gradients = torch.autograd.grad(F.cross_entropy(self.net(x)[0], y), parameters)
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-self.lr)
        self.number += 1

    def models(self) -> list[list[Tensor]]:
        """None that could be compared."""
        return []


def plain_images(basis: ours.Ours) -> tuple[Tensor, Tensor]:
    """All training images and labels for the naive loop."""
    return plain_layout(basis.federations[0].setting.images)


def plain_layout(images: Images) -> tuple[Tensor, Tensor]:
    """All images, normalised, in the layout that torchvision gives, and their labels."""
    x, y = images.batch(torch.arange(len(images.y)))
    # With one channel ours counts as contiguous too, but its strides would make convolutions run channels last.
    return x.clone(memory_format=torch.contiguous_format), y


def _net(architecture: str, state: State, shape: tuple[int, int, int], classes: int) -> nn.Module:
    """A naive net with our weights: the same tensors in the same order under other names."""
    model = naive.build(architecture, shape[0], shape[1], classes)
    (tensors,) = state.values()
    model.load_state_dict(dict(zip(model.state_dict(), tensors.values(), strict=True)))
    return model


def _copies(models: list[list[Tensor]]) -> list[list[Tensor]]:
    return [[tensor.detach().clone() for tensor in model] for model in models]


def _distance(a: Sequence[Tensor], b: Sequence[Tensor], start: Sequence[Tensor]) -> float:
    def norm(one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
        squares = [(x.double() - y.double()).square().sum() for x, y in zip(one, other, strict=True)]
        return float(torch.stack(squares).sum().sqrt())

    way = norm(b, start)
    return norm(a, b) / way if way else math.inf  # where nobody has moved, nothing is shown
