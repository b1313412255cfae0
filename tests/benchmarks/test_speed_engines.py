"""Rounds of every engine and of the naive loop on small workloads, without evaluation.

In the normal test run they run once, as smoke tests. ``tox -e benchmarks`` times them; ``python -m bench.speed`` is
the comparison to quote.
"""

import dataclasses
from typing import Any

import pytest

from bench.speedometer.contest import Contest
from bench.speedometer.ours import ENGINES
from bench.speedometer.workloads import find

WORKLOADS: dict[str, dict[str, Any]] = {
    "digits-mlp": {"alphas": (0.1, 1.0), "replicates": 1},
    "digits-cnn": {"alphas": (0.1,), "replicates": 1},
    "digits-mixed": {"alphas": (0.1,), "epochs": 1},
}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", ["naive", *ENGINES])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_round(benchmark: Any, workload: str, name: str, momentum: float) -> None:
    (whole,) = find([workload])
    work = dataclasses.replace(whole, **WORKLOADS[workload])
    contest = Contest(work.plain(), momentum, [name])
    contestant = contest.contestants[name]
    benchmark.group = f"{workload}, momentum {momentum:g}"
    benchmark.extra_info["steps"] = contest.facts()["steps"]
    benchmark.pedantic(contestant.round, setup=contestant.prepare, rounds=10, warmup_rounds=1)
    before, after = contest.begin[name], contestant.models()
    assert all(
        (new != old).any()
        for model, start in zip(after, before, strict=True)
        for new, old in zip(model, start, strict=True)
    )
