"""A cell's declaration made real: data on the device, clients' splits, nets and initial weights.

Everything here comes from the declaration and its random streams; nothing depends on the algorithm, so that compared
methods meet the same setting.
"""

import copy
import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.data import Data, DataError, Rows, Source
from bench.declaration.cell import Cell
from bench.engines.job import Images
from bench.nets.net import Net, parts
from bench.plugin import Algorithm, At, Parts, State, Task
from bench.registry import DATASETS, NETS, PARTITIONS
from bench.rounds import pools
from bench.seeds import seed, stream
from datasets import heterogeneity, split
from datasets.split import Split


@dataclass(frozen=True)
class Share:
    """One client's rows of the training split, as row numbers on the device."""

    train: Tensor  # [n]
    validation: Tensor  # [v]
    test: Tensor  # [t]


@dataclass(frozen=True)
class Setting:
    """What every algorithm meets in a cell."""

    cell: Cell
    images: Images  # the training split: all clients' rows
    test: Images  # what general models are scored on: the global test split, never in a trial of tuning
    shares: tuple[Share, ...]  # one per client
    partition: Mapping[str, Any]  # identity and heterogeneity figures, for the record
    nets: Mapping[str, Net]  # architecture -> a module (its weights do not matter)
    task: Task
    device: torch.device

    def parts(self, algorithm: Algorithm, client: int) -> dict[str, Parts]:
        """The net of each slot of this client."""
        own, shared = self.task.personal[client], self.task.shared
        return {name: shared if slot.role == "shared" else own for name, slot in algorithm.slots().items()}

    def at(self, algorithm: Algorithm, round: int, client: int | None) -> At:
        """Where a method is called: on this client, or on the server (None), where only shared slots have a net."""
        if client is None:
            shared = {name for name, slot in algorithm.slots().items() if slot.role == "shared"}
            nets = dict.fromkeys(shared, self.task.shared)
        else:
            nets = self.parts(algorithm, client)
        return At(round=round, rounds=int(self.cell.training["rounds"]), task=self.task, nets=nets)

    def fresh(self, algorithm: Algorithm, client: int | None) -> State:
        """Initial weights of every slot (on the server: of the shared ones), keyed by role, never by slot name.

        All slots of the role "shared" start alike everywhere; those of the role "personal" start alike on one client.
        """
        return {
            slot: self._weights(net.architecture, None if algorithm.slots()[slot].role == "shared" else client)
            for slot, net in self.at(algorithm, 0, client).nets.items()
        }

    def _weights(self, architecture: str, client: int | None) -> dict[str, Tensor]:
        number = seed("weights", client=client, architecture=architecture, **self.cell.axes("training"))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            net = build(architecture, self.task.shape, self.task.classes)
        return {name: tensor.detach().to(self.device) for name, tensor in net.state_dict().items()}


def build(architecture: str, shape: tuple[int, int, int], classes: int) -> Net:
    """A net of the zoo with new weights. Raises DataError where it cannot be made for such images."""
    try:
        net = NETS.get(architecture)(shape, classes)
    except (RuntimeError, ValueError, TypeError) as error:
        raise _misfit(architecture, shape, error) from error
    return net  # type: ignore[no-any-return]  # a registry cannot know what its plugins return


def inspect(architecture: str, shape: tuple[int, int, int], classes: int) -> tuple[Net, Parts]:
    """A net and its parts, after a look at what it makes of an image. Raises DataError where that is no `Out`."""
    net = build(architecture, shape, classes)
    try:
        named = parts(net, architecture)
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


@functools.lru_cache(maxsize=2)  # cells of one data set follow one another; loading is paid once per process
def load(name: str, root: Path | None) -> Data:
    """A data set by name, kept for the next cell."""
    source: Source = DATASETS.get(name)()
    return source.load(root)


def deal(cell: Cell, data: Data) -> list[Split]:
    """The clients' splits (train, validation, test) of a cell. Raises DataError when no draw is possible."""
    plan = PARTITIONS.get(cell.partition)(**cell.partition_params)
    pool = pools.drawn_from(cell, len(data.train_y))
    drawn = plan.draw(data.train_y[pool], cell.clients, cell.alpha, stream("partition", **cell.axes("partition")))
    streams = [stream("split", client=k, **cell.axes("partition")) for k in range(len(drawn))]
    if cell.tuning:
        return [split.split_for_tuning(pool[rows], rng) for rows, rng in zip(drawn, streams, strict=True)]
    untested = pools.set_aside(cell, len(data.train_y))
    return [split.split(pool[rows], rng, untested) for rows, rng in zip(drawn, streams, strict=True)]


def describe(data: Data, splits: list[Split], pool: Rows | None = None) -> dict[str, Any]:
    """Identity and heterogeneity figures of a partition of `pool` (None: all rows), as the record holds them."""
    whole = [np.unique(np.concatenate([s.train, s.validation, s.test])) for s in splits]  # a trial's two are one
    figures = asdict(heterogeneity.describe(data.train_y, whole, data.classes, pool))
    figures["counts"] = np.asarray(figures["counts"]).tolist()
    floors = [heterogeneity.floor(data.train_y[s.train], data.train_y[s.test]) for s in splits]
    return figures | {
        "floor": float(np.mean(floors)),
        "floors": [float(f) for f in floors],
        "train_sizes": [len(s.train) for s in splits],
        "validation_sizes": [len(s.validation) for s in splits],
        "test_sizes": [len(s.test) for s in splits],
    }


def prepare(cell: Cell, root: Path | None) -> Setting:
    """Load a cell's data and make its setting. Raises DataError."""
    data = load(cell.dataset, root)
    if data.md5 != cell.data_md5:
        raise DataError(f"data set '{cell.dataset}': expected content md5 {cell.data_md5}, got {data.md5}")
    return assemble(cell, data)


def assemble(cell: Cell, data: Data) -> Setting:
    """A cell's setting on data at hand. Raises DataError."""
    device = torch.device(cell.device)
    splits = deal(cell, data)
    shape = (data.train_x.shape[1], data.train_x.shape[2], data.train_x.shape[3])
    inspected = {name: inspect(name, shape, data.classes) for name in sorted({*cell.architectures, cell.shared})}
    named = {name: parts for name, (_, parts) in inspected.items()}
    own = tuple(named[cell.architectures[k % len(cell.architectures)]] for k in range(cell.clients))
    return Setting(
        cell=cell,
        images=_images(data.train_x, data.train_y, data, device),
        test=_general(cell, data, splits, device),
        shares=tuple(Share(*(torch.from_numpy(r).to(device) for r in (s.train, s.validation, s.test))) for s in splits),
        partition=describe(data, splits, pools.drawn_from(cell, len(data.train_y))),
        nets={name: net for name, (net, _) in inspected.items()},
        task=Task(classes=data.classes, shape=shape, shared=named[cell.shared], personal=own),
        device=device,
    )


def _general(cell: Cell, data: Data, splits: list[Split], device: torch.device) -> Images:
    """What the global model is scored on: the global test set; in a trial of tuning all clients' validation rows."""
    if not cell.tuning:
        return _images(data.test_x, data.test_y, data, device)
    rows = np.concatenate([each.validation for each in splits])
    return _images(data.train_x[rows], data.train_y[rows], data, device)


def _images(x: Any, y: Any, data: Data, device: torch.device) -> Images:
    def constant(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]

    return Images(
        x=torch.from_numpy(x).to(device),
        y=torch.from_numpy(y).to(device),
        shift=constant(data.shift),
        scale=constant(data.scale),
    )
