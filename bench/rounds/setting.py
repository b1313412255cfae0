"""A cell's declaration made real: data on the device, clients' splits, nets and initial weights.

Everything here comes from the declaration and its random streams; nothing depends on the algorithm, so that compared
methods meet the same setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.data import Data, Rows
from bench.declaration.cell import Cell
from bench.engines.job import Images
from bench.nets.net import Net
from bench.plugin import Algorithm, At, Part, Parts, State, Task, Tensors
from bench.rounds import pool
from bench.rounds.dealing import deal, describe
from bench.rounds.loading import gather
from bench.rounds.nets import build, tasks
from bench.rounds.pool import Pool
from bench.seeds import seed
from datasets.split import Split


@dataclass(frozen=True)
class Share:
    """One client's rows of the training split, as row numbers on the device."""

    train: Tensor  # [n]
    validation: Tensor  # [v]
    test: Tensor  # [t]
    drawn: Rows  # `train` on the host, where batches are drawn: a round must not wait for the device to tell


@dataclass(frozen=True)
class Setting:
    """What every algorithm meets in a cell."""

    cell: Cell
    images: Images  # the training split: all clients' rows
    test: Images  # what general models are scored on: the global test split, never in a trial of tuning
    shares: tuple[Share, ...]  # one per client
    partition: Mapping[str, Any]  # identity and heterogeneity figures, for the record
    nets: Mapping[str, Net]  # architecture -> a module (its weights do not matter)
    task: Task  # what all clients have in common
    device: torch.device
    tasks: tuple[Task, ...] = ()  # one per client, where they have tasks of their own
    task_places: tuple[int, ...] = ()  # one per client: the place of its task among the declared ones
    test_rows: tuple[Tensor, ...] = ()  # one per client: the rows of `test` that are of its task
    for_all: dict[str, Tensors] = field(  # architecture -> initial weights
        default_factory=dict, init=False, repr=False, compare=False
    )

    def beside(self, first: "Setting") -> "Setting":
        """This setting with the other's tasks, which are equal: an engine sees by them that clients are alike."""
        return replace(self, task=first.task, tasks=first.tasks)

    def task_of(self, client: int | None) -> Task:
        """A client's task; None: what the server knows of it."""
        return self.tasks[client] if self.tasks and client is not None else self.task

    def parts(self, algorithm: Algorithm, client: int) -> dict[str, Parts]:
        """The net of each slot of this client."""
        task = self.task_of(client)
        own, shared = task.personal[client], task.shared
        return {name: shared if slot.role == "shared" else own for name, slot in algorithm.slots().items()}

    def at(self, algorithm: Algorithm, round: int, client: int | None) -> At:
        """Where a method is called: on this client, or on the server (None), where only shared slots have a net."""
        if client is None:
            shared = {name for name, slot in algorithm.slots().items() if slot.role == "shared"}
            nets = dict.fromkeys(shared, self.task.shared)
        else:
            nets = self.parts(algorithm, client)
        return At(round=round, rounds=int(self.cell.training["rounds"]), task=self.task_of(client), nets=nets)

    def general(self, client: int) -> Tensor:
        """The rows of the global test split that this client's models are scored on: those of its task."""
        everything = torch.arange(len(self.test.y), device=self.device)
        return self.test_rows[client] if self.test_rows else everything

    def fresh(self, algorithm: Algorithm, client: int | None) -> State:
        """Initial weights of every slot (on the server: of the shared ones), keyed by role, never by slot name.

        All slots of the role "shared" start alike everywhere (but for heads that differ in size); those of the role
        "personal" start alike on one client, and everywhere in those parts that a slot declares to be alike.
        """
        slots, nets = algorithm.slots(), self.at(algorithm, 0, client).nets
        fresh = {
            slot: self._shared(net) if slots[slot].role == "shared" else self._weights(net.architecture, client)
            for slot, net in nets.items()
        }
        for name, slot in slots.items():
            if slot.role == "personal" and slot.alike:
                fresh[name] = {**fresh.get(name, {}), **self._alike(slot.alike)}
        return fresh

    def _alike(self, chosen: tuple[Part, ...]) -> Tensors:
        """Initial weights of parts of personal nets that everyone has: those of the first client's architecture."""
        first = self.task.personal[0]
        names = frozenset().union(*(first.named(part) for part in chosen))
        return {name: tensor for name, tensor in self._weights(first.architecture, None).items() if name in names}

    def _shared(self, net: Parts) -> Tensors:
        """Initial weights that everyone has. Where tasks differ, everyone has the body, whatever its head's size."""
        if not self.tasks:
            return self._weights(net.architecture, None)
        first = self.tasks[0].shared  # a net may draw its head before its body, so that bodies depend on classes
        body = {name: t for name, t in self._weights(first.architecture, None).items() if name not in first.head}
        if not net.head:  # the server's
            return body
        return body | {name: t for name, t in self._weights(net.architecture, None).items() if name in net.head}

    def _weights(self, architecture: str, client: int | None) -> Tensors:
        """Initial weights of a client; None: those that everyone has, which are drawn once."""
        if client is not None:
            return self._drawn(architecture, client)
        if architecture not in self.for_all:
            self.for_all[architecture] = self._drawn(architecture, None)
        return dict(self.for_all[architecture])

    def _drawn(self, architecture: str, client: int | None) -> Tensors:
        net, _, classes = architecture.partition("/")
        number = seed("weights", client=client, architecture=net, **self.cell.axes("training"))
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(number)  # torch.manual_seed tells each kind of GPU, and takes a while
            made = build(net, self.task.shape, int(classes or self.task.classes))
        return {name: tensor.detach().to(self.device) for name, tensor in made.state_dict().items()}


