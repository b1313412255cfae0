"""Every algorithm through our ClientApp and ServerApp, by Flower's messages in one process: equal to the reference."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.declaration.cell import Cell
from bench.frameworks.flower import node
from bench.frameworks.flower.node import Order, VersionError, settle
from bench.frameworks.flower.nodes import ClientFailed
from bench.frameworks.flower.server_app import run
from bench.registry import ALGORITHMS
from bench.rounds import group
from bench.rounds.sharing import Skip
from tests.frameworks.cells import cell
from tests.frameworks.flower.grid import Heard, OneProcess


def through_messages(chosen: Cell, folder: Path) -> tuple[dict, Heard]:
    """The outcome of a cell whose clients are reached by messages only."""
    Order(chosen, None, ()).write(folder)
    node.settle.cache_clear()
    heard = Heard()
    outcome = run(OneProcess(str(folder), chosen.clients), settle(str(folder)), heard)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome, heard


@pytest.mark.parametrize("zoo", ["mlp", "mixed"])
@pytest.mark.parametrize("algorithm", ALGORITHMS.names())
def test_every_algorithm_equals_the_reference_to_the_bit(algorithm: str, zoo: str, tmp_path: Path):
    chosen = cell(algorithm, zoo, clients="3", rounds="2")
    try:
        native = group.run(chosen)
    except Skip as reason:
        pytest.skip(str(reason))
    outcome, heard = through_messages(chosen, tmp_path)
    assert outcome["result"] == native["result"]
    assert heard.rounds == [0, 1, 2]


def test_convolutions_in_half_precision_survive(tmp_path: Path):
    chosen = cell("fml", "cnn", clients="2", rounds="2", precision="bf16")
    outcome, _ = through_messages(chosen, tmp_path)
    assert outcome["result"] == group.run(chosen)["result"]


def test_clients_that_are_not_drawn_wait(tmp_path: Path):
    chosen = cell("fml", clients="4", rounds="3")
    chosen = replace(chosen, training={**chosen.training, "participation": 0.5})
    outcome, _ = through_messages(chosen, tmp_path)
    assert outcome["result"] == group.run(chosen)["result"]


def test_bytes_of_messages_are_the_counted_ones_and_a_framing(tmp_path: Path):
    outcome, _ = through_messages(cell("fml", "mixed", clients="3", rounds="2"), tmp_path)
    wire, result = outcome["timing"]["wire"], outcome["result"]
    assert wire["down"]["tensors"] == result["bytes_down"]
    assert wire["up"]["tensors"] == result["bytes_up"]
    for way in ("down", "up"):
        assert all(
            0 < framing < counted for framing, counted in zip(wire[way]["framing"], wire[way]["tensors"], strict=True)
        )


def test_another_version_of_a_plugin_is_told(tmp_path: Path):
    chosen = cell("fedavg")
    Order(replace(chosen, digests={**chosen.digests, "algorithm": "0" * 16}), None, ()).write(tmp_path)
    node.settle.cache_clear()
    with pytest.raises(VersionError, match=r"expected the version 0000000000000000 .* this node has"):
        settle(str(tmp_path))


def test_what_goes_wrong_on_a_client_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object) -> None:
        raise ZeroDivisionError("as it was meant to")

    monkeypatch.setattr(node.Node, "train", fails)
    with pytest.raises(
        ClientFailed, match=r"client 0 failed in round 1: ZeroDivisionError: as it was meant to \(test_apps"
    ):
        through_messages(cell("fedavg", clients="2", rounds="1"), tmp_path)
