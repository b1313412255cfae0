"""What tuning sees and results are tested on have nothing in common: neither draws nor rows nor labels."""

import dataclasses
import itertools
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.fedavg import FedAvg
from algorithms.fml import FML
from bench.data import Data, DataError
from bench.declaration.cell import Cell
from bench.declaration.tasks import ClientTask
from bench.rounds import dealing, loading, pool, reserved
from bench.rounds.setting import Setting
from bench.seeds import seed, stream
from datasets.split import Split
from tests import world
from tests.unit.bench.rounds.test_pool import made, originals
from tests.world import cell, images, play

PURPOSES = ("partition", "split", "weights", "batches", "cohort")


def deal(made: Cell, data: Data) -> list[Split]:
    return dealing.deal(made, pool.of_one(data, made.clients))


def set_aside(made: Cell, size: int) -> np.ndarray:
    """The reserved rows among so many."""
    return reserved.rows(made, pool.of_one(images(size), made.clients))


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


@pytest.mark.parametrize(("tuning", "digest"), [(False, "47191d664f66f11f"), (True, "dcb0f12265b22790")])
def test_without_tasks_clients_have_the_rows_that_they_had_before_there_were_any(tuning: bool, digest: str) -> None:
    """Results on disk, and values that were tuned, are of these rows."""
    splits = deal(cell(partition="shards", partition_params={}, reserved=0.5, tuning=tuning), images())
    rows = [part.tolist() for each in splits for part in each]
    assert sha256(repr(rows).encode()).hexdigest()[:16] == digest


FEW = world.tasks(dataclasses.replace(world.LOW, images=20), world.HIGH)
WORLDS = (world.UNEQUAL, world.OVERLAPPING, world.TWO_SOURCES, FEW)


def reserved_of(dataset: str, size: int) -> set[int]:
    """The reserved half of a data set: its own draw, whoever has tasks with it."""
    return set(stream("reserved", dataset=dataset).permutation(size)[: size // 2].tolist())


def in_data_sets(there: Setting, *parts: str) -> list[tuple[str, int]]:
    """These parts of every client's split, as rows of the data set of its task: looked up by what images look like."""
    found = []
    for share, place in zip(there.shares, there.task_places, strict=True):
        task = there.cell.tasks[place]
        data = world.sources([task])[task.dataset]
        rows = torch.cat([getattr(share, part) for part in parts])
        found += [(task.dataset, row) for row in originals(there, rows, data)]
    return found


def of_tasks(changes: dict[str, Any], among_reserved: bool) -> set[tuple[str, int]]:
    """All images of the classes of these tasks."""
    found = set()
    for task in changes["tasks"]:
        labels = world.sources([task])[task.dataset].train_y
        rows = set(np.flatnonzero(np.isin(labels, task.classes)).tolist())
        rows &= reserved_of(task.dataset, len(labels)) if among_reserved else rows
        found |= {(task.dataset, row) for row in rows}
    return found


def trials_deal_reserved_rows_only() -> None:
    for changes in WORLDS:
        there = made(**changes, reserved=0.5, tuning=True)
        dealt, there_are = set(in_data_sets(there, "train", "validation", "test")), of_tasks(changes, True)
        assert dealt <= there_are
        assert changes is FEW or dealt == there_are


def no_image_is_on_two_clients_of_a_trial() -> None:
    for changes in WORLDS:
        there = made(**changes, reserved=0.5, tuning=True)
        dealt = in_data_sets(there, "train", "validation")
        assert len(dealt) == len(set(dealt))


def results_test_no_client_on_a_reserved_row() -> None:
    for changes in WORLDS:
        there = made(**changes, reserved=0.5)
        assert all(len(share.test) for share in there.shares)
        assert not set(in_data_sets(there, "test")) & of_tasks(changes, True)
        dealt = set(in_data_sets(there, "train", "validation", "test"))
        assert changes is FEW or dealt == of_tasks(changes, False)  # and nothing is lost


def general_models_of_a_trial_meet_the_validation_rows_of_their_task() -> None:
    for changes in WORLDS:
        there = made(**changes, reserved=0.5, tuning=True)
        for client, place in enumerate(there.task_places):
            alike = [share for share, other in zip(there.shares, there.task_places, strict=True) if other == place]
            expected = there.images.batch(torch.cat([share.validation for share in alike]))
            met = there.test.batch(there.general(client))
            assert all(torch.equal(ours, theirs) for ours, theirs in zip(met, expected, strict=True))


CHECKS: dict[str, Callable[[], None]] = {
    "trials deal reserved rows only": trials_deal_reserved_rows_only,
    "no image is on two clients of a trial": no_image_is_on_two_clients_of_a_trial,
    "results test no client on a reserved row": results_test_no_client_on_a_reserved_row,
    "general models of a trial meet the validation rows of their task": (
        general_models_of_a_trial_meet_the_validation_rows_of_their_task
    ),
}


@pytest.mark.parametrize("check", CHECKS)
def test_with_tasks_too(check: str) -> None:
    CHECKS[check]()


def test_a_task_has_the_reserved_rows_of_its_data_set_and_no_others() -> None:
    """Rows that trials of a suite without tasks have seen, and the other way round."""
    data = loading.load("digits", None)
    whole = reserved.rows(cell(dataset="digits", reserved=0.5), pool.of_one(data, 4))
    tasks = [ClientTask("low", "digits", "", (0, 1, 2), 2), ClientTask("odd", "digits", "", (9, 1, 5), 2)]
    there = pool.of_tasks(tasks, {"digits": data})
    rows = reserved.rows(cell(**world.tasks(*tasks), reserved=0.5), there)
    for task, part in zip(tasks, there.parts, strict=True):
        of_classes = np.flatnonzero(np.isin(data.train_y, task.classes))
        own = rows[(rows >= part.train.start) & (rows < part.train.stop)] - part.train.start
        assert np.array_equal(of_classes[own], np.intersect1d(whole, of_classes))
        assert len(own)


def test_the_reserved_images_of_a_shared_class_are_divided_by_the_tasks_clients() -> None:
    trial = cell(**world.OVERLAPPING, reserved=0.5, tuning=True)
    there = pool.of_tasks(trial.tasks, world.sources(trial.tasks))
    evens, small = (np.bincount(there.train.y[rows]).tolist() for rows in pool.owned(trial, there))
    labels = world.sources(trial.tasks)["synthetic"].train_y
    zero, one, two, _, four = np.bincount(labels[list(reserved_of("synthetic", 300))]).tolist()
    assert evens == [four, 3 * zero // 4, 3 * two // 4]  # three of the four clients that have 0 and 2
    assert small == [zero - 3 * zero // 4, one, two - 3 * two // 4]


def test_a_task_of_a_trial_has_as_many_images_as_that_of_a_result_or_says_that_there_are_too_few() -> None:
    def held(images: int, **changes: Any) -> int:
        few = world.tasks(dataclasses.replace(world.LOW, images=images), world.HIGH)
        there = made(**few, reserved=0.5, **changes)
        return sum(len(there.shares[k].train) + len(there.shares[k].validation) for k in (0, 1))

    there_are = len(of_tasks(world.tasks(world.LOW), True))
    assert 40 < there_are < 80
    assert held(there_are, tuning=True) == there_are
    words = (
        rf"task 'low': expected at most {there_are} images, which it has among those reserved for tuning "
        rf"\(tune.reserved = 0.5\), got images = {there_are + 1}"
    )
    with pytest.raises(DataError, match=words):
        held(there_are + 1, tuning=True)
    assert held(there_are + 1) > 0  # a result has enough


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
