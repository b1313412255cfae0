"""Reports that are hard to draw, each with every kind of figure."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reports.blocks import Block, blocks
from reports.figures import Compared, Difference, Forest, Matrix, Plate, Ranks, plates
from reports.results import Results, read
from reports.statistics import Estimate, critical_difference
from reports.style import looks
from tests.unit.reports import synthetic

ODD = ("$odd_$", "100%_x", "_hidden", r"back\slash{", "an algorithm whose name goes on and on and on", "名前 net")
MANY = (*synthetic.ALGORITHMS, *ODD, "ditto", "scaffold")
Records = list[dict[str, Any]]


def written(out: Path, change: Callable[[Records], Records] | None = None, rounds: int = 6, **suite: Any) -> Results:
    """The results of a suite, after `change` of its records."""
    clients = suite.pop("clients", 10)
    declared = synthetic.suite(**{"zoos": ["cnn"], "replicates": 2, "alphas": [0.1, 1.0], **suite})
    cells = synthetic.records(declared, rounds=rounds, clients=clients)
    return read(synthetic.write(out, change(cells) if change else cells, declared))


def all_equal(cells: Records) -> Records:
    """Every algorithm, round and client at 50 %, the floor too."""
    for cell in cells:
        result = cell["result"]
        result["partition"]["floor"] = 0.5
        for view in result["views"].values():
            view.update({key: [0.5] * len(view["rounds"]) for key in view if key != "rounds"})
        for best in result["at_headline"].values():
            best.update({key: 0.5 for key, value in best.items() if isinstance(value, float)})
            best["clients"]["accuracy"] = [0.5] * len(best["clients"]["accuracy"])
    return cells


def some_failed(cells: Records) -> Records:
    """FedAvg fails at the lowest alpha, FedProx in one replicate."""

    def fails(of: dict[str, Any]) -> bool:
        return (of["algorithm"], of["alpha"]) == ("fedavg", 0.1) or (of["algorithm"], of["replicate"]) == ("fedprox", 1)

    return [{**cell, "status": "failed", "result": None} if fails(cell["identity"]) else cell for cell in cells]


CASES: dict[str, dict[str, Any]] = {
    "usual": {"zoos": ["cnn", "mixed"], "alphas": [0.1, 0.5, 1.0, 100.0], "replicates": 3},
    "many": {"algorithms": list(MANY), "alphas": [0.05, 0.1, 0.3, 0.5, 100.0]},
    "one": {"algorithms": ["fml"], "alphas": [0.1], "replicates": 1},
    "iid": {"alphas": [None], "partitions": ["iid"], "zoos": ["cnn", "mixed"]},
    "clients": {"clients": 100, "algorithms": ["fml", "local"]},
    "equal": {"change": all_equal},
    "failed": {"change": some_failed, "target_accuracy": 0.999, "replicates": 3},
    "one round": {"rounds": 1},
}


def drawings(results: Results, with_compared: bool = True) -> list[Plate]:
    """The plates of a report, with comparisons of made-up numbers."""
    found = blocks(results)
    made = compared(found) if with_compared else None
    return plates(results, found, looks(results.axis("algorithm")), made)


def compared(found: Sequence[Block]) -> Compared:
    """One forest, matrix and diagram of ranks per block, of seeded numbers; the first algorithm is the reference."""
    random = np.random.default_rng(0)
    each = [(block, ", ".join((block.dataset, block.partition, block.zoo))) for block in found]
    return Compared(
        [forest(block.finishers, scope, random) for block, scope in each],
        [matrix(block.finishers, scope, random) for block, scope in each],
        [ranks(block.finishers, scope) for block, scope in each],
    )


def forest(names: Sequence[str], scope: str, random: np.random.Generator, cells: int = 5) -> Forest:
    def column() -> Iterator[Difference | None]:
        for place in range(cells):
            middle, half = float(random.normal(0, 0.05)), float(random.uniform(0.001, 0.08))
            estimate = Estimate(middle, middle - half, middle + half, 5) if place else Estimate(middle, None, None, 1)
            yield Difference(estimate, abs(middle) > half) if place != 2 else None

    others = names[1:]
    overall = {name: Estimate(0.01, -0.02, 0.04, 5) for name in others}
    labels = [f"a zoo, alpha {place}" for place in range(cells)]
    return Forest(scope, names[0], labels, {name: list(column()) for name in others}, overall)


def matrix(names: Sequence[str], scope: str, random: np.random.Generator) -> Matrix:
    k = len(names)
    half = np.triu(random.normal(0, 0.1, (k, k)), 1)
    wins = np.triu(random.integers(0, 12, (k, k)), 1)
    p = np.triu(random.uniform(0, 0.1, (k, k)), 1)
    difference = half - half.T
    difference[0, -1] = difference[-1, 0] = np.nan
    counts = (wins + (12 - wins.T), np.zeros((k, k), dtype=np.int64), wins.T + (12 - wins))
    return Matrix(
        scope, names, difference, *counts, superiority=0.5 + half - half.T, p=np.where(p + p.T, p + p.T, np.nan)
    )


def ranks(names: Sequence[str], scope: str) -> Ranks:
    k = len(names)
    return Ranks(scope, names, 1 + (k - 1) * np.linspace(0, 1, k) ** 0.5, critical_difference(max(2, k), 8), 8, 0.0312)
