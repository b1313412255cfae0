"""What a fingerprint sees, and what it must not see."""

import math
from dataclasses import replace
from typing import Any

import pytest

from algorithms.fedavg import FedAvg
from algorithms.fml import FML
from bench.declaration.cell import cells
from bench.declaration.suite import load
from bench.gate import witness
from bench.gate.fingerprint import FLOAT_ORDER, STATES, Recorder, compare, on_fixed_states, tolerances
from bench.plugin import Algorithm
from bench.rounds import group
from bench.rounds.federation import Federation
from bench.rounds.group import Group, result
from tests import world


def excess(baseline: dict[str, list[float]], now: dict[str, list[float]]) -> float:
    return max(each.excess for each in compare(baseline, now, tolerances("reference", 0.1)))


LOSSES = [2.3, 2.2, 2.1, 1.9, 1.5]


def test_rounding_passes_and_another_computation_does_not():
    assert excess({"losses 1": LOSSES}, {"losses 1": [x * (1 + 2e-7) for x in LOSSES]}) < 1
    assert excess({"losses 1": LOSSES}, {"losses 1": [x * (1 + 1e-5) for x in LOSSES]}) > 1


def test_it_looks_both_ways():
    for better_or_worse in (0.9, 1.1):
        assert excess({"losses 2": LOSSES}, {"losses 2": [x * better_or_worse for x in LOSSES]}) > 1


def test_one_flipped_activation_is_float_order_and_a_wild_number_is_not():
    assert excess({"moves 1": LOSSES}, {"moves 1": [*LOSSES[:4], LOSSES[4] * 1.0007]}) < 1
    assert excess({"moves 1": LOSSES}, {"moves 1": [*LOSSES[:4], LOSSES[4] * 1.01]}) > 1


@pytest.mark.parametrize(
    "now", [{"losses 1": LOSSES[:4]}, {}, {"losses 1": [*LOSSES[:4], math.nan]}, {"losses 1": [], "metrics": []}]
)
def test_what_cannot_be_compared_has_changed(now: dict[str, list[float]]):
    assert excess({"losses 1": LOSSES}, now) == math.inf


def test_a_group_that_is_new_has_changed():
    assert excess({}, {"losses 1": LOSSES}) == math.inf


def test_zeros_compare():
    assert excess({"moves 1": [0.0, 0.0]}, {"moves 1": [0.0, 0.0]}) == 0
    assert excess({"moves 1": [0.0, 0.0]}, {"moves 1": [0.0, 1e-9]}) == math.inf


def test_accuracies_may_differ_by_one_image():
    assert excess({"hits": [0.5, 0.5]}, {"hits": [0.5, 0.6]}) <= 1
    assert excess({"hits": [0.5, 0.5]}, {"hits": [0.5, 0.75]}) > 1


@pytest.mark.parametrize("algorithm", [FedAvg(), FML()])
def test_recording_takes_the_first_two_rounds_and_changes_nothing(algorithm: Algorithm):
    plain = world.play(algorithm)
    watched = Federation(world.setting(), algorithm)
    recorder = Recorder(watched.engine)
    watched.engine = recorder
    assert result(watched) == plain.outcome  # type: ignore[attr-defined]
    rounds = {name.rpartition(" ")[2] for name in recorder.numbers if name != "rates"}
    assert rounds == {"1", "2"}
    assert set(recorder.numbers) <= set(FLOAT_ORDER)
    assert len(recorder.numbers["losses 1"]) == 20
    assert recorder.operators.calls > 100


def test_batch_order_and_kept_state_are_part_of_it():
    def recorded(**changes: Any) -> Recorder:
        made = Federation(world.setting(**changes), FML())
        made.engine = Recorder(made.engine)
        Group([made]).round(0)
        return made.engine

    usual = recorded()
    assert recorded().plans.digest() == usual.plans.digest()
    assert recorded(training_seed=1).plans.digest() != usual.plans.digest()
    assert len(usual.numbers["memories 1"]) == 4  # the local models' velocities, of four clients


def test_fixed_states_do_not_depend_on_training():
    setting = world.setting()
    slower = replace(setting, cell=world.cell(optimizer={"name": "sgd", "lr": 1e-4}))
    found = on_fixed_states(setting, FML())
    assert on_fixed_states(slower, FML()) == found
    assert 1 <= found["headline"] <= STATES
    assert len(found["metrics"]) > 2 * STATES


def test_watching_a_cell_changes_no_number():
    cell = cells(load("ci", {"rounds": "3", "zoo": "mlp", "algorithms": "fml", "clients": "4"}))[0]
    watched = witness.run(cell)["result"]
    seen = watched.pop("witness")
    assert watched == group.run(cell)["result"]
    assert seen["counts"]["steps"] == watched["steps"]
    assert seen["counts"]["evaluations"] == 1
    assert seen["counts"]["training_passes"] == 2 * watched["steps"]  # two nets
    assert set(seen["numbers"]) <= {*FLOAT_ORDER, "hits"}
