"""How far the clients of a partition differ, in numbers that go with every result, and the identity of a partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from bench.data import DataError, Rows


@dataclass(frozen=True)
class Heterogeneity:
    """Figures of one partition; means are over clients, each counted once."""

    hash: str  # sha256 of the rows of each client: equal hashes, equal partitions
    effective_classes: float  # mean of exp(label entropy), from 1 to the number of classes
    size_cv: float  # population standard deviation of client sizes over their mean; 0 = equal sizes
    label_distance: float  # mean total variation distance of a client's labels from all labels, 0 (iid) to 1
    counts: tuple[tuple[int, ...], ...]  # [clients][classes] samples


def describe(labels: NDArray[np.int64], parts: Sequence[Rows], classes: int, pool: Rows | None = None) -> Heterogeneity:
    """The figures of `parts`, the rows of each client into `labels` [N], of which `pool` was dealt (None: all).

    Raises DataError on a client without rows.

    >>> labels = np.array([0, 0, 1, 1])
    >>> figures = describe(labels, [np.array([0, 1]), np.array([2, 3])], classes=2)
    >>> figures.effective_classes, figures.size_cv, figures.label_distance, figures.counts
    (1.0, 0.0, 0.5, ((2, 0), (0, 2)))
    """
    for client, rows in enumerate(parts):
        if not len(rows):
            raise DataError(f"client {client} has no samples: expected at least 1 for each client")
    counts = np.stack([np.bincount(labels[rows], minlength=classes) for rows in parts])
    sizes = counts.sum(axis=1)
    shares = counts / sizes[:, None]
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
    dealt = labels if pool is None else labels[pool]
    overall = np.bincount(dealt, minlength=classes) / len(dealt)
    return Heterogeneity(
        hash=identity(parts),
        effective_classes=float(np.exp(entropy).mean()),
        size_cv=float(sizes.std() / sizes.mean()),
        label_distance=float(np.abs(shares - overall).sum(axis=1).mean() / 2),
        counts=tuple(tuple(row) for row in counts.tolist()),
    )


def identity(parts: Sequence[Rows]) -> str:
    """sha256 over each client's number of rows and its sorted rows (little-endian 64 bit), in client order.

    The same on every platform, and independent of the order in which a client's rows are listed.

    >>> identity([np.array([2, 0]), np.array([1])]) == identity([np.array([0, 2]), np.array([1])])
    True
    """
    digest = sha256()
    for rows in parts:
        digest.update(np.int64(len(rows)).astype("<i8").tobytes())
        digest.update(np.sort(rows).astype("<i8").tobytes())
    return digest.hexdigest()


def floor(train_labels: NDArray[np.int64], test_labels: NDArray[np.int64]) -> float:
    """The accuracy, in [0, 1], of guessing the most frequent training class on every test sample.

    At a tie the smallest class number is guessed. Raises DataError where either is empty.

    >>> floor(np.array([1, 1, 0]), np.array([1, 0, 2, 1]))
    0.5
    """
    if not len(train_labels) or not len(test_labels):
        raise DataError(
            f"no floor without samples: expected at least 1 for training and test, got {len(train_labels)} and "
            f"{len(test_labels)}"
        )
    return float(np.mean(test_labels == np.bincount(train_labels).argmax()))