def prepare(cell: Cell, root: Path | None) -> Setting:
    """Load a cell's data and make its setting. Raises DataError."""
    return assemble(cell, gather(cell, root))


def assemble(cell: Cell, data: Data | Pool) -> Setting:
    """A cell's setting on data at hand. Raises DataError."""
    there = data if isinstance(data, Pool) else pool.of_one(data, cell.clients)
    device = torch.device(cell.device)
    splits = deal(cell, there)
    found, task, each = tasks(cell, there)
    general, of_parts = _general(cell, there, splits)
    test_rows = [torch.from_numpy(rows).to(device) for rows in of_parts]
    return Setting(
        cell=cell,
        images=_images(there.train, there, device),
        test=_images(general, there, device),
        shares=tuple(_share(each, device) for each in splits),
        partition=describe(cell, there, splits),
        nets=found,
        task=task,
        device=device,
        tasks=each,
        task_places=tuple(there.task_of) if each else (),
        test_rows=tuple(test_rows[place] for place in there.task_of) if each else (),
    )


def _share(made: Split, device: torch.device) -> Share:
    train, validation, test = (torch.from_numpy(rows).to(device) for rows in (made.train, made.validation, made.test))
    return Share(train, validation, test, drawn=made.train)


def _general(cell: Cell, there: Pool, splits: list[Split]) -> tuple[pool.Images, list[Rows]]:
    """What general models are scored on, and which rows of it are of each part of the pool.

    It is the global test split; in a trial of tuning all clients' validation rows.
    """
    if not cell.tuning:
        return there.test, [np.arange(part.test.start, part.test.stop) for part in there.parts]
    rows = np.concatenate([each.validation for each in splits])
    task_of = np.repeat(there.task_of, [len(each.validation) for each in splits])
    source = None if there.train.source is None else there.train.source[rows]
    images = pool.Images(there.train.x[rows], there.train.y[rows], source)
    return images, [np.flatnonzero(task_of == place) for place in range(len(there.parts))]


def _images(rows: pool.Images, there: Pool, device: torch.device) -> Images:
    several = len(there.shift) > 1

    def constants(values: tuple[tuple[float, ...], ...]) -> Tensor:
        by_source = torch.tensor(values, dtype=torch.float32, device=device)[:, :, None, None]
        return by_source if several else by_source[0]

    return Images(
        x=torch.from_numpy(rows.x).to(device),
        y=torch.from_numpy(rows.y).to(device),
        shift=constants(there.shift),
        scale=constants(there.scale),
        source=None if rows.source is None else torch.from_numpy(rows.source).to(device),
    )
