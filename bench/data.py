"""The contract of data: what a data set and a partition are. NumPy only, so that partitions are drawn without torch."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench.parameters import check_fields

Rows = NDArray[np.int64]  # row numbers into the training split


class DataError(Exception):
    """Data that is missing, damaged or too small; the message says what was expected, where, and what to do."""


class Own(NamedTuple):
    """One client's rows of the training split, where a data set brings its clients along."""

    train: Rows  # ascending
    test: Rows  # ascending; disjoint from `train`


@dataclass(frozen=True)
class Data:
    """One loaded data set.

    Images stay as they are stored (uint8, four times smaller); an engine computes ``(x - shift) / scale`` per channel
    when it gathers rows. Float data may come normalised, with shift 0 and scale 1.
    """

    train_x: NDArray[np.uint8] | NDArray[np.float32]  # [N, channels, height, width]
    train_y: NDArray[np.int64]  # [N], classes from 0
    test_x: NDArray[np.uint8] | NDArray[np.float32]  # [M, channels, height, width]
    test_y: NDArray[np.int64]  # [M]
    classes: int
    shift: tuple[float, ...]  # one per channel, in the unit of x
    scale: tuple[float, ...]  # one per channel, > 0
    md5: str  # of the content, as verified on load
    clients: tuple[Own, ...] = ()  # of a data set that comes divided among clients, see the partition "as-given"


class Source(ABC):
    """A data set that can be loaded; registered with ``@dataset("name")`` on the class (made without arguments).

    The class attributes are known without loading anything: a dry run plans with them.
    """

    shape: ClassVar[tuple[int, int, int]]  # channels, height, width
    classes: ClassVar[int]
    train_size: ClassVar[int]  # images of the training split
    test_size: ClassVar[int]  # images of the global test split
    md5: ClassVar[str]  # of the content that `load` must find; part of every result's identity

    @abstractmethod
    def load(self, root: Path | None = None, download: bool = True) -> Data:
        """Read the data; `root` is a folder with copies (None: the default cache). Raises DataError."""


class Partition(ABC):
    """A way to deal training rows to clients: a frozen dataclass of its parameters, checked on construction.

    Registered with ``@partition("name")`` on the class.
    """

    uses_alpha: ClassVar[bool]  # whether a heterogeneity level is an axis of it

    def __post_init__(self) -> None:
        check_fields(self)

    def parameters(self) -> dict[str, float | int | str | bool]:
        """The parameters by name."""
        return {f.name: getattr(self, f.name) for f in fields(cast(Any, self))}

    @abstractmethod
    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> Sequence[Rows]:
        """Row numbers of each client, disjoint; `alpha` is ignored by a partition that does not use it.

        Raises DataError when no draw can meet the parameters.
        """

    def deal(
        self,
        labels: NDArray[np.int64],
        given: Sequence[Own],
        clients: int,
        alpha: float | None,
        rng: np.random.Generator,
    ) -> "Sequence[Rows | tuple[Rows, Rows, Rows]]":
        """What each client gets: its rows, which the protocol then splits at random, or its training, validation and
        test rows where the partition has a split of its own.

        `given`: whose rows are whose, of data that comes divided among clients; empty for other data. A partition that
        goes by it overrides this method. Raises DataError as `draw` does.
        """
        return self.draw(labels, clients, alpha, rng)
