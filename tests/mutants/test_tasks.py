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
from bench.rounds import pool, setting
from tests.mutants.test_mutants import RED
from tests.transcripts.check import TOLERANCE
from tests.transcripts.test_private_heads import EQUAL_SIZES, furthest
from tests.unit.bench.rounds.test_pool import CHECKS

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
