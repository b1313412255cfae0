"""What tuning sees and results are tested on have nothing in common: neither draws nor rows nor labels."""

import dataclasses
import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.fedavg import FedAvg
from algorithms.fml import FML
from bench.data import Data
from bench.declaration.cell import Cell
from bench.rounds import dealing, pool
from bench.rounds.reserved import rows as set_aside
from bench.seeds import seed
from datasets.split import Split
from tests.world import cell, images, play

PURPOSES = ("partition", "split", "weights", "batches", "cohort")


def deal(made: Cell, data: Data) -> list[Split]:
    return dealing.deal(made, pool.of_one(data, made.clients))


def seeds(made: Cell, **axes: Any) -> set[int]:
    """Every seed that a cell draws from, for one client, round and epoch."""
    return {seed(purpose, **axes, **made.axes(kind)) for purpose in PURPOSES for kind in ("partition", "training")}  # type: ignore[arg-type]


def test_no_tuning_replicate_shares_a_stream_with_a_result() -> None:
    """Over a thousand replicates, on axes that are otherwise the same."""
    results, trials = (
        set().union(
            *(
                seeds(cell(tuning=tuning, replicate=r, partition_seed=r, training_seed=r), client=0, round=0, epoch=0)
                for r in range(1000)
            )
        )
        for tuning in (False, True)
    )
    assert len(results) == len(trials) == 1000 * len(PURPOSES)
    assert not results & trials


axes = st.fixed_dictionaries(
    {
        "partition_seed": st.integers(-(10**9), 10**9),
        "training_seed": st.integers(-(10**9), 10**9),
        "alpha": st.none() | st.floats(0.01, 100),
        "dataset": st.sampled_from(["digits", "mnist"]),
        "zoo": st.text(max_size=5),
        "reserved": st.sampled_from([0.0, 0.5]),
    }
)


@settings(deadline=None, max_examples=200, derandomize=True, database=None)
@given(ours=axes, theirs=axes, here=st.integers(0, 50), there=st.integers(0, 50))
def test_nor_does_any_setting_of_one_with_any_of_the_other(ours: Any, theirs: Any, here: int, there: int) -> None:
    result, trial = cell(**ours), cell(tuning=True, **theirs)
    assert not seeds(result, client=here, round=here) & seeds(trial, client=there, round=there)
    for kind in ("partition", "training"):  # so that equal seeds would take two texts of one sha256
        assert "tuning" in trial.axes(kind)  # type: ignore[arg-type]
        assert "tuning" not in result.axes(kind)  # type: ignore[arg-type]


def test_reserved_rows_are_one_draw_for_a_data_set_and_smaller_shares_lie_within_larger_ones() -> None:
    half = set_aside(cell(reserved=0.5), 1000)
    assert len(half) == 500
    assert np.all(np.diff(half) > 0)
    for other in (
        cell(reserved=0.5, replicate=3, partition_seed=9, alpha=7.0, zoo="cnn"),
        cell(reserved=0.5, tuning=True),
    ):
        assert np.array_equal(set_aside(other, 1000), half)
    assert set(set_aside(cell(reserved=0.2), 1000)) < set(half)
    assert not np.array_equal(set_aside(cell(reserved=0.5, dataset="other"), 1000), half)
    assert len(set_aside(cell(), 1000)) == 0


def test_trials_deal_reserved_rows_and_results_all() -> None:
    def dealt(**changes: Any) -> Any:
        (rows,) = pool.owned(cell(**changes), pool.of_one(images(100), 4))
        return rows

    assert np.array_equal(dealt(reserved=0.5, tuning=True), set_aside(cell(reserved=0.5), 100))
    assert np.array_equal(dealt(reserved=0.5), np.arange(100))
    assert np.array_equal(dealt(tuning=True), np.arange(100))


@pytest.mark.parametrize(("partition", "replicate"), list(itertools.product(["iid", "shards"], range(5))))
def test_no_result_tests_a_client_on_a_row_that_a_trial_sees(partition: str, replicate: int) -> None:
    data = images()
    common = {"partition": partition, "partition_params": {}, "reserved": 0.5, "partition_seed": replicate}
    trial, result = deal(cell(tuning=True, **common), data), deal(cell(**common), data)
    seen = {int(row) for each in trial for part in each for row in part}
    tested = {int(row) for each in result for row in each.test}
    assert seen == set(set_aside(cell(reserved=0.5), 240).tolist())
    assert tested
    assert not seen & tested
    assert {int(row) for each in result for part in each for row in part} == set(range(240))  # and nothing is lost
    assert all(np.array_equal(each.validation, each.test) for each in trial)


def test_a_suite_that_reserves_nothing_splits_as_before() -> None:
    data = images()
    for each, same in zip(deal(cell(), data), deal(cell(reserved=0.0), data), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(each, same, strict=True))


def scrambled(data: Data, kept: np.ndarray) -> Data:
    """The same images, but for the labels of the global test set and of all training rows that are not kept."""
    rng = np.random.default_rng(5)
    labels = rng.permutation(data.train_y)
    labels[kept] = data.train_y[kept]
    return dataclasses.replace(data, train_y=labels, test_y=rng.permutation(data.test_y))


@pytest.mark.parametrize("algorithm", [FedAvg(), FML()], ids=["global", "personal"])
def test_no_label_of_test_data_reaches_a_trial(algorithm: Any) -> None:
    """Its record is the same to the bit, so nothing that is chosen from records can differ."""
    data = images()
    common: dict[str, Any] = {"partition": "iid", "partition_params": {}, "tuning": True, "reserved": 0.5}
    kept = set_aside(cell(**common), 240)

    def record(held: Data) -> str:
        return json.dumps(play(algorithm, held, rounds=2, **common).outcome)  # type: ignore[attr-defined]

    other = scrambled(data, kept)
    assert (other.test_y != data.test_y).any()
    assert (other.train_y != data.train_y).any()
    assert record(other) == record(data)
    assert record(scrambled(data, kept[:-20])) != record(data)  # the labels that it may see do matter
