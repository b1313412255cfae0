"""The published comparison of the three Dirichlet partitions, reproduced.

A table of 60 draws each over 50,000 labels of 10 balanced classes, measured with other code before this was written.
Effective classes, relative deviation of sizes, smallest and largest client are means over draws. The floor is *pooled*:
the share of all samples that a guess of each client's majority class gets right. (Its mean over clients, which our
records hold, is up to 5 points higher for the uncapped partition, where small clients have few classes.)

Tolerance: both sides are means of 60 draws with the same deviation s, which our draws estimate, so their difference
has a standard error of s * sqrt(2 / 60). Of the 48 figures that are random, the furthest lies at 2.1 such errors, about
what 48 normal variates give; 3.5 are allowed, and half a unit of the table's last digit.
"""

import numpy as np
import pytest

from bench.registry import PARTITIONS
from datasets.heterogeneity import describe

DRAWS = 60
LABELS = np.repeat(np.arange(10), 5000)
UNITS = (0.01, 0.01, 1, 1, 0.1)  # last digit of: effective classes, size CV, smallest, largest, floor in per cent

TABLE = [
    (10, 0.1, "dirichlet-capped", (2.38, 0.45, 999, 8429, 63.8)),
    (10, 0.1, "dirichlet", (2.77, 0.63, 749, 10832, 55.1)),
    (10, 0.1, "dirichlet-client", (2.53, 0, 5000, 5000, 63.6)),
    (20, 0.1, "dirichlet-capped", (2.26, 0.58, 224, 5369, 71.6)),
    (20, 0.1, "dirichlet", (2.64, 0.80, 172, 7492, 59.9)),
    (20, 0.1, "dirichlet-client", (2.39, 0, 2500, 2500, 66.8)),
    (10, 0.5, "dirichlet-capped", (5.01, 0.25, 2626, 6908, 39.7)),
    (10, 0.5, "dirichlet", (5.70, 0.39, 2218, 8589, 34.3)),
    (10, 0.5, "dirichlet-client", (4.97, 0, 5000, 5000, 39.6)),
    (20, 0.5, "dirichlet-capped", (4.89, 0.28, 1108, 3985, 41.7)),
    (20, 0.5, "dirichlet", (5.57, 0.42, 943, 5005, 36.4)),
    (20, 0.5, "dirichlet-client", (5.04, 0, 2500, 2500, 39.9)),
]


def figures(clients: int, alpha: float, name: str) -> np.ndarray:
    """The five figures of each draw, [DRAWS, 5]."""
    partition, rows = PARTITIONS.get(name)(), []
    for draw in range(DRAWS):
        parts = partition.draw(LABELS, clients, alpha, np.random.default_rng([draw, clients]))
        found = describe(LABELS, parts, 10)
        counts = np.array(found.counts)
        sizes, right = counts.sum(axis=1), counts.max(axis=1).sum()
        rows.append((found.effective_classes, found.size_cv, sizes.min(), sizes.max(), 100 * right / len(LABELS)))
    return np.array(rows)


@pytest.mark.parametrize(("clients", "alpha", "name", "published"), TABLE)
def test_the_table_is_reproduced(clients, alpha, name, published):
    ours = figures(clients, alpha, name)
    error = ours.std(axis=0, ddof=1) * np.sqrt(2 / DRAWS)
    off = np.abs(ours.mean(axis=0) - published) - np.array(UNITS) / 2
    assert np.all(off <= 3.5 * error), (
        f"ours {ours.mean(axis=0).round(3)}, published {published}, error {error.round(3)}"
    )
