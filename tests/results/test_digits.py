"""The order of results makes sense on real data: what heterogeneity must do to each method, over replicates."""

from statistics import mean
from typing import Any

import pytest

from bench.declaration.cell import cells
from bench.declaration.suite import load
from bench.rounds.group import run

ALPHAS = (0.1, 1.0, 100.0)


@pytest.fixture(scope="module")
def results() -> dict[tuple[str, float], list[dict[str, Any]]]:
    """Results of Local and FedAvg on digits by algorithm and alpha, three replicates each.

    At one learning rate for all: where each has its tuned one, ten rounds bring FedAvg as far at alpha 1 as at 100.
    """
    plain = ["training.optimizer.lr=0.05", "tune.reserved=0.0"]
    suite = load(
        "noniid",
        {
            **{"algorithms": "fedavg,local", "alphas": "0.1,1,100", "zoo": "mlp", "replicates": "3", "rounds": "10"},
            "set": plain,
        },
    )
    found: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for cell in cells(suite):
        assert cell.alpha is not None
        found.setdefault((cell.algorithm, cell.alpha), []).append(run(cell)["result"])
    return found


def accuracy(results: list[dict[str, Any]]) -> float:
    return mean(r["at_headline"][r["headline"]["view"]]["accuracy"] for r in results)


def floor(results: list[dict[str, Any]]) -> float:
    return mean(r["partition"]["floor"] for r in results)


def test_as_alpha_grows_the_floor_falls(results: Any) -> None:
    skewed, middle, even = (floor(results["local", alpha]) for alpha in ALPHAS)
    assert skewed > middle + 0.1 > even + 0.2


def test_as_alpha_grows_training_alone_gets_worse(results: Any) -> None:
    skewed, middle, even = (accuracy(results["local", alpha]) for alpha in ALPHAS)
    assert skewed > middle > even


def test_as_alpha_grows_fedavg_gets_better(results: Any) -> None:
    skewed, middle, even = (accuracy(results["fedavg", alpha]) for alpha in ALPHAS)
    assert skewed < middle < even


def test_each_wins_where_it_should(results: Any) -> None:
    """Alone is better among strangers, together is better among equals."""
    assert accuracy(results["local", 0.1]) > accuracy(results["fedavg", 0.1])
    assert accuracy(results["fedavg", 100.0]) > accuracy(results["local", 100.0])


def test_compared_methods_meet_the_same_partition(results: Any) -> None:
    for alpha in ALPHAS:
        hashes = [[r["partition"]["hash"] for r in results[name, alpha]] for name in ("fedavg", "local")]
        assert hashes[0] == hashes[1]
        assert len(set(hashes[0])) == 3
