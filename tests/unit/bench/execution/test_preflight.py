"""What is looked at before a run: every data set, net and draw, of tasks too."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from bench.data import Data, DataError
from bench.execution.preflight import check
from bench.nets.net import Net
from bench.registry import NETS
from bench.rounds import loading
from tests import world


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is loaded, in order."""
    names: list[str] = []

    def load(name: str, root: Path | None) -> Data:
        names.append(name)
        return world.sources([world.LOW, world.OTHER])[name]

    monkeypatch.setattr(loading, "load", load)
    return names


def test_every_data_set_of_the_tasks_is_loaded(loaded: list[str]) -> None:
    check([world.cell(**world.TWO_SOURCES)], None)
    assert set(loaded) == {"synthetic", "other"}


def test_a_draw_that_cannot_be_is_found_in_whichever_replicate(loaded: list[str]) -> None:
    fine = world.cell(**world.UNEQUAL)
    hopeless = replace(fine, replicate=1, partition_seed=1, partition_params={"minimum": 61})
    with pytest.raises(
        DataError, match=r"dirichlet of low\+high, alpha 0\.5, 4 clients, replicate 1 cannot be drawn: task"
    ):
        check([fine, hopeless], None)


def test_a_net_is_looked_at_with_every_number_of_classes(loaded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def made(shape: tuple[int, int, int], classes: int) -> Net:
        seen.append(classes)
        return Net(nn.Flatten(), nn.Linear(64, 3))  # whatever is asked for

    monkeypatch.setitem(NETS._loaded, "test-stubborn", (__name__, made))
    changes: dict[str, Any] = {**world.UNEQUAL, "net": "test-stubborn"}
    with pytest.raises(DataError, match=r"net 'test-stubborn': expected logits .* and 2 classes, got \(2, 3\)"):
        check([world.cell(**changes)], None)
    assert 2 in seen
