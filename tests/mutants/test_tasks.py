"""Mistakes with tasks of clients' own, each caught by the very check that passes without it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from algorithms.fedavg import FedAvg
from algorithms.fml import FML
from bench.data import DataError
from bench.engines.job import Images, Trained
from bench.engines.reference import ClientRound
from bench.rounds import pool, reserved, setting
from tests.mutants.test_mutants import RED
from tests.transcripts.check import TOLERANCE
from tests.transcripts.test_private_heads import EQUAL_SIZES, furthest
from tests.unit.bench.rounds.test_pool import CHECKS
from tests.unit.bench.rounds.test_reserved import CHECKS as OF_RESERVED_ROWS

SHORT: dict[str, Any] = {"net": "mlp", **EQUAL_SIZES, "rounds": 2, "local_epochs": None, "local_steps": 6}


def heads_travel(patch: pytest.MonkeyPatch) -> None:
    """Tasks say nothing of heads: where their sizes happen to fit, they are averaged like everything else."""
    made = setting.tasks

    def shared(*given: Any) -> Any:
        nets, _, tasks = made(*given)
        open_ = [replace(task, shared=replace(task.shared, kept=frozenset())) for task in tasks]
        return nets, open_[0], tuple(open_)

    patch.setattr(setting, "tasks", shared)


def heads_start_anew(patch: pytest.MonkeyPatch) -> None:
    """What a round makes of a client's head is lost: the next one begins with the first head again."""
    run = ClientRound.run

    def forgetful(self: ClientRound) -> Trained:
        done = run(self)
        return replace(done, client=replace(done.client, kept=self.job.client.kept))

    patch.setattr(ClientRound, "run", forgetful)


@pytest.mark.parametrize("spoil", [heads_travel, heads_start_anew])
@pytest.mark.parametrize(("name", "algorithm"), [("fml", FML()), ("fedavg", FedAvg())])
def test_a_mistake_with_heads_is_noticed(
    name: str, algorithm: Any, spoil: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert furthest(name, algorithm, **SHORT) <= TOLERANCE
    spoil(monkeypatch)
    assert furthest(name, algorithm, **SHORT) > RED


def not_renumbered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pool, "_renumbered", lambda labels, task: labels)


def renumbered_in_ascending_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pool, "_renumbered", lambda labels, task: np.searchsorted(np.sort(task.classes), labels))


def everyone_owns_all(patch: pytest.MonkeyPatch) -> None:
    """A class that two tasks have is dealt twice: an image that one client trains on tests another."""
    patch.setattr(
        pool, "owned", lambda cell, there: [np.arange(part.train.start, part.train.stop) for part in there.parts]
    )


def constants_of_the_first(patch: pytest.MonkeyPatch) -> None:
    """All images are normalised like the first data set's."""
    patch.setattr(Images, "constants", lambda self, rows: (self.shift[0], self.scale[0]))


def meets_everything(patch: pytest.MonkeyPatch) -> None:
    """The global test split of a client is that of all tasks together."""
    patch.setattr(setting.Setting, "general", lambda self, client: torch.arange(len(self.test.y)))


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (not_renumbered, "labels are those of the task"),
        (renumbered_in_ascending_order, "labels are those of the task"),
        (everyone_owns_all, "no image is on two clients"),
        (constants_of_the_first, "images are normalised by their own data set's constants"),
        (meets_everything, "a client meets the test images of its task only"),
    ],
)
def test_a_mistake_with_images_is_noticed(
    spoil: Callable[[pytest.MonkeyPatch], None], check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    CHECKS[check]()
    spoil(monkeypatch)
    with pytest.raises((AssertionError, DataError)):  # labels that leave out a number cannot even be dealt
        CHECKS[check]()


def drawn_among_the_pools_rows(patch: pytest.MonkeyPatch) -> None:
    """Tasks have reserved rows of their own: other ones than their data set, and than each other."""

    def rows(cell: Any, there: Any) -> Any:
        drawn = reserved._drawn(cell.dataset, len(there.train.y), cell.reserved)
        return np.sort(drawn)

    patch.setattr(reserved, "rows", rows)


def reserved_in_the_first_task_only(patch: pytest.MonkeyPatch) -> None:
    rows = reserved.rows
    patch.setattr(reserved, "rows", lambda cell, there: (found := rows(cell, there))[found < there.parts[0].train.stop])


def trials_deal_everything(patch: pytest.MonkeyPatch) -> None:
    owned = pool.owned
    patch.setattr(pool, "owned", lambda cell, there: owned(replace(cell, tuning=False), there))


def trials_divide_nothing(patch: pytest.MonkeyPatch) -> None:
    """Trials deal reserved rows as they are: a class that two tasks have is dealt twice."""

    def owned(cell: Any, there: Any) -> Any:
        kept = reserved.rows(cell, there)
        return [np.intersect1d(kept, np.arange(part.train.start, part.train.stop)) for part in there.parts]

    patch.setattr(pool, "owned", owned)


def results_test_anything(patch: pytest.MonkeyPatch) -> None:
    rows = reserved.rows
    patch.setattr(reserved, "rows", lambda cell, there: rows(cell, there)[: None if cell.tuning else 0])


def the_global_test_split(patch: pytest.MonkeyPatch) -> None:
    """General models of a trial are scored on rows of another split, by the places that their task has there."""
    patch.setattr(
        setting, "_general", lambda cell, there, splits: _of_results(replace(cell, tuning=False), there, splits)
    )


_of_results = setting._general


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (drawn_among_the_pools_rows, "trials deal reserved rows only"),
        (drawn_among_the_pools_rows, "results test no client on a reserved row"),
        (reserved_in_the_first_task_only, "results test no client on a reserved row"),
        (trials_deal_everything, "trials deal reserved rows only"),
        (trials_divide_nothing, "no image is on two clients of a trial"),
        (results_test_anything, "results test no client on a reserved row"),
        (the_global_test_split, "general models of a trial meet the validation rows of their task"),
        (meets_everything, "general models of a trial meet the validation rows of their task"),
    ],
)
def test_a_mistake_with_reserved_rows_is_noticed(
    spoil: Callable[[pytest.MonkeyPatch], None], check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch)
    with pytest.raises(AssertionError):  # what passes without it: tests/unit/bench/rounds/test_reserved.py
        OF_RESERVED_ROWS[check]()
