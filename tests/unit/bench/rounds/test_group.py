"""Cells side by side: each has the numbers that it has alone, and only its own troubles."""

from typing import Any

import pytest

from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from algorithms.fml import FML
from bench.plugin import Algorithm
from bench.rounds.federation import Federation
from bench.rounds.group import Diverged, Group, result
from tests.contract.test_algorithms import EVERY, MIXED, names
from tests.world import OVERLAPPING, setting

SEEDS = (0, 1, 2)
WORLD: dict[str, Any] = {"engine": "vectorised", "rounds": 2, "net": "cnn"}


def federations(algorithms: list[Algorithm], together: bool = True, **changes: Any) -> list[Federation]:
    """Cells that differ in replicate and alpha, on one engine, or each on its own."""
    made: list[Federation] = []
    for seed, algorithm in zip(SEEDS, algorithms, strict=True):
        own = setting(**{**WORLD, **changes}, partition_seed=seed, training_seed=seed, alpha=0.3 + seed)
        if made and together:
            made.append(Federation(own.beside(made[0].setting), algorithm, made[0].engine))
        else:
            made.append(Federation(own, algorithm))
    return made


@pytest.mark.parametrize("world", [{}, MIXED], ids=["one net", "mixed"])
@pytest.mark.parametrize("algorithm", EVERY, ids=names)
def test_a_cell_has_its_own_numbers_to_the_bit_whoever_it_runs_beside(
    algorithm: Algorithm, world: dict[str, Any]
) -> None:
    together = federations([algorithm] * 3, **world)
    if reason := algorithm.skip(together[0].setting.task):
        pytest.skip(reason)
    outcomes = Group(together).run()
    alone = [result(federation) for federation in federations([algorithm] * 3, **world)]
    pair = Group(federations([algorithm] * 3, **world)[1:]).run()
    assert [outcome["result"] for outcome in outcomes] == alone  # type: ignore[index]
    assert [outcome["result"] for outcome in pair] == alone[1:]  # type: ignore[index]


@pytest.mark.parametrize("algorithm", [FML(), FedAvg()], ids=names)
def test_cells_with_tasks_whose_images_are_divided_anew_share_an_engine_too(algorithm: Algorithm) -> None:
    """The images of an engine are those of the first cell: all must number them alike, whoever owns them."""
    outcomes = Group(federations([algorithm] * 3, **OVERLAPPING)).run()
    alone = [result(federation) for federation in federations([algorithm] * 3, together=False, **OVERLAPPING)]
    assert [outcome["result"] for outcome in outcomes] == alone  # type: ignore[index]
    assert len({each["partition"]["hash"] for each in alone}) == 3


def test_hyperparameters_may_differ_within_a_stack() -> None:
    each: list[Algorithm] = [FedProx(mu=mu) for mu in (0.0, 0.1, 1.0)]
    outcomes = Group(federations(each)).run()
    alone = [result(federation) for federation in federations(each)]
    assert [outcome["result"] for outcome in outcomes] == alone  # type: ignore[index]


def test_a_cell_that_diverges_leaves_the_others_as_they_are() -> None:
    each: list[Algorithm] = [FedProx(mu=mu) for mu in (0.1, 1e30, 0.1)]
    outcomes = Group(federations(each)).run()
    assert isinstance(outcomes[1], Diverged)
    alone = [result(federations(each)[k]) for k in (0, 2)]
    assert [outcomes[k]["result"] for k in (0, 2)] == alone  # type: ignore[index]


def test_time_of_shared_training_is_divided_and_said_to_be() -> None:
    group = Group(federations([FedProx()] * 3))
    timings = [outcome["timing"] for outcome in group.run()]  # type: ignore[index]
    assert all(timing["shared"] for timing in timings)
    assert all(0 < t["train_seconds"] + t["evaluate_seconds"] <= t["total_seconds"] for t in timings)
    (alone,) = Group(federations([FedProx()] * 3)[:1]).run()
    assert not alone["timing"]["shared"]  # type: ignore[index]
