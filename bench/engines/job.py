"""What goes into an engine and what comes out: one client's local round."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from bench.engines.client import Client
from bench.plugin import Algorithm, At, State

IN_CACHE = 1 << 18  # numbers: a mebibyte of float32


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
        x = self.normalised(rows)
        if x.shape[1] == 1:  # one channel lies the same either way, but convolutions go by what the strides say
            _, _, height, width = x.shape
            x = x.as_strided(x.shape, (height * width, 1, width, 1))
        else:
            x = x.contiguous(memory_format=torch.channels_last)  # from bytes it would take twice as long
        return x, self.y.index_select(0, rows)

    def normalised(self, rows: Tensor) -> Tensor:
        """Images [B, C, H, W] of the rows [B], float32 and laid out as they are stored."""
        x = self.x.index_select(0, rows).to(torch.float32)  # whole rows: half the time of x[rows]
        shift, scale = self.constants(rows)
        return x.sub_(shift).div_(scale)

    @property
    def at_once(self) -> int:
        """How many to make ready at once: on a processor so few that they are still in its cache when they are used."""
        room = IN_CACHE if self.x.device.type == "cpu" else 16 * IN_CACHE  # where calls cost more than memory
        return max(1, room // math.prod(self.x.shape[1:]))

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
    upload: State  # without private parts; may be views of what was trained together
    losses: Tensor  # [steps], in order, over all phases


class Engine(Protocol):
    """A way to do many jobs. Every engine returns what the reference engine returns, up to float order."""

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Do the jobs; results in their order."""
        ...
