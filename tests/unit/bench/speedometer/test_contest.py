import math
import time

import pytest
import torch

from bench.speedometer.contest import BARE, Contest
from bench.speedometer.ours import Ours
from tests.unit.bench.speedometer.small import workload


def test_the_facts_of_a_round() -> None:
    work = workload(local_steps=3)
    facts = Contest(work.plain(), 0.0, ["naive"]).facts()
    inner = 3 * 2 * 64 * 64 + 3 * 2 * 64 * 10
    assert facts == {
        "cells": 1,
        "clients": 4,
        "steps": 4 * 3,
        "longest": 3,
        "matmul_flops": 12 * 32 * (2 * 2 * 64 * 64 + inner),
        "convolution_flops": 0,
        "threads": torch.get_num_threads(),
    }


def test_both_nets_of_fml_count() -> None:
    one, two = (
        Contest(workload(local_steps=3, algorithm=name).plain(), 0.0, ["naive"]).facts() for name in ("fedavg", "fml")
    )
    assert two["matmul_flops"] == 2 * one["matmul_flops"]
    assert two["steps"] == one["steps"]


def test_drawing_batches_costs_the_naive_loop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    contest = Contest(workload().plain(), 0.0, ["naive", "reference"])
    plans = type(contest.basis).plans

    def slow(self: object, number: int) -> object:
        begin = time.thread_time()
        while time.thread_time() - begin < 0.5:
            pass
        return plans(contest.basis, number)

    monkeypatch.setattr(type(contest.basis), "plans", slow)
    assert contest.round("naive")["cpu"] < 0.4


def test_contestants_train_round_after_round_on_new_batches() -> None:
    contest = Contest(workload().plain(), 0.0, ["naive", "reference"])
    assert contest.distances("naive") == {"reference": math.inf}  # nobody has moved
    contest.round("naive")
    assert contest.distances("naive")["reference"] == pytest.approx(1.0)  # one has gone all the way, the other none
    contest.round("reference")
    assert contest.distances("naive")["reference"] < 0.01
    contest.round("naive")
    assert contest.distances("naive")["reference"] > 0.1


@pytest.mark.parametrize(("engine", "groups"), [("reference", [1, 1, 1, 1]), ("vectorised", [4])])
def test_cells_train_side_by_side_only_where_a_run_would_have_them(engine: str, groups: list[int]) -> None:
    team = Ours(workload(alphas=(0.1, 0.5), replicates=2).cells(engine, 0.0), None)
    assert [len(group.federations) for group in team.groups] == groups
    team.round()
    assert [len(each.journal.training_loss) for each in team.federations] == [1] * 4


def test_bare_arithmetic_takes_every_batch_of_the_round() -> None:
    contest = Contest(workload().plain(), 0.0, [BARE, "reference"])
    contest.round(BARE)
    bare = contest.contestants[BARE]
    assert len(bare.batches) == contest.facts()["steps"]  # type: ignore[attr-defined]
    assert contest.distances("reference") == {}


def test_bare_arithmetic_is_for_one_net_only() -> None:
    with pytest.raises(ValueError, match="that of fedavg, not of fml"):
        Contest(workload(algorithm="fml").plain(), 0.0, [BARE])


def test_the_naive_loop_has_two_algorithms() -> None:
    with pytest.raises(ValueError, match="expected an algorithm of the naive loop's"):
        Contest(workload(algorithm="local").plain(), 0.0, ["naive"])
