"""All images that a cell's clients may get, whichever tasks they have: one numbering of rows, labels of each task.

Nothing is on two clients: where several tasks have a class of one data set, its training images are divided among
them. The test split of a data set is not divided, for nobody trains on it.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.data import Data, DataError, Own, Rows
from bench.declaration.cell import Cell
from bench.declaration.tasks import ClientTask
from bench.rounds import reserved
from bench.seeds import stream

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One task: how many classes, for how many clients, and where its images lie."""

    name: str  # "" where all clients have the data set's own
    classes: int
    clients: int
    train: slice  # of the pool's training rows
    test: slice  # of its test rows
    original: Rows  # [n] which training row of its data set each of `train` is, ascending
    size: int  # training rows of that data set, those of other tasks' classes too
    given: tuple[Own, ...] = ()  # rows of the pool, where the data set comes divided among clients

    def given_of(self, rows: Rows) -> list[Own]:
        """Whose rows are whose, as places in `rows` [n], which are ascending rows of the pool."""
        return [Own(*(np.flatnonzero(np.isin(rows, held)) for held in own)) for own in self.given]


@dataclass(frozen=True)
class Images:
    """Rows of one split as they are stored."""

    x: NDArray[np.uint8] | NDArray[np.float32]  # [N, channels, height, width]
    y: Labels  # [N], classes of the row's task, from 0
    source: Labels | None = None  # [N] which of the pool's data sets; None: there is one


@dataclass(frozen=True)
class Pool:
    """What there is to deal."""

    train: Images
    test: Images
    parts: tuple[Part, ...]
    shift: tuple[tuple[float, ...], ...]  # by data set, then by channel
    scale: tuple[tuple[float, ...], ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        _, channels, height, width = self.train.x.shape
        return channels, height, width

    @property
    def task_of(self) -> list[int]:
        """The place in `parts` of each client's task."""
        return [place for place, part in enumerate(self.parts) for _ in range(part.clients)]

    @property
    def distinct(self) -> Labels:
        """[N] training labels that tell classes of different tasks apart: those of the first task come first."""
        labels = self.train.y.copy()
        for part, before in zip(self.parts, np.cumsum([0, *(part.classes for part in self.parts)]), strict=False):
            labels[part.train] += before
        return labels


def of_one(data: Data, clients: int) -> Pool:
    """A data set as it is."""
    train_rows, test_rows = len(data.train_y), len(data.test_y)
    part = Part(
        name="",
        classes=data.classes,
        clients=clients,
        train=slice(0, train_rows),
        test=slice(0, test_rows),
        original=np.arange(train_rows),
        size=train_rows,
        given=data.clients,
    )
    train, test = Images(data.train_x, data.train_y), Images(data.test_x, data.test_y)
    return Pool(train, test, (part,), (data.shift,), (data.scale,))


def of_tasks(tasks: Sequence[ClientTask], sources: Mapping[str, Data]) -> Pool:
    """All images of the tasks' classes, task after task, in each data set's own order: the same in every replicate.

    An image whose class several tasks have is there for each of them, because its label is another one; `owned` says
    who may deal it.
    """
    names = list(sources)
    train_rows = [np.flatnonzero(np.isin(sources[task.dataset].train_y, task.classes)) for task in tasks]
    test_rows = [np.flatnonzero(np.isin(sources[task.dataset].test_y, task.classes)) for task in tasks]
    parts = tuple(
        Part(
            name=task.name,
            classes=len(task.classes),
            clients=task.clients,
            train=train,
            test=test,
            original=rows,
            size=len(sources[task.dataset].train_y),
            given=_moved(sources[task.dataset], rows, train.start),
        )
        for task, rows, train, test in zip(tasks, train_rows, _slices(train_rows), _slices(test_rows), strict=True)
    )

    def gathered(split: str, rows: Sequence[Rows]) -> Images:
        held = [(task, sources[task.dataset], each) for task, each in zip(tasks, rows, strict=True)]
        x = np.concatenate([getattr(data, f"{split}_x")[each] for _, data, each in held])
        y = [_renumbered(getattr(data, f"{split}_y")[each], task) for task, data, each in held]
        source = np.concatenate([np.full(len(each), names.index(task.dataset)) for task, _, each in held])
        return Images(x, np.concatenate(y), source if len(names) > 1 else None)

    return Pool(
        train=gathered("train", train_rows),
        test=gathered("test", test_rows),
        parts=parts,
        shift=tuple(data.shift for data in sources.values()),
        scale=tuple(data.scale for data in sources.values()),
    )


def owned(cell: Cell, there: Pool) -> list[Rows]:
    """The training rows that each task has to deal, ascending: all of its own, or as many as it asks for, at random.

    Of a class that several tasks have, each gets as large a share as it has of these tasks' clients, at random too. A
    trial of tuning does all this with reserved rows only, where there are any: if not, the report says that the pools
    overlap. Raises DataError where a task asks for more images than it has.
    """
    rows = [np.arange(part.train.start, part.train.stop) for part in there.parts]
    among = ""
    if cell.tuning and cell.reserved:
        kept = reserved.rows(cell, there)
        rows = [np.intersect1d(own, kept) for own in rows]
        among = f" among those reserved for tuning (tune.reserved = {cell.reserved:g})"
    for place, task in enumerate(cell.tasks):
        for label, number in enumerate(task.classes):
            having = [other for other in cell.tasks if other.dataset == task.dataset and number in other.classes]
            if len(having) > 1:
                mine = rows[place][there.train.y[rows[place]] == label]  # one image after another, in every task alike
                rng = stream("shared class", source=task.dataset, label=number, **cell.axes("partition"))
                upto = np.cumsum([0, *(other.clients for other in having)]) * len(mine)
                begin, end = (upto // sum(other.clients for other in having))[having.index(task) :][:2]
                others = np.delete(rng.permutation(len(mine)), slice(begin, end))
                rows[place] = np.setdiff1d(rows[place], mine[others])
        if task.images is not None:
            if task.images > len(rows[place]):
                there_are = f"{len(rows[place])} images, which it has{among}"
                raise DataError(f"task '{task.name}': expected at most {there_are}, got images = {task.images}")
            rng = stream("images", task=task.name, **cell.axes("partition"))
            rows[place] = np.sort(rng.choice(rows[place], task.images, replace=False))
    return rows


def _moved(data: Data, rows: Rows, start: int) -> tuple[Own, ...]:
    """Whose rows are whose of a data set, as rows of a pool that has the data set's `rows` from `start` on."""
    return tuple(Own(*(start + np.flatnonzero(np.isin(rows, held)) for held in own)) for own in data.clients)


def _renumbered(labels: Labels, task: ClientTask) -> Labels:
    """The data set's class numbers as the task's: places in the order in which the suite names them.

    >>> _renumbered(np.array([7, 5, 5]), ClientTask("high", "digits", "", (5, 6, 7), 1)).tolist()
    [2, 0, 0]
    """
    places = np.full(max(task.classes) + 1, -1)
    places[list(task.classes)] = np.arange(len(task.classes))
    found: Labels = places[labels].astype(np.int64)
    return found


def _slices(rows: Sequence[Rows]) -> list[slice]:
    bounds = np.cumsum([0, *(len(each) for each in rows)]).tolist()
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds)]
