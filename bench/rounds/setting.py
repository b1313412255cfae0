"""A cell's declaration made real: data on the device, clients' splits, nets and initial weights.

Everything here comes from the declaration and its random streams; nothing depends on the algorithm, so that compared
methods meet the same setting.
"""

import copy
import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.data import Data, DataError, Rows, Source
from bench.declaration.cell import Cell
from bench.declaration.tasks import ClientTask
from bench.engines.job import Images
from bench.nets.net import Net, parts
from bench.plugin import Algorithm, At, Part, Parts, State, Task
from bench.registry import DATASETS, NETS, PARTITIONS
from bench.rounds import pool, reserved
from bench.rounds.pool import Pool
from bench.seeds import seed, stream
from datasets import heterogeneity, split
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

    def _alike(self, chosen: tuple[Part, ...]) -> dict[str, Tensor]:
        """Initial weights of parts of personal nets that everyone has: those of the first client's architecture."""
        first = self.task.personal[0]
        names = frozenset().union(*(first.named(part) for part in chosen))
        return {name: tensor for name, tensor in self._weights(first.architecture, None).items() if name in names}

    def _shared(self, net: Parts) -> dict[str, Tensor]:
        """Initial weights that everyone has. Where tasks differ, everyone has the body, whatever its head's size."""
        if not self.tasks:
            return self._weights(net.architecture, None)
        first = self.tasks[0].shared  # a net may draw its head before its body, so that bodies depend on classes
        body = {name: t for name, t in self._weights(first.architecture, None).items() if name not in first.head}
        if not net.head:  # the server's
            return body
        return body | {name: t for name, t in self._weights(net.architecture, None).items() if name in net.head}

    def _weights(self, architecture: str, client: int | None) -> dict[str, Tensor]:
        net, _, classes = architecture.partition("/")
        number = seed("weights", client=client, architecture=net, **self.cell.axes("training"))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            made = build(net, self.task.shape, int(classes or self.task.classes))
        return {name: tensor.detach().to(self.device) for name, tensor in made.state_dict().items()}


def build(architecture: str, shape: tuple[int, int, int], classes: int) -> Net:
    """A net of the zoo with new weights. Raises DataError where it cannot be made for such images."""
    try:
        net = NETS.get(architecture)(shape, classes)
    except (RuntimeError, ValueError, TypeError) as error:
        raise _misfit(architecture, shape, error) from error
    return net  # type: ignore[no-any-return]  # a registry cannot know what its plugins return


def inspect(architecture: str, shape: tuple[int, int, int], classes: int, name: str | None = None) -> tuple[Net, Parts]:
    """A net and its parts, after a look at what it makes of an image. Raises DataError where that is no `Out`.

    `name`: what its parts are to call it, where that is not its name in the zoo.
    """
    net = build(architecture, shape, classes)
    try:
        named = parts(net, name or architecture)
        with torch.no_grad():
            logits, features = copy.deepcopy(net).eval()(torch.zeros(2, *shape))
    except (RuntimeError, ValueError, TypeError) as error:
        raise _misfit(architecture, shape, error) from error
    expected = (2, classes), (2, named.features)
    if (got := (tuple(logits.shape), tuple(features.shape))) != expected:
        raise DataError(
            f"net '{architecture}': expected logits and features of shapes {expected[0]} and {expected[1]} for two "
            f"images and {classes} classes, got {got[0]} and {got[1]}"
        )
    return net, named


def _misfit(architecture: str, shape: tuple[int, int, int], error: Exception) -> DataError:
    size = "x".join(map(str, shape))
    return DataError(f"net '{architecture}' cannot take images of {size}: {error}")


_offered: dict[str, Data] = {}


def offer(name: str, data: Data) -> None:
    """Have `load` return this instead of reading the data set: another process has read it."""
    _offered[name] = data


def load(name: str, root: Path | None) -> Data:
    """A data set by name, kept for the next cell."""
    return _offered[name] if name in _offered else _read(name, root)


