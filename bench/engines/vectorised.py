"""The vectorised engine: clients of one architecture side by side in one tensor program.

Each tensor of a slot is stacked over clients, [K, ...], whichever cells they come from. Nets run as programs whose
layers know how to work on a stack (`bench.engines.stacked`), the plugin's own `loss` runs once for all where it only
uses the words of `bench.ops` (`bench.many`) and under ``torch.vmap`` where it does more: no line of a plugin knows of
either. Clients have unequal work, so they are stacked in the order of their steps, longest first: at every step those
that still train are a prefix of the stack, and a prefix is a view. Nobody computes for a client that is done.

Results equal the reference engine's up to the order of float operations, and a client's are its own to the bit,
whoever else is in its stack.
"""

import copy
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch

from bench.engines.job import Images, Job, Trained
from bench.engines.reference import Reference
from bench.engines.stacked.book import Book
from bench.engines.stacked.passes import Models
from bench.engines.stacked.program import Program
from bench.engines.stacked.repeats import Repeats, family
from bench.engines.stacked.replay import Replays, recorder
from bench.engines.stacked.stack import Stack
from bench.nets.net import Net
from bench.plugin import Tensors

ROOM = 64 << 20
"""Bytes that a stack may fill: bounds memory, and keeps what a step touches within reach of the cache."""
NARROWEST, WIDEST = 8, 256  # clients: fewer do not repay the own cost of a step that is not cheap, more gain nothing
CACHE = 5 << 20
"""Bytes of weights that a processor reaches fast from step to step: its core's own cache, and its part of a shared one.

Of nets of linear layers no more clients go side by side, two at least, where a step's own cost is small
(`bench.engines.stacked.book`).
"""


def room(device: torch.device) -> int:
    """Bytes that a stack may fill on a device: on a GPU half of what is free, which leaves a pass its temporaries."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free // 2
    return ROOM


class Vectorised:
    """Trains clients side by side, in groups of one architecture; see `bench.engines.job.Engine`."""

    def __init__(
        self,
        nets: Mapping[str, Net],
        images: Images,
        settings: Mapping[str, object],
        precision: str = "fp32",
        width: int | None = None,
    ):
        """`nets`: one module per architecture, whose weights do not matter; `settings`: the optimiser's.

        `width`: clients side by side at most; None: as many as the nets allow.
        """
        self.images, self.settings, self.width = images, settings, width
        self.alone = Reference(nets, images, settings, precision)
        device = images.x.device
        recording = recorder(device)
        self.repeats: Repeats = Book() if recording is None else Replays(recording)
        self.models = Models(
            programs={name: Program.of(net, tuple(images.x.shape[1:])) for name, net in nets.items()},
            training={name: copy.deepcopy(net).to(device).train() for name, net in nets.items()},
            evaluating={name: copy.deepcopy(net).to(device).eval() for name, net in nets.items()},
            precision=precision,
        )

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Do the jobs; results in their order."""
        groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for index, job in enumerate(jobs):
            groups[self._alike(job)].append(index)
        done: dict[int, Trained] = {}
        for indices in groups.values():
            if not self._stackable(jobs[indices[0]]):
                done |= zip(indices, self.alone.train([jobs[i] for i in indices]), strict=True)
                continue
            # Every phase orders clients alike: by how many rows they have.
            indices.sort(key=lambda i: [-len(plan) for plan in jobs[i].plans])
            most = self.width or self._fitting(jobs[indices[0]])
            width = math.ceil(len(indices) / math.ceil(len(indices) / most))  # no small rest, whose steps cost as much
            for start in range(0, len(indices), width):
                some = indices[start : start + width]
                stack = Stack([jobs[i] for i in some], self.models, self.images, self.settings, self.repeats)
                done |= zip(some, stack.run(), strict=True)
        return [done[index] for index in range(len(jobs))]

    def _stackable(self, job: Job) -> bool:
        """Whether a stack computes in the precision asked for: without a program, convolutions escape autocast."""
        programs = (self.models.programs[parts.architecture] for parts in job.at.nets.values())
        return self.models.precision == "fp32" or all(program is not None for program in programs)

    def _fitting(self, job: Job) -> int:
        """How many clients go side by side at most: what `ROOM` holds, and of flat nets whose steps are cheap `CACHE`.

        One where large convolutions fill the machine anyway.
        """
        names = [parts.architecture for parts in job.at.nets.values()]
        programs = [self.models.programs[name] for name in names]
        if any(program is not None and program.heavy for program in programs):
            return 1
        size = sum(self._sizes(name, job.plans[0].shape[1]) for name in names)
        least = NARROWEST if self.images.x.device.type == "cpu" else 1  # a device's memory is not to be overdrawn
        width = max(least, min(WIDEST, room(self.images.x.device) // size))
        flat = all(program is not None and program.flat for program in programs)
        if flat and self.repeats.cheap(family(job.algorithm, job.at)):
            weights = sum(4 * sum(p.numel() for p in self.models.training[name].parameters()) for name in names)
            return max(2, min(width, CACHE // weights))
        return width

    def _sizes(self, architecture: str, batch: int) -> int:
        """Bytes of a net in training: weights, velocity, gradients; activations and their gradients."""
        tensors: Tensors = dict(self.models.training[architecture].named_parameters())
        weights = sum(tensor.numel() for tensor in tensors.values())
        program = self.models.programs[architecture]
        _, channels, height, width = self.images.x.shape
        made = 0 if program is None else program.activations((channels, height, width), tensors)
        return 4 * (3 * weights + 2 * batch * made)

    def _alike(self, job: Job) -> tuple[object, ...]:
        """What jobs must share to be stacked: architectures, step size, and how far their optimisers are."""
        nets = tuple(sorted((slot, parts.architecture) for slot, parts in job.at.nets.items()))
        steps = tuple(
            (slot, name, int(age))
            for slot, memory in sorted(job.client.memory.items())
            for name, age in sorted(memory.items())
            if name.startswith("steps/")
        )
        exact = tuple(
            (name, value) for name, value in job.algorithm.parameters().items() if not isinstance(value, float)
        )
        return type(job.algorithm), exact, nets, job.lr, steps, job.at.round, job.at.rounds, id(job.at.task)
