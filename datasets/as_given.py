"""The partition of a data set that comes divided among clients: a split folder, see datasets/split_folder.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data import DataError, Own, Partition, Rows
from bench.parameters import number
from bench.registry import partition


@partition("as-given")
@dataclass(frozen=True)
class AsGiven(Partition):
    """Clients as the data set brings them, each with its own training and test rows.

    Replicates share clients and test rows; what is redrawn are the rows to validate on, which are taken from each
    client's training rows: the share `validation` of them, at least one. At 0 a client trains on all of its training
    rows, as PFLlib and HtFLlib do, and the validation figures are those of the training rows; a headline round cannot
    be chosen by them, so the suite must say ``selection = "last"``.
    """

    validation: float = number(0.125, low=0, high=0.5)

    uses_alpha: ClassVar[bool] = False

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Labels alone do not say whose they are: always raises DataError; see `deal`."""
        raise DataError("as-given: labels do not say which client they belong to")

    def deal(
        self,
        labels: NDArray[np.int64],
        given: Sequence[Own],
        clients: int,
        alpha: float | None,
        rng: np.random.Generator,
    ) -> Sequence[tuple[Rows, Rows, Rows]]:
        """Training, validation and test rows of each client, ascending."""
        if not given:
            raise DataError("as-given: this data set does not come divided among clients. Name a partition that draws")
        if clients != len(given):
            raise DataError(f"as-given: expected clients = {len(given)}, as the data set brings, got {clients}")
        return [self._divide(number, own, rng) for number, own in enumerate(given)]

    def _divide(self, number: int, own: Own, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
        if not len(own.train) or not len(own.test):  # a task of some classes only can leave a client with none
            raise DataError(f"as-given: client {number} has {len(own.train)} training and {len(own.test)} test samples")
        if self.validation == 0:
            return own.train, own.train, own.test
        held_out = max(1, round(self.validation * len(own.train)))
        if held_out >= len(own.train):
            raise DataError(
                f"as-given: client {number} has {len(own.train)} training sample: expected at least 2, one to train "
                'and one to validate on. Or set as-given.validation=0 and training.selection="last"'
            )
        shuffled = rng.permutation(own.train)
        return np.sort(shuffled[held_out:]), np.sort(shuffled[:held_out]), own.test