@functools.lru_cache(maxsize=2)  # cells of one data set follow one another; loading is paid once per process
def _read(name: str, root: Path | None) -> Data:
    source: Source = DATASETS.get(name)()
    return source.load(root)


def deal(cell: Cell, there: Pool) -> list[Split]:
    """The clients' splits (train, validation, test) of a cell, as rows of the pool: each task's by itself.

    Raises DataError when no draw is possible.
    """
    plan = PARTITIONS.get(cell.partition)(**cell.partition_params)
    rng = stream("partition", **cell.axes("partition"))  # one for all tasks, in turn
    dealt: list[Rows | Split] = []
    for part, rows in zip(there.parts, pool.owned(cell, there), strict=True):
        try:
            drawn = plan.deal(there.train.y[rows], part.given_of(rows), part.clients, cell.alpha, rng)
        except DataError as error:
            raise DataError(f"task '{part.name}': {error}" if part.name else str(error)) from error
        dealt += [Split(*(rows[each] for each in own)) if isinstance(own, tuple) else rows[own] for own in drawn]
    untested = reserved.rows(cell, len(there.train.y))
    return [_split(cell, k, own, untested) for k, own in enumerate(dealt)]


def _split(cell: Cell, client: int, made: Rows | Split, untested: Rows) -> Split:
    """A client's split: the one that its partition brings, or the protocol's.

    A trial of tuning has no test rows: it is judged by its validation rows, which stand in both places. The protocol
    keeps rows that trials may see out of results' tests (`untested`); test rows that a data set brings no trial sees.
    """
    if not isinstance(made, Split):
        rng = stream("split", client=client, **cell.axes("partition"))
        return split.split_for_tuning(made, rng) if cell.tuning else split.split(made, rng, untested)
    apart = not np.isin(made.validation, made.train).any()
    if cell.tuning and not apart:
        raise DataError(f"client {client} would be judged on rows that it trains on: tuning needs rows set apart")
    if cell.training["selection"] == "validation" and not apart:
        raise DataError(
            f'client {client} would be validated on rows that it trains on: selection = "validation" needs others. '
            'Set selection = "last", or set rows apart to validate on'
        )
    return made._replace(test=made.validation) if cell.tuning else made


def describe(cell: Cell, there: Pool, splits: list[Split]) -> dict[str, Any]:
    """Identity and heterogeneity figures of a partition, as the record holds them.

    Where tasks differ, so do their classes: counts have a column for each class of each task.
    """
    could = np.concatenate(pool.owned(cell, there))  # what was there to deal, ascending
    labels = there.distinct
    whole = [np.searchsorted(could, np.unique(np.concatenate(own))) for own in splits]
    figures = asdict(heterogeneity.describe(labels[could], whole, sum(part.classes for part in there.parts)))
    figures["counts"] = np.asarray(figures["counts"]).tolist()
    floors = [heterogeneity.floor(labels[s.train], labels[s.test]) for s in splits]
    return figures | {
        "floor": float(np.mean(floors)),
        "floors": [float(f) for f in floors],
        "train_sizes": [len(s.train) for s in splits],
        "validation_sizes": [len(s.validation) for s in splits],
        "test_sizes": [len(s.test) for s in splits],
    }


def prepare(cell: Cell, root: Path | None) -> Setting:
    """Load a cell's data and make its setting. Raises DataError."""
    return assemble(cell, gather(cell, root))


def gather(cell: Cell, root: Path | None) -> Pool:
    """Load what a cell's clients may get. Raises DataError where it is missing or other than declared."""
    sources = {name: load(name, root) for name in cell.data}
    for name, expected in cell.data.items():
        if (found := sources[name].md5) != expected:
            raise DataError(f"data set '{name}': expected content md5 {expected}, got {found}")
    return _gathered(cell.tasks, root) if cell.tasks else pool.of_one(sources[cell.dataset], cell.clients)


@functools.lru_cache(maxsize=1)  # every replicate has the same: one copy for all that run side by side
def _gathered(tasks: tuple[ClientTask, ...], root: Path | None) -> Pool:
    return pool.of_tasks(tasks, {task.dataset: load(task.dataset, root) for task in tasks})


