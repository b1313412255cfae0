"""The three partitions that papers call "Dirichlet(alpha)". The same alpha means something else in each.

With 20 clients and alpha 0.1 a constant guess scores 72, 60 and 67 % in them (pooled over clients): a result names its
partition or it cannot be compared.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data import Partition, Rows
from bench.parameters import whole
from bench.registry import partition
from datasets.dealing import Counts, class_sizes, concentration, cut, even_sizes, hand_out_counts, redraw


@partition("dirichlet-capped")
@dataclass(frozen=True)
class DirichletCapped(Partition):
    """Each class over clients by Dirichlet(alpha); a client that holds N / K samples gets no more.

    NIID-Bench (Li et al. 2022, arXiv:2102.02079), `noniid-labeldir` in its code, first used by FedMA (Wang et al.
    2020, arXiv:2002.06440). Classes are dealt in order 0, 1, ...; before a class is dealt, the shares of clients that
    hold at least N / K samples (N samples, K clients) are set to 0 and the others scaled up to add to one. So a client
    can pass the cap by part of one class, once. The whole draw is repeated until each client holds `minimum` samples
    (10 there).

    Deviations, none of which changes the distribution otherwise: rows are picked after the numbers, so a repetition
    costs microseconds; tries are bounded; the last client, which in the original code gets the rounding remainder even
    when capped, gets none then; a draw that leaves a class to nobody (all shares underflow) counts as a failed try.
    """

    minimum: int = whole(10, low=1)

    uses_alpha: ClassVar[bool] = True

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Row numbers of each client, ascending, disjoint and complete."""
        sizes, level = class_sizes(labels, clients), concentration(alpha)
        counts = redraw(
            lambda: _capped(sizes, clients, level, rng),
            self.minimum,
            clients,
            len(labels),
            f"dirichlet-capped with alpha {level:g} and {clients} clients",
        )
        return hand_out_counts(labels, counts, rng)


def _capped(sizes: NDArray[np.int64], clients: int, alpha: float, rng: np.random.Generator) -> Counts:
    counts = np.zeros((clients, len(sizes)), np.int64)
    held, cap = np.zeros(clients, np.int64), sizes.sum() / clients
    for c, shares in enumerate(rng.dirichlet(np.full(clients, alpha), len(sizes))):
        shares = shares * (held < cap)
        if shares.sum() == 0:
            return np.zeros_like(counts)  # nobody to give this class to: a failed try
        counts[:, c] = cut(shares, int(sizes[c]))
        held += counts[:, c]
    return counts


@partition("dirichlet")
@dataclass(frozen=True)
class Dirichlet(Partition):
    """Each class over clients by Dirichlet(alpha), without a cap: client sizes differ widely.

    Yurochkin et al. 2019 (arXiv:1905.12022), section 4; the default of Flower (`DirichletPartitioner`, there with
    `self_balancing=False`), FL-bench and others. The draw is repeated until each client holds `minimum` samples (10 in
    Flower); tries are bounded. FederatedScope and FedML ask for 1: set ``minimum = 1`` for theirs.
    """

    minimum: int = whole(10, low=1)

    uses_alpha: ClassVar[bool] = True

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Row numbers of each client, ascending, disjoint and complete."""
        sizes = class_sizes(labels, clients)
        level = np.full(clients, concentration(alpha))

        def numbers() -> Counts:
            shares = rng.dirichlet(level, len(sizes))
            return np.stack([cut(share, int(size)) for share, size in zip(shares, sizes, strict=True)], axis=1)

        counts = redraw(
            numbers, self.minimum, clients, len(labels), f"dirichlet with alpha {alpha:g} and {clients} clients"
        )
        return hand_out_counts(labels, counts, rng)


@partition("dirichlet-client")
@dataclass(frozen=True)
class DirichletClient(Partition):
    """Each client's label distribution from Dirichlet(alpha) over classes; all clients of one size.

    Hsu et al. 2019 (arXiv:1909.06335), section 3, as TensorFlow Federated and pfl-research have it: a client draws a
    distribution q over the classes, then its samples one by one without replacement from classes by q; a class that
    has run out is left out and q scaled up. The later a client is served, the less it has to choose from.

    `alpha` is the concentration of *each class* (symmetric); Hsu et al. write Dir(alpha p) with a prior p that adds to
    one, so their alpha is C times ours for C balanced classes. Deviations: clients are served in random order, so that
    a client's number says nothing of it; sizes differ by one where the numbers do not divide, so that every row is
    dealt; a client whose q lies wholly on classes that have run out draws from the remaining rows evenly.
    """

    uses_alpha: ClassVar[bool] = True

    def draw(
        self, labels: NDArray[np.int64], clients: int, alpha: float | None, rng: np.random.Generator
    ) -> list[Rows]:
        """Row numbers of each client, ascending, disjoint and complete."""
        left = class_sizes(labels, clients)
        distributions = rng.dirichlet(np.full(len(left), concentration(alpha)), clients)
        sizes = even_sizes(len(labels), clients)
        counts = np.zeros((clients, len(left)), np.int64)
        for client in rng.permutation(clients):
            counts[client] = _serve(distributions[client], int(sizes[client]), left, rng)
            left -= counts[client]
        return hand_out_counts(labels, counts, rng)


def _serve(q: NDArray[np.float64], size: int, left: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """How many of each class a client gets that draws `size` samples from `left` [C] by `q` [C].

    Draws come in bulk: those beyond what a class has left are void and drawn again from the other classes, which is
    the same as drawing one by one.
    """
    taken = np.zeros_like(left)
    while (missing := size - int(taken.sum())) > 0:
        weights = q * (left > taken)
        if weights.sum() == 0:
            weights = (left - taken).astype(np.float64)
        taken += np.minimum(rng.multinomial(missing, weights / weights.sum()), left - taken)
    return taken
