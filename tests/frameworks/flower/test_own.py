"""Flower's own FedAvg and FedProx against ours, tensor by tensor after each round, on unequal clients."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import tests.nets  # noqa: F401 - registers nets
from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from bench import ops
from bench.declaration.cell import Cell
from bench.frameworks.flower import node
from bench.frameworks.flower.nodes import ClientFailed
from bench.frameworks.flower.own import client_app, simulation
from bench.parity.gaps import TOLERANCE
from bench.plugin import algorithm
from bench.rounds import group
from tests import world
from tests.frameworks.flower.arithmetic import FedAvg32, FedProx32
from tests.frameworks.flower.grid import Heard
from tests.frameworks.flower.strategies import flowers, gap, largest, ours
from tests.frameworks.oracles import ADAM, DECAY, FEDAVG, FEDPROX, SCHEDULE, STEPS


@pytest.fixture(autouse=True)
def _synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (group, node):
        monkeypatch.setattr(module, "prepare", lambda cell, root: world.assemble(cell, world.images()))
    monkeypatch.setattr(node, "digest", lambda plugin: "as declared")


def small(**changes: Any) -> Cell:
    """A cell on synthetic images that every node takes for its own version."""
    return world.cell(digests={"algorithm": "as declared"}, **changes)


@pytest.mark.parametrize("method", [FEDAVG, FEDPROX], ids=["fedavg", "fedprox"])
@pytest.mark.parametrize(
    "changes",
    [{"rounds": 5}, {"net": "cnn"}, {"optimizer": DECAY}, STEPS, SCHEDULE, {"participation": 0.5}],
    ids=["five rounds", "convolutions", "weight decay", "steps", "schedule", "participation"],
)
def test_models_equal_ours_within_rounding(method: dict[str, Any], changes: dict[str, Any], tmp_path: Path) -> None:
    cell = small(**method, **changes)
    (outcome, mine), (theirs, other) = ours(cell, tmp_path / "ours"), flowers(cell, tmp_path / "theirs")
    assert len(set(outcome["result"]["partition"]["train_sizes"])) > 1  # unequal, so that weights count
    assert len(mine) == cell.training["rounds"]
    assert largest(mine, other) <= TOLERANCE
    for name in ("bytes_up", "bytes_down", "steps", "filled_batches", "never_sampled", "partition"):
        assert theirs["result"][name] == outcome["result"][name], name
    assert theirs["result"]["training_loss"] == pytest.approx(outcome["result"]["training_loss"], abs=1e-5)
    for way, counted in (("down", "bytes_down"), ("up", "bytes_up")):
        assert theirs["timing"]["wire"][way]["tensors"] == theirs["result"][counted]


@pytest.mark.parametrize("changes", [{}, {"net": "cnn"}, {"optimizer": ADAM}], ids=["mlp", "cnn", "adam"])
@pytest.mark.parametrize(("method", "plugin"), [(FEDAVG, FedAvg32), (FEDPROX, FedProx32)], ids=["fedavg", "fedprox"])
def test_what_is_left_is_the_arithmetic_of_the_average_and_of_the_term(
    method: dict[str, Any], plugin: type, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With these lines as Flower has them, our engine gives Flower's models bit for bit; with ours it does not."""
    cell = small(**method, **changes)
    _, other = flowers(cell, tmp_path / "theirs")
    assert largest(ours(cell, tmp_path / "ours")[1], other) > 0
    monkeypatch.setattr(group.ALGORITHMS, "get", lambda name: plugin)
    assert largest(ours(cell, tmp_path / "explained")[1], other) == 0


@algorithm("test-plain-mean")
class Unweighted(FedAvg):
    """A mutant: clients count alike, whatever they have."""

    def aggregate(self, server, uploads, round, at):
        return {"model": ops.mean(uploads["model"], torch.ones_like(round.examples))}


@algorithm("test-half-a-term")
class Halved(FedProx):
    """A mutant: mu / 4 instead of mu / 2."""

    def loss(self, nets, work, client, down, batch, at):
        plain = FedAvg.loss(self, nets, work, client, down, batch, at)
        return plain + (super().loss(nets, work, client, down, batch, at) - plain) / 2


