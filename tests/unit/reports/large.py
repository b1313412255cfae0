"""A large result folder without training: ``python -m tests.unit.reports.large OUT`` writes 3000 cells.

Three data sets, two partitions, five alphas, two zoos, five algorithms, ten replicates; FedAvg and FedProx skip one of
the zoos. What the report must render in under a minute and a gigabyte.
"""

import sys
from pathlib import Path
from typing import Any

from tests.unit.reports import synthetic


def suite(replicates: int = 10) -> dict[str, Any]:
    """300 cells per replicate."""
    return synthetic.suite(
        datasets=["digits", "mnist", "fashion-mnist"],
        partitions=["dirichlet-capped", "dirichlet"],
        alphas=[0.1, 0.3, 1.0, 10.0, 100.0],
        zoos=["cnn", "mixed"],
        algorithms=["fml", "fedavg", "fedprox", "local", "mine"],
        replicates=replicates,
    )


def write(out: Path, replicates: int = 10) -> Path:
    """The folder."""
    declared = suite(replicates)
    return synthetic.write(out, synthetic.records(declared), declared)


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