def assemble(cell: Cell, data: Data | Pool) -> Setting:
    """A cell's setting on data at hand. Raises DataError."""
    there = data if isinstance(data, Pool) else pool.of_one(data, cell.clients)
    device = torch.device(cell.device)
    splits = deal(cell, there)
    nets, task, tasks = _tasks(cell, there)
    rows = [torch.arange(part.test.start, part.test.stop, device=device) for part in there.parts]
    return Setting(
        cell=cell,
        images=_images(there.train, there, device),
        test=_images(_general(cell, there, splits), there, device),
        shares=tuple(_share(each, device) for each in splits),
        partition=describe(cell, there, splits),
        nets=nets,
        task=task,
        device=device,
        tasks=tasks,
        task_places=tuple(there.task_of) if tasks else (),
        test_rows=tuple(rows[place] for place in there.task_of) if tasks else (),
    )


def _share(made: Split, device: torch.device) -> Share:
    train, validation, test = (torch.from_numpy(rows).to(device) for rows in (made.train, made.validation, made.test))
    return Share(train, validation, test, drawn=made.train)


def _general(cell: Cell, there: Pool, splits: list[Split]) -> pool.Images:
    """What general models are scored on: the global test split; in a trial of tuning all clients' validation rows."""
    if not cell.tuning:
        return there.test
    rows = np.concatenate([each.validation for each in splits])
    return pool.Images(there.train.x[rows], there.train.y[rows])


def look(cell: Cell, there: Pool) -> dict[str, tuple[Net, Parts]]:
    """Every net that a cell's clients need, by architecture, after a look at it. Raises DataError.

    Where clients have tasks of their own, the size of the head is a part of the name: heads of different sizes cannot
    be stacked, so such nets are different architectures to an engine.
    """
    needed = {*_own(cell, there), *((cell.shared, part.classes) for part in there.parts)}
    found = {}
    for net, classes in sorted(needed):
        name = _named(cell, net, classes)
        try:
            found[name] = inspect(net, there.shape, classes, name)
        except DataError as error:
            role = "the shared net, for global model and meme" if net == cell.shared else "a client's own net"
            raise DataError(f"zoo '{cell.zoo}' on {cell.dataset}, {role}: {error}") from error
    return found


def _own(cell: Cell, there: Pool) -> list[tuple[str, int]]:
    """Each client's own net and number of classes."""
    return [
        (cell.architectures[k % len(cell.architectures)], there.parts[place].classes)
        for k, place in enumerate(there.task_of)
    ]


def _named(cell: Cell, net: str, classes: int) -> str:
    return f"{net}/{classes}" if cell.tasks else net


def _tasks(cell: Cell, there: Pool) -> tuple[dict[str, Net], Task, tuple[Task, ...]]:
    """The nets by architecture, what all clients' tasks have in common, and the task of each client (none of its own).

    Clients with as many classes share one `Task`, so that an engine sees that they are alike.
    """
    inspected = look(cell, there)
    named = {name: parts for name, (_, parts) in inspected.items()}
    if cell.tasks:
        named = {name: replace(parts, kept=parts.head) for name, parts in named.items()}
    own = tuple(named[_named(cell, net, classes)] for net, classes in _own(cell, there))
    sizes = [there.parts[place].classes for place in there.task_of]

    def task(size: int) -> Task:
        return Task(size, there.shape, named[_named(cell, cell.shared, size)], own, common=not cell.tasks)

    nets = {name: net for name, (net, _) in inspected.items()}
    if not cell.tasks:
        return nets, task(sizes[0]), ()
    tasks = {size: task(size) for size in sizes}
    shared = tasks[sizes[0]].shared
    bodies = replace(
        shared, architecture=shared.net, parameters=shared.parameters - shared.head, head=frozenset(), kept=frozenset()
    )
    return nets, replace(tasks[sizes[0]], classes=0, shared=bodies), tuple(tasks[size] for size in sizes)


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