@algorithm("test-root-of-the-term")
@dataclass(frozen=True)
class Unsquared(FedProx):
    """The term as the docstring of Flower's FedProx has it: norms, not their squares. Its formula squares them."""

    def loss(self, nets, work, client, down, batch, at):
        names = at.nets["model"].parameters
        norms = sum((work["model"][name] - down["model"][name]).norm(2) for name in sorted(names))
        return FedAvg.loss(self, nets, work, client, down, batch, at) + self.mu / 2 * norms


@pytest.mark.parametrize(
    ("method", "mutant"),
    [(FEDAVG, Unweighted), (FEDPROX, Halved), (FEDPROX, Unsquared), (FEDPROX, FedAvg)],
    ids=["unweighted", "half a term", "norm without a square", "no term"],
)
def test_a_wrong_algorithm_is_seen(
    method: dict[str, Any], mutant: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = small(**method)
    _, other = flowers(cell, tmp_path / "theirs")
    params = method["params"] if issubclass(mutant, FedProx) else {}
    monkeypatch.setattr(group.ALGORITHMS, "get", lambda name: lambda **_: mutant(**params))
    assert largest(ours(cell, tmp_path / "mutant")[1], other) > 1e3 * TOLERANCE


def test_buffers_are_averaged_but_counts_are_cut_off(tmp_path: Path) -> None:
    """BatchNorm's statistics travel with a state_dict. The batch counter is averaged as a float, then cut to a whole.

    Clients of 100, 12, 41 and 15 rows take 13, 2, 6 and 2 batches of 8: 9.52 more in a round, by the weighted mean.
    """
    cell = small(**FEDAVG, net="test-batchnorm", local_epochs=1)
    (outcome, mine), (theirs, other) = ours(cell, tmp_path / "ours"), flowers(cell, tmp_path / "theirs")
    count = "global/body.1.num_batches_tracked"
    for number in mine:
        assert gap(mine[number], other[number], without=count) <= TOLERANCE
    assert outcome["result"]["partition"]["train_sizes"] == [100, 12, 41, 15]
    assert [int(mine[number][count]) for number in mine] == [10, 20, 30]
    assert [int(other[number][count]) for number in other] == [9, 18, 27]
    assert theirs["result"]["bytes_up"] == outcome["result"]["bytes_up"]


def test_rounds_are_told(tmp_path: Path) -> None:
    heard = Heard()
    flowers(small(**FEDAVG), tmp_path / "theirs", heard)
    assert heard.rounds == [0, 1, 2, 3]


def test_divergence_is_told_as_ours_is(tmp_path: Path) -> None:
    wild = small(**FEDAVG, optimizer={"name": "sgd", "lr": 1e30, "momentum": 0.0, "weight_decay": 0.0})
    messages = []
    for number, run in enumerate((ours, flowers)):
        with pytest.raises(group.Diverged) as raised:
            run(wild, tmp_path / str(number))
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


def test_a_client_that_fails_ends_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A strategy of Flower's would average the others and go on: that is another experiment."""
    fit = client_app.fit
    calls: list[int] = []

    def fails(*given: Any, **more: Any) -> list[float]:
        calls.append(1)
        if len(calls) == 6:
            raise ZeroDivisionError("as it was meant to")
        return fit(*given, **more)

    monkeypatch.setattr(client_app, "fit", fails)
    with pytest.raises(ClientFailed, match="client 1 failed in round 2: ZeroDivisionError: as it was meant to"):
        flowers(small(**FEDAVG), tmp_path / "theirs")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"algorithm": "fml", "params": {"alpha": 0.5, "beta": 0.5}}, "fedavg and fedprox only"),
        ({**FEDAVG, "precision": "bf16"}, "expected fp32, got bf16"),
        ({**FEDAVG, **world.UNEQUAL}, "tasks of their own"),
    ],
    ids=["algorithm", "precision", "tasks"],
)
def test_what_flower_has_not_is_skipped_with_a_reason(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(simulation.Skip, match=words):
        simulation.run(small(**changes, framework="flower-own"))
