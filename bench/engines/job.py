"""What goes into an engine and what comes out: one client's local round."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bench.engines.client import Client
from bench.plugin import Algorithm, At, State


@dataclass(frozen=True)
class Images:
    """Training data on the device, shared by all clients: a plan's row numbers point into it."""

    x: Tensor  # [N, channels, height, width], as stored
    y: Tensor  # [N] int64
    shift: Tensor  # [channels, 1, 1]; of several data sets [S, channels, 1, 1]
    scale: Tensor  # likewise
    source: Tensor | None = None  # [N] from which of several data sets a row is; None: there is one

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised images [B, C, H, W], float32 in channels-last layout, and labels [B] of the rows [B]."""
        x = self.x[rows].to(torch.float32, memory_format=torch.channels_last)
        shift, scale = self.constants(rows)
        return x.sub_(shift).div_(scale), self.y[rows]

    def constants(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """What normalises the rows [B]: shift and scale, of everyone's data set or of each row's own [B, C, 1, 1]."""
        if self.source is None:
            return self.shift, self.scale
        source = self.source[rows]
        return self.shift[source], self.scale[source]


@dataclass(frozen=True)
class Job:
    """One client's round."""

    algorithm: Algorithm
    client: Client
    down: State  # as it travelled: without private parts
    rows: Tensor  # [n] row numbers of the client's training data
    plans: Sequence[Tensor]  # per phase: row numbers [steps, B]
    lr: float
    at: At


@dataclass(frozen=True)
class Trained:
    """What a job gave."""

    client: Client
    upload: State  # without private parts
    losses: Tensor  # [steps], in order, over all phases


class Engine(Protocol):
    """A way to do many jobs. Every engine returns what the reference engine returns, up to float order."""

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Do the jobs; results in their order."""
        ...
