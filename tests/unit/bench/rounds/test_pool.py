"""What tasks take of their data sets, against the data sets themselves."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bench.data import Data, DataError
from bench.rounds import loading, pool
from bench.rounds.setting import Setting
from tests import world


def made(**changes: Any) -> Setting:
    return world.setting(**{"partition": "iid", "partition_params": {}, "alpha": None, **changes})


def originals(there: Setting, rows: torch.Tensor, data: Data, split: str = "train") -> list[int]:
    """Which image of a data set each row is: the patterns are noisy, so every image is another."""
    own = there.images if split == "train" else there.test
    stored = getattr(data, f"{split}_x").reshape(-1, 64)
    asked = own.x[rows].numpy().reshape(-1, 64)
    places = [np.flatnonzero((stored == image).all(1)) for image in asked]
    assert all(len(each) == 1 for each in places), "expected every image exactly once in its data set"
    return [int(each[0]) for each in places]


def rows_of(there: Setting, client: int) -> torch.Tensor:
    share = there.shares[client]
    return torch.cat([share.train, share.validation, share.test])


def labels_are_those_of_the_task() -> None:
    there, data = made(**world.UNEQUAL), world.sources([world.LOW])["synthetic"]
    for client, task in enumerate([world.LOW] * 2 + [world.HIGH] * 2):
        for split, rows in (("train", rows_of(there, client)), ("test", there.general(client))):
            held = there.images if split == "train" else there.test
            classes = getattr(data, f"{split}_y")[originals(there, rows, data, split)]
            assert [task.classes[label] for label in held.y[rows].tolist()] == classes.tolist()


def no_image_is_on_two_clients() -> None:
    there, data = made(**world.OVERLAPPING), world.sources([world.EVENS])["synthetic"]
    held = [originals(there, rows_of(there, k), data) for k in range(4)]
    everything = sorted(row for each in held for row in each)
    assert everything == np.flatnonzero(data.train_y != 3).tolist()  # every image of the tasks' classes, once


def images_are_normalised() -> None:
    there = made(**world.TWO_SOURCES)
    for client, (shift, scale) in ((0, (8.0, 6.0)), (3, (5.0, 3.0))):
        for held, rows in ((there.images, rows_of(there, client)), (there.test, there.general(client))):
            assert torch.equal(held.batch(rows)[0], (held.x[rows].float() - shift) / scale)


def a_client_meets_the_test_images_of_its_task() -> None:
    there, data = made(**world.UNEQUAL), world.sources([world.LOW])["synthetic"]
    for client, classes in ((0, (0, 1)), (3, (2, 3, 4))):
        expected = np.flatnonzero(np.isin(data.test_y, classes)).tolist()
        assert originals(there, there.general(client), data, "test") == expected


CHECKS: dict[str, Callable[[], None]] = {
    "labels are those of the task": labels_are_those_of_the_task,
    "no image is on two clients": no_image_is_on_two_clients,
    "images are normalised by their own data set's constants": images_are_normalised,
    "a client meets the test images of its task only": a_client_meets_the_test_images_of_its_task,
}


@pytest.mark.parametrize("check", CHECKS)
def test_that(check: str) -> None:
    CHECKS[check]()


def test_a_class_of_several_tasks_is_divided_by_their_clients() -> None:
    cell = world.cell(**world.OVERLAPPING)
    there = pool.of_tasks(cell.tasks, world.sources(cell.tasks))
    evens, small = (there.train.y[rows] for rows in pool.owned(cell, there))
    assert np.bincount(evens).tolist() == [60, 45, 45]  # all of class 4, three quarters of 0 and 2
    assert np.bincount(small).tolist() == [15, 60, 15]
    other = pool.owned(replace(cell, partition_seed=1), there)
    assert len(other[0]) == len(evens)
    assert not np.array_equal(other[0], pool.owned(cell, there)[0])  # drawn anew in every replicate


def test_all_replicates_have_one_numbering_of_rows() -> None:
    """Cells that run side by side share an engine, and with it the images of the first."""
    first, second = (made(**world.OVERLAPPING, partition_seed=seed) for seed in (0, 1))
    assert torch.equal(first.images.x, second.images.x)
    assert torch.equal(first.images.y, second.images.y)
    assert first.partition["hash"] != second.partition["hash"]


def test_a_task_may_have_fewer_images_than_there_are() -> None:
    few = world.tasks(replace(world.LOW, images=40), world.HIGH)
    there = made(**few)
    assert sum(len(rows_of(there, k)) for k in (0, 1)) == 40
    assert sum(len(rows_of(there, k)) for k in (2, 3)) == 180
    again = made(**few, partition_seed=1)
    assert set(rows_of(again, 0).tolist()) | set(rows_of(again, 1).tolist()) != set(
        rows_of(there, 0).tolist() + rows_of(there, 1).tolist()
    )
    with pytest.raises(DataError, match="task 'low': expected at most 120 images, which it has, got images = 121"):
        made(**world.tasks(replace(world.LOW, images=121), world.HIGH))


def test_counts_tell_the_classes_of_different_tasks_apart() -> None:
    figures = made(**world.UNEQUAL).partition
    counts = np.asarray(figures["counts"])
    assert counts.shape == (4, 5)
    assert counts[:2, 2:].sum() == counts[2:, :2].sum() == 0
    assert counts.sum() == 300
    assert figures["effective_classes"] == pytest.approx(2.5, abs=0.1)


def test_a_draw_that_fails_names_its_task() -> None:
    with pytest.raises(DataError, match=r"task 'low': dirichlet with alpha 0\.5 and 2 clients"):
        world.setting(**world.UNEQUAL, partition_params={"minimum": 91})


def test_clients_with_as_many_classes_share_a_task_and_others_do_not() -> None:
    there = made(**world.tasks(world.LOW, world.HIGH, world.OTHER), net="mlp")
    assert [task.classes for task in there.tasks] == [2, 2, 3, 3, 3, 3]
    assert there.tasks[2] is there.tasks[5]
    assert sorted(there.nets) == ["mlp/2", "mlp/3"]
    assert there.task.classes == 0
    assert not there.task.common
    assert not there.task.mixed
    assert there.task.shared.parameters == there.tasks[0].shared.parameters - there.tasks[0].shared.head


def test_a_mixed_zoo_is_mixed_and_reaches_every_task() -> None:
    there = made(**world.UNEQUAL, architectures=("mlp", "cnn"), shared="cnn")
    assert [parts.architecture for parts in there.task.personal] == ["mlp/2", "cnn/2", "mlp/3", "cnn/3"]
    assert there.task.mixed


def test_other_data_than_declared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda name, root: world.sources([world.LOW, world.OTHER])[name])
    loading.gather(world.cell(**world.TWO_SOURCES), None)
    forged = world.tasks(world.LOW, replace(world.OTHER, md5="forged"))
    with pytest.raises(DataError, match="data set 'other': expected content md5 forged, got other"):
        loading.gather(world.cell(**forged), None)
