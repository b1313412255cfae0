"""Partitions that need no Dirichlet draw over classes: even, by shards, by quantity. The others: dirichlet.py."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data import DataError, Partition, Rows
from bench.parameters import whole
from bench.registry import partition
from datasets.dealing import by_class, class_sizes, concentration, cut, even_sizes, hand_out, redraw


@partition("iid")
@dataclass(frozen=True)
class Iid(Partition):
    """Shuffled rows in equal portions: no heterogeneity but chance.

    McMahan et al. 2017 (arXiv:1602.05629), section 3, "IID"; "homo" in NIID-Bench. Every row is dealt; client sizes
    differ by at most one.
    """

    uses_alpha: ClassVar[bool] = False

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Row numbers of each client, ascending, disjoint and complete."""
        class_sizes(labels, clients)
        owners = np.repeat(np.arange(clients), even_sizes(len(labels), clients))
        return hand_out(rng.permutation(len(labels)), owners, clients)


@partition("shards")
@dataclass(frozen=True)
class Shards(Partition):
    """Rows sorted by label, cut into equal shards; each client gets `per_client` random ones.

    McMahan et al. 2017 (arXiv:1602.05629), section 3, "pathological non-IID": 200 shards of 300 MNIST images, two for
    each of 100 clients. Deviations: rows of one class come in random order rather than the data set's (so that two
    replicates differ in more than the shards' owners), and shards differ by one row where the numbers do not divide,
    so that every row is dealt.
    """

    per_client: int = whole(2, low=1)

    uses_alpha: ClassVar[bool] = False

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Row numbers of each client, ascending, disjoint and complete."""
        class_sizes(labels, clients)
        shards = clients * self.per_client
        if shards > len(labels):
            raise DataError(
                f"shards: {clients} clients with {self.per_client} shards each (per_client) need {shards} samples, "
                f"there are {len(labels)}. Use fewer clients or a smaller per_client."
            )
        order = by_class(labels, rng)
        owner_of_shard = rng.permutation(np.repeat(np.arange(clients), self.per_client))
        return hand_out(order, np.repeat(owner_of_shard, even_sizes(len(labels), shards)), clients)


@partition("quantity")
@dataclass(frozen=True)
class Quantity(Partition):
    """Client sizes from Dirichlet(alpha), rows at random: clients differ in how much they hold, not in what.

    NIID-Bench (Li et al. 2022, arXiv:2102.02079), section IV-C "quantity skew", `iid-diff-quantity` in its code: one
    draw of sizes over clients, repeated until the smallest client holds `minimum` samples (10 there).
    """

    minimum: int = whole(10, low=1)

    uses_alpha: ClassVar[bool] = True

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Row numbers of each client, ascending, disjoint and complete."""
        samples = int(class_sizes(labels, clients).sum())
        level = np.full(clients, concentration(alpha))
        setting = f"quantity with alpha {alpha:g} and {clients} clients"
        sizes = redraw(lambda: cut(rng.dirichlet(level), samples)[:, None], self.minimum, clients, samples, setting)
        return hand_out(rng.permutation(samples), np.repeat(np.arange(clients), sizes[:, 0]), clients)
