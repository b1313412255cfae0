"""A fixed number of classes per client."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data import DataError, Partition, Rows
from bench.parameters import whole
from bench.registry import partition
from datasets.dealing import Counts, class_sizes, even_sizes, hand_out_counts


@partition("classes")
@dataclass(frozen=True)
class Classes(Partition):
    """Exactly `per_client` classes on each client; the holders of a class share its rows evenly.

    NIID-Bench (Li et al. 2022, arXiv:2102.02079), section IV-A "quantity-based label imbalance", `noniid-#label2` in
    its code: client k holds class k mod C and `per_client` - 1 random others; the rows of a class are shuffled and
    split evenly over those who hold it. Unlike `shards`, no client gets one class twice, and clients differ in size.

    Deviation: where clients are fewer than classes, a class that nobody holds is an error, because its rows would be
    lost in silence there. The larger portions of an uneven split go to the lower-numbered holders, as there.
    """

    per_client: int = whole(2, low=1)

    uses_alpha: ClassVar[bool] = False

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Row numbers of each client, ascending, disjoint and complete."""
        sizes = class_sizes(labels, clients)
        if self.per_client > len(sizes):
            raise DataError(
                f"classes: per_client: expected at most {len(sizes)}, the number of classes, got {self.per_client}"
            )
        holds = np.zeros((clients, len(sizes)), bool)
        for client in range(clients):
            first = client % len(sizes)
            others = rng.permutation(np.delete(np.arange(len(sizes)), first))[: self.per_client - 1]
            holds[client, [first, *others]] = True
        return hand_out_counts(labels, self._counts(holds, sizes), rng)

    def _counts(self, holds: NDArray[np.bool_], sizes: NDArray[np.int64]) -> Counts:
        """[clients, classes] how many samples each holder gets. Raises DataError where it cannot be done."""
        counts = np.zeros(holds.shape, np.int64)
        for each, size in enumerate(sizes):
            holders = np.flatnonzero(holds[:, each])
            if not holders.size:
                raise DataError(
                    f"classes: nobody holds class {each}: {len(holds)} clients with {self.per_client} of "
                    f"{len(sizes)} classes each. Use more clients or a larger per_client."
                )
            counts[holders, each] = even_sizes(int(size), len(holders))
        if (least := int(counts.sum(axis=1).min())) == 0:
            raise DataError(
                f"classes: a client gets {least} samples: {len(holds)} clients share {sizes.sum()} samples. "
                "Use fewer clients."
            )
        return counts
