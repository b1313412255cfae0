"""What every partition shares: checks of what is dealt, redrawing until a minimum is met, and handing rows out."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.data import DataError, Rows

Counts = NDArray[np.int64]  # [clients, classes]: how many samples of each class a client gets

TRIES = 1000  # draws before a minimum counts as out of reach; the hardest built-in setting needs four on average
LARGEST_ALPHA = 1e9  # a draw is even to nine digits long before; above it gamma variates overflow


def class_sizes(labels: NDArray[np.int64], clients: int) -> NDArray[np.int64]:
    """The number of samples of each class [C]. Raises DataError where `labels` [N] cannot be dealt to `clients`."""
    samples = len(labels)
    if clients < 1:
        raise DataError(f"clients: expected at least 1, got {clients}")
    if clients > samples:
        raise DataError(f"clients: expected at most {samples}, one for each training sample, got {clients}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise DataError(f"labels: expected class numbers from 0, got {low}")
    sizes = np.bincount(labels, minlength=high + 1) if high < samples else np.zeros(1, np.int64)
    absent = np.flatnonzero(sizes == 0)
    if absent.size:
        raise DataError(
            f"class {absent[0]} is absent: labels run from 0 to {high}, expected at least one sample of each class "
            f"among the {samples} training samples"
        )
    return sizes.astype(np.int64)


def concentration(alpha: float | None) -> float:
    """`alpha` itself where it can parametrise a Dirichlet draw. Raises DataError elsewhere."""
    if alpha is None or not (math.isfinite(alpha) and 0 < alpha <= LARGEST_ALPHA):
        raise DataError(f"alpha: expected a number > 0 and at most {LARGEST_ALPHA:g}, got {alpha}")
    return alpha


def redraw(draw: Callable[[], Counts], minimum: int, clients: int, samples: int, setting: str) -> Counts:
    """The first draw in which each client holds `minimum` samples, of at most `TRIES`.

    `setting` opens the message of the DataError that is raised when no draw did.
    """
    advice = f"Use fewer clients, a larger alpha or a smaller minimum (now {minimum})."
    if clients * minimum > samples:
        raise DataError(
            f"{setting}: {clients} clients with a minimum of {minimum} samples each need {clients * minimum} samples, "
            f"there are {samples}. {advice}"
        )
    nearest = 0
    for _ in range(TRIES):
        counts = draw()
        smallest = int(counts.sum(axis=1).min())
        if smallest >= minimum:
            return counts
        nearest = max(nearest, smallest)
    raise DataError(
        f"{setting}: none of {TRIES} draws gave each client the minimum of {minimum} samples out of {samples}; "
        f"in the nearest one the smallest client had {nearest}. {advice}"
    )


def even_sizes(samples: int, parts: int) -> NDArray[np.int64]:
    """`samples` over `parts` as evenly as whole numbers allow, the larger ones first.

    >>> even_sizes(11, 4).tolist()
    [3, 3, 3, 2]
    """
    sizes = np.full(parts, samples // parts, np.int64)
    sizes[: samples % parts] += 1
    return sizes


def cut(shares: NDArray[np.float64], samples: int) -> NDArray[np.int64]:
    """Whole numbers proportional to `shares` [K] >= 0 that add up to `samples`; a share of 0 gets nothing.

    Cumulated shares are rounded down, as NIID-Bench does, so a client can be one sample off its exact share.

    >>> cut(np.array([0.5, 0.0, 0.25, 0.0]), 10).tolist()
    [6, 0, 4, 0]
    """
    upto = np.cumsum(shares)
    bounds: NDArray[np.int64] = np.floor(upto / upto[-1] * samples).astype(np.int64)
    return np.diff(bounds, prepend=0)


def by_class(labels: NDArray[np.int64], rng: np.random.Generator) -> Rows:
    """All row numbers, class after class, in random order within a class."""
    order = rng.permutation(len(labels))
    return order[np.argsort(_small(labels[order]), kind="stable")]


def hand_out(order: Rows, owners: NDArray[np.int64], clients: int) -> list[Rows]:
    """The rows of each client, ascending, where row ``order[i]`` goes to client ``owners[i]``."""
    owner_of = np.empty_like(owners)
    owner_of[order] = owners
    rows = np.argsort(_small(owner_of), kind="stable").astype(np.int64)
    return np.split(rows, np.cumsum(np.bincount(owners, minlength=clients))[:-1])


def hand_out_counts(labels: NDArray[np.int64], counts: Counts, rng: np.random.Generator) -> list[Rows]:
    """The rows of each client: ``counts[k, c]`` random ones of class c for client k, none twice, ascending."""
    clients, classes = counts.shape
    owners = np.repeat(np.tile(np.arange(clients), classes), counts.T.ravel())
    return hand_out(by_class(labels, rng), owners, clients)


def _small(values: NDArray[np.int64]) -> NDArray[np.int64] | NDArray[np.uint16]:
    """The same values as 16-bit numbers where they fit: NumPy sorts those in linear time, ten times faster."""
    return values.astype(np.uint16) if values.max() < 2**16 else values
